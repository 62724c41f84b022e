/** A bucket as a store that can be read. Promises what ports/listable-store.ts asks for, over object-bucket.ts. */
import {
  quarantineKey,
  type AsideFile,
  type ListableStore,
  type ListedFile,
  type Whereabouts,
} from '../../../ports/listable-store.ts'
import type { StoreEntry } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { findAsides } from './find-asides.ts'
import { listLevel, listObjects } from './list-objects.ts'
import type { ListedObject, ObjectBucket } from './object-bucket.ts'
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
    listAll: (prefix, options) => listFiles(bucket, folderPrefix(place, prefix.replace(/\/$/, '')), options),
    readAside: async (file, bytesMax, options) =>
      readAside(bucket, requireAside(place, file), bytesMax, options),
    locate: async (files, options) => {
      throwIfAborted(options)
      for (const file of files) requireAside(place, file)
      return locate(bucket, files, options)
    },
  }
}

async function* listFiles(
  bucket: ObjectBucket,
  prefix: string,
  options: RunOptions | undefined,
): AsyncGenerator<readonly ListedFile[]> {
  for await (const objects of listObjects(bucket, prefix, options)) yield objects.map(fileOf)
}

function fileOf({ key, facts, md5 }: ListedObject): ListedFile {
  const { sizeBytes, modifiedAt } = facts
  return md5 === undefined ? { key, sizeBytes, modifiedAt } : { key, sizeBytes, modifiedAt, md5 }
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
  const [aside] = await findAsides(bucket, [file], options)
  // The copy first: what is softly deleted cannot be read.
  if (aside?.copy !== undefined) return (await bucket.read(quarantineKey(file), bytesMax, options))?.bytes
  const [first] = aside?.kept ?? []
  return first && bucket.readKept(file.key, first, bytesMax, options)
}

async function locate(
  bucket: ObjectBucket,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly Whereabouts[]> {
  // In this order: a file that is set aside in between is found, in the other order it would be in neither place.
  const live = await mapParallel(files, options, async ({ key }) => bucket.head(key, options))
  const asides = await findAsides(bucket, files, options)
  return asides.map(({ kept, copy }, i) => {
    const isAside = kept.length > 0 || copy !== undefined
    if (live[i] !== undefined) return isAside ? 'both' : 'in-place'
    return isAside ? 'aside' : 'gone'
  })
}
