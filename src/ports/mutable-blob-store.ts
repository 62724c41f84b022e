/**
 * Changing the files of a registry where they lie.
 *
 * There is no call that removes more than one file, on purpose: whatever a push adds while a folder is being emptied
 * stays. A sweep, which sets files aside, adds its own call here.
 *
 * Contract, beyond the types:
 * - `write` and `remove` return only when the change would survive a power cut, so that a later call never overtakes
 *   an earlier one.
 * - A reader sees a written file whole, or as it was before, never in between.
 */
import { OperationalError } from '../core/errors/errors.ts'
import type { ReadableBlobStore } from './readable-blob-store.ts'
import type { RunOptions } from './run-options.ts'

export interface MutableBlobStore extends ReadableBlobStore {
  /** Puts a file in place, over an older one of that name; makes the folders it needs. */
  write(key: string, bytes: Uint8Array, options?: RunOptions): Promise<void>
  /** Removes one file; false when it was not there. */
  remove(key: string, options?: RunOptions): Promise<boolean>
  /** Removes a folder and the folders in it as far as they hold no file. Stores without folders do nothing. */
  removeEmptyFolders(folder: string, options?: RunOptions): Promise<void>
}

/** Why a store took no change: it is mounted read-only, our rights do not reach, or something else. */
export type StorageWriteObstacle = 'read-only' | 'forbidden' | 'other'

export class StorageWriteError extends OperationalError {
  readonly code = 'STORAGE_NOT_WRITABLE'
  readonly obstacle: StorageWriteObstacle
  readonly hint: string

  constructor(
    where: string,
    obstacle: StorageWriteObstacle,
    why: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(`Could not change ${where}: ${why}.`, options)
    this.obstacle = obstacle
    this.hint = options?.hint ?? hints[obstacle]
  }
}

const hints: Readonly<Record<StorageWriteObstacle, string>> = {
  'read-only': 'The storage is mounted read-only. Mount it writable, or run Winnow where it is.',
  forbidden: 'Run Winnow as the user whose files these are: the one the registry runs as.',
  other:
    'Check that the disk is well and not full, then run the same command again; what was begun is settled then.',
}
