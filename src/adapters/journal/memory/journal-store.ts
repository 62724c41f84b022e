/** The journal in memory, for tests and trials: as strict as the real one, and gone with the process. */
import { invariant } from '../../../core/errors/invariant.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { countActs, tallyActs } from '../../../core/journal/count-acts.ts'
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
} from '../../../core/journal/entry.ts'
import type { JournalStore } from '../../../ports/journal-store.ts'

interface StoredRun {
  readonly run: RunRecord
  end:
    | {
        readonly finishedAt: number
        readonly outcome: RunOutcome
        readonly swept: SweptBlobs | undefined
      }
    | undefined
  readonly saved: Map<string, SavedEntry>
  readonly intents: Map<number, JournalIntent>
  readonly outcomes: JournalOutcome[]
}

export function createMemoryJournalStore(): JournalStore {
  const runs = new Map<RunId, StoredRun>()
  const contents = new Map<Digest, Uint8Array>()
  const find = (id: RunId): StoredRun => {
    const run = runs.get(id)
    invariant(run !== undefined, `the run ${id} was never begun`)
    return run
  }
  return {
    async beginRun(run) {
      invariant(!runs.has(run.id), `the run ${run.id} was begun twice`)
      runs.set(run.id, { run, end: undefined, saved: new Map(), intents: new Map(), outcomes: [] })
    },
    async save(id, entries) {
      const { saved } = find(id)
      for (const entry of entries) keep(saved, contents, entry)
    },
    async recordIntents(id, intents) {
      const stored = find(id)
      const sequences = new Set([...stored.intents.keys(), ...intents.map(({ sequence }) => sequence)])
      invariant(sequences.size === stored.intents.size + intents.length, 'an intent was recorded twice')
      for (const intent of intents) stored.intents.set(intent.sequence, intent)
    },
    async recordOutcomes(id, outcomes) {
      const stored = find(id)
      for (const { sequence } of outcomes) {
        invariant(stored.intents.has(sequence), `the outcome ${sequence} has no intent`)
      }
      stored.outcomes.push(...outcomes)
    },
    async finishRun(id, outcome, at, swept) {
      find(id).end = { finishedAt: at, outcome, swept }
    },
    async listRuns() {
      // Reversed first: of runs that began together, the later one comes first.
      return [...runs.values()]
        .reverse()
        .map(summarize)
        .sort((a, b) => b.startedAt - a.startedAt)
    },
    async readRun(id) {
      const stored = runs.get(id)
      return stored === undefined ? undefined : readBack(stored)
    },
  }
}

function keep(saved: Map<string, SavedEntry>, contents: Map<Digest, Uint8Array>, entry: SavedEntry): void {
  const key = JSON.stringify([entry.registry, entry.repository, entry.digest])
  const bytes = contents.get(entry.digest) ?? Uint8Array.from(entry.bytes)
  contents.set(entry.digest, bytes)
  if (!saved.has(key)) saved.set(key, { ...entry, bytes })
}

function readBack(stored: StoredRun): JournalRun {
  return {
    run: stored.run,
    finishedAt: stored.end?.finishedAt,
    outcome: stored.end?.outcome ?? 'open',
    saved: [...stored.saved.values()].map((entry) => ({ ...entry, bytes: Uint8Array.from(entry.bytes) })),
    intents: [...stored.intents.values()].sort((a, b) => a.sequence - b.sequence),
    outcomes: [...stored.outcomes],
  }
}

function summarize(stored: StoredRun): RunSummary {
  const { id, kind, startedAt, registries, undoOf } = stored.run
  const last = new Map(stored.outcomes.map(({ sequence, outcome }) => [sequence, outcome]))
  const acts = [...last].flatMap(([sequence, outcome]) => {
    const intent = stored.intents.get(sequence)
    return intent === undefined ? [] : [{ act: intent.act, outcome }]
  })
  return {
    id,
    kind,
    startedAt,
    finishedAt: stored.end?.finishedAt,
    outcome: stored.end?.outcome ?? 'open',
    registries,
    undoOf,
    counts: countActs(tallyActs(acts)),
    swept: stored.end?.swept,
  }
}
