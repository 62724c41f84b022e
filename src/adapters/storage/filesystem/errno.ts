/** What the operating system says when it refuses, in the words of the ports. */
import { StorageWriteError, type StorageWriteObstacle } from '../../../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'

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
  EMFILE: 'too many files are open',
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
  return new StorageWriteError(path, obstacles[errnoOf(cause) ?? ''] ?? 'other', sentenceOf(cause), { cause })
}

function sentenceOf(error: unknown): string {
  const errno = errnoOf(error) ?? 'an unknown error'
  return sentences[errno] ?? `the operating system says ${errno}`
}
