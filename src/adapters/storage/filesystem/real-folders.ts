/**
 * Where the folders of many keys really lie, asked once for each.
 *
 * A folder whose parent is known needs one look: unless it is a symbolic link, it lies in its parent. A link is resolved
 * by the operating system, and one that leads out of the root is refused. What was looked at is remembered for one
 * batch only, since folders come and go.
 */
import { lstatSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { StorageEscapeError } from '../../../ports/readable-blob-store.ts'
import { errnoOf, unreadable } from './errno.ts'
import { requireInside, spellPath } from './paths.ts'

export interface PlacedFile {
  /** The path the key spells. */
  readonly path: string
  readonly folder: string
  /** False when there is no such folder, and so no such file. */
  readonly hasFolder: boolean
}

/** @throws StorageEscapeError for a key that leads out of the root */
export type FilePlacer = (key: string) => PlacedFile

export function placeFiles(realRoot: string): FilePlacer {
  const known = new Map<string, boolean>([[realRoot, true]])
  const isFolder = (path: string, key: string): boolean => {
    const before = known.get(path)
    if (before !== undefined) return before
    const is = isFolder(dirname(path), key) && isRealFolder(realRoot, path, key)
    // What is missing now may be made a moment later.
    if (is) known.set(path, true)
    return is
  }
  return (key) => {
    const path = spellPath(realRoot, key)
    if (path === realRoot) throw new StorageEscapeError(realRoot, key)
    const folder = dirname(path)
    return { path, folder, hasFolder: isFolder(folder, key) }
  }
}

function isRealFolder(realRoot: string, path: string, key: string): boolean {
  try {
    const facts = lstatSync(path, { throwIfNoEntry: false })
    if (facts === undefined) return false
    if (facts.isSymbolicLink()) requireInside(realRoot, realpathSync.native(path), key)
    return true
  } catch (error) {
    // A link that leads nowhere: there is nothing behind it.
    if (errnoOf(error) === 'ENOENT') return false
    throw error instanceof StorageEscapeError ? error : unreadable(path, error)
  }
}
