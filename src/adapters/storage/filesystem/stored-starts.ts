/**
 * The first four bytes of every stored sha256 blob, for threads that ask whether a link leads somewhere. It may say yes of a
 * blob that is not stored (one in thousands, in a storage of a million), never no of one that is, unless it is full.
 */

/** Of this many blobs (32 MiB); of more, what is not known is taken as not stored, so that it is looked at. */
const STARTS_MAX = 8 * 1024 * 1024

export class StoredStarts {
  #starts = new Uint32Array(1024)
  #used = 0

  /** Digests of 32 bytes, one after the other. */
  add(digests: Uint8Array): void {
    const view = new DataView(digests.buffer, digests.byteOffset, digests.length)
    for (let at = 0; at < digests.length && this.#used < STARTS_MAX; at += 32) {
      if (this.#used === this.#starts.length) this.#grow()
      this.#starts[this.#used] = view.getUint32(at)
      this.#used += 1
    }
  }

  /** Sorted, for threads to share; nothing may be added afterwards. */
  shared(): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(this.#used * Uint32Array.BYTES_PER_ELEMENT)
    const sorted = new Uint32Array(shared)
    sorted.set(this.#starts.subarray(0, this.#used))
    sorted.sort()
    this.#starts = new Uint32Array(0)
    return shared
  }

  #grow(): void {
    const larger = new Uint32Array(this.#starts.length * 2)
    larger.set(this.#starts)
    this.#starts = larger
  }
}

/** Whether a blob that begins with these four bytes is stored. */
export function isStart(sorted: Uint32Array, start: number): boolean {
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = sorted[middle] ?? 0
    if (found === start) return true
    if (found < start) low = middle + 1
    else high = middle - 1
  }
  return false
}
