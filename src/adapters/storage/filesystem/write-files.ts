/**
 * Changing a registry's files in a folder. Promises what ports/mutable-blob-store.ts asks for: a file appears whole
 * (temporary name, fsync, rename, fsync of its folder), nothing outside the root is touched, and no call removes a
 * file it was not given by name.
 */
import { randomUUID } from 'node:crypto'
import { chown, mkdir, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StorageEscapeError, StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { MutableBlobStore } from '../../../ports/mutable-blob-store.ts'
import { errnoOf, notWritable } from './errno.ts'
import { requireParentInside, resolveExisting } from './paths.ts'
import { readableOver, rootOf } from './read-files.ts'

/** A folder as a store that can be changed. */
export function createMutableFileStore(root: string): MutableBlobStore {
  const realRoot = rootOf(root)
  return {
    ...readableOver(root, realRoot),
    write: async (key, bytes, options) => writeFile(await realRoot(options), key, bytes),
    remove: async (key, options) => removeFile(await realRoot(options), key),
    removeEmptyFolders: async (folder, options) => {
      const path = await resolveExisting(await realRoot(options), folder)
      if (path !== undefined) await removeIfEmpty(path)
    },
  }
}

async function writeFile(realRoot: string, key: string, bytes: Uint8Array): Promise<void> {
  const path = await requireParentInside(realRoot, key)
  // The ending is what the registry itself uses for files that are not whole yet, and what readers pass over.
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await makeFolders(dirname(path))
    const file = await open(temporary, 'wx', 0o666)
    try {
      await file.writeFile(bytes)
      await giveToOwnerOf(dirname(path), (uid, gid) => file.chown(uid, gid))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    // Safe to remove: the name is random and was made by this very call.
    await unlink(temporary).catch(() => undefined)
    throw asWriteError(path, error)
  }
}

async function removeFile(realRoot: string, key: string): Promise<boolean> {
  const path = await requireParentInside(realRoot, key)
  try {
    // One name, inside the root; unlink removes a symbolic link itself, never what it points to.
    await unlink(path)
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw asWriteError(path, error)
  }
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await removeIfEmpty(join(path, entry.name))
    }
    // rmdir refuses a folder that holds anything, so what a push put there just now stays.
    await rmdir(path)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw asWriteError(path, error)
  }
}

/** Makes the missing folders from above, each durable and with the owner of the one it lies in. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeFolders(dirname(path))
    return makeFolders(path)
  }
  await giveToOwnerOf(dirname(path), (uid, gid) => chown(path, uid, gid))
  await syncFolder(dirname(path))
}

/**
 * The registry runs as a user of its own and must be able to change what we write. Only root can give files away; for
 * anyone else they belong to the right user already, or the write would have failed.
 */
async function giveToOwnerOf(
  folder: string,
  give: (uid: number, gid: number) => Promise<void>,
): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(folder)
  try {
    await give(uid, gid)
  } catch (error) {
    // Shares without owners (CIFS, some FUSE) refuse, and there everyone may write.
    if (!['EPERM', 'ENOTSUP', 'EINVAL', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    // Some network file systems cannot sync a folder; there the rename itself is as durable as it gets. A folder that
    // another program removed meanwhile needs no syncing.
    if (!['EINVAL', 'ENOTSUP', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
  }
}

function asWriteError(path: string, error: unknown): Error {
  const isOurs = error instanceof StorageEscapeError || error instanceof StorageUnreadableError
  return isOurs ? error : notWritable(path, error)
}
