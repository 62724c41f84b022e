/** Removes many files by key; what each folder lost is on disk once all are gone. */
import { unlinkSync } from 'node:fs'
import type { RunOptions } from '../../../ports/run-options.ts'
import { asWriteError, errnoOf } from './errno.ts'
import { syncFolders } from './folders.ts'
import { placeFiles, type PlacedFile } from './real-folders.ts'
import { mapInSlices } from './slices.ts'

export async function removeFiles(
  realRoot: string,
  keys: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  const place = placeFiles(realRoot)
  const files = await mapInSlices(keys, options, place)
  const removed = await mapInSlices(files, options, removeNamed)
  try {
    await syncFolders(files.filter((_, i) => removed[i] === true).map(({ folder }) => folder))
  } catch (error) {
    throw asWriteError(realRoot, error)
  }
  return removed
}

function removeNamed({ path, hasFolder }: PlacedFile): boolean {
  try {
    // One name, inside the root; unlink removes a symbolic link itself, never what it points to, and no folder.
    if (hasFolder) unlinkSync(path)
    return hasFolder
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw asWriteError(path, error)
  }
}
