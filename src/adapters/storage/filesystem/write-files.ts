/**
 * Changing a registry's files in a folder. Promises what ports/mutable-blob-store.ts asks for: a file appears whole
 * (temporary name, fsync, rename, fsync of its folder), nothing outside the root is touched, and no call removes a
 * file it was not given by name.
 */
import { randomUUID } from 'node:crypto'
import { link, open, readdir, rename, rmdir, unlink, writeFile as writeWhole } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SweepableStore } from '../../../ports/mutable-sweep-store.ts'
import { areLinksRefused, asWriteError, errnoOf } from './errno.ts'
import { giveToOwnerOf, makeFolders, syncFolder } from './folders.ts'
import { requireParentInside, resolveExisting } from './paths.ts'
import { readableOver, rootOf } from './read-files.ts'
import { removeFiles } from './remove-files.ts'
import { freeFiles, putBackFiles, setAsideFiles } from './set-aside-files.ts'

/** A folder as a store that can be changed, and in which files can be set aside. */
export function createMutableFileStore(root: string): SweepableStore {
  const realRoot = rootOf(root)
  return {
    ...readableOver(root, realRoot),
    write: async (key, bytes, options) => writeFile(await realRoot(options), key, bytes),
    create: async (key, bytes, options) => createFile(await realRoot(options), key, bytes),
    remove: async (key, options) => removeFile(await realRoot(options), key),
    removeAll: async (keys, options) => removeFiles(await realRoot(options), keys, options),
    removeEmptyFolders: async (folder, options) => {
      const path = await resolveExisting(await realRoot(options), folder)
      if (path !== undefined) await removeIfEmpty(path)
    },
    quarantineKind: async () => 'rename',
    setAside: async (files, options) => setAsideFiles(await realRoot(options), files, options),
    putBack: async (files, options) => putBackFiles(await realRoot(options), files, options),
    free: async (files, options) => freeFiles(await realRoot(options), files, options),
  }
}

async function writeFile(realRoot: string, key: string, bytes: Uint8Array): Promise<void> {
  const path = await requireParentInside(realRoot, key)
  await withTemporaryFile(path, bytes, (temporary) => rename(temporary, path))
}

/** A second name is given to a file that is whole, which succeeds only where there is none of that name. */
async function createFile(realRoot: string, key: string, bytes: Uint8Array): Promise<boolean> {
  const path = await requireParentInside(realRoot, key)
  let isCreated = true
  await withTemporaryFile(path, bytes, async (temporary) => {
    try {
      await linkOrWriteNew(temporary, path, bytes)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      isCreated = false
    }
    await unlink(temporary)
  })
  return isCreated
}

/** Where the file system has no links, one still wins; only a crash could then leave a file that is not whole. */
async function linkOrWriteNew(temporary: string, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    if (!areLinksRefused(error)) throw error
    await writeWhole(path, bytes, { flag: 'wx', flush: true })
  }
}

/** Writes a file beside `path`, on disk and with the right owner, for `place` to bring into its place. */
async function withTemporaryFile(
  path: string,
  bytes: Uint8Array,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
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
    await place(temporary)
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
