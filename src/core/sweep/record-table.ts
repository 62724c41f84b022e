/**
 * Records of one width in shards by their first byte: a table of digests that may be larger than memory.
 *
 * A JavaScript Set takes 130 bytes and more for each digest and ends at 2^24 of them; here a record takes its own width.
 * What is over the budget moves to scratch, all shards at once; one shard at a time is brought back.
 */
import { compareBytes, SHARDS } from './digest-key.ts'
import type { Scratch } from './scratch.ts'

const FIRST_RECORDS = 16

export class RecordTable {
  /** Bytes of a record; the first of them is its shard. */
  readonly width: number
  readonly #name: string
  readonly #scratch: Scratch
  readonly #memoryBytesMax: number
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => ({ bytes: EMPTY, used: 0, spilled: 0 }))
  #memoryBytes = 0
  #records = 0

  /** `memoryBytesMax`: what the table may hold in memory before it moves to scratch. */
  constructor(
    name: string,
    width: number,
    { scratch, memoryBytesMax }: { readonly scratch: Scratch; readonly memoryBytesMax: number },
  ) {
    this.#name = name
    this.width = width
    this.#scratch = scratch
    this.#memoryBytesMax = memoryBytesMax
  }

  /** Records added so far, doubles included. */
  get size(): number {
    return this.#records
  }

  /** Copies whole records out of `bytes`, each into its own shard. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at + this.width <= bytes.length; at += this.width) this.addAt(bytes, at)
  }

  /** Adds a record for each of the digests, which are shorter than a record by the length of `tail`: what follows each. */
  addEach(digests: Uint8Array, tail: Uint8Array): void {
    // Fields are read once here and in addAt: a run is over before these loops are compiled to their best.
    const [width, tailWidth, end] = [this.width, tail.length, digests.length]
    const digestWidth = width - tailWidth
    for (let at = 0; at + digestWidth <= end; at += digestWidth) {
      const shard = this.#shards[digests[at] ?? 0]
      if (shard === undefined) return
      if (shard.used + width > shard.bytes.length) this.#grow(shard)
      const { bytes, used } = shard
      for (let i = 0; i < digestWidth; i += 1) bytes[used + i] = digests[at + i] ?? 0
      for (let i = 0; i < tailWidth; i += 1) bytes[used + digestWidth + i] = tail[i] ?? 0
      shard.used = used + width
      this.#records += 1
    }
  }

  /** Copies the one record that begins at `offset`. */
  addAt(bytes: Uint8Array, offset: number): void {
    const shard = this.#shards[bytes[offset] ?? 0]
    if (shard === undefined) return
    const { width } = this
    if (shard.used + width > shard.bytes.length) this.#grow(shard)
    const { bytes: into, used } = shard
    for (let i = 0; i < width; i += 1) into[used + i] = bytes[offset + i] ?? 0
    shard.used = used + width
    this.#records += 1
  }

  /** The records of a shard in the order they came, in memory and scratch together. The bytes are the caller's. */
  shard(index: number): Uint8Array {
    const shard = this.#shards[index]
    if (shard === undefined) return EMPTY
    if (shard.spilled === 0) return shard.bytes.slice(0, shard.used)
    const spilled = this.#scratch.read(this.#heap(index))
    const whole = new Uint8Array(spilled.length + shard.used)
    whole.set(spilled)
    whole.set(shard.bytes.subarray(0, shard.used), spilled.length)
    return whole
  }

  /** The records of a shard, sorted by their first `by` bytes, one for each value of these: the first that came. */
  sortedShard(index: number, by: number = this.width): Uint8Array {
    return sortedRecords(this.shard(index), this.width, by)
  }

  /** Gives memory and scratch back. */
  clear(): void {
    for (const [index, shard] of this.#shards.entries()) {
      if (shard.spilled > 0) this.#scratch.drop(this.#heap(index))
      this.#shards[index] = { bytes: EMPTY, used: 0, spilled: 0 }
    }
    this.#memoryBytes = 0
    this.#records = 0
  }

  #grow(shard: Shard): void {
    const wanted = Math.max(FIRST_RECORDS * this.width, shard.bytes.length * 2)
    if (this.#memoryBytes + wanted - shard.bytes.length > this.#memoryBytesMax && shard.used > 0) {
      this.#spill()
      if (shard.bytes.length > 0) return
    }
    const bytes = new Uint8Array(wanted)
    bytes.set(shard.bytes.subarray(0, shard.used))
    this.#memoryBytes += wanted - shard.bytes.length
    shard.bytes = bytes
  }

  #spill(): void {
    for (const [index, shard] of this.#shards.entries()) {
      if (shard.used === 0) continue
      this.#scratch.append(this.#heap(index), shard.bytes.subarray(0, shard.used))
      shard.spilled += shard.used
      shard.used = 0
    }
  }

  #heap(index: number): string {
    return `${this.#name}-${index}`
  }
}

