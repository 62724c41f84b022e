/** Writes made-up files, with their times, into a folder of their own. */
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import pLimit from 'p-limit'
import { resolveRoot, spellPath } from './paths.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'

const FILES_AT_ONCE = 64

/**
 * Writes every file under `folder`, which must exist. Nothing that is there is overwritten; there is no fsync, because
 * what a sample loses is made again.
 *
 * @throws StorageEscapeError for a path that leads out of the folder; an EEXIST error for a file that is there
 */
export async function writeSampleFiles(
  folder: string,
  files: readonly { readonly path: string; readonly bytes: Uint8Array; readonly modifiedAt: InstantMs }[],
): Promise<void> {
  const root = await resolveRoot(folder)
  const limit = pLimit(FILES_AT_ONCE)
  const placed = files.map(({ path, bytes, modifiedAt }) => ({
    at: spellPath(root, path),
    bytes,
    modifiedAt,
  }))
  const folders = [...new Set(placed.map(({ at }) => dirname(at)))]
  await Promise.all(folders.map((path) => limit(() => mkdir(path, { recursive: true }))))
  await Promise.all(
    placed.map(({ at, bytes, modifiedAt }) =>
      limit(async () => {
        await writeFile(at, bytes, { flag: 'wx' })
        await utimes(at, new Date(modifiedAt), new Date(modifiedAt))
      }),
    ),
  )
}
