/**
 * What a manifest refers to, packed: read once, kept for ever, since a digest never means other bytes.
 *
 * A record: 1 byte algorithm, the digest, 4 bytes count of blobs, 4 bytes count of manifests (both big-endian), then of
 * each blob the first eight bytes of its digest, then of each manifest 1 byte algorithm and its digest. A blob is only
 * ever marked, so its key is enough; a manifest is read in its turn, so its digest is whole.
 */
import { invariant } from '../errors/invariant.ts'
import type { Digest } from '../image/digest.ts'
import type { ManifestFacts } from '../image/manifest.ts'
import { hexOfBytes, writeHex } from './digest-key.ts'

export const algorithms = ['sha256', 'sha512'] as const
export type DigestAlgorithm = (typeof algorithms)[number]

/** Bytes of a digest. */
export const digestBytes: Readonly<Record<DigestAlgorithm, number>> = { sha256: 32, sha512: 64 }
const BLOB_BYTES = 8
/** Where the hex of a digest begins; names of both algorithms are equally long. */
const HEX_AT = 'sha256:'.length

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512'
}

export function hexOf(digest: Digest): string {
  return digest.slice(HEX_AT)
}

export function bytesOfDigest(digest: Digest): Uint8Array {
  const bytes = new Uint8Array(digestBytes[algorithmOf(digest)])
  writeHex(hexOf(digest), bytes, 0)
  return bytes
}

/** The digest that these bytes spell; the caller knows that they are one. */
export function digestOfBytes(algorithm: DigestAlgorithm, bytes: Uint8Array, offset: number): Digest {
  return `${algorithm}:${hexOfBytes(bytes, offset, digestBytes[algorithm])}` as Digest
}

/** One record, for a manifest that was read. */
export function packReferences(facts: ManifestFacts): Uint8Array {
  const { config, layers, spelled = { manifests: [], others: [] } } = facts
  const blobs = [
    ...[...(config === undefined ? [] : [config]), ...layers].map(({ digest }) => digest),
    ...spelled.others,
  ]
  // A subject is kept as its referrers are: whoever may still read one may ask for the other.
  const manifests = [
    ...facts.children.map(({ digest }) => digest),
    ...(facts.subject === undefined ? [] : [facts.subject]),
    ...spelled.manifests,
  ]
  return packRecord(facts.digest, blobs, manifests)
}

/** One record, from what a manifest refers to. */
export function packRecord(
  manifest: Digest,
  blobs: readonly Digest[],
  manifests: readonly Digest[],
): Uint8Array {
  const blobsAt = 1 + digestBytes[algorithmOf(manifest)] + 8
  let size = blobsAt + blobs.length * BLOB_BYTES
  for (const digest of manifests) size += 1 + digestBytes[algorithmOf(digest)]
  const record = new Uint8Array(size)
  const countsAt = writeDigest(manifest, record, 0)
  writeWord(blobs.length, record, countsAt)
  writeWord(manifests.length, record, countsAt + 4)
  let at = blobsAt
  for (const digest of blobs) {
    writeHex(digest, record, at, HEX_AT, BLOB_BYTES)
    at += BLOB_BYTES
  }
  for (const digest of manifests) at = writeDigest(digest, record, at)
  invariant(at === size, 'a record of references is as long as was counted')
  return record
}

function writeWord(word: number, into: Uint8Array, at: number): void {
  into[at] = word >>> 24
  into[at + 1] = word >>> 16
  into[at + 2] = word >>> 8
  into[at + 3] = word
}

function writeDigest(digest: Digest, into: Uint8Array, at: number): number {
  const algorithm = algorithmOf(digest)
  into[at] = algorithms.indexOf(algorithm)
  writeHex(digest, into, at + 1, HEX_AT)
  return at + 1 + digestBytes[algorithm]
}

/** Where the parts of one record lie. */
export interface ReferenceRecord {
  readonly algorithm: DigestAlgorithm
  /** Offset of the digest. */
  readonly digestAt: number
  readonly blobsAt: number
  readonly blobs: number
  readonly manifestsAt: number
  readonly manifests: number
  /** Offset of what follows the record. */
  readonly end: number
}

/** The record that begins at `offset`; undefined when the bytes end before it does, or are none. */
export function readRecord(bytes: Uint8Array, offset: number): ReferenceRecord | undefined {
  const algorithm = algorithms[bytes[offset] ?? -1]
  if (algorithm === undefined) return undefined
  const countsAt = offset + 1 + digestBytes[algorithm]
  if (countsAt + 8 > bytes.length) return undefined
  const blobs = wordAt(bytes, countsAt)
  const manifests = wordAt(bytes, countsAt + 4)
  const blobsAt = countsAt + 8
  const manifestsAt = blobsAt + blobs * BLOB_BYTES
  let end = manifestsAt
  for (let i = 0; i < manifests; i += 1) {
    const childAlgorithm = algorithms[bytes[end] ?? -1]
    if (childAlgorithm === undefined) return undefined
    end += 1 + digestBytes[childAlgorithm]
  }
  if (end > bytes.length) return undefined
  return { algorithm, digestAt: offset + 1, blobsAt, blobs, manifestsAt, manifests, end }
}

/** Four bytes, big-endian; a view for each record would take longer than the record. */
function wordAt(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** Calls back with the offset of each blob's eight bytes. */
export function eachBlob(record: ReferenceRecord, visit: (offset: number) => void): void {
  for (let i = 0; i < record.blobs; i += 1) visit(record.blobsAt + i * BLOB_BYTES)
}

/** Calls back with the algorithm and the offset of each manifest's digest. */
export function eachManifest(
  bytes: Uint8Array,
  record: ReferenceRecord,
  visit: (algorithm: DigestAlgorithm, offset: number) => void,
): void {
  let at = record.manifestsAt
  for (let i = 0; i < record.manifests; i += 1) {
    const algorithm = algorithms[bytes[at] ?? -1] ?? 'sha256'
    visit(algorithm, at + 1)
    at += 1 + digestBytes[algorithm]
  }
}
