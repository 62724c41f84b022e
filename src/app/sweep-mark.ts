/**
 * The mark: everything that linked manifests need, followed from manifest to manifest.
 *
 * A manifest is read once for the whole pool, however many repositories link it: what a digest refers to never differs.
 * It is read as a manifest wherever anything names it as one, so being a mere blob somewhere hides nothing. Manifests that
 * are set aside are read from there: a push may have linked them since.
 */
import { invariant } from '../core/errors/invariant.ts'
import type { Digest } from '../core/image/digest.ts'
import { SHARDS } from '../core/sweep/digest-key.ts'
import { joinBytes } from '../core/sweep/join-bytes.ts'
import { MarkSet } from '../core/sweep/mark-set.ts'
import { findRecord } from '../core/sweep/record-table.ts'
import {
  algorithms,
  bytesOfDigest,
  digestBytes,
  digestOfBytes,
  eachBlob,
  eachManifest,
  hexOf,
  readRecord,
  type DigestAlgorithm,
} from '../core/sweep/reference-record.ts'
import { ReferenceSection } from '../core/sweep/reference-section.ts'
import type { Scratch } from '../core/sweep/scratch.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { ReferenceCache } from '../ports/reference-cache.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { sizeOf, STORED_EXTRA, tablesOf, type ByAlgorithm, type PoolTables } from './sweep-tables.ts'
import type { RecordTable } from '../core/sweep/record-table.ts'

const MARK_BYTES_MAX = 8 * 1024 * 1024
/** So many manifests are asked for at once: enough for every thread, and no more than fits in memory easily. */
const MANIFESTS_AT_ONCE = 8192

export interface MarkParts {
  readonly references: ReferenceCache
  readonly scratch: Scratch
  /** A manifest that was set aside; undefined when it was not. */
  readonly readAside: (pool: string, manifest: Digest) => Promise<Uint8Array | undefined>
}

export interface Mark {
  readonly marks: MarkSet
  /** Manifests that were reached and read. */
  readonly manifests: number
  /** Manifests that are linked, and whose bytes are nowhere. */
  readonly missing: readonly Digest[]
}

export async function markPool(
  pool: BlobPool,
  tables: PoolTables,
  parts: MarkParts,
  options: RunOptions,
): Promise<Mark> {
  const walk = new Walk(pool, parts, options)
  await walk.follow(tables.roots)
  await walk.findMissing(tables)
  for (const { path, target } of tables.aliases) {
    if (walk.isMarked(path)) walk.marks.addHex(hexOf(target))
  }
  return { marks: walk.marks, manifests: walk.manifests, missing: walk.missing }
}

class Walk {
  readonly marks: MarkSet
  readonly missing: Digest[] = []
  manifests = 0
  readonly #pool: BlobPool
  readonly #parts: MarkParts
  readonly #options: RunOptions
  readonly #seen: ByAlgorithm<RecordTable>

  constructor(pool: BlobPool, parts: MarkParts, options: RunOptions) {
    this.#pool = pool
    this.#parts = parts
    this.#options = options
    this.marks = new MarkSet('marks', { scratch: parts.scratch, memoryBytesMax: MARK_BYTES_MAX })
    this.#seen = tablesOf('seen', 0, parts.scratch)
  }

  isMarked(digest: Digest): boolean {
    const bytes = bytesOfDigest(digest)
    return this.marks.shard(bytes[0] ?? 0).hasBytes(bytes, 0)
  }

