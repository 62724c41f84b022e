/** Reads one version of a package as it is at this moment, past everything that was listed. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { RegistryContentError } from '../oci/errors.ts'
import { absenceOf } from './absence.ts'
import { saidBy } from './github-api.ts'
import { hiddenRefusal } from './refusals.ts'
import { parseVersion, type PackageVersion } from './version.ts'
import type { Versions } from './versions.ts'

export type VersionNow = { readonly kind: 'version'; readonly version: PackageVersion } | ChangeOutcome

/**
 * `absent` when it is gone, and a refusal when GitHub hides it.
 *
 * @throws RegistryAnswerError for an answer that settles nothing, RegistryContentError for a row that is none
 */
export async function readVersion(
  versions: Versions,
  repository: RepositoryName,
  { id, digest }: Pick<PackageVersion, 'id' | 'digest'>,
  options?: RunOptions,
): Promise<VersionNow> {
  const { api } = versions
  const place = await versions.place(repository, options)
  if (place === undefined) return { kind: 'absent' }
  const path = `${place.base.path}/packages/container/{package_name}/versions/{id}`
  const what = `Looking at version ${id} of ${repository}`
  const answer = await api.send(`GET ${path}`, { ...place.parameters, id }, options)
  const absence = await absenceOf(versions, repository, { id }, answer, options)
  if (absence === 'gone') return { kind: 'absent' }
  if (absence !== undefined) return hiddenRefusal(saidBy(answer.body), absence)
  if (answer.status !== 200) throw api.unexpected(what, answer)
  const row = `The answers about version ${id} of ${repository}`
  const version = parseVersion(api, row, answer.body)
  if (version.digest === digest) return { kind: 'version', version }
  throw new RegistryContentError(api.name, `${row} hold the version of another image`)
}
