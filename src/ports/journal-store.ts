/**
 * The journal. Every method that writes returns only when the record would survive a kill -9 and a power cut; a
 * deletion follows, so "almost written" is not written.
 */
import type {
  JournalIntent,
  JournalOutcome,
  JournalRun,
  RunId,
  RunOutcome,
  RunRecord,
  RunSummary,
  SavedEntry,
  SweptBlobs,
} from '../core/journal/entry.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'

export interface JournalStore {
  beginRun(run: RunRecord): Promise<void>
  /** Durable before it returns; entries already there (same run, repository and digest) are left as they are. */
  save(run: RunId, entries: readonly SavedEntry[]): Promise<void>
  /** Durable before it returns. */
  recordIntents(run: RunId, intents: readonly JournalIntent[]): Promise<void>
  recordOutcomes(run: RunId, outcomes: readonly JournalOutcome[]): Promise<void>
  finishRun(run: RunId, outcome: RunOutcome, at: InstantMs, swept?: SweptBlobs): Promise<void>
  /** Newest first. */
  listRuns(): Promise<readonly RunSummary[]>
  readRun(id: RunId): Promise<JournalRun | undefined>
}
