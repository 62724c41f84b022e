/**
 * Winnow's own memory in SQLite. Calls in any order leave the same rows: what is newer wins, and of what is equally
 * new the first by name, so that two runs side by side cannot make a third plan differently.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type {
  InUseSighting,
  Memory,
  PushEvent,
  RememberedUse,
  SourceSnapshot,
} from '../../../ports/memory.ts'
import type { Database } from './database.ts'
import { digestFromColumn, digestToColumn } from './digest-column.ts'
import { findRepositoryKey, registryKey, repositoryKey, textFromColumn, textToColumn } from './names.ts'

export function createSqliteMemory(database: Database): Memory {
  return {
    rememberInUse: (registry, seen, at) =>
      database.transaction((it) => {
        rememberInUse(it, registry, seen, at)
      }),
    seenInUse: (registry, since) => database.read((it) => seenInUse(it, registry, since)),
    rememberListed: (registry, repository, digests, at) =>
      database.transaction((it) => {
        rememberListed(it, repositoryKey(it, registry, repository), digests, at)
      }),
    firstSightings: (registry, repository) =>
      database.read((it) =>
        instants(
          it,
          registry,
          repository,
          'SELECT digest, first_seen_at AS at FROM listed WHERE repository_id = ?',
        ),
      ),
    lastSnapshot: (source) => database.read((it) => lastSnapshot(it, source)),
    rememberSnapshot: (source, snapshot) =>
      database.transaction((it) => {
        rememberSnapshot(it, source, snapshot)
      }),
    rememberPushes: (registry, events) =>
      database.transaction((it) => {
        rememberPushes(it, registry, events)
      }),
    recordedPushes: (registry, repository) =>
      database.read((it) =>
        instants(it, registry, repository, 'SELECT digest, at FROM pushes WHERE repository_id = ?'),
      ),
  }
}

function rememberInUse(
  database: Database,
  registry: RegistryName,
  seen: readonly InUseSighting[],
  at: InstantMs,
): void {
  const key = registryKey(database, registry)
  const upsert = database.prepare(`
    INSERT INTO in_use (registry_id, digest, at, source, place) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (registry_id, digest) DO UPDATE SET at = excluded.at, source = excluded.source, place = excluded.place
    WHERE excluded.at > at OR (excluded.at = at AND (excluded.source, excluded.place) < (source, place))`)
  for (const { digest, source, where } of seen) {
    upsert.run(key, digestToColumn(digest), at, textToColumn(source), textToColumn(where))
  }
}

function seenInUse(
  database: Database,
  registry: RegistryName,
  since: InstantMs,
): ReadonlyMap<Digest, RememberedUse> {
  const rows = database
    .prepare(
      `SELECT u.digest, u.at, u.source, u.place FROM in_use u JOIN registries r ON r.id = u.registry_id
       WHERE r.name = ? AND u.at >= ?`,
    )
    .all(registry, since)
  return new Map(
    rows.map((row) => [
      digestFromColumn(row['digest']),
      {
        lastSeenAt: Number(row['at']),
        source: textFromColumn(row['source']),
        where: textFromColumn(row['place']),
      },
    ]),
  )
}

/**
 * Only what changed since the last complete inventory is written, so that a registry at rest costs one reading. A
 * digest that was gone and comes back counts as new: that can only make it younger, and the younger is kept. An
 * inventory older than the one we know is a slower run's, and teaches nothing.
 */
function rememberListed(database: Database, key: number, digests: readonly Digest[], at: InstantMs): void {
  const last = database.prepare('SELECT at FROM listings WHERE repository_id = ?').get(key)?.['at']
  if (last !== undefined && at < Number(last)) return
  const listed = database.prepare('SELECT digest FROM listed WHERE repository_id = ?')
  const known = new Set(listed.all(key).map((row) => digestFromColumn(row['digest'])))
  const insert = database.prepare(
    'INSERT INTO listed (repository_id, digest, first_seen_at) VALUES (?, ?, ?)',
  )
  const remove = database.prepare('DELETE FROM listed WHERE repository_id = ? AND digest = ?')
  const now = new Set(digests)
  for (const digest of now) {
    if (!known.has(digest)) insert.run(key, digestToColumn(digest), last === undefined ? null : at)
  }
  // Safe: these rows are memory of digests the registry no longer lists.
  for (const digest of known) if (!now.has(digest)) remove.run(key, digestToColumn(digest))
  database.prepare('INSERT OR REPLACE INTO listings (repository_id, at) VALUES (?, ?)').run(key, at)
}

function rememberPushes(database: Database, registry: RegistryName, events: readonly PushEvent[]): void {
  const upsert = database.prepare(`
    INSERT INTO pushes (repository_id, digest, at) VALUES (?, ?, ?)
    ON CONFLICT (repository_id, digest) DO UPDATE SET at = max(at, excluded.at)`)
  for (const { repository, digest, at } of events) {
    upsert.run(repositoryKey(database, registry, repository), digestToColumn(digest), at)
  }
}

function instants(
  database: Database,
  registry: RegistryName,
  repository: RepositoryName,
  sql: string,
): ReadonlyMap<Digest, InstantMs> {
  const key = findRepositoryKey(database, registry, repository)
  const rows = key === undefined ? [] : database.prepare(sql).all(key)
  const known = rows.filter((row) => row['at'] !== null)
  return new Map(known.map((row) => [digestFromColumn(row['digest']), Number(row['at'])]))
}

function lastSnapshot(database: Database, source: string): SourceSnapshot | undefined {
  const row = database.prepare('SELECT snapshot FROM snapshots WHERE source = ?').get(textToColumn(source))
  if (row === undefined) return undefined
  const [at, identity, objects, pods, references, reached] = JSON.parse(
    String(row['snapshot']),
  ) as SnapshotColumn
  return {
    at,
    identity: identity ?? undefined,
    objects,
    pods: pods ?? undefined,
    references,
    ...(reached !== undefined && { reached: new Map(reached) }),
  }
}

type SnapshotColumn = readonly [
  number,
  string | null,
  number,
  number | null,
  number,
  (readonly (readonly [string, string])[])?,
]

function rememberSnapshot(database: Database, source: string, snapshot: SourceSnapshot): void {
  const { at, identity, objects, pods, references, reached } = snapshot
  const counts = [at, identity ?? null, objects, pods ?? null, references] as const
  const column: SnapshotColumn = reached === undefined ? counts : [...counts, [...reached].sort()]
  database
    .prepare('INSERT OR REPLACE INTO snapshots (source, snapshot) VALUES (?, ?)')
    .run(textToColumn(source), JSON.stringify(column))
}
