/**
 * The cache of facts, in a file of its own: it is the big one, and it may be thrown away at any time. Long readings
 * and writings are cut into short transactions, so that neither other processes nor our own event loop wait long.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Digest } from '../../../core/image/digest.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { Database, Migration } from './database.ts'
import { digestToColumn } from './digest-column.ts'
import {
  configFromColumn,
  configToColumn,
  manifestFromColumn,
  manifestToColumn,
  statementFromColumn,
  statementToColumn,
} from './facts-column.ts'

/** "Winc" in ASCII. */
export const cacheApplicationId = 0x57696e63

/** When the reading of manifests changes, the next migration empties these tables: facts are as good as their parser. */
export const cacheMigrations: readonly Migration[] = [
  (connection) => {
    connection.exec(`
      CREATE TABLE manifests (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, facts TEXT NOT NULL);
      CREATE TABLE configs (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, facts TEXT NOT NULL);
    `)
  },
  (connection) => {
    // Facts from before do not tell which layers are statements; a row that stayed would hide provenance.
    connection.exec(`
      DELETE FROM manifests;
      CREATE TABLE statements (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, facts TEXT NOT NULL);
    `)
  },
]

/** About 10 ms of reading. */
const readBatch = 1_000
/** One commit costs three syncs; this many rows make them unnoticeable. */
const writeBatch = 5_000

type Table = 'manifests' | 'configs' | 'statements'

export function createSqliteManifestCache(database: Database): ManifestCache {
  return {
    manifests: (digests) => readFacts(database, 'manifests', digests, manifestFromColumn),
    configs: (digests) => readFacts(database, 'configs', digests, configFromColumn),
    statements: (digests) => readFacts(database, 'statements', digests, statementFromColumn),
    putManifests: (facts) => writeFacts(database, 'manifests', facts, manifestToColumn),
    putConfigs: (facts) => writeFacts(database, 'configs', facts, configToColumn),
    putStatements: (facts) => writeFacts(database, 'statements', facts, statementToColumn),
  }
}

async function readFacts<T>(
  database: Database,
  table: Table,
  digests: readonly Digest[],
  fromColumn: (digest: Digest, column: unknown) => T | undefined,
): Promise<ReadonlyMap<Digest, T>> {
  const found = new Map<Digest, T>()
  for (const batch of batches(digests, readBatch)) {
    await database.read((it) => {
      const select = it.prepare(`SELECT facts FROM ${table} WHERE digest = ?`)
      for (const digest of batch) {
        const row = select.get(digestToColumn(digest))
        const facts = row === undefined ? undefined : fromColumn(digest, row['facts'])
        if (facts !== undefined) found.set(digest, facts)
      }
    })
    await nextTurn()
  }
  return found
}

async function writeFacts<T extends { readonly digest: Digest }>(
  database: Database,
  table: Table,
  facts: readonly T[],
  toColumn: (facts: T) => string,
): Promise<void> {
  for (const batch of batches(facts, writeBatch)) {
    await database.transaction((it) => {
      // Replaced and not ignored: a row that could not be read is what we were asked to put right.
      const insert = it.prepare(`
        INSERT INTO ${table} (digest, facts) VALUES (?, ?)
        ON CONFLICT (digest) DO UPDATE SET facts = excluded.facts WHERE excluded.facts <> facts`)
      for (const one of batch) insert.run(digestToColumn(one.digest), toColumn(one))
    })
    await nextTurn()
  }
}

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size)
}
