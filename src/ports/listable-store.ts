/**
 * Reading a store in which files can be set aside: what planning a sweep is handed.
 *
 * To set aside means that the registry no longer finds the file under its key, while its bytes stay in the same store
 * until they are freed. Nobody has to remember anything for it but the four facts of an AsideFile, so a crash between the
 * act and its record loses nothing: `locate` finds the bytes again.
 *
 * Contract, beyond the types:
 * - `listAll` names every file that was there before it was called and still is when it ends; a list that could not be
 *   read to its end throws. It may name a file twice, and needs no order.
 * - `locate` answers one for each file, in the order asked.
 */
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { ReadableBlobStore } from './readable-blob-store.ts'
import type { RunOptions } from './run-options.ts'

export interface ListableStore extends ReadableBlobStore {
  /** Every file whose key begins with `prefix` (a whole folder: it ends in `/`, or is '' for all), in batches. */
  listAll(prefix: string, options?: RunOptions): AsyncIterable<readonly ListedFile[]>
  /** A file that was set aside; undefined when it is not there. Longer than `bytesMax` throws StorageUnreadableError. */
  readAside(file: AsideFile, bytesMax: number, options?: RunOptions): Promise<Uint8Array | undefined>
  /** Where the bytes of each are now. */
  locate(files: readonly AsideFile[], options?: RunOptions): Promise<readonly Whereabouts[]>
}

export interface ListedFile {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAt: InstantMs
  /** MD5 of the content in hex, where the store tells it and it is one; saves reading small files of known content. */
  readonly md5?: string
}

/** All that is needed to find a file that was set aside. */
export interface AsideFile {
  /** The run that set it aside; letters, digits and dashes. */
  readonly run: string
  /** Where it lay, and goes back to. */
  readonly key: string
  /** Under which name it is kept where the store needs one: `/` between parts, no part of it `.` or `..`. */
  readonly asideName: string
  readonly sizeBytes: number
}

/** `both`: set aside, and a newer file lies under the key. */
export type Whereabouts = 'in-place' | 'aside' | 'both' | 'gone'

/** Where files that were set aside lie in stores that keep them under names of their own. */
export const QUARANTINE_FOLDER = '.winnow/quarantine'

/** `.winnow/quarantine/<run>/<asideName>` */
export function quarantineKey({ run, asideName }: AsideFile): string {
  return `${QUARANTINE_FOLDER}/${run}/${asideName}`
}
