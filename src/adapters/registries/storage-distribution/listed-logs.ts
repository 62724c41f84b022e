/**
 * Packed logs for listings whose order nobody promises: entries of many owners in one place, each owner's tied together.
 *
 * An object for each link would take ten times its bytes. Nothing is ever taken out; the whole is dropped after use.
 */
import { compareBytes, writeHex } from '../../../core/sweep/digest-key.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { algorithmOf, algorithms, digestBytes, hexOf } from '../../../core/sweep/reference-record.ts'
import type { DigestAlgorithm } from '../../../core/sweep/reference-record.ts'
import type { PackedDigests } from '../../../ports/readable-layout.ts'

const DIGESTS_PER_CHUNK = 1 << 13
const TEXT_CHUNK_BYTES = 1 << 20
/** Before each text: the entry before, the time, the length. */
const HEAD_BYTES = 20
/** The last entry of an owner who has none yet. */
export const NONE = -1

/** The last entry of an owner, of each algorithm. */
export type LastDigests = { [algorithm in DigestAlgorithm]: number }

/** Digests with times. */
export class DigestLogs {
  readonly #logs: Readonly<Record<DigestAlgorithm, DigestLog>> = {
    sha256: new DigestLog('sha256'),
    sha512: new DigestLog('sha512'),
  }

  add(last: LastDigests, digest: Digest, time: number): void {
    const algorithm = algorithmOf(digest)
    last[algorithm] = this.#logs[algorithm].append(last[algorithm], hexOf(digest), time)
  }

  /** All of one owner: sorted, none twice; of one that was added twice, the newest time. */
  packed(last: LastDigests): readonly DatedDigests[] {
    return algorithms
      .filter((algorithm) => last[algorithm] !== NONE)
      .map((algorithm) => {
        const { bytes, times } = this.#logs[algorithm].packed(last[algorithm])
        return { digests: { algorithm, bytes }, times }
      })
  }
}

export interface DatedDigests {
  readonly digests: PackedDigests
  readonly times: Float64Array
}

class DigestLog {
  readonly #width: number
  readonly #chunks: DigestChunk[] = []
  #size = 0

  constructor(algorithm: DigestAlgorithm) {
    this.#width = digestBytes[algorithm]
  }

  /** Adds an entry that follows `before`, and tells where it is. */
  append(before: number, hex: string, time: number): number {
    const at = this.#size % DIGESTS_PER_CHUNK
    if (at === 0) this.#chunks.push(newChunk(this.#width))
    const chunk = this.#chunk(this.#size)
    writeHex(hex, chunk.digests, at * this.#width)
    chunk.times[at] = time
    chunk.before[at] = before
    this.#size += 1
    return this.#size - 1
  }

  packed(last: number): { readonly bytes: Uint8Array; readonly times: Float64Array } {
    const sorted = this.#entries(last).sort((a, b) => this.#compare(a, b) || this.#time(b) - this.#time(a))
    const distinct = sorted.filter((entry, i) => i === 0 || this.#compare(entry, sorted[i - 1] ?? NONE) !== 0)
    const bytes = new Uint8Array(distinct.length * this.#width)
    const times = new Float64Array(distinct.length)
    distinct.forEach((entry, i) => {
      const at = (entry % DIGESTS_PER_CHUNK) * this.#width
      bytes.set(this.#chunk(entry).digests.subarray(at, at + this.#width), i * this.#width)
      times[i] = this.#time(entry)
    })
    return { bytes, times }
  }

  #entries(last: number): Int32Array {
    let count = 0
    for (let entry = last; entry !== NONE; entry = this.#before(entry)) count += 1
    const entries = new Int32Array(count)
    for (let entry = last; entry !== NONE; entry = this.#before(entry)) entries[--count] = entry
    return entries
  }

  #before(entry: number): number {
    return this.#chunk(entry).before[entry % DIGESTS_PER_CHUNK] ?? NONE
  }

  #time(entry: number): number {
    return this.#chunk(entry).times[entry % DIGESTS_PER_CHUNK] ?? Number.NaN
  }

  #compare(a: number, b: number): number {
    const [inA, inB] = [this.#chunk(a).digests, this.#chunk(b).digests]
    const [atA, atB] = [(a % DIGESTS_PER_CHUNK) * this.#width, (b % DIGESTS_PER_CHUNK) * this.#width]
    if (inA === inB) return compareBytes(inA, atA, atB, this.#width)
    for (let i = 0; i < this.#width; i += 1) {
      const difference = (inA[atA + i] ?? 0) - (inB[atB + i] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  }

  #chunk(entry: number): DigestChunk {
    return this.#chunks[Math.floor(entry / DIGESTS_PER_CHUNK)] ?? emptyChunk
  }
}

interface DigestChunk {
  readonly digests: Uint8Array
  readonly times: Float64Array
  readonly before: Int32Array
}

const emptyChunk: DigestChunk = newChunk(0, 0)

function newChunk(width: number, entries: number = DIGESTS_PER_CHUNK): DigestChunk {
  return {
    digests: new Uint8Array(entries * width),
    times: new Float64Array(entries),
    before: new Int32Array(entries),
  }
}

/** Short texts with times. */
export class TextLog {
  readonly #chunks: Buffer[] = []
  #free = TEXT_CHUNK_BYTES

  /** Adds an entry that follows `before`, and tells where it is. */
  append(before: number, bytes: Uint8Array, time: number): number {
    const size = HEAD_BYTES + bytes.length
    if (this.#free + size > TEXT_CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafe(Math.max(size, TEXT_CHUNK_BYTES)))
      this.#free = 0
    }
    const chunk = this.#chunks.at(-1)
    const at = this.#free
    chunk?.writeDoubleLE(before, at)
    chunk?.writeDoubleLE(time, at + 8)
    chunk?.writeUInt32LE(bytes.length, at + 16)
    chunk?.set(bytes, at + HEAD_BYTES)
    this.#free += size
    return (this.#chunks.length - 1) * TEXT_CHUNK_BYTES + at
  }

  /** The entries from `last` back to the first. */
  *back(last: number): Generator<{ readonly bytes: Buffer; readonly time: number }> {
    for (let entry = last; entry !== NONE;) {
      const chunk = this.#chunks[Math.floor(entry / TEXT_CHUNK_BYTES)]
      if (chunk === undefined) return
      const at = entry % TEXT_CHUNK_BYTES
      const start = at + HEAD_BYTES
      yield {
        bytes: chunk.subarray(start, start + chunk.readUInt32LE(at + 16)),
        time: chunk.readDoubleLE(at + 8),
      }
      entry = chunk.readDoubleLE(at)
    }
  }
}
