/**
 * One look at a pool, in the order that makes it safe beside pushes: blobs are listed, then links are read, then the mark
 * is made. What it decides is a value; nothing is touched here.
 */
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RecordTable } from '../core/sweep/record-table.ts'
import { keyOfHex, shardOfHex } from '../core/sweep/digest-key.ts'
import { algorithmOf, algorithms, hexOf } from '../core/sweep/reference-record.ts'
import { StorageUnreadableError } from '../ports/readable-blob-store.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { findGarbage } from './sweep-garbage.ts'
import { markPool, type Mark, type MarkParts } from './sweep-mark.ts'
import { PoolTables, type ByAlgorithm } from './sweep-tables.ts'

export interface SurveyRequest {
  /** Nothing that is as young as this, or younger, is garbage. */
  readonly fence: InstantMs
  readonly now: () => InstantMs
}

export interface PoolSurvey {
  readonly pool: BlobPool
  /** When the first of it was read: what was there before was seen. */
  readonly startedAt: InstantMs
  readonly tables: PoolTables
  readonly mark: Mark
  readonly blobs: number
  readonly blobsMarked: number
  /** Digest, size and time of each (records as of PoolTables.stored), none twice. */
  readonly garbage: ByAlgorithm<RecordTable>
  readonly bytesGarbage: number
}

/** @throws whatever the layout throws: then nothing is known of the pool, and nothing of it may go */
export async function surveyPool(
  pool: BlobPool,
  { fence, now }: SurveyRequest,
  parts: MarkParts,
  options: RunOptions,
): Promise<PoolSurvey> {
  const startedAt = now()
  const tables = new PoolTables('pool', parts.scratch)
  const phase = (name: string): void => {
    options.onEvent?.({ kind: 'phase', phase: name, ...(pool.name !== '' && { subject: pool.name }) })
  }
  phase('list blobs')
  // Blobs first: whatever a push adds after this is in no list, so it cannot be garbage.
  await pool.listBlobs((blobs) => {
    tables.addBlobs(blobs)
  }, options)
  phase('read links')
  await pool.readLinks((links) => {
    tables.addLinks(links)
    options.onEvent?.({
      kind: 'progress',
      phase: 'read links',
      done: tables.repositories.length,
      note: 'repositories',
    })
  }, options)
  phase('mark')
  const mark = await markPool(pool, tables, parts, options)
  refuseWithoutBlobs(pool, tables, mark)
  const found = await findGarbage(pool, tables, mark, { fence, scratch: parts.scratch }, options)
  return { pool, startedAt, tables, mark, ...found }
}

/**
 * A folder of blobs in which there is none while manifests are linked is a volume that is not mounted, as a storage without
 * any blobs is.
 */
function refuseWithoutBlobs(pool: BlobPool, { stored }: PoolTables, { missing }: Mark): void {
  for (const algorithm of algorithms) {
    const [first] = missing.filter((digest) => algorithmOf(digest) === algorithm)
    if (first === undefined || stored[algorithm].size > 0) continue
    throw new StorageUnreadableError(
      `the ${algorithm} blobs`,
      `not one of them is there, and manifests are linked, such as the one that belongs at ${pool.fileOf(first).key}`,
      {
        hint: 'A volume that is not mounted looks like that: mount it. If the blobs are lost for good, delete the manifests that are linked, or push their images again.',
      },
    )
  }
}

/** Whether a linked manifest needs a blob. */
export function isMarked({ mark }: PoolSurvey, digest: Digest): boolean {
  const hex = hexOf(digest)
  return mark.marks.shard(shardOfHex(hex)).hasKey(keyOfHex(hex))
}
