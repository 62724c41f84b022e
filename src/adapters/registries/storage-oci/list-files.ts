/**
 * Every file below a folder with size and time, on any store: from its own listing where it has one, else folder by
 * folder.
 */
import pLimit from 'p-limit'
import type { ListableStore, ListedFile } from '../../../ports/listable-store.ts'
import { StorageUnreadableError, type ReadableBlobStore } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

/** Enough to keep a disk busy; more only queues. */
const READS_AT_ONCE = 32
const BATCH_FILES = 1000

/** A store that may list at once what it holds; without that it is walked. */
export type LayoutStore = ReadableBlobStore & Partial<Pick<ListableStore, 'listAll'>>

/** Files of a folder that is not there are none. @throws StorageUnreadableError at a symbolic link */
export async function* listFiles(
  store: LayoutStore,
  folder: string,
  options?: RunOptions,
): AsyncGenerator<readonly ListedFile[]> {
  if (store.listAll !== undefined) yield* store.listAll(`${folder}/`, options)
  else yield* walk(store, folder, options)
}

async function* walk(
  store: ReadableBlobStore,
  folder: string,
  options: RunOptions | undefined,
): AsyncGenerator<readonly ListedFile[]> {
  const entries = (await store.list(folder, options)) ?? []
  const stray = entries.find(({ kind }) => kind === 'other')
  if (stray !== undefined) throw notAFile(`${folder}/${stray.name}`)
  const keys = entries.filter(({ kind }) => kind === 'file').map(({ name }) => `${folder}/${name}`)
  for (let from = 0; from < keys.length; from += BATCH_FILES) {
    yield await statFiles(store, keys.slice(from, from + BATCH_FILES), options)
  }
  for (const { name, kind } of entries) {
    if (kind === 'folder') yield* walk(store, `${folder}/${name}`, options)
  }
}

/** Those of the files that are still there. */
export async function statFiles(
  store: ReadableBlobStore,
  keys: readonly string[],
  options?: RunOptions,
): Promise<readonly ListedFile[]> {
  const limit = pLimit(READS_AT_ONCE)
  const facts = await Promise.all(keys.map((key) => limit(() => store.stat(key, options))))
  return keys.flatMap((key, i) => {
    const found = facts[i]
    return found === undefined ? [] : [{ key, ...found }]
  })
}

/** Whether any file lies below. */
export async function hasFiles(store: LayoutStore, folder: string, options?: RunOptions): Promise<boolean> {
  for await (const batch of listFiles(store, folder, options)) {
    if (batch.length > 0) return true
  }
  return false
}

export function notAFile(key: string): StorageUnreadableError {
  return new StorageUnreadableError(
    key,
    'it is a symbolic link or a special file, which no registry writes there',
    {
      hint: 'Put what it leads to in its place, or remove it. Winnow follows no link, because another storage may need what lies behind it.',
    },
  )
}
