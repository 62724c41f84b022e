/** Digests of one algorithm, one after the other in one buffer, from the hex that folders are named by. */
import { digestBytes, type DigestAlgorithm } from '../../../core/sweep/reference-record.ts'

const NOTHING = new Uint8Array(0)
const FIRST_DIGESTS = 16
const NO_DIGIT = 0xff
const digitOf = new Uint8Array(256).fill(NO_DIGIT)
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitOf[digit.charCodeAt(0)] = value

/** Whether this spells a digest of an algorithm, in lower case. */
export function isHex(algorithm: DigestAlgorithm, hex: string): boolean {
  if (hex.length !== digestBytes[algorithm] * 2) return false
  for (let i = 0; i < hex.length; i += 1)
    if ((digitOf[hex.charCodeAt(i)] ?? NO_DIGIT) === NO_DIGIT) return false
  return true
}

export class Packer {
  readonly #width: number
  #bytes = NOTHING
  #used = 0

  constructor(algorithm: DigestAlgorithm) {
    this.#width = digestBytes[algorithm]
  }

  /** Whether `hex` spells a digest of this algorithm, in lower case; only then it was added. */
  add(hex: string): boolean {
    if (hex.length !== this.#width * 2) return false
    if (this.#used === this.#bytes.length) this.#grow()
    const [bytes, start] = [this.#bytes, this.#used]
    for (let i = 0; i < hex.length; i += 2) {
      const high = digitOf[hex.charCodeAt(i)] ?? NO_DIGIT
      const low = digitOf[hex.charCodeAt(i + 1)] ?? NO_DIGIT
      if ((high | low) > 0xf) return false
      bytes[start + (i >>> 1)] = (high << 4) | low
    }
    this.#used += this.#width
    return true
  }

  /** Takes back what was added last. */
  dropLast(): void {
    this.#used -= this.#width
  }

  /** The first four bytes of what was added last, as a number. */
  get lastStart(): number {
    const at = this.#used - this.#width
    const byte = (i: number): number => this.#bytes[at + i] ?? 0
    return ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  /** A copy of its own memory, which may be handed to another thread. */
  packed(): Uint8Array {
    return this.#bytes.slice(0, this.#used)
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(this.#width * FIRST_DIGESTS, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
