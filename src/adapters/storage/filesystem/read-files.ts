/**
 * Reading a registry's files from a folder. Promises what ports/readable-blob-store.ts and listable-store.ts ask for; opens nothing for
 * writing, follows no link out of the root, waits for no pipe.
 */
import {
  closeSync,
  constants,
  fstatSync,
  open,
  read,
  readlinkSync,
  realpathSync,
  type Dirent,
  type Stats,
} from 'node:fs'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import { quarantineKey, type ListableStore } from '../../../ports/listable-store.ts'
import {
  StorageUnreadableError,
  type StoredFile,
  type StoredFileFacts,
  type StoreEntry,
} from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { errnoOf, unreadable } from './errno.ts'
import { listAllFiles } from './list-all-files.ts'
import { locateFiles } from './locate-files.ts'
import { requireInside, resolveExisting, resolveRoot, spellPath } from './paths.ts'

// A pipe or a device in the tree must not hold the run up.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

const openFile = promisify(open)
const readBytes = promisify(read)

/** A folder as a store that cannot be changed. Nothing is opened before the first call. */
export function createReadableFileStore(root: string): ListableStore {
  return readableOver(root, rootOf(root))
}

/** Tells the root with its links resolved; throws where there is none. */
export type RootLookup = (options: RunOptions | undefined) => Promise<string>

export function readableOver(place: string, realRoot: RootLookup): ListableStore {
  return {
    place,
    list: async (folder, options) => listFolder(await realRoot(options), folder),
    read: async (key, bytesMax, options) => readFile(await realRoot(options), key, bytesMax),
    stat: async (key, options) => statFile(await realRoot(options), key),
    listAll: async function* (prefix, options) {
      yield* listAllFiles(await realRoot(options), prefix, options)
    },
    readAside: async (file, bytesMax, options) => {
      const found = await readFile(await realRoot(options), quarantineKey(file), bytesMax)
      return found?.bytes
    },
    locate: async (files, options) => locateFiles(await realRoot(options), files, options),
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
  return withFile(realRoot, key, async (fd, facts, path) => {
    if (facts.size > bytesMax) {
      throw new StorageUnreadableError(path, `it is longer than the ${bytesMax} bytes allowed`)
    }
    const buffer = Buffer.alloc(facts.size)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await readBytes(fd, buffer, length, buffer.length - length, length)
      // It was cut short meanwhile; what is left is told as it is.
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { bytes: buffer.subarray(0, length), sizeBytes: length, modifiedAt: Math.floor(facts.mtimeMs) }
  })
}

async function statFile(realRoot: string, key: string): Promise<StoredFileFacts | undefined> {
  return withFile(realRoot, key, async (_fd, facts) => ({
    sizeBytes: facts.size,
    modifiedAt: Math.floor(facts.mtimeMs),
  }))
}

/**
 * Opens a file, checks where it really lies, and closes it again; undefined when it is not there.
 *
 * Only what may have to wait for a disk or a network goes through the thread pool, since a registry has a great many
 * small files; asking about a file that is open does not wait.
 */
async function withFile<T>(
  realRoot: string,
  key: string,
  use: (fd: number, facts: Stats, path: string) => Promise<T>,
): Promise<T | undefined> {
  const path = spellPath(realRoot, key)
  let fd: number | undefined
  try {
    fd = await openFile(path, READ_FLAGS)
    requireInside(realRoot, realPathOf(fd, path), key)
    const facts = fstatSync(fd)
    if (!facts.isFile()) throw new StorageUnreadableError(path, 'it is not a file')
    return await use(fd, facts, path)
  } catch (error) {
    if (error instanceof OperationalError) throw error
    // Also for a link that leads nowhere: there is nothing to read behind it.
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Where an open file lies: Linux tells at once and for certain, elsewhere the path is resolved. */
function realPathOf(fd: number, path: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return realpathSync.native(path)
  }
}
