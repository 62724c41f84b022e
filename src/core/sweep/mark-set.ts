/**
 * Everything a mark has reached, as keys (digest-key.ts): eight bytes each, in shards, spilling to scratch.
 *
 * Filled first, asked afterwards, shard by shard. `has` may say yes of a digest that was never added (it shares a key with
 * one that was); it never says no of one that was added.
 */
import { keyOfBytes, keyOfHex, SHARDS, shardOfHex } from './digest-key.ts'
import type { Scratch } from './scratch.ts'

const FIRST_KEYS = 32
/** Of each shard the last keys are remembered, to pass over layers that every other manifest names. A power of two. */
const RECENT_KEYS = 64

export class MarkSet {
  readonly #name: string
  readonly #scratch: Scratch
  readonly #memoryKeysMax: number
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => ({
    keys: NONE,
    used: 0,
    isSorted: true,
    isSpilled: false,
  }))
  readonly #recent = new Float64Array(SHARDS * RECENT_KEYS).fill(-1)
  #memoryKeys = 0

  constructor(
    name: string,
    { scratch, memoryBytesMax }: { readonly scratch: Scratch; readonly memoryBytesMax: number },
  ) {
    this.#name = name
    this.#scratch = scratch
    this.#memoryKeysMax = Math.floor(memoryBytesMax / Float64Array.BYTES_PER_ELEMENT)
  }

  addHex(hex: string): void {
    this.addKey(shardOfHex(hex), keyOfHex(hex))
  }

  /** The digest, or its first eight bytes, at `offset`. */
  addBytes(bytes: Uint8Array, offset: number): void {
    this.addKey(bytes[offset] ?? 0, keyOfBytes(bytes, offset))
  }

  addKey(index: number, key: number): void {
    const slot = index * RECENT_KEYS + (key % RECENT_KEYS)
    if (this.#recent[slot] === key) return
    this.#recent[slot] = key
    const shard = this.#shards[index]
    if (shard === undefined) return
    if (shard.used === shard.keys.length) this.#grow(shard)
    shard.keys[shard.used] = key
    shard.used += 1
    shard.isSorted = false
  }

  /** The marks of a shard, to be asked many times. */
  shard(index: number): ShardMarks {
    const shard = this.#shards[index]
    if (shard === undefined) return new ShardMarks(NONE)
    this.#compact(index, shard)
    return new ShardMarks(shard.isSpilled ? this.#whole(index, shard) : shard.keys.subarray(0, shard.used))
  }

  clear(): void {
    for (const [index, shard] of this.#shards.entries()) {
      if (shard.isSpilled) this.#scratch.drop(this.#heap(index))
      this.#shards[index] = { keys: NONE, used: 0, isSorted: true, isSpilled: false }
    }
    this.#recent.fill(-1)
    this.#memoryKeys = 0
  }

  #grow(shard: Shard): void {
    const index = this.#shards.indexOf(shard)
    // Doubles go first: most growth is the same layers over and over.
    if (this.#compact(index, shard) <= shard.keys.length / 2 && shard.keys.length > 0) return
    const wanted = Math.max(FIRST_KEYS, shard.keys.length * 2)
    if (this.#memoryKeys + wanted - shard.keys.length > this.#memoryKeysMax) {
      this.#spill()
      if (shard.keys.length > 0) return
    }
    const keys = new Float64Array(wanted)
    keys.set(shard.keys.subarray(0, shard.used))
    this.#memoryKeys += wanted - shard.keys.length
    shard.keys = keys
  }

  /** Sorts what is in memory and drops doubles; tells how many are left. */
  #compact(index: number, shard: Shard): number {
    if (shard.isSorted) return shard.used
    shard.isSorted = true
    shard.used = sortAndDropDoubles(shard.keys, shard.used)
    this.#recent.fill(-1, index * RECENT_KEYS, (index + 1) * RECENT_KEYS)
    return shard.used
  }

  #spill(): void {
    for (const [index, shard] of this.#shards.entries()) {
      if (shard.used === 0) continue
      const { buffer, byteOffset } = shard.keys
      const bytes = new Uint8Array(buffer, byteOffset, shard.used * Float64Array.BYTES_PER_ELEMENT)
      this.#scratch.append(this.#heap(index), bytes)
      shard.isSpilled = true
      shard.used = 0
    }
    this.#recent.fill(-1)
  }

  #whole(index: number, shard: Shard): Float64Array {
    const bytes = this.#scratch.read(this.#heap(index))
    const spilled = bytes.length / Float64Array.BYTES_PER_ELEMENT
    const keys = new Float64Array(spilled + shard.used)
    new Uint8Array(keys.buffer).set(bytes)
    keys.set(shard.keys.subarray(0, shard.used), spilled)
    return keys.subarray(0, sortAndDropDoubles(keys, keys.length))
  }

  #heap(index: number): string {
    return `${this.#name}-${index}`
  }
}

/** The marks of one shard: sorted, none twice. */
export class ShardMarks {
  readonly #keys: Float64Array

  constructor(keys: Float64Array) {
    this.#keys = keys
  }

  get size(): number {
    return this.#keys.length
  }

  hasBytes(bytes: Uint8Array, offset: number): boolean {
    return this.hasKey(keyOfBytes(bytes, offset))
  }

  hasKey(key: number): boolean {
    let low = 0
    let high = this.#keys.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#keys[middle] ?? 0
      if (found === key) return true
      if (found < key) low = middle + 1
      else high = middle - 1
    }
    return false
  }
}

interface Shard {
  keys: Float64Array
  used: number
  isSorted: boolean
  isSpilled: boolean
}

const NONE = new Float64Array(0)

function sortAndDropDoubles(keys: Float64Array, used: number): number {
  const sorted = keys.subarray(0, used).sort()
  let kept = 0
  for (const key of sorted) {
    if (kept > 0 && keys[kept - 1] === key) continue
    keys[kept] = key
    kept += 1
  }
  return kept
}
