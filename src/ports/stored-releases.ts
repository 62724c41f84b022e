/**
 * Releases that a packaging tool stores in a cluster, read out of the objects that hold them.
 *
 * The cluster adapter knows how to list objects, the release adapter knows which objects hold releases and what is in
 * them; this is all they know of each other.
 */
import type { Extraction } from '../core/evidence/extract.ts'
import type { ManagedNames } from '../core/evidence/managed-names.ts'

export type StorageKind = 'Secret' | 'ConfigMap'

export interface ReleaseStorage {
  /** The lists that together hold every stored release; what they return more than that is passed over by `add`. */
  readonly queries: readonly ReleaseQuery[]
  open(managed: ManagedNames, settings: ReleaseSettings): ReleaseReader
}

export interface ReleaseQuery {
  readonly kind: StorageKind
  readonly resource: 'secrets' | 'configmaps'
  readonly fieldSelector?: string
  readonly labelSelector?: string
  /** Objects a page; releases are large. */
  readonly limit: number
}

export interface ReleaseSettings {
  /** How many revisions of each release count, newest first; the newest deployed one always does. */
  readonly revisions: 'all' | number
  /** Whether a reference that cannot be read stops the plan. @default false */
  readonly strict?: boolean
}

export interface ReleaseReader {
  /** Takes one stored object; passes over what holds no release. A release that cannot be read becomes a problem. */
  add(kind: StorageKind, object: unknown): void
  /** What the releases added so far use; `objects` counts the revisions read. */
  result(): Extraction
}
