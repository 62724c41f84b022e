/**
 * What sweeps write down, in the storage they sweep: whoever sweeps it next, from whatever machine, finds it there.
 *
 * `append` returns only when the entries would survive a kill -9 and a power cut; a rename follows.
 */
import type { RunId } from '../core/journal/entry.ts'
import type { SweepEntry } from '../core/sweep/sweep-entry.ts'
import type { RunOptions } from './run-options.ts'

export interface ReadableSweepJournal {
  /** Oldest first. */
  runs(options?: RunOptions): Promise<readonly RunId[]>
  /** The entries of a run in the order they were written, in parts. @throws when one cannot be read */
  read(run: RunId, options?: RunOptions): AsyncIterable<readonly SweepEntry[]>
}

export interface SweepJournal extends ReadableSweepJournal {
  append(run: RunId, entries: readonly SweepEntry[], options?: RunOptions): Promise<void>
  /** Forgets a run none of whose blobs is set aside any more. */
  forget(run: RunId, options?: RunOptions): Promise<void>
}
