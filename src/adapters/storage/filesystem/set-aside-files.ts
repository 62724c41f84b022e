/**
 * Sets files aside by renaming them into the quarantine, puts them back, and frees them.
 *
 * A rename moves the very file, with its owner and its time, in one step: it is under one name or under the other,
 * whatever moment the power fails. Only files move, one by one; a folder or a link in the place of a file is refused.
 * Thousands are renamed in a second, so what is slow is done once for a batch: making a folder, and bringing it to disk.
 */
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs'
import { quarantineKey, type AsideFile } from '../../../ports/listable-store.ts'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import type { FreeOutcome, PutBackOutcome, SetAsideOutcome } from '../../../ports/mutable-sweep-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { areLinksRefused, asWriteError, errnoOf } from './errno.ts'
import { makeFolders, syncFolders } from './folders.ts'
import { placeFiles, type PlacedFile } from './real-folders.ts'
import { mapInSlices } from './slices.ts'

export async function setAsideFiles(
  realRoot: string,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly SetAsideOutcome[]> {
  const pairs = await placePairs(realRoot, files, options)
  await makeMissingFolders(pairs.map(({ aside }) => aside))
  const outcomes = await mapInSlices(pairs, options, ({ inPlace, aside }) =>
    attempt(inPlace.path, () => {
      if (!isFile(inPlace)) return 'absent'
      // Nothing is lost: it is the file itself under another name, over at most an older copy of the same content.
      renameSync(inPlace.path, aside.path)
      return 'set-aside'
    }),
  )
  // Not the folders the files came from, thousands of them: both names change in one transaction of the file system, and
  // where that is not so, the power cut leaves the old name, and the file is simply still in place.
  await syncFolders(pairs.map(({ aside }) => aside.folder))
  return outcomes
}

export async function putBackFiles(
  realRoot: string,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly PutBackOutcome[]> {
  const pairs = await placePairs(realRoot, files, options)
  const held = await mapInSlices(pairs, options, ({ aside }) => attempt(aside.path, () => isFile(aside)))
  // The registry, or whoever removes empty folders, may have taken the folder: nothing was in it.
  await makeMissingFolders(pairs.filter((_, i) => held[i] === true).map(({ inPlace }) => inPlace))
  const outcomes = await mapInSlices(pairs, options, ({ inPlace, aside }, i) =>
    attempt(inPlace.path, () => {
      if (held[i] === true) return nameBack(aside, inPlace)
      return isFile(inPlace) ? 'present' : 'lost'
    }),
  )
  // On disk under its key first, gone from the quarantine second.
  await syncFolders(pairs.filter((_, i) => outcomes[i] === 'restored').map(({ inPlace }) => inPlace.folder))
  const dropped = pairs.filter((_, i) => held[i] === true)
  // Safe: under the key lies this very file, or a newer one of the same content.
  await mapInSlices(dropped, options, ({ aside }) => attempt(aside.path, () => unlinkIfThere(aside)))
  await syncFolders(dropped.map(({ aside }) => aside.folder))
  return outcomes
}

export async function freeFiles(
  realRoot: string,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly FreeOutcome[]> {
  const pairs = await placePairs(realRoot, files, options)
  const outcomes = await mapInSlices(pairs, options, ({ aside }) =>
    // One name in the quarantine; what lies under the key has a name of its own.
    attempt(aside.path, () => (isFile(aside) && unlinkIfThere(aside) ? 'freed' : 'absent')),
  )
  await syncFolders(pairs.filter((_, i) => outcomes[i] === 'freed').map(({ aside }) => aside.folder))
  return outcomes
}

interface Pair {
  readonly inPlace: PlacedFile
  readonly aside: PlacedFile
}

async function placePairs(
  realRoot: string,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly Pair[]> {
  const place = placeFiles(realRoot)
  return mapInSlices(files, options, (file) => ({
    inPlace: place(file.key),
    aside: place(quarantineKey(file)),
  }))
}

async function makeMissingFolders(files: readonly PlacedFile[]): Promise<void> {
  const missing = files.filter(({ hasFolder }) => !hasFolder).map(({ folder }) => folder)
  try {
    await makeFolders(...missing)
  } catch (error) {
    throw asWriteError(missing[0] ?? '', error)
  }
}

/** False when nothing is there. @throws StorageWriteError for a folder or a link: those are never moved or removed */
function isFile({ path, hasFolder }: PlacedFile): boolean {
  const facts = hasFolder ? lstatSync(path, { throwIfNoEntry: false }) : undefined
  if (facts !== undefined && !facts.isFile()) {
    throw new StorageWriteError(path, 'other', 'it is not a file, but a folder or a link')
  }
  return facts !== undefined
}

/** A second name for the file, which succeeds only where there is none: whatever was pushed meanwhile stays. */
function nameBack(aside: PlacedFile, inPlace: PlacedFile): 'restored' | 'present' {
  try {
    linkSync(aside.path, inPlace.path)
    return 'restored'
  } catch (error) {
    const isTaken = errnoOf(error) === 'EEXIST'
    if (!isTaken && !areLinksRefused(error)) throw error
    if (isFile({ ...inPlace, hasFolder: true })) return 'present'
    // No links here. A rename shows the file whole or not at all, as a copy would not; one that is pushed in this very
    // moment has the same content.
    renameSync(aside.path, inPlace.path)
    return 'restored'
  }
}

function unlinkIfThere({ path }: PlacedFile): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw asWriteError(path, error)
  }
}
