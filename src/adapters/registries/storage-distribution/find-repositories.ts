/**
 * Which repositories a storage has: folders with `_manifests` or `_layers` in them. (Distribution 2.8 goes by one,
 * 3.x by the other; a repository that has only one of them is a repository all the same.)
 *
 * A folder whose path is no repository name is never entered: it cannot be named in a plan, and nothing of it goes.
 */
import pLimit from 'p-limit'
import { parseRepositoryName, type RepositoryName } from '../../../core/image/names.ts'
import type { ReadableBlobStore, StoreEntry } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quoted } from './findings.ts'
import { repositoriesFolder } from './layout.ts'

/** Enough to keep a disk busy; more only queues. */
const FOLDERS_AT_ONCE = 16

/** Every repository, sorted; strays are told of as warnings. */
export async function findRepositories(
  store: ReadableBlobStore,
  options: RunOptions | undefined,
): Promise<readonly RepositoryName[]> {
  const limit = pLimit(FOLDERS_AT_ONCE)
  const found: RepositoryName[] = []

  const visit = async (name: string): Promise<void> => {
    const folder = name === '' ? repositoriesFolder : `${repositoriesFolder}/${name}`
    const entries = (await limit(() => store.list(folder, options))) ?? []
    const repository = parseRepositoryName(name)
    if (repository !== undefined && isRepository(entries)) found.push(repository)
    for (const stray of strayFolders(name, entries)) {
      options?.onEvent?.({
        kind: 'warning',
        text: `${quoted(`${repositoriesFolder}/${stray}`)} is no repository and was not entered.`,
      })
    }
    await Promise.all(nestedNames(name, entries).map(visit))
  }

  await visit('')
  return found.toSorted()
}

export function isRepository(entries: readonly StoreEntry[]): boolean {
  return entries.some(({ name, kind }) => kind === 'folder' && (name === '_manifests' || name === '_layers'))
}

/** Names below `parent` that are no repository names, or no folders of their own (links). */
export function strayFolders(parent: string, entries: readonly StoreEntry[]): readonly string[] {
  return entries
    .filter(({ kind, name }) => kind !== 'file' && !name.startsWith('_'))
    .map(({ kind, name }) => ({ kind, path: join(parent, name) }))
    .filter(({ kind, path }) => kind === 'other' || parseRepositoryName(path) === undefined)
    .map(({ path }) => path)
}

function nestedNames(parent: string, entries: readonly StoreEntry[]): readonly string[] {
  // No component of a repository name begins with an underscore: those are the layout's own folders.
  return entries
    .filter(({ kind }) => kind === 'folder')
    .map(({ name }) => join(parent, name))
    .filter((path) => parseRepositoryName(path) !== undefined)
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}
