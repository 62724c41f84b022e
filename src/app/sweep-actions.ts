/** What a sweep would do or did, line by line: packed while it is gathered, made into lines when somebody reads them. */
import type { Digest } from '../core/image/digest.ts'
import { algorithms, digestBytes, digestOfBytes } from '../core/sweep/reference-record.ts'
import { SHARDS, writeHex } from '../core/sweep/digest-key.ts'
import type { SweepAction } from '../core/sweep/sweep-report.ts'
import type { RecordTable } from '../core/sweep/record-table.ts'
import { STORED_EXTRA, storedSize, type ByAlgorithm } from './sweep-tables.ts'

const UNREFERENCED = 'no linked manifest refers to it'
/** Blobs are kept in blocks of so many, so that growing copies little. */
const BLOCK = 4096

type BlobActionKind = 'set-aside' | 'restore' | 'free'
type PathActionKind = 'remove-link' | 'remove-repository' | 'remove-upload'

export class ActionLog implements Iterable<SweepAction> {
  readonly #blobs: PackedActions[] = []
  readonly #paths: SweepAction[] = []

  addBlob(
    kind: BlobActionKind,
    pool: string,
    digest: Digest,
    sizeBytes: number,
    reason = UNREFERENCED,
  ): void {
    const last = this.#blobs.at(-1)
    const block =
      last !== undefined && last.isFor(kind, pool, reason) && !last.isFull
        ? last
        : this.#open(new PackedActions(kind, pool, reason))
    block.add(digest, sizeBytes)
  }

  addPath(kind: PathActionKind, path: string, reason: string): void {
    this.#paths.push({ kind, path, reason })
  }

  *[Symbol.iterator](): Iterator<SweepAction> {
    for (const block of this.#blobs) yield* block
    yield* this.#paths
  }

  #open(block: PackedActions): PackedActions {
    this.#blobs.push(block)
    return block
  }
}

class PackedActions implements Iterable<SweepAction> {
  readonly #kind: BlobActionKind
  readonly #pool: string
  readonly #reason: string
  #bytes = new Uint8Array(digestBytes.sha256 * 64)
  #used = 0
  readonly #sizes: number[] = []
  readonly #longer = new Map<number, Digest>()

  constructor(kind: BlobActionKind, pool: string, reason: string) {
    this.#kind = kind
    this.#pool = pool
    this.#reason = reason
  }

  get isFull(): boolean {
    return this.#sizes.length >= BLOCK
  }

  isFor(kind: BlobActionKind, pool: string, reason: string): boolean {
    return this.#kind === kind && this.#pool === pool && this.#reason === reason
  }

  add(digest: Digest, sizeBytes: number): void {
    const place = this.#sizes.push(sizeBytes) - 1
    if (!digest.startsWith('sha256:')) this.#longer.set(place, digest)
    if (this.#used + digestBytes.sha256 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    writeHex(
      digest.slice('sha256:'.length, 'sha256:'.length + digestBytes.sha256 * 2),
      this.#bytes,
      this.#used,
    )
    this.#used += digestBytes.sha256
  }

  *[Symbol.iterator](): Iterator<SweepAction> {
    for (const [place, sizeBytes] of this.#sizes.entries()) {
      const digest =
        this.#longer.get(place) ?? digestOfBytes('sha256', this.#bytes, place * digestBytes.sha256)
      yield {
        kind: this.#kind,
        digest,
        sizeBytes,
        reason: this.#reason,
        ...(this.#pool !== '' && { pool: this.#pool }),
      }
    }
  }
}

/** Every blob of a table of garbage with its size, in order of the digests. */
export function* eachGarbage(
  garbage: ByAlgorithm<RecordTable>,
): Generator<{ readonly digest: Digest; readonly sizeBytes: number }> {
  for (const algorithm of algorithms) {
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const records = garbage[algorithm].sortedShard(shard)
      for (let at = 0; at < records.length; at += digestBytes[algorithm] + STORED_EXTRA) {
        yield { digest: digestOfBytes(algorithm, records, at), sizeBytes: storedSize(algorithm, records, at) }
      }
    }
  }
}
