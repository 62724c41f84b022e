/**
 * What Trow 0.7 and newer will collect by itself, by its database. Asked of a copy in a folder of our own, because SQLite
 * changes files beside a database even to read it. The copy of a database in use may be torn, and any trouble with it means
 * only that nobody can say how much it is; nothing is decided by the answer.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { ReadableBlobStore } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

export const DATABASE = 'trow.db'
/** The write-ahead log holds what was not yet moved into the database. */
const parts = [DATABASE, `${DATABASE}-wal`]
/** Manifests have a few kilobytes each: room for some hundred thousand. A larger database is not copied. */
const DATABASE_BYTES_MAX = 512 * 1024 * 1024
/** Trow keeps a blob so long after somebody last asked for it. */
const KEPT_SECONDS = 86_400

export interface Collectable {
  readonly blobs: number
  readonly bytes: number
}

/** Undefined when it cannot be told. */
export async function askTrowDatabase(
  store: ReadableBlobStore,
  now: Date,
  options?: RunOptions,
): Promise<Collectable | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-trow-')).catch(() => undefined)
  if (folder === undefined) return undefined
  try {
    for (const part of parts) {
      const file = await store.read(part, DATABASE_BYTES_MAX, options)
      if (file !== undefined) await writeFile(join(folder, part), file.bytes, { mode: 0o600 })
    }
    return await askCopy(join(folder, DATABASE), now)
  } catch (error) {
    if (error instanceof InterruptedError) throw error
    return undefined
  } finally {
    // Safe: the folder was made above, and holds copies only.
    await rm(folder, { recursive: true, force: true })
  }
}

async function askCopy(path: string, now: Date): Promise<Collectable> {
  const { default: sqlite } = await import('node-sqlite3-wasm')
  const database = new sqlite.Database(path)
  try {
    // Without shared memory, which this engine has not, a write-ahead log can only be read by whoever has it alone.
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    const row = database.get(
      `SELECT count(*) AS blobs, coalesce(sum(size), 0) AS bytes FROM blob
       WHERE last_accessed < ?
         AND NOT EXISTS (SELECT 1 FROM manifest_blob_assoc AS held WHERE held.blob_digest = blob.digest)`,
      [Math.floor(now.getTime() / 1000) - KEPT_SECONDS],
    )
    return { blobs: Number(row?.['blobs']), bytes: Number(row?.['bytes']) }
  } finally {
    database.close()
  }
}
