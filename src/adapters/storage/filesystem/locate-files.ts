/** Finds files that were set aside: under their key, in the quarantine, in both places or in none. */
import { lstatSync } from 'node:fs'
import { quarantineKey, type AsideFile, type Whereabouts } from '../../../ports/listable-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { unreadable } from './errno.ts'
import { placeFiles, type FilePlacer } from './real-folders.ts'
import { mapInSlices } from './slices.ts'

export async function locateFiles(
  realRoot: string,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly Whereabouts[]> {
  const place = placeFiles(realRoot)
  return mapInSlices(files, options, (file) => {
    const isInPlace = isThere(place, file.key)
    const isAside = isThere(place, quarantineKey(file))
    if (isInPlace) return isAside ? 'both' : 'in-place'
    return isAside ? 'aside' : 'gone'
  })
}

function isThere(place: FilePlacer, key: string): boolean {
  const { path, hasFolder } = place(key)
  if (!hasFolder) return false
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    throw unreadable(path, error)
  }
}
