/**
 * Changing a store in which files can be set aside: a folder, a bucket or a container.
 *
 * How bytes are kept is the store's own affair: renamed on a disk, a delete marker or soft deletion where the store keeps
 * versions, copied and compared elsewhere.
 *
 * Contract, beyond the types:
 * - Outcomes come one for each file, in the order asked. What the store refuses throws; then some may have been done,
 *   and `locate` tells which.
 * - `setAside` never loses a byte: where bytes are copied, the copy is compared before the original goes.
 * - `putBack` never overwrites: a file that lies under the key by now is newer, and just as good (its name is its digest).
 * - `free` removes only bytes that were set aside, never a file that lies under the key by now.
 * - Calls are safe to repeat.
 */
import type { AsideFile, ListableStore } from './listable-store.ts'
import type { MutableBlobStore } from './mutable-blob-store.ts'
import type { RunOptions } from './run-options.ts'

export interface SweepableStore extends ListableStore, MutableBlobStore {
  /** How bytes are kept while they are set aside; told in the journal and the report. */
  quarantineKind(options?: RunOptions): Promise<QuarantineKind>
  /** Makes a file that must not be there yet, whole or not at all; false when it is there. Of two who try, one wins. */
  create(key: string, bytes: Uint8Array, options?: RunOptions): Promise<boolean>
  setAside(files: readonly AsideFile[], options?: RunOptions): Promise<readonly SetAsideOutcome[]>
  putBack(files: readonly AsideFile[], options?: RunOptions): Promise<readonly PutBackOutcome[]>
  free(files: readonly AsideFile[], options?: RunOptions): Promise<readonly FreeOutcome[]>
  /** Removes files by key, in the store's own batches; false for what was not there. */
  removeAll(keys: readonly string[], options?: RunOptions): Promise<readonly boolean[]>
}

/**
 * rename: moved within the file system · versions: a delete marker hides it · soft-delete: deleted, and the store keeps
 * it for a while · copy: copied, compared, deleted.
 */
export type QuarantineKind = 'rename' | 'versions' | 'soft-delete' | 'copy'

/** `absent`: nothing lay under the key. */
export type SetAsideOutcome = 'set-aside' | 'absent'

/** `present`: a newer file lies under the key, the one set aside is dropped. `lost`: the bytes are nowhere. */
export type PutBackOutcome = 'restored' | 'present' | 'lost'

export type FreeOutcome = 'freed' | 'absent'