interface Shard {
  bytes: Uint8Array
  used: number
  spilled: number
}

const EMPTY: Uint8Array = new Uint8Array(0)

/** Records sorted by their first `by` bytes, one for each value of these: the first that came. May be the bytes given. */
export function sortedRecords(bytes: Uint8Array, width: number, by: number = width): Uint8Array {
  const count = Math.floor(bytes.length / width)
  // Most listings come sorted.
  if (isSorted(bytes, count, width, by)) return bytes.subarray(0, count * width)
  const sorted = new Uint8Array(count * width)
  let kept = 0
  let before = -1
  for (const record of orderOf(bytes, count, width, by)) {
    if (before !== -1 && compareBytes(bytes, before * width, record * width, by) === 0) continue
    before = record
    for (let i = 0; i < width; i += 1) sorted[kept + i] = bytes[record * width + i] ?? 0
    kept += width
  }
  return sorted.subarray(0, kept)
}

/** Whether records are in order and none comes twice. */
function isSorted(bytes: Uint8Array, count: number, width: number, by: number): boolean {
  for (let i = 1; i < count; i += 1) {
    if (compareBytes(bytes, (i - 1) * width, i * width, by) >= 0) return false
  }
  return true
}

/** Of a double, so many bits are a whole number. */
const NUMBER_BITS = 53
const BYTES_OF_KEY = 4

/** The places of records in order; equal ones as they came. */
function orderOf(bytes: Uint8Array, count: number, width: number, by: number): Uint32Array {
  const order = new Uint32Array(count)
  const compare = (a: number, b: number): number => compareBytes(bytes, a * width, b * width, by) || a - b
  const placeBits = Math.ceil(Math.log2(count))
  if (by <= BYTES_OF_KEY || placeBits + BYTES_OF_KEY * 8 > NUMBER_BITS) {
    for (let i = 0; i < count; i += 1) order[i] = i
    return order.sort(compare)
  }
  // Sorting plain numbers takes a small part of the time: four bytes after the first, which tells the shard, then the place.
  const places = 2 ** placeBits
  const keys = new Float64Array(count)
  for (let i = 0; i < count; i += 1) keys[i] = wordAt(bytes, i * width + 1) * places + i
  keys.sort()
  let isInOrder = true
  for (let i = 0; i < count; i += 1) {
    order[i] = (keys[i] ?? 0) % places
    if (i > 0 && isInOrder) isInOrder = compare(order[i - 1] ?? 0, order[i] ?? 0) < 0
  }
  // Digests that begin alike, or records of more than one shard.
  return isInOrder ? order : order.sort(compare)
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** The offset of the record that begins with the `by` bytes at `offset` of `wanted`; -1 when there is none. */
export function findRecord(
  sorted: Uint8Array,
  width: number,
  wanted: Uint8Array,
  offset: number,
  by: number,
): number {
  let low = 0
  let high = Math.floor(sorted.length / width) - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const difference = compareAcross(sorted, middle * width, wanted, offset, by)
    if (difference === 0) return middle * width
    if (difference < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}

function compareAcross(a: Uint8Array, atA: number, b: Uint8Array, atB: number, width: number): number {
  for (let i = 0; i < width; i += 1) {
    const difference = (a[atA + i] ?? 0) - (b[atB + i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
