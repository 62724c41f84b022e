/**
 * Garbage: what was listed, is not marked, is older than the fence, and has no layer link as young as the fence. Such a
 * link says that a push uploaded or mounted the blob just now and may name it any moment.
 */
import type { InstantMs } from '../core/inventory/inventory.ts'
import { SHARDS } from '../core/sweep/digest-key.ts'
import { joinBytes } from '../core/sweep/join-bytes.ts'
import { findRecord, sortedRecords, type RecordTable } from '../core/sweep/record-table.ts'
import { algorithms, digestBytes, type DigestAlgorithm } from '../core/sweep/reference-record.ts'
import type { Scratch } from '../core/sweep/scratch.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { Mark } from './sweep-mark.ts'
import { leasedDigests } from './sweep-leases.ts'
import {
  linkedRecord,
  eachLink,
  STORED_EXTRA,
  storedSize,
  tablesOf,
  type ByAlgorithm,
  type LinkedRecord,
  type PoolTables,
} from './sweep-tables.ts'
import { digestOfBytes } from '../core/sweep/reference-record.ts'

/** Decided together: enough to keep threads busy, few enough to fit in memory easily. */
const CANDIDATES_AT_ONCE = 4096

export interface Garbage {
  readonly blobs: number
  readonly blobsMarked: number
  readonly garbage: ByAlgorithm<RecordTable>
  readonly bytesGarbage: number
}

export async function findGarbage(
  pool: BlobPool,
  tables: PoolTables,
  mark: Mark,
  { fence, scratch }: { readonly fence: InstantMs; readonly scratch: Scratch },
  options: RunOptions,
): Promise<Garbage> {
  const garbage = tablesOf('garbage', STORED_EXTRA, scratch)
  let blobs = 0
  let blobsMarked = 0
  let bytesGarbage = 0
  for (const algorithm of algorithms) {
    const step = digestBytes[algorithm] + STORED_EXTRA
    const decide = async (shards: readonly Uint8Array[]): Promise<void> => {
      await addFacts(pool, algorithm, shards, options)
      // A blob that went meanwhile has no time, and NaN is not less than anything.
      const old = shards.map((records) => {
        const view = viewOf(records)
        return filtered(records, step, (at) => view.getFloat64(at + step - TIME_BYTES) < fence)
      })
      const links = old.flatMap((records) => linksOf(tables, algorithm, records))
      const leased = await leasedDigests(pool, tables, links, () => fence, options)
      for (const records of old) {
        for (let at = 0; at < records.length; at += step) {
          if (leased.size > 0 && leased.has(digestOfBytes(algorithm, records, at))) continue
          garbage[algorithm].addAt(records, at)
          bytesGarbage += storedSize(algorithm, records, at)
        }
      }
    }
    let waiting: Uint8Array[] = []
    let count = 0
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const stored = sortedRecords(tables.stored[algorithm].shard(shard), step, digestBytes[algorithm])
      const marks = mark.marks.shard(shard)
      const unmarked = filtered(stored, step, (at) => !marks.hasBytes(stored, at))
      blobs += stored.length / step
      blobsMarked += (stored.length - unmarked.length) / step
      if (unmarked.length === 0) continue
      waiting.push(unmarked)
      count += unmarked.length / step
      if (count < CANDIDATES_AT_ONCE) continue
      await decide(waiting)
      waiting = []
      count = 0
    }
    await decide(waiting)
  }
  return { blobs, blobsMarked, garbage, bytesGarbage }
}

/** Fills in sizes and times as they are now where the listing did not tell them. */
async function addFacts(
  pool: BlobPool,
  algorithm: DigestAlgorithm,
  shards: readonly Uint8Array[],
  options: RunOptions,
): Promise<void> {
  const width = digestBytes[algorithm]
  const step = width + STORED_EXTRA
  const untold = shards.map((records) => {
    const view = viewOf(records)
    return filtered(records, step, (at) => Number.isNaN(view.getFloat64(at + step - TIME_BYTES)), width)
  })
  const bytes = joinBytes(untold)
  if (bytes.length === 0) return
  const facts = await pool.blobFacts({ algorithm, bytes }, options)
  let next = 0
  for (const records of shards) {
    const view = viewOf(records)
    for (let at = width; at < records.length; at += step) {
      if (!Number.isNaN(view.getFloat64(at + STORED_EXTRA - TIME_BYTES))) continue
      view.setFloat64(at, facts.sizes[next] ?? Number.NaN)
      view.setFloat64(at + STORED_EXTRA - TIME_BYTES, facts.times[next] ?? Number.NaN)
      next += 1
    }
  }
}

/** A record ends with its time. */
const TIME_BYTES = 8

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length)
}

/** Layer links to the blobs of one shard. */
function linksOf(
  tables: PoolTables,
  algorithm: DigestAlgorithm,
  records: Uint8Array,
): readonly LinkedRecord[] {
  const shard = records[0]
  if (shard === undefined) return []
  const width = digestBytes[algorithm]
  const found: LinkedRecord[] = []
  eachLink(tables.layers[algorithm], algorithm, shard, (links, at) => {
    if (findRecord(records, width + STORED_EXTRA, links, at, width) !== -1)
      found.push(linkedRecord(algorithm, links, at))
  })
  return found
}

/** Copies of some records, or of what they begin with. */
function filtered(
  records: Uint8Array,
  step: number,
  isKept: (offset: number) => boolean,
  width: number = step,
): Uint8Array {
  const kept = new Uint8Array(records.length)
  let used = 0
  for (let at = 0; at < records.length; at += step) {
    if (!isKept(at)) continue
    for (let i = 0; i < width; i += 1) kept[used + i] = records[at + i] ?? 0
    used += width
  }
  return kept.slice(0, used)
}
