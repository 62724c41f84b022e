/**
 * Reading a registry's files from a folder. Promises what ports/readable-blob-store.ts asks for; opens nothing for
 * writing, follows no link out of the root, waits for no pipe.
 */
import { constants, type Dirent } from 'node:fs'
import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { InterruptedError } from '../../../core/errors/errors.ts'
import {
  StorageUnreadableError,
  type ReadableBlobStore,
  type StoredFile,
  type StoredFileFacts,
  type StoreEntry,
} from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { errnoOf, unreadable } from './errno.ts'
import { resolveExisting, resolveRoot } from './paths.ts'

// A pipe or a device in the tree must not hold the run up, and the last part of a resolved path is never a link.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

/** A folder as a store that cannot be changed. Nothing is opened before the first call. */
export function createReadableFileStore(root: string): ReadableBlobStore {
  return readableOver(root, rootOf(root))
}

/** Tells the root with its links resolved; throws where there is none. */
export type RootLookup = (options: RunOptions | undefined) => Promise<string>

export function readableOver(place: string, realRoot: RootLookup): ReadableBlobStore {
  return {
    place,
    list: async (folder, options) => listFolder(await realRoot(options), folder),
    read: async (key, bytesMax, options) => readFile(await realRoot(options), key, bytesMax),
    stat: async (key, options) => statFile(await realRoot(options), key),
  }
}

/** Remembers the real root once it was found; a failure is not remembered, the volume may be mounted later. */
export function rootOf(root: string): RootLookup {
  let found: string | undefined
  return async (options) => {
    if (options?.signal?.aborted === true) throw new InterruptedError()
    return (found ??= await resolveRoot(root))
  }
}

async function listFolder(realRoot: string, folder: string): Promise<readonly StoreEntry[] | undefined> {
  const path = await resolveExisting(realRoot, folder)
  if (path === undefined) return undefined
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
}

function kindOf(entry: Dirent): StoreEntry['kind'] {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'folder' : 'other'
}

async function readFile(realRoot: string, key: string, bytesMax: number): Promise<StoredFile | undefined> {
  const path = await resolveExisting(realRoot, key)
  if (path === undefined) return undefined
  let file: FileHandle | undefined
  try {
    file = await open(path, READ_FLAGS)
    const facts = await file.stat()
    if (!facts.isFile()) throw new StorageUnreadableError(path, 'it is not a file')
    const bytes = await readAtMost(file, facts.size, bytesMax, path)
    return { bytes, sizeBytes: bytes.length, modifiedAt: Math.floor(facts.mtimeMs) }
  } catch (error) {
    if (error instanceof StorageUnreadableError) throw error
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  } finally {
    await file?.close()
  }
}

async function readAtMost(
  file: FileHandle,
  expected: number,
  bytesMax: number,
  path: string,
): Promise<Uint8Array> {
  // One byte more than expected, so that a file which grows meanwhile is noticed.
  const buffer = Buffer.alloc(Math.min(expected, bytesMax) + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length > bytesMax)
    throw new StorageUnreadableError(path, `it is longer than the ${bytesMax} bytes allowed`)
  if (length > expected) throw new StorageUnreadableError(path, 'it grew while it was being read')
  return buffer.subarray(0, length)
}

async function statFile(realRoot: string, key: string): Promise<StoredFileFacts | undefined> {
  const path = await resolveExisting(realRoot, key)
  if (path === undefined) return undefined
  try {
    const facts = await stat(path)
    if (!facts.isFile()) throw new StorageUnreadableError(path, 'it is not a file')
    return { sizeBytes: facts.size, modifiedAt: Math.floor(facts.mtimeMs) }
  } catch (error) {
    if (error instanceof StorageUnreadableError) throw error
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unreadable(join(realRoot, key), error)
  }
}
