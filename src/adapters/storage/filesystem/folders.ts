/** Folders of a registry's files: made with the owner of the one they lie in, and on disk before anything relies on them. */
import { chown, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errno.ts'

const SYNCS_AT_ONCE = 16

/** Makes folders with all that is missing above them; all are on disk when it returns. */
export async function makeFolders(...paths: readonly string[]): Promise<void> {
  const changed = new Set<string>()
  for (const path of new Set(paths)) await makeFolder(path, changed)
  await syncFolders(changed)
}

async function makeFolder(path: string, changed: Set<string>): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeFolder(dirname(path), changed)
    return makeFolder(path, changed)
  }
  await giveToOwnerOf(dirname(path), (uid, gid) => chown(path, uid, gid))
  changed.add(dirname(path))
}

/**
 * The registry runs as a user of its own and must be able to change what we write. Only root can give files away; for
 * anyone else they belong to the right user already, or the write would have failed.
 */
export async function giveToOwnerOf(
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

export async function syncFolder(path: string): Promise<void> {
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

/** Each folder once. Several at a time, because a file system brings to disk together what is asked for together. */
export async function syncFolders(paths: Iterable<string>): Promise<void> {
  const left = [...new Set(paths)]
  const worker = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) await syncFolder(path)
  }
  await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, worker))
}
