/** Reads one version of a package as it is at this moment, past everything that was listed. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { RegistryContentError } from '../oci/errors.ts'
import { saidBy } from './github-api.ts'
import { parseVersion, type PackageVersion } from './version.ts'
import type { Versions } from './versions.ts'

/**
 * Undefined when GitHub says that it is not there.
 *
 * @throws RegistryAnswerError for an answer that settles nothing, RegistryContentError for a row that is none
 */
export async function readVersion(
  versions: Versions,
  repository: RepositoryName,
  { id, digest }: Pick<PackageVersion, 'id' | 'digest'>,
  options?: RunOptions,
): Promise<PackageVersion | undefined> {
  const { api } = versions
  const place = await versions.place(repository, options)
  if (place === undefined) return undefined
  const path = `${place.base.path}/packages/container/{package_name}/versions/{id}`
  const what = `Looking at version ${id} of ${repository}`
  const answer = await api.send(`GET ${path}`, { ...place.parameters, id }, options)
  if (answer.status === 404 && saidBy(answer.body) !== '') return undefined
  if (answer.status !== 200) throw api.unexpected(what, answer)
  const row = `The answers about version ${id} of ${repository}`
  const version = parseVersion(api, row, answer.body)
  if (version.digest === digest) return version
  throw new RegistryContentError(api.name, `${row} hold the version of another image`)
}
