/** Scratch in a private folder of the system's temporary files; made when something is put there, removed when it closes. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scratch } from '../../../core/sweep/scratch.ts'
import { errnoOf, notWritable } from './errno.ts'

export interface ScratchFolder extends Scratch {
  close(): void
}

export function createScratchFolder(parent: string = tmpdir()): ScratchFolder {
  let folder: string | undefined
  const pathOf = (heap: string): string => join((folder ??= mkdtempSync(join(parent, 'winnow-sweep-'))), heap)
  return {
    append(heap, bytes) {
      const path = pathOf(heap)
      try {
        appendFileSync(path, bytes, { mode: 0o600 })
      } catch (error) {
        throw notWritable(path, error)
      }
    },
    read(heap) {
      if (folder === undefined) return new Uint8Array(0)
      try {
        return readFileSync(pathOf(heap))
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return new Uint8Array(0)
        throw error
      }
    },
    drop(heap) {
      if (folder !== undefined) rmSync(pathOf(heap), { force: true })
    },
    close() {
      // Safe: the folder was made by this very object, under a random name.
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
      folder = undefined
    },
  }
}