  /**
   * Linked manifests whose bytes are nowhere. What they refer to may be known from an earlier sweep, so it is the list of
   * blobs that tells; what was pushed after the list was made is looked for once more.
   */
  async findMissing({ roots, stored }: PoolTables): Promise<void> {
    for (const algorithm of algorithms) {
      const width = digestBytes[algorithm]
      const unlisted: Uint8Array[] = []
      for (let shard = 0; shard < SHARDS; shard += 1) {
        const wanted = roots[algorithm].sortedShard(shard)
        if (wanted.length === 0) continue
        const listed = stored[algorithm].sortedShard(shard, width)
        for (let at = 0; at < wanted.length; at += width) {
          if (findRecord(listed, width + STORED_EXTRA, wanted, at, width) === -1)
            unlisted.push(wanted.subarray(at, at + width))
        }
      }
      if (unlisted.length === 0) continue
      const bytes = joinBytes(unlisted)
      const { sizes } = await this.#pool.blobFacts({ algorithm, bytes }, this.#options)
      for (const [i, size] of sizes.entries()) {
        const digest = digestOfBytes(algorithm, bytes, i * width)
        if (Number.isNaN(size) && (await this.#parts.readAside(this.#pool.name, digest)) === undefined)
          this.missing.push(digest)
      }
    }
  }

  /** Wave by wave: what the manifests of one refer to is the next. */
  async follow(roots: ByAlgorithm<RecordTable>): Promise<void> {
    let wave = roots
    for (let depth = 0; sizeOf(wave) > 0; depth += 1) {
      const next = tablesOf(`wave-${depth % 2}`, 0, this.#parts.scratch)
      for (const algorithm of algorithms) await this.#followWave(algorithm, wave[algorithm], next)
      if (depth > 0) for (const algorithm of algorithms) wave[algorithm].clear()
      wave = next
    }
    for (const algorithm of algorithms) this.#seen[algorithm].clear()
  }

  async #followWave(
    algorithm: DigestAlgorithm,
    wave: RecordTable,
    next: ByAlgorithm<RecordTable>,
  ): Promise<void> {
    const width = digestBytes[algorithm]
    let unread: Uint8Array[] = []
    let unreadCount = 0
    const readUnread = async (): Promise<void> => {
      if (unreadCount > 0) await this.#read(algorithm, joinBytes(unread), next)
      unread = []
      unreadCount = 0
    }
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const wanted = this.#unseen(algorithm, shard, wave.sortedShard(shard))
      if (wanted.length === 0) continue
      const section = new ReferenceSection(await this.#parts.references.section(shard))
      for (let at = 0; at < wanted.length; at += width) {
        this.marks.addBytes(wanted, at)
        const record = section.find(algorithm, wanted, at)
        if (record === undefined) {
          unread.push(wanted.subarray(at, at + width))
          unreadCount += 1
        } else this.#visit(section.bytes, record, next)
      }
      if (unreadCount >= MANIFESTS_AT_ONCE) await readUnread()
    }
    await readUnread()
  }

  #unseen(algorithm: DigestAlgorithm, shard: number, wanted: Uint8Array): Uint8Array {
    const width = digestBytes[algorithm]
    if (wanted.length === 0) return wanted
    const seen = this.#seen[algorithm].sortedShard(shard)
    const fresh: Uint8Array[] = []
    for (let at = 0; at < wanted.length; at += width) {
      if (seen.length > 0 && findRecord(seen, width, wanted, at, width) !== -1) continue
      fresh.push(wanted.subarray(at, at + width))
      this.#seen[algorithm].addAt(wanted, at)
    }
    return fresh.length * width === wanted.length ? wanted : joinBytes(fresh)
  }

  async #read(
    algorithm: DigestAlgorithm,
    digests: Uint8Array,
    next: ByAlgorithm<RecordTable>,
  ): Promise<void> {
    const { records, absent } = await this.#pool.readReferences({ algorithm, bytes: digests }, this.#options)
    this.#visitAll(records, next)
    const width = digestBytes[algorithm]
    for (let at = 0; at < absent.length; at += width) {
      const digest = digestOfBytes(algorithm, absent, at)
      const bytes = await this.#parts.readAside(this.#pool.name, digest)
      if (bytes !== undefined) this.#visitAll(this.#pool.referencesIn(digest, bytes), next)
    }
    this.#options.onEvent?.({ kind: 'progress', phase: 'mark', done: this.manifests, note: 'manifests' })
  }

  #visitAll(records: Uint8Array, next: ByAlgorithm<RecordTable>): void {
    for (let offset = 0; offset < records.length;) {
      const record = readRecord(records, offset)
      // Passing over the rest would leave what it names unmarked.
      invariant(record !== undefined, 'the layout packed a record of references that cannot be read')
      this.#visit(records, record, next)
      this.#parts.references.add(records[record.digestAt] ?? 0, records.subarray(offset, record.end))
      offset = record.end
    }
  }

  #visit(
    bytes: Uint8Array,
    record: NonNullable<ReturnType<typeof readRecord>>,
    next: ByAlgorithm<RecordTable>,
  ): void {
    this.manifests += 1
    eachBlob(record, (offset) => {
      this.marks.addBytes(bytes, offset)
    })
    eachManifest(bytes, record, (algorithm, offset) => {
      this.marks.addBytes(bytes, offset)
      next[algorithm].addAt(bytes, offset)
    })
  }
}
