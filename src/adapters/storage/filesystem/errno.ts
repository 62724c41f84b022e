/** What the operating system says when it refuses, in the words of the ports. */
import { StorageWriteError, type StorageWriteObstacle } from '../../../ports/mutable-blob-store.ts'
import { StorageEscapeError, StorageUnreadableError } from '../../../ports/readable-blob-store.ts'

const sentences: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reports an input/output error',
  ELOOP: 'its symbolic links go round in a circle',
  ENOTDIR: 'a file lies where a folder should be',
  EISDIR: 'a folder lies where a file should be',
  ESTALE: 'the network file system lost it (stale file handle)',
  EXDEV: 'it lies on another file system than the root of the storage, and can only be copied from there',
  EMFILE: 'too many files are open',
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on the disk, then run the same command again; what was begun is settled then.',
  EDQUOT:
    'Raise the quota or free some space, then run the same command again; what was begun is settled then.',
  EXDEV:
    'Winnow sets files aside by renaming them. Mount the whole storage as one file system, or give the mounted folder as a storage of its own.',
}

const obstacles: Readonly<Record<string, StorageWriteObstacle>> = {
  EROFS: 'read-only',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
}

/** `ENOENT` and the like; undefined for errors that are not the operating system's. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

export function unreadable(path: string, cause: unknown): StorageUnreadableError {
  return new StorageUnreadableError(path, sentenceOf(cause), { cause })
}

export function notWritable(path: string, cause: unknown): StorageWriteError {
  const errno = errnoOf(cause) ?? ''
  const hint = hints[errno]
  return new StorageWriteError(path, obstacles[errno] ?? 'other', sentenceOf(cause), {
    cause,
    ...(hint !== undefined && { hint }),
  })
}

/** For what a change threw: errors of the ports stay as they are. */
export function asWriteError(path: string, error: unknown): Error {
  const isOurs =
    error instanceof StorageEscapeError ||
    error instanceof StorageUnreadableError ||
    error instanceof StorageWriteError
  return isOurs ? error : notWritable(path, error)
}

/** Whether a file system said that it makes no second name for a file, now or ever. */
export function areLinksRefused(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '')
}

function sentenceOf(error: unknown): string {
  const errno = errnoOf(error) ?? 'an unknown error'
  return sentences[errno] ?? `the operating system says ${errno}`
}
