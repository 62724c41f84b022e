/** Blobs of a Distribution storage on disk: which there are, how large and how old, and what manifests among them name. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { MANIFEST_BYTES_MAX, parseManifest } from '../../../core/image/parse-manifest.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { hexOfBytes } from '../../../core/sweep/digest-key.ts'
import {
  digestBytes,
  digestOfBytes,
  packReferences,
  type DigestAlgorithm,
} from '../../../core/sweep/reference-record.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { BlobFacts, PackedDigests, ReferencesRead } from '../../../ports/readable-layout.ts'
import { Packer } from './packer.ts'
import { fingerprintOf, type TreeMemory } from './tree-memory.ts'
import { fileBytes, namesIn, pathFacts, pauseThread } from './scan-files.ts'

const CONTENT_ATTEMPTS = 4
const CONTENT_PAUSE_MS = 100

export interface ScannedBlobs {
  readonly digests: Uint8Array
  /** What lies there and is no blob's folder. */
  readonly strays: readonly string[]
  /** Of the names, where each of them has data; undefined where one has none. */
  readonly fingerprint: string | undefined
}

/**
 * The blobs below `<blobs>/<algorithm>/<two digits>`. A digest's folder without data is an upload that never came, or a
 * blob that was set aside.
 */
export function scanBlobs(
  blobs: string,
  algorithm: DigestAlgorithm,
  prefix: string,
  memory: TreeMemory,
): ScannedBlobs {
  const packer = new Packer()
  const strays: string[] = []
  const folder = `${blobs}/${algorithm}/${prefix}`
  const isName = new RegExp(`^${prefix}[0-9a-f]{${digestBytes[algorithm] * 2 - 2}}$`)
  const names = namesIn(folder) ?? []
  const fingerprint = fingerprintOf(names)
  const isKnown = memory.get(shardKey(algorithm, prefix)) === fingerprint
  let areWhole = true
  for (const hex of names) {
    if (!isName.test(hex)) strays.push(`${folder}/${hex}`)
    else if (isKnown || existsSync(`${folder}/${hex}/data`)) packer.add(hex)
    else areWhole = false
  }
  return { digests: packer.packed(), strays, fingerprint: areWhole ? fingerprint : undefined }
}

/** What a memory calls a folder of blobs; no repository can be called so. */
export function shardKey(algorithm: DigestAlgorithm, prefix: string): string {
  return `_blobs/${algorithm}/${prefix}`
}

export function dataPath(blobs: string, algorithm: DigestAlgorithm, hex: string): string {
  return `${blobs}/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
}

/** What these manifests refer to; their bytes are checked. */
export function scanReferences(blobs: string, { algorithm, bytes }: PackedDigests): ReferencesRead {
  const width = digestBytes[algorithm]
  const records: Uint8Array[] = []
  const absent = new Packer()
  for (let at = 0; at < bytes.length; at += width) {
    const hex = hexOfBytes(bytes, at, width)
    const digest = digestOfBytes(algorithm, bytes, at)
    const content = contentOf(dataPath(blobs, algorithm, hex), digest)
    if (content === undefined) absent.add(hex)
    else records.push(packReferences(parseManifest(content, undefined, digest)))
  }
  return { records: Buffer.concat(records), absent: absent.packed() }
}

/** Bytes that hash to `digest`; undefined when there are none. */
function contentOf(path: string, digest: Digest): Uint8Array | undefined {
  for (let attempt = 1; ; attempt += 1) {
    const bytes = fileBytes(path, MANIFEST_BYTES_MAX)
    if (bytes === undefined) return undefined
    if (isContent(bytes, digest)) return bytes
    // Distribution 2.8 writes manifests in place; what is not whole yet is in a moment.
    if (attempt === CONTENT_ATTEMPTS) throw damaged(path, bytes.length, digest)
    pauseThread(CONTENT_PAUSE_MS * attempt)
  }
}

export function isContent(bytes: Uint8Array, digest: Digest): boolean {
  const colon = digest.indexOf(':')
  return createHash(digest.slice(0, colon)).update(bytes).digest('hex') === digest.slice(colon + 1)
}

export function damaged(where: string, length: number, digest: Digest): StorageUnreadableError {
  return new StorageUnreadableError(where, `its ${length} bytes do not hash to ${digest}`, {
    hint: 'Push the image again, or delete its manifest by hand if nobody needs it: what a damaged manifest refers to is unknown, so nothing is swept until then.',
  })
}

/** Sizes and times; NaN where a blob is gone. A blob that is no plain file is told of as gone: it is never touched. */
export function scanFacts(blobs: string, { algorithm, bytes }: PackedDigests): BlobFacts {
  const width = digestBytes[algorithm]
  const count = bytes.length / width
  const sizes = new Float64Array(count).fill(Number.NaN)
  const times = new Float64Array(count).fill(Number.NaN)
  for (let i = 0; i < count; i += 1) {
    const facts = pathFacts(dataPath(blobs, algorithm, hexOfBytes(bytes, i * width, width)))
    if (facts?.kind !== 'file') continue
    sizes[i] = facts.sizeBytes
    times[i] = facts.modifiedAt
  }
  return { sizes, times }
}

/** Times of files; NaN where one is gone. */
export function scanTimes(paths: readonly string[]): Float64Array {
  return Float64Array.from(paths, (path) => pathFacts(path)?.modifiedAt ?? Number.NaN)
}
