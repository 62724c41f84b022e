/** Records of what manifests refer to (reference-record.ts), to be found by digest. */
import { keyOfBytes } from './digest-key.ts'
import { digestBytes, readRecord, type DigestAlgorithm, type ReferenceRecord } from './reference-record.ts'

export class ReferenceSection {
  readonly bytes: Uint8Array
  readonly #offsets: Uint32Array
  readonly #keys: Float64Array

  /** `bytes` are whole records, one after the other, in any order. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    const offsets: number[] = []
    const keys: number[] = []
    let isSorted = true
    for (let offset = 0; offset < bytes.length;) {
      const record = readRecord(bytes, offset)
      if (record === undefined) break
      const key = keyOfBytes(bytes, record.digestAt)
      if (key < (keys.at(-1) ?? 0)) isSorted = false
      keys.push(key)
      offsets.push(offset)
      offset = record.end
    }
    const order = isSorted ? undefined : keys.map((_, i) => i).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0))
    this.#keys = Float64Array.from(order?.map((i) => keys[i] ?? 0) ?? keys)
    this.#offsets = Uint32Array.from(order?.map((i) => offsets[i] ?? 0) ?? offsets)
  }

  get size(): number {
    return this.#keys.length
  }

  /** The record of the digest at `offset` of `wanted`. */
  find(algorithm: DigestAlgorithm, wanted: Uint8Array, offset: number): ReferenceRecord | undefined {
    const key = keyOfBytes(wanted, offset)
    for (let place = this.#firstOf(key); this.#keys[place] === key; place += 1) {
      const record = readRecord(this.bytes, this.#offsets[place] ?? 0)
      // Keys are no digests: only the whole digest says that it is this manifest.
      if (record?.algorithm === algorithm && this.#isDigest(record, wanted, offset)) return record
    }
    return undefined
  }

  #firstOf(key: number): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? 0) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #isDigest(record: ReferenceRecord, wanted: Uint8Array, offset: number): boolean {
    for (let i = 0; i < digestBytes[record.algorithm]; i += 1) {
      if (this.bytes[record.digestAt + i] !== wanted[offset + i]) return false
    }
    return true
  }
}
