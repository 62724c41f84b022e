/**
 * Reading the files of a registry where they lie: a folder, or a bucket.
 *
 * Keys are relative to the store's root, with `/` between their parts, on every kind of store. A folder is what lies
 * between two slashes; a bucket has none of its own, so nothing may depend on an empty one.
 *
 * Contract, beyond the types:
 * - `undefined` means that the store said "not there". Every other failure throws one of the errors below; no list is
 *   shorter than the truth.
 * - A key never leads out of the root, whatever it spells and wherever links in the store point.
 * - Cancelling (`options.signal`) throws InterruptedError.
 * - Nothing here changes the store.
 */
import { OperationalError, type ErrorCategory } from '../core/errors/errors.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunOptions } from './run-options.ts'

export interface ReadableBlobStore {
  /** Where it is, for people: a path, or `s3://bucket/prefix`. Holds no credential. */
  readonly place: string
  /** What lies directly under a folder (`''` for the root), sorted by name; undefined when there is no such folder. */
  list(folder: string, options?: RunOptions): Promise<readonly StoreEntry[] | undefined>
  /** A whole file. A file longer than `bytesMax` throws StorageUnreadableError, it is never cut short. */
  read(key: string, bytesMax: number, options?: RunOptions): Promise<StoredFile | undefined>
  stat(key: string, options?: RunOptions): Promise<StoredFileFacts | undefined>
}

export interface StoreEntry {
  readonly name: string
  /** `other` is what no registry writes (symbolic links, sockets); it is told of, and not followed. */
  readonly kind: 'file' | 'folder' | 'other'
}

export interface StoredFileFacts {
  readonly sizeBytes: number
  readonly modifiedAt: InstantMs
}

export interface StoredFile extends StoredFileFacts {
  readonly bytes: Uint8Array
}

/** A store, or a part of it, that is there and cannot be read: what it holds is unknown, so nothing may go. */
export class StorageUnreadableError extends OperationalError {
  readonly code = 'STORAGE_UNREADABLE'
  override readonly category: ErrorCategory = 'incomplete'
  readonly hint: string

  constructor(
    where: string,
    why: string,
    options: { readonly cause?: unknown; readonly hint?: string } = {},
  ) {
    super(`Could not read ${where}: ${why}.`, options)
    this.hint =
      options.hint ??
      'Run Winnow as a user who may read every file of the registry, and check that the disk is well.'
  }
}

/** A key, or a link in the store, that would lead out of its root. */
export class StorageEscapeError extends OperationalError {
  readonly code = 'STORAGE_ESCAPE'
  override readonly category = 'incomplete'
  readonly hint =
    'Give the folder that holds the files itself. Winnow follows no symbolic link out of it, because what lies there may not be the registry’s.'

  constructor(place: string, key: string) {
    super(`${JSON.stringify(key)} leads out of the storage at ${place}, so it was not opened.`)
  }
}
