/** What a sweep is handed: to plan, things that only read; to apply, the store itself. */
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunId } from '../core/journal/entry.ts'
import type { Scratch } from '../core/sweep/scratch.ts'
import type { DescriptorCache } from '../ports/descriptor-cache.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import type { LeaseStore } from '../ports/lease.ts'
import type { ListableStore } from '../ports/listable-store.ts'
import type { SweepableStore } from '../ports/mutable-sweep-store.ts'
import type { ReadableLayout } from '../ports/readable-layout.ts'
import type { ReferenceCache } from '../ports/reference-cache.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { ReadableSweepJournal, SweepJournal } from '../ports/sweep-journal.ts'

export interface SweepPlanPorts {
  readonly registry: RegistryName
  readonly layout: ReadableLayout
  readonly store: ListableStore
  readonly journal: ReadableSweepJournal
  readonly references: ReferenceCache
  /** What the registry remembers blobs and links in; a plan asks it nothing. */
  readonly cache: Pick<DescriptorCache, 'kind'>
  /** A heap of its own each time; closed when what was in it is no longer needed. */
  createScratch(): OpenScratch
  now(): InstantMs
  newRunId(at: InstantMs): RunId
}

export interface SweepPorts extends SweepPlanPorts {
  readonly store: SweepableStore
  readonly journal: SweepJournal
  readonly cache: DescriptorCache
  /** Leases that lie in the storage, so that every machine sees them. */
  readonly leases: LeaseStore
  readonly history: JournalStore
  /** `host:pid` */
  readonly holder: string
  /** How much later the store's clock is than ours: times of files are the store's. */
  clockSkewMs(options: RunOptions): Promise<number>
  /** @throws InterruptedError when the signal aborts; returns early when `stop` does */
  sleep(ms: number, options: RunOptions): Promise<void>
}

export interface OpenScratch extends Scratch {
  close(): void
}

export interface SweepSettings {
  readonly mode: 'online' | 'maintenance'
  /** Nothing younger is touched. */
  readonly graceMs: number
  /** What was set aside is freed after this. */
  readonly quarantineMs: number
  /** The mark that decides comes no sooner than this after the last blob was set aside. */
  readonly settleMs: number
  /**
   * Longer than `settleMs` where the quarantine made that shorter: then this one counts wherever something else was changed
   * in the storage meanwhile (core/sweep/settling.ts).
   *
   * @default settleMs
   */
  readonly busySettleMs?: number
  /** Times of links are this much finer than they look: coarse clocks of file systems, whole seconds of buckets. */
  readonly timeSlackMs: number
}
