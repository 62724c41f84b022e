/** Deletes one version of a package, and finds out what "not found" means. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { absenceOf } from './absence.ts'
import { saidBy } from './github-api.ts'
import { apiRefusal, hiddenRefusal } from './refusals.ts'
import type { PackageVersion } from './version.ts'
import type { Versions } from './versions.ts'

/**
 * Whoever calls it has made sure that every tag of the version may go: they all go with it.
 *
 * @throws RegistryAnswerError for an answer that settles nothing
 */
export async function deleteVersion(
  versions: Versions,
  repository: RepositoryName,
  { id }: Pick<PackageVersion, 'id'>,
  options?: RunOptions,
): Promise<ChangeOutcome> {
  const { api } = versions
  const place = await versions.place(repository, options)
  if (place === undefined) return { kind: 'absent' }
  const path = `${place.base.path}/packages/container/{package_name}/versions/{id}`
  const parameters = { ...place.parameters, id }
  const answer = await api.send(`DELETE ${path}`, parameters, options)
  if (answer.status === 204) return { kind: 'done' }
  const refusal = apiRefusal(answer)
  if (refusal !== undefined) return refusal
  if (answer.status !== 404) throw api.unexpected(`Deleting version ${id} of ${repository}`, answer)
  // GitHub says so too when the version is there and this token may not delete it.
  const now = await api.send(`GET ${path}`, parameters, options)
  const absence = now.status === 200 ? 'listed' : await absenceOf(versions, repository, { id }, now, options)
  if (absence === 'gone') return { kind: answer.attempts > 1 ? 'done' : 'absent' }
  if (absence !== undefined) return hiddenRefusal(saidBy(answer.body), absence)
  throw api.unexpected(`Looking for version ${id} of ${repository} after deleting it`, now)
}
