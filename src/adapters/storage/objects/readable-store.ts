/** A bucket as a store that can be read. Promises what ports/listable-store.ts asks for, over object-bucket.ts. */
import { quarantineKey, type AsideFile, type ListableStore } from '../../../ports/listable-store.ts'
import type { StoreEntry } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { findAside } from './aside-objects.ts'
import { listLevel, listObjects } from './list-objects.ts'
import type { ObjectBucket } from './object-bucket.ts'
import { folderPrefix, requireAside, requireKey } from './object-keys.ts'
import { mapParallel, throwIfAborted } from './parallel.ts'

export function readableStore(bucket: ObjectBucket): ListableStore {
  const { place } = bucket
  return {
    place,
    list: async (folder, options) => listFolder(bucket, folderPrefix(place, folder), options),
    read: async (key, bytesMax, options) => bucket.read(requireKey(place, key), bytesMax, options),
    stat: async (key, options) => {
      const facts = await bucket.head(requireKey(place, key), options)
      return facts && { sizeBytes: facts.sizeBytes, modifiedAt: facts.modifiedAt }
    },
    listAll: (prefix, options) =>
      listObjects(bucket, folderPrefix(place, prefix.replace(/\/$/, '')), options),
    readAside: async (file, bytesMax, options) =>
      readAside(bucket, requireAside(place, file), bytesMax, options),
    locate: async (files, options) => {
      throwIfAborted(options)
      for (const file of files) requireAside(place, file)
      return mapParallel(files, options, async (file) => locate(bucket, file, options))
    },
  }
}

async function listFolder(
  bucket: ObjectBucket,
  prefix: string,
  options: RunOptions | undefined,
): Promise<readonly StoreEntry[] | undefined> {
  throwIfAborted(options)
  const { objects, folders } = await listLevel(bucket, prefix, options)
  const entries: StoreEntry[] = [
    ...objects.map(({ key }) => ({ name: key.slice(prefix.length), kind: 'file' as const })),
    ...folders.map((key) => ({ name: key.slice(prefix.length, -1), kind: 'folder' as const })),
  ]
  // A bucket has no empty folder; its root is there as long as the bucket is.
  if (entries.length === 0 && prefix !== '') return undefined
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function readAside(
  bucket: ObjectBucket,
  file: AsideFile,
  bytesMax: number,
  options: RunOptions | undefined,
): Promise<Uint8Array | undefined> {
  throwIfAborted(options)
  const { kept, isCopied } = await findAside(bucket, file, options)
  // The copy first: what is softly deleted cannot be read.
  if (isCopied) return (await bucket.read(quarantineKey(file), bytesMax, options))?.bytes
  const [first] = kept
  return first && bucket.readKept(file.key, first, bytesMax, options)
}

async function locate(
  bucket: ObjectBucket,
  file: AsideFile,
  options: RunOptions | undefined,
): Promise<'in-place' | 'aside' | 'both' | 'gone'> {
  // In this order: a file that is set aside in between is found, in the other order it would be in neither place.
  const live = await bucket.head(file.key, options)
  const { kept, isCopied } = await findAside(bucket, file, options)
  const isAside = kept.length > 0 || isCopied
  if (live !== undefined) return isAside ? 'both' : 'in-place'
  return isAside ? 'aside' : 'gone'
}
