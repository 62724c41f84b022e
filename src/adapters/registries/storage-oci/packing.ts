/** Digests as ports/readable-layout.ts packs them: their bytes, one after the other, each algorithm on its own. */
import {
  algorithmOf,
  algorithms,
  digestBytes,
  digestOfBytes,
  hexOf,
  type DigestAlgorithm,
} from '../../../core/sweep/reference-record.ts'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { PackedDigests } from '../../../ports/readable-layout.ts'

/** One pack for each algorithm that occurs. */
export function packDigests(digests: readonly Digest[]): readonly PackedDigests[] {
  return algorithms.flatMap((algorithm) => {
    const hex = digests.filter((digest) => algorithmOf(digest) === algorithm).map(hexOf)
    return hex.length === 0 ? [] : [{ algorithm, bytes: packHex(hex) }]
  })
}

/** Digests of one algorithm, or of several where the caller knows how to tell them apart. */
export function packHex(hex: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(hex.join(''), 'hex'))
}

export function unpackDigests({ algorithm, bytes }: PackedDigests): readonly Digest[] {
  const width = digestBytes[algorithm]
  return Array.from({ length: bytes.length / width }, (_, i) => digestOfBytes(algorithm, bytes, i * width))
}

/** The digest that an algorithm's folder and a file in it spell; undefined when they spell none. */
export function digestOfPath(algorithm: string, hex: string): Digest | undefined {
  return parseDigest(`${algorithm}:${hex}`)
}

/** The digest of no bytes at all, of which alone an empty blob is a true copy. */
export const EMPTY_HEX: Readonly<Record<DigestAlgorithm, string>> = {
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  sha512:
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
}

export function isEmptyContent(digest: Digest): boolean {
  return hexOf(digest) === EMPTY_HEX[algorithmOf(digest)]
}

/** Joins records, or packed digests. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
