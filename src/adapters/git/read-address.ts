/**
 * A repository with an address, by way of a bare copy of our own that is brought up to date first. Branches lie in it under
 * refs/remotes/origin, as in a clone, tags under refs/tags, and pull requests under refs/winnow.
 */
import type { GitHistory } from '../../core/git/git-history.ts'
import type { SourceProblem } from '../../core/evidence/evidence.ts'
import { join } from 'node:path'
import type { GitRequest } from '../../ports/git-reader.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { parseGitAddress, shownAddress } from './address.ts'
import type { FetchFrom } from './fetch.ts'
import type { GitPlace, GitReaderSettings } from './git-settings.ts'
import { gitText } from './git-text.ts'
import { listReferences } from './list-references.ts'
import { withObjects } from './object-store.ts'
import { askForge, type PullQuestion } from './pull-requests.ts'
import { prefixesOf, pullsToFetch, tryToFetch } from './read-clone.ts'
import { readHistory, type ReferencePlaces } from './read-history.ts'
import { bringUpToDate, hasCache, makeAnew, mayBeDamaged, withCache } from './remote-cache.ts'
import type { Git, GitCommand } from './run-git.ts'

export type AddressSettings = GitReaderSettings & {
  readonly place: Extract<GitPlace, { readonly kind: 'address' }>
}

const places: ReferencePlaces = {
  branches: 'refs/remotes/origin/',
  tags: 'refs/tags/',
  pulls: ['refs/winnow/'],
}

const refspecs = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']

/** @throws GitReadError, InterruptedError */
export async function readAddress(
  git: Git,
  settings: AddressSettings,
  request: GitRequest,
  options: RunOptions,
): Promise<GitHistory> {
  const { name, place, credentials, leases, stateDirectory, forge } = settings
  const address = parseGitAddress(place.address, settings.insecure)
  const pulls = await askForge(name, forge, address, request, options)
  const from = { git, address, credentials }
  const parts = { git, address, folder: join(stateDirectory, 'git'), leases }
  return withCache(parts, options, async (folder, held) => {
    const more = await pullsToFetch({ ...from, place: { words: [] } }, address.text, pulls, held)
    const wanted = [...refspecs, ...more]
    const isOld = await hasCache(folder)
    const read = async (cached: GitCommand): Promise<GitHistory> =>
      readCached({ ...from, place: cached }, settings.name, request, pulls, held)
    try {
      return await read(await bringUpToDate(folder, from, wanted, held))
    } catch (error) {
      if (!isOld || !mayBeDamaged(error)) throw error
      const warning = damaged(place.address, error.message)
      held.onEvent?.({ kind: 'warning', text: warning.text })
      const history = await read(await makeAnew(folder, from, wanted, held))
      return { ...history, problems: [...history.problems, warning] }
    }
  })
}

async function readCached(
  from: FetchFrom,
  name: string,
  { commits }: GitRequest,
  pulls: PullQuestion,
  options: RunOptions,
): Promise<GitHistory> {
  const { git, place } = from
  const format = await gitText(
    git,
    { ...place, words: [...place.words, 'rev-parse', '--show-object-format'] },
    options,
  )
  const listed = await listReferences(git, place, prefixesOf(places), options)
  const objects = { objects: join(place.folder ?? '', 'objects'), objectFormat: format.trim() }
  const fetchCommits = (ids: readonly string[]): Promise<void> => tryToFetch(from, ids, options)
  return withObjects(git, objects, options, (store) =>
    readHistory(store, listed, { name, commits, pulls, places, fetchCommits }, options),
  )
}

function damaged(address: string, why: string): SourceProblem {
  return {
    severity: 'warning',
    text: `Winnow's copy of ${shownAddress(address)} was damaged and was fetched anew; commits that nothing reaches are no longer known. ${why}`,
    accept: undefined,
  }
}
