/** Writes made-up files, with their times, into a folder of their own. */
import { closeSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { resolveRoot, spellPath } from './paths.ts'

/** After so many files the program gets a turn to notice Ctrl-C and to draw. */
const FILES_PER_TURN = 200

/**
 * Writes every file under `folder`, which must exist. Nothing that is there is overwritten; there is no fsync, because
 * what a sample loses is made again. Thousands of tiny files are written fastest without the thread pool.
 *
 * @throws StorageEscapeError for a path that leads out of the folder; an EEXIST error for a file that is there
 */
export async function writeSampleFiles(
  folder: string,
  files: readonly { readonly path: string; readonly bytes: Uint8Array; readonly modifiedAt: InstantMs }[],
): Promise<void> {
  const root = await resolveRoot(folder)
  const made = new Set<string>()
  for (const [i, { path, bytes, modifiedAt }] of files.entries()) {
    if (i % FILES_PER_TURN === FILES_PER_TURN - 1) await nextTurn()
    const at = spellPath(root, path)
    const parent = dirname(at)
    if (!made.has(parent)) mkdirSync(parent, { recursive: true })
    made.add(parent)
    writeWithTime(at, bytes, modifiedAt)
  }
}

function writeWithTime(path: string, bytes: Uint8Array, modifiedAt: InstantMs): void {
  const fd = openSync(path, 'wx')
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written)
    futimesSync(fd, modifiedAt / 1000, modifiedAt / 1000)
  } finally {
    closeSync(fd)
  }
}
