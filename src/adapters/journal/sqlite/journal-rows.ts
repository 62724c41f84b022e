/** Rows of the journal, read back into core types. What was never written there is a bug, not an outcome. */
import { invariant } from '../../../core/errors/invariant.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type {
  Act,
  ActOutcome,
  JournalIntent,
  JournalOutcome,
  RunId,
  RunOutcome,
  RunRecord,
  SavedEntry,
  SweptBlobs,
} from '../../../core/journal/entry.ts'
import { digestFromColumn } from './digest-column.ts'
import type { SqlRow } from './engine.ts'
import { textFromColumn } from './names.ts'

export function savedFromRow(row: SqlRow): SavedEntry {
  const bytes = row['bytes']
  invariant(bytes instanceof Uint8Array, 'saved manifest bytes are something else')
  return {
    kind: 'manifest',
    registry: row['registry'] as RegistryName,
    repository: row['repository'] as RepositoryName,
    digest: digestFromColumn(row['digest']),
    mediaType: textFromColumn(row['media_type']),
    bytes: Uint8Array.from(bytes),
    tags: JSON.parse(String(row['tags'])) as TagName[],
  }
}

export function actTags(act: Act): readonly TagName[] {
  switch (act.kind) {
    case 'delete':
      return act.tags
    case 'untag':
      return [act.tag]
    case 'put':
      return act.tag === undefined ? [] : [act.tag]
  }
}

export function intentFromRow(row: SqlRow): JournalIntent {
  return {
    sequence: Number(row['sequence']),
    act: actFromRow(row),
    fence: Number(row['fence']),
    root: digestFromColumn(row['root']),
  }
}

function actFromRow(row: SqlRow): Act {
  const tags = JSON.parse(String(row['tags'])) as TagName[]
  const place = {
    registry: row['registry'] as RegistryName,
    repository: row['repository'] as RepositoryName,
    digest: digestFromColumn(row['digest']),
  }
  const [tag] = tags
  if (row['kind'] === 'delete') return { kind: 'delete', ...place, tags }
  if (row['kind'] === 'put') return { kind: 'put', ...place, tag }
  invariant(row['kind'] === 'untag' && tag !== undefined, 'the journal holds an unknown kind of act')
  return { kind: 'untag', ...place, tag }
}

export function outcomeFromRow(row: SqlRow): JournalOutcome {
  return {
    sequence: Number(row['sequence']),
    outcome: row['outcome'] as ActOutcome,
    text: textFromColumn(row['text']),
    at: Number(row['at']),
  }
}

export function runFromRow(row: SqlRow): RunRecord {
  return {
    id: row['run'] as RunId,
    kind: row['kind'] as RunRecord['kind'],
    startedAt: Number(row['started_at']),
    registries: JSON.parse(String(row['registries'])) as RegistryName[],
    plan: String(row['plan']),
    undoOf: row['undo_of'] === null ? undefined : (row['undo_of'] as RunId),
  }
}

export function sweptFromRow(row: SqlRow): SweptBlobs | undefined {
  const text = row['swept']
  return typeof text === 'string' ? (JSON.parse(text) as SweptBlobs) : undefined
}

export function endFromRow(row: SqlRow): {
  readonly finishedAt: number | undefined
  readonly outcome: RunOutcome | 'open'
} {
  return row['outcome'] === null
    ? { finishedAt: undefined, outcome: 'open' }
    : { finishedAt: Number(row['finished_at']), outcome: row['outcome'] as RunOutcome }
}
