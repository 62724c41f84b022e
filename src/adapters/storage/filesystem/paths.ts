/**
 * Where a key lies on disk, and that it lies inside the root.
 *
 * The operating system is asked where a path really leads before anything is read from it or written to it, so a
 * symbolic link anywhere in it that leads out of the root is refused, whatever the names look like. A link that stays
 * inside is followed.
 */
import { realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { StorageEscapeError, StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import { errnoOf, unreadable } from './errno.ts'

/** No file system has longer paths; a longer key is hostile. */
const KEY_LENGTH_MAX = 4096

/** The root with every link resolved. @throws StorageUnreadableError when it is missing or no folder */
export async function resolveRoot(root: string): Promise<string> {
  const path = resolve(root)
  try {
    const real = await realpath(path)
    if (!(await stat(real)).isDirectory()) {
      throw new StorageUnreadableError(path, 'it is not a folder', {
        hint: 'Give the folder that the registry keeps its files in.',
      })
    }
    return real
  } catch (error) {
    if (error instanceof StorageUnreadableError) throw error
    if (errnoOf(error) !== 'ENOENT') throw unreadable(path, error)
    // Missing is not empty: a volume that is not mounted looks just like this.
    throw new StorageUnreadableError(path, 'there is no such folder', {
      cause: error,
      hint: 'Mount the volume that holds the registry’s files, or correct the path in winnow.yaml.',
    })
  }
}

/** The path a key spells under `realRoot`, links not yet resolved. @throws StorageEscapeError for a hostile key */
export function spellPath(realRoot: string, key: string): string {
  const isHostile =
    key.length > KEY_LENGTH_MAX ||
    key.includes('\0') ||
    key.split('/').some((part) => part === '..' || part === '.')
  if (isHostile || (key !== '' && key.split('/').includes('')))
    throw new StorageEscapeError(realRoot, key.slice(0, 200))
  return key === '' ? realRoot : join(realRoot, key)
}

/** The real path of something that exists; undefined when it does not. @throws StorageEscapeError when it lies outside */
export async function resolveExisting(realRoot: string, key: string): Promise<string | undefined> {
  const path = spellPath(realRoot, key)
  try {
    return requireInside(realRoot, await realpath(path), key)
  } catch (error) {
    // Also for a link that leads nowhere: there is nothing to read behind it.
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error instanceof StorageEscapeError ? error : unreadable(path, error)
  }
}

/** Checks the nearest folder above `key` that exists, before anything is made below it. */
export async function requireParentInside(realRoot: string, key: string): Promise<string> {
  const path = spellPath(realRoot, key)
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      requireInside(realRoot, await realpath(folder), key)
      return path
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || folder === realRoot) {
        throw error instanceof StorageEscapeError ? error : unreadable(folder, error)
      }
    }
  }
}

/** @throws StorageEscapeError unless the real path `path` is the root or lies in it */
export function requireInside(realRoot: string, path: string, key: string): string {
  if (path === realRoot || path.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) return path
  throw new StorageEscapeError(realRoot, key)
}
