/**
 * What GitHub means by 404 about a version that was listed. "Package not found." about a package it has just listed is
 * how it tells a token without rights on the package (or without single sign-on); only "Package version not found." to
 * somebody who reads, or a new list without the version, says that the version is gone.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { saidBy, type ApiAnswer } from './github-api.ts'
import type { PackageVersion } from './version.ts'
import type { Versions } from './versions.ts'

/** `listed`: GitHub still lists it; `hidden`: it no longer shows the package at all. */
export type Absence = 'gone' | 'listed' | 'hidden'

/**
 * @param answer to a GET of the version
 * @returns undefined where the answer is no 404 of GitHub's
 * @throws RegistryAnswerError where the versions cannot be listed, and what listing throws
 */
export async function absenceOf(
  versions: Versions,
  repository: RepositoryName,
  { id }: Pick<PackageVersion, 'id'>,
  answer: ApiAnswer,
  options?: RunOptions,
): Promise<Absence | undefined> {
  const said = saidBy(answer.body)
  if (answer.status !== 404 || said === '') return undefined
  if (/package version not found/i.test(said)) return 'gone'
  const now = await versions.look(repository, options)
  if (now.kind === 'nobody' || (now.kind === 'refused' && now.answer.status === 404)) return 'hidden'
  if (now.kind === 'refused')
    throw versions.api.unexpected(`Listing the versions of ${repository}`, now.answer)
  return now.versions.all.some((each) => each.id === id) ? 'listed' : 'gone'
}
