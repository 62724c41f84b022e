/**
 * A clone at a path. Its remote references count: refs/remotes/origin and refs/tags. With `fetch`, those of the server are
 * brought into references of our own, refs/winnow, and they count in their place: tags that the server has dropped do not,
 * and nothing that is the clone's is moved or removed.
 */
import type { GitHistory } from '../../core/git/git-history.ts'
import type { GitRequest } from '../../ports/git-reader.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { parseGitAddress, type GitAddress } from './address.ts'
import { fetchOrigin, listOrigin, type FetchFrom } from './fetch.ts'
import { GitReadError } from './git-errors.ts'
import type { GitPlace, GitReaderSettings } from './git-settings.ts'
import { listReferences, type ListedReference } from './list-references.ts'
import { withObjects } from './object-store.ts'
import {
  openClone,
  originMissing,
  requireEverything,
  requireOrigin,
  requireWhole,
  type OpenClone,
} from './open-clone.ts'
import { allPullRefspecs, pullFolders, pullRefspecs } from './pull-references.ts'
import { askForge, type PullQuestion } from './pull-requests.ts'
import { readHistory, type ReferencePlaces } from './read-history.ts'
import type { Git } from './run-git.ts'

export type CloneSettings = GitReaderSettings & {
  readonly place: Extract<GitPlace, { readonly kind: 'clone' }>
}

/** Of a clone that is not fetched. */
export const referencesAsTheyStand: ReferencePlaces = {
  branches: 'refs/remotes/origin/',
  tags: 'refs/tags/',
  pulls: ['refs/remotes/origin/', 'refs/'],
}

const asFetched: ReferencePlaces = {
  branches: 'refs/winnow/heads/',
  tags: 'refs/winnow/tags/',
  pulls: ['refs/winnow/'],
}

const fetchedRefspecs = ['+refs/heads/*:refs/winnow/heads/*', '+refs/tags/*:refs/winnow/tags/*']

/** @throws GitReadError, InterruptedError */
export async function readClone(
  git: Git,
  settings: CloneSettings,
  request: GitRequest,
  options: RunOptions,
): Promise<GitHistory> {
  const { name, place, forge } = settings
  const clone = await openClone(git, place.path, options)
  requireWhole(clone)
  const pulls = await askForge(name, forge, originOf(settings, clone, false), request, options)
  const from = place.fetch ? await fetchClone(git, settings, clone, pulls, options) : undefined
  const places = place.fetch ? asFetched : referencesAsTheyStand
  const listed = await listReferences(git, clone.place, prefixesOf(places), options)
  if (from === undefined) {
    requireOrigin(clone, namesOfBranches(listed))
    requireEverything(clone)
  }
  return withObjects(git, clone, options, (store) =>
    readHistory(
      store,
      listed,
      {
        name,
        commits: request.commits,
        pulls,
        places,
        fetchCommits: async (ids) => {
          if (from !== undefined) await tryToFetch(from, ids, options)
        },
      },
      options,
    ),
  )
}

async function fetchClone(
  git: Git,
  settings: CloneSettings,
  clone: OpenClone,
  pulls: PullQuestion,
  options: RunOptions,
): Promise<FetchFrom> {
  const address = originOf(settings, clone, true)
  if (address === undefined) throw originMissing(clone)
  const from = { git, place: clone.place, address, credentials: settings.credentials }
  const more = await pullsToFetch(from, 'origin', pulls, options)
  await fetchOrigin(from, { refspecs: [...fetchedRefspecs, ...more], withoutBlobs: false }, options)
  return from
}

/** Which references of pull requests are fetched along. */
export async function pullsToFetch(
  from: FetchFrom,
  remote: string,
  pulls: PullQuestion,
  options: RunOptions,
): Promise<readonly string[]> {
  if (pulls.kind === 'not-asked') return []
  if (pulls.kind === 'references') return allPullRefspecs
  // A server keeps those of all pull requests there ever were, so only what counts is fetched, and of that what is there.
  const patterns = pullFolders.map((folder) => `refs/${folder}/*`)
  const onServer = await listOrigin(from, remote, patterns, options)
  return pullRefspecs(onServer.keys(), (number) => pulls.pulls.has(number))
}

/** Servers may refuse to give commits by their ids; whoever wants them looks whether they came. */
export async function tryToFetch(
  from: FetchFrom,
  ids: readonly string[],
  options: RunOptions,
): Promise<void> {
  for (const id of ids) {
    try {
      await fetchOrigin(from, { refspecs: [id], withoutBlobs: false }, options)
    } catch (error) {
      if (!(error instanceof GitReadError)) throw error
    }
  }
}

function originOf({ insecure }: CloneSettings, clone: OpenClone, isNeeded: boolean): GitAddress | undefined {
  if (clone.originUrl === undefined) return undefined
  try {
    return parseGitAddress(clone.originUrl, insecure)
  } catch (error) {
    // Where nothing is fetched, an address that would not be fetched does no harm.
    if (isNeeded || !(error instanceof GitReadError)) throw error
    return undefined
  }
}

/** Those of origin and local ones, by their full names. */
export function namesOfBranches(listed: readonly ListedReference[]): readonly string[] {
  const names = listed.map((reference) => reference.name)
  return names.filter((each) => /^refs\/(?:heads|remotes\/origin)\//.test(each))
}

export function prefixesOf({ branches, tags }: ReferencePlaces): readonly string[] {
  const pulls = [...pullFolders, 'pr'].map((folder) => `refs/${folder}`)
  return [branches, tags, 'refs/heads', 'refs/winnow', ...pulls].map((prefix) => prefix.replace(/\/$/, ''))
}
