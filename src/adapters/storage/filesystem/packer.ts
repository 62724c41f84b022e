/** Digests one after the other in one buffer, from the hex that folders are named by. */
export class Packer {
  #bytes = Buffer.allocUnsafe(32 * 16)
  #used = 0

  /** `hex` is lower-case hex of even length. */
  add(hex: string): void {
    const length = hex.length / 2
    if (this.#used + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(this.#bytes.length * 2 + length)
      this.#bytes.copy(larger, 0, 0, this.#used)
      this.#bytes = larger
    }
    this.#used += this.#bytes.write(hex, this.#used, 'hex')
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  /** A copy of its own memory, which may be handed to another thread. */
  packed(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#used)
  }
}
