/**
 * What a cloud's store of objects can do, in the few calls that the stores of blobs here are made of.
 *
 * Keys are those of the port: relative to the configured prefix, and checked before they come here. Each call throws the
 * errors of the ports for whatever is no outcome; each is safe to repeat.
 */
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { QuarantineKind } from '../../../ports/mutable-sweep-store.ts'
import type { StoredFile } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

export interface ObjectBucket {
  /** For people: `gs://bucket/prefix`. */
  readonly place: string
  /** One page of what begins with `prefix`, in any order; of what lies deeper only the folders, where `level` is 'one'. */
  page(query: PageQuery, options?: RunOptions): Promise<ObjectPage>
  head(key: string, options?: RunOptions): Promise<ObjectFacts | undefined>
  read(key: string, bytesMax: number, options?: RunOptions): Promise<StoredFile | undefined>
  write(key: string, bytes: Uint8Array, options?: RunOptions): Promise<void>
  /** False when an object is there. */
  create(key: string, bytes: Uint8Array, options?: RunOptions): Promise<boolean>
  /** Removes each as the bucket does by itself: it may keep it as a version, or softly deleted. In the order asked. */
  removeMany(targets: readonly RemovalTarget[], options?: RunOptions): Promise<readonly Removal[]>
  /** Removes objects that are ours, and leaves no version of them behind; those that are not there are done already. */
  removeForGood(targets: readonly OwnObject[], options?: RunOptions): Promise<void>
  /**
   * Copies within the bucket, and compares size and checksum before it answers. `taken` when `target` is there and must
   * not be, `absent` when the source, or that revision of it, is not.
   */
  copy(source: CopySource, target: CopyTarget, options?: RunOptions): Promise<'copied' | 'taken' | 'absent'>
  keeping(options?: RunOptions): Promise<Keeping>
  /** Whether the store still has it, and not as the object under the key. */
  isKept(key: string, kept: Kept, options?: RunOptions): Promise<boolean>
  readKept(key: string, kept: Kept, bytesMax: number, options?: RunOptions): Promise<Uint8Array | undefined>
  /** Makes it the object under the key again, if there is none. */
  restoreKept(key: string, kept: Kept, options?: RunOptions): Promise<'restored' | 'taken' | 'absent'>
  /** Removes kept bytes as far as anyone can; never the object under the key. */
  dropKept(key: string, kept: Kept, options?: RunOptions): Promise<void>
}

export interface PageQuery {
  readonly prefix: string
  readonly level: 'one' | 'all'
  readonly cursor?: string | undefined
}

export interface ObjectPage {
  readonly objects: readonly ListedObject[]
  /** Keys that end in `/`; empty where `level` is 'all'. */
  readonly folders: readonly string[]
  /** Undefined on the last page. */
  readonly next: string | undefined
}

export interface ListedObject {
  readonly key: string
  readonly facts: ObjectFacts
  readonly md5: string | undefined
}

export interface ObjectFacts {
  readonly sizeBytes: number
  readonly modifiedAt: InstantMs
  /** The same for the same bytes; undefined where the store tells none. */
  readonly checksum: string | undefined
  /** Changes with every write: a generation, an ETag. */
  readonly revision: string
  /** Under which name its bytes are kept once it is removed; undefined where the store would not tell. */
  readonly keptId: (kind: KeptKind) => string | undefined
}

export interface RemovalTarget {
  readonly key: string
  /** Removed only if it still is this one. */
  readonly revision?: string
}

/** A mark, or a copy in the quarantine, as it was found. */
export interface OwnObject {
  readonly key: string
  readonly facts: ObjectFacts
}

export type Removal = 'removed' | 'absent' | 'changed'

export interface CopySource {
  readonly key: string
  /** The very object that is copied. */
  readonly facts: ObjectFacts
}

export interface CopyTarget {
  readonly key: string
  readonly mustBeAbsent: boolean
}

export type KeptKind = Extract<QuarantineKind, 'versions' | 'soft-delete'>

/** Bytes that the store itself keeps after a removal. */
export interface Kept {
  readonly kind: KeptKind
  readonly id: string
}

export interface Keeping {
  readonly kind: Exclude<QuarantineKind, 'rename'>
  /** How long the store keeps removed bytes; undefined when until they are freed. */
  readonly keptMs: number | undefined
}

/**
 * Of the ways a bucket has, the one for a quarantine. Versions come first: they can be read, and stay until they are
 * freed, however long that takes. Soft deletion only where it lasts as long as the quarantine; else bytes that we promised
 * to put back would be gone. A copy needs nothing of the bucket, and costs a request and a second time the space.
 */
export function chooseKeeping(
  offers: { readonly hasVersions: boolean; readonly softDeleteMs: number | undefined },
  quarantineMs: number,
): Keeping {
  if (offers.hasVersions) return { kind: 'versions', keptMs: undefined }
  if (offers.softDeleteMs !== undefined && offers.softDeleteMs > 0 && offers.softDeleteMs >= quarantineMs) {
    return { kind: 'soft-delete', keptMs: offers.softDeleteMs }
  }
  return { kind: 'copy', keptMs: undefined }
}

/** As in the configuration: what a quarantine is when nobody says how long. */
export const QUARANTINE_DEFAULT_MS: number = 7 * 24 * 60 * 60 * 1000

/**
 * Headers tell whole seconds, listings a fraction more. Both are taken as the last moment of that second: the same file is
 * as old whoever tells of it, and never older than it is.
 */
export function endOfSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000 + 999
}
