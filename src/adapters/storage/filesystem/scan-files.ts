/**
 * Synchronous looks at files, for a thread that has nothing else to do. Absent is undefined, after a second look;
 * everything else that fails throws StorageUnreadableError.
 *
 * A second look, because a listing showed the file a moment ago: only what is gone twice was really removed.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  type Dirent,
} from 'node:fs'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import { errnoOf, unreadable } from './errno.ts'

const LINK_BYTES_MAX = 1024
const ATTEMPTS = 3
const linkBuffer = Buffer.allocUnsafe(LINK_BYTES_MAX)
/** Most manifests are much shorter. */
const START_BYTES_MAX = 64 * 1024
const startBuffer = Buffer.allocUnsafeSlow(START_BYTES_MAX)
const idle = new Int32Array(new SharedArrayBuffer(4))

/** Blocks this thread, which is ours alone. */
export function pauseThread(ms: number): void {
  Atomics.wait(idle, 0, 0, ms)
}

/** The names in a folder; undefined when there is no such folder. */
export function namesIn(path: string): readonly string[] | undefined {
  return listing(path, () => readdirSync(path))
}

/** What lies in a folder; undefined when there is no such folder. */
export function entriesIn(path: string): readonly Dirent[] | undefined {
  return listing(path, () => readdirSync(path, { withFileTypes: true }))
}

function listing<T>(path: string, read: () => T): T | undefined {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return read()
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOTDIR') return undefined
      if (errno !== 'ENOENT') throw unreadable(path, error)
      if (!isNamed(path)) return undefined
      if (attempt === ATTEMPTS) throw unreadable(path, error)
    }
  }
}

/** Whether something has this name, be it a symbolic link to what is not there: a disk that is not mounted is not empty. */
function isNamed(path: string): boolean {
  return pathFacts(path) !== undefined
}

/** What a link file says, white space dropped; undefined when it is not there. */
export function linkText(path: string): string | undefined {
  return withOpened(path, (fd) => {
    const length = readSync(fd, linkBuffer, 0, LINK_BYTES_MAX, null)
    return linkBuffer.toString('latin1', 0, length).trim()
  })
}

/**
 * What one reading of a file brings, which is nearly always all of it; undefined where that fails for whatever reason. The
 * caller knows by its digest whether it is whole. Valid until the next call.
 */
export function startOfFile(path: string): Uint8Array | undefined {
  let fd: number | undefined
  try {
    // A pipe in the tree must not hold the run up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return startBuffer.subarray(0, readSync(fd, startBuffer, 0, START_BYTES_MAX, null))
  } catch {
    // Looked at once more by whoever needs to know why.
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** A whole file; undefined when it is not there. */
export function fileBytes(path: string, bytesMax: number): Buffer | undefined {
  return withOpened(path, (fd) => {
    const facts = fstatSync(fd)
    if (!facts.isFile()) throw new StorageUnreadableError(path, 'it is not a file')
    if (facts.size > bytesMax)
      throw new StorageUnreadableError(path, `it is longer than the ${bytesMax} bytes allowed`)
    const buffer = Buffer.allocUnsafe(facts.size)
    let length = 0
    while (length < buffer.length) {
      const read = readSync(fd, buffer, length, buffer.length - length, length)
      if (read === 0) break
      length += read
    }
    return buffer.subarray(0, length)
  })
}

function withOpened<T>(path: string, use: (fd: number) => T): T | undefined {
  for (let attempt = 1; ; attempt += 1) {
    let fd: number | undefined
    try {
      fd = openQuietly(path)
      return use(fd)
    } catch (error) {
      const errno = errnoOf(error)
      // A file where a folder should be holds nothing.
      if (errno === 'ENOTDIR') return undefined
      if (errno !== 'ENOENT' || error instanceof StorageUnreadableError) throw asUnreadable(path, error)
      if (!isNamed(path)) return undefined
      if (attempt === ATTEMPTS) throw unreadable(path, error)
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }
}

/** That a link is gone is common enough for the stacks of such errors to cost more than looking at the links. */
function openQuietly(path: string): number {
  const frames = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return openSync(path, 'r')
  } finally {
    Error.stackTraceLimit = frames
  }
}

function asUnreadable(path: string, error: unknown): Error {
  return error instanceof StorageUnreadableError ? error : unreadable(path, error)
}

export interface PathFacts {
  readonly sizeBytes: number
  /** In whole milliseconds. */
  readonly modifiedAt: number
  readonly kind: 'file' | 'folder' | 'other'
  /** The number that its file system knows it by. */
  readonly record: number
  /** As finely as a number of milliseconds can be told (a quarter of a microsecond). */
  readonly modifiedAtMs: number
  /** When anything of its record was changed; nobody can set it. */
  readonly changedAtMs: number
}

/** Of the path itself: a symbolic link is `other`. */
export function pathFacts(path: string): PathFacts | undefined {
  try {
    const facts = lstatSync(path, { throwIfNoEntry: false })
    if (facts === undefined) return undefined
    const kind = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other'
    const { size: sizeBytes, ino: record, mtimeMs: modifiedAtMs, ctimeMs: changedAtMs } = facts
    return { sizeBytes, modifiedAt: Math.floor(modifiedAtMs), kind, record, modifiedAtMs, changedAtMs }
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined
    throw unreadable(path, error)
  }
}
