/**
 * What a run writes down. The order is the promise: manifest bytes and tags first, then the intent, then the act, then
 * its outcome. An intent without an outcome is open, and the next run settles it by asking the registry.
 */
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { InstantMs } from '../inventory/inventory.ts'

export type RunId = string & { readonly __brand: 'RunId' }

export interface RunRecord {
  readonly id: RunId
  /** `restore` puts back what a sweep set aside. */
  readonly kind: 'apply' | 'undo' | 'sweep' | 'restore'
  readonly startedAt: InstantMs
  readonly registries: readonly RegistryName[]
  /** What it works off: the plan as a file (apply), the run it takes back (undo), what it was told (sweep). JSON text. */
  readonly plan: string
  /** The run that an undo or a restore takes back. */
  readonly undoOf: RunId | undefined
}

export type RunOutcome = 'done' | 'partly' | 'interrupted' | 'failed'

/** Blobs that a sweep or a restore moved, and their bytes. */
export interface SweptBlobs {
  readonly setAside: number
  readonly bytesSetAside: number
  readonly restored: number
  readonly bytesRestored: number
  readonly freed: number
  readonly bytesFreed: number
}

export interface RunSummary {
  readonly id: RunId
  readonly kind: RunRecord['kind']
  readonly startedAt: InstantMs
  readonly finishedAt: InstantMs | undefined
  /** `open` when the run never finished: it was killed, or still runs. */
  readonly outcome: RunOutcome | 'open'
  readonly registries: readonly RegistryName[]
  readonly undoOf: RunId | undefined
  readonly counts: {
    readonly deleted: number
    readonly untagged: number
    readonly restored: number
    readonly failed: number
  }
  /** Of sweeps and restores that came to an end; what a killed one did, the storage's journal knows. */
  readonly swept: SweptBlobs | undefined
}

/** Something kept so that it can be put back. */
export type SavedEntry = {
  readonly kind: 'manifest'
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
  /** Tags that pointed at it just before. */
  readonly tags: readonly TagName[]
}

export type Act =
  | {
      readonly kind: 'untag'
      readonly registry: RegistryName
      readonly repository: RepositoryName
      readonly tag: TagName
      readonly digest: Digest
    }
  | {
      readonly kind: 'delete'
      readonly registry: RegistryName
      readonly repository: RepositoryName
      readonly digest: Digest
      readonly tags: readonly TagName[]
    }
  | {
      readonly kind: 'put'
      readonly registry: RegistryName
      readonly repository: RepositoryName
      readonly digest: Digest
      readonly tag: TagName | undefined
    }

export type ActOutcome =
  'done' | 'absent' | 'refused' | 'failed' | 'drifted' | 'in-use' | 'settled-done' | 'settled-undone'

export interface JournalIntent {
  /** Rising within a run. */
  readonly sequence: number
  readonly act: Act
  /** The lease's fencing token at the time. */
  readonly fence: number
  /** The root whose line of the plan this belongs to. */
  readonly root: Digest
}

export interface JournalOutcome {
  readonly sequence: number
  readonly outcome: ActOutcome
  readonly text: string
  readonly at: InstantMs
}

/** A run as the journal has it. */
export interface JournalRun {
  readonly run: RunRecord
  readonly finishedAt: InstantMs | undefined
  readonly outcome: RunOutcome | 'open'
  readonly saved: readonly SavedEntry[]
  readonly intents: readonly JournalIntent[]
  readonly outcomes: readonly JournalOutcome[]
}
