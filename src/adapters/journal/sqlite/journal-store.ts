/**
 * The journal in SQLite. Every writing method is one transaction, on disk when it returns.
 *
 * Refuses (as bugs) a run that was never begun and a sequence number given twice: a journal that takes anything
 * explains nothing.
 */
import { invariant } from '../../../core/errors/invariant.ts'
import {
  countActs,
  doneOutcomes,
  failedOutcomes,
  type ActResult,
  type ActTally,
} from '../../../core/journal/count-acts.ts'
import type {
  ActOutcome,
  Act,
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
import type { Database } from './database.ts'
import { digestToColumn } from './digest-column.ts'
import {
  actTags,
  endFromRow,
  intentFromRow,
  outcomeFromRow,
  runFromRow,
  savedFromRow,
  sweptFromRow,
} from './journal-rows.ts'
import { repositoryKey, textToColumn } from './names.ts'

export function createSqliteJournalStore(database: Database): JournalStore {
  return {
    beginRun: (run) =>
      database.transaction((it) => {
        insertRun(it, run)
      }),
    save: (run, entries) =>
      database.transaction((it) => {
        const runKey = findRun(it, run)
        for (const entry of entries) insertSaved(it, runKey, entry)
      }),
    recordIntents: (run, intents) =>
      database.transaction((it) => {
        insertIntents(it, findRun(it, run), intents)
      }),
    recordOutcomes: (run, outcomes) =>
      database.transaction((it) => {
        insertOutcomes(it, findRun(it, run), outcomes)
      }),
    finishRun: (run, outcome, at, swept) =>
      database.transaction((it) => {
        finish(it, findRun(it, run), { outcome, at, swept })
      }),
    listRuns: () => database.read(listRuns),
    readRun: (id) => database.read((it) => readRun(it, id)),
  }
}

function insertRun(database: Database, run: RunRecord): void {
  const changed = database
    .prepare(
      `INSERT INTO runs (run, kind, started_at, registries, undo_of, plan) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    .run(run.id, run.kind, run.startedAt, JSON.stringify(run.registries), run.undoOf ?? null, run.plan)
  invariant(changed === 1, `the run ${run.id} was begun twice`)
}

function findRun(database: Database, run: RunId): number {
  const row = database.prepare('SELECT id FROM runs WHERE run = ?').get(run)
  invariant(row !== undefined, `the run ${run} was never begun`)
  return Number(row['id'])
}

function insertSaved(database: Database, runKey: number, entry: SavedEntry): void {
  const digest = digestToColumn(entry.digest)
  database
    // Node 22 binds empty bytes as NULL.
    .prepare("INSERT INTO contents (digest, bytes) VALUES (?, coalesce(?, x'')) ON CONFLICT DO NOTHING")
    .run(digest, entry.bytes)
  database
    .prepare(
      `INSERT INTO saved (run_id, repository_id, content_id, media_type, tags)
       SELECT ?, ?, id, ?, ? FROM contents WHERE digest = ? ON CONFLICT DO NOTHING`,
    )
    .run(
      runKey,
      repositoryKey(database, entry.registry, entry.repository),
      textToColumn(entry.mediaType),
      JSON.stringify(entry.tags),
      digest,
    )
}

function insertIntents(database: Database, runKey: number, intents: readonly JournalIntent[]): void {
  const insert = database.prepare(
    `INSERT INTO intents (run_id, sequence, kind, repository_id, digest, tags, fence, root)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  for (const { sequence, act, fence, root } of intents) {
    const changed = insert.run(
      runKey,
      sequence,
      act.kind,
      repositoryKey(database, act.registry, act.repository),
      digestToColumn(act.digest),
      JSON.stringify(actTags(act)),
      fence,
      digestToColumn(root),
    )
    invariant(changed === 1, `the intent ${sequence} was recorded twice`)
  }
}

function insertOutcomes(database: Database, runKey: number, outcomes: readonly JournalOutcome[]): void {
  const insert = database.prepare(
    `INSERT INTO outcomes (run_id, sequence, outcome, text, at)
     SELECT run_id, sequence, ?, ?, ? FROM intents WHERE run_id = ? AND sequence = ?`,
  )
  for (const { sequence, outcome, text, at } of outcomes) {
    const changed = insert.run(outcome, textToColumn(text), at, runKey, sequence)
    invariant(changed === 1, `the outcome ${sequence} has no intent`)
  }
}

interface RunEnd {
  readonly outcome: RunOutcome
  readonly at: number
  readonly swept: SweptBlobs | undefined
}

function finish(database: Database, runKey: number, { outcome, at, swept }: RunEnd): void {
  database
    .prepare('UPDATE runs SET outcome = ?, finished_at = ?, swept = ? WHERE id = ?')
    .run(outcome, at, swept === undefined ? null : JSON.stringify(swept), runKey)
}

/**
 * What the runs did, by their keys. Grouped here, because a journal may hold a million acts and the history shows four
 * numbers of them; what it means is written in core/journal/count-acts.ts.
 */
function tallyRuns(database: Database): ReadonlyMap<number, readonly ActTally[]> {
  const marks = (outcomes: readonly ActOutcome[]): string => outcomes.map(() => '?').join(', ')
  const groups = database.prepare(`
    SELECT run_id, kind, result, count(*) AS count FROM (
      SELECT i.run_id, i.kind, max(CASE
        WHEN o.outcome IN (${marks(doneOutcomes)}) THEN 2 WHEN o.outcome IN (${marks(failedOutcomes)}) THEN 1 ELSE 0
      END) AS result
      FROM outcomes o JOIN intents i ON i.run_id = o.run_id AND i.sequence = o.sequence
      WHERE o.id = (SELECT max(id) FROM outcomes l WHERE l.run_id = o.run_id AND l.sequence = o.sequence)
      GROUP BY i.run_id, i.kind, i.repository_id, i.digest, CASE i.kind WHEN 'delete' THEN '' ELSE i.tags END)
    GROUP BY run_id, kind, result`)
  const tallies = new Map<number, ActTally[]>()
  for (const row of groups.all(...doneOutcomes, ...failedOutcomes)) {
    const runKey = Number(row['run_id'])
    const tally = {
      kind: row['kind'] as Act['kind'],
      result: resultsByRank[Number(row['result'])] ?? 'neither',
      count: Number(row['count']),
    }
    tallies.set(runKey, [...(tallies.get(runKey) ?? []), tally])
  }
  return tallies
}

/** In the order of the numbers above. */
const resultsByRank: readonly ActResult[] = ['neither', 'failed', 'done']

function listRuns(database: Database): readonly RunSummary[] {
  const tallies = tallyRuns(database)
  const runs = database.prepare(`
    SELECT id, run, kind, started_at, finished_at, outcome, registries, undo_of, swept, '' AS plan
    FROM runs ORDER BY started_at DESC, id DESC`)
  return runs.all().map((row) => {
    const { id, kind, startedAt, registries, undoOf } = runFromRow(row)
    const counts = countActs(tallies.get(Number(row['id'])) ?? [])
    const swept = sweptFromRow(row)
    return { id, kind, startedAt, ...endFromRow(row), registries, undoOf, counts, swept }
  })
}

function readRun(database: Database, id: RunId): JournalRun | undefined {
  const row = database.prepare('SELECT * FROM runs WHERE run = ?').get(id)
  if (row === undefined) return undefined
  const runKey = Number(row['id'])
  const places = 'JOIN repositories p ON p.id = t.repository_id JOIN registries r ON r.id = p.registry_id'
  const names = 'r.name AS registry, p.name AS repository'
  const saved = database.prepare(`
    SELECT ${names}, c.digest, t.media_type, c.bytes, t.tags FROM saved t JOIN contents c ON c.id = t.content_id
    ${places} WHERE t.run_id = ? ORDER BY t.id`)
  const intents = database.prepare(`
    SELECT ${names}, t.sequence, t.kind, t.digest, t.tags, t.fence, t.root FROM intents t
    ${places} WHERE t.run_id = ? ORDER BY t.sequence`)
  const outcomes = database.prepare('SELECT * FROM outcomes WHERE run_id = ? ORDER BY id')
  return {
    run: runFromRow(row),
    ...endFromRow(row),
    saved: saved.all(runKey).map(savedFromRow),
    intents: intents.all(runKey).map(intentFromRow),
    outcomes: outcomes.all(runKey).map(outcomeFromRow),
  }
}
