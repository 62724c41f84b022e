/**
 * Which OCI image layouts lie in a storage: every folder with a file `oci-layout` in it, however deep.
 *
 * A folder that is none is walked through; one that holds blobs without being a layout is told of and left alone, since
 * nobody can say what is needed of it. (skopeo writes `oci-layout` last, so a first copy looks like that as well.)
 */
import type { ReadableBlobStore, StoreEntry } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quoted } from '../storage-distribution/findings.ts'
import { notAFile } from './list-files.ts'
import { inPool } from './read-index.ts'

/** Folders that no layout lies in: Winnow's own and other hidden ones, and what a volume brings along. */
const foreign = /^\.|^lost\+found$/
const FOLDERS_AT_ONCE = 16

export interface PoolSearch {
  /** Whether a folder of this name may hold a layout. */
  readonly mayEnter: (name: string) => boolean
  /** Whether to warn of what is left alone; once is enough for a run. */
  readonly tells: boolean
}

export interface FoundPool {
  /** Its folder; '' for the root. */
  readonly name: string
  readonly entries: readonly StoreEntry[]
}

/** Sorted by name. @throws StorageUnreadableError at a symbolic link, since a layout may lie behind it */
export async function findPools(
  store: ReadableBlobStore,
  { mayEnter, tells }: PoolSearch,
  options?: RunOptions,
): Promise<readonly FoundPool[]> {
  const found: FoundPool[] = []
  const waiting = ['']
  while (waiting.length > 0) {
    const folders = waiting.splice(-FOLDERS_AT_ONCE)
    const listed = await Promise.all(folders.map((folder) => store.list(folder, options)))
    folders.forEach((name, i) => {
      const entries = listed[i] ?? []
      const isLayout = entries.some(isFile('oci-layout'))
      if (isLayout) found.push({ name, entries })
      else if (tells) remarkBlobs(name, entries, options)
      waiting.push(...foldersBelow(name, entries, isLayout).filter((path) => mayEnter(nameOf(path))))
    })
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

export function isFile(wanted: string): (entry: StoreEntry) => boolean {
  return ({ name, kind }) => name === wanted && kind === 'file'
}

function foldersBelow(name: string, entries: readonly StoreEntry[], isLayout: boolean): readonly string[] {
  const stray = entries.find((entry) => entry.kind === 'other' && !foreign.test(entry.name))
  if (stray !== undefined) throw notAFile(inPool(name, stray.name))
  return entries
    .filter((entry) => entry.kind === 'folder' && !foreign.test(entry.name))
    .filter((entry) => !(isLayout && entry.name === 'blobs'))
    .map((entry) => inPool(name, entry.name))
}

function remarkBlobs(name: string, entries: readonly StoreEntry[], options: RunOptions | undefined): void {
  if (!/^sha(?:256|512)$/.test(nameOf(name)) && !entries.some(isFile('index.json'))) return
  const text = `${quoted(name)} looks like a part of an OCI layout, but no oci-layout lies where it should; nothing of it goes.`
  options?.onEvent?.({ kind: 'warning', text })
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
