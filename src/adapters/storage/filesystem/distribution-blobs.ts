/** Blobs of a Distribution storage on disk: which there are, how large and how old, and what manifests among them name. */
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { MANIFEST_BYTES_MAX } from '../../../core/image/parse-manifest.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { joinBytes } from '../../../core/sweep/join-bytes.ts'
import { referencesOf } from '../../../core/sweep/manifest-references.ts'
import { digestBytes, type DigestAlgorithm } from '../../../core/sweep/reference-record.ts'
import { counted } from '../../../core/words/counted.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { BlobFacts, PackedDigests, ReferencesRead } from '../../../ports/readable-layout.ts'
import { FactsTaken } from './folder-facts.ts'
import { Packer } from './packer.ts'
import { packEntry, type EntryContent } from './tree-entry.ts'
import type { TreeMemory } from './tree-memory.ts'
import { fileBytes, namesIn, pathFacts, pauseThread, startOfFile } from './scan-files.ts'

const CONTENT_ATTEMPTS = 4
const CONTENT_PAUSE_MS = 100

export interface ScannedBlobs {
  readonly digests: Uint8Array
  /** What lies there and is no blob's folder. */
  readonly strays: readonly string[]
  /** One entry for each folder, where it was not as the memory has it. */
  readonly entries: Uint8Array
  /** Numbers of the memory's entries that still hold. */
  readonly kept: readonly number[]
}

export interface BlobFolders {
  /** The folder that holds those of the algorithms. */
  readonly blobs: string
  readonly algorithm: DigestAlgorithm
  /** Two digits each. */
  readonly prefixes: readonly string[]
}

/**
 * The blobs below `<blobs>/<algorithm>/<two digits>`. A digest's folder without data is an upload that never came, or a
 * blob that was set aside.
 */
export function scanBlobs(
  { blobs, algorithm, prefixes }: BlobFolders,
  memory: TreeMemory | undefined,
): ScannedBlobs {
  const digests: Uint8Array[] = []
  const strays: string[] = []
  const entries: Uint8Array[] = []
  const kept: number[] = []
  for (const prefix of prefixes) {
    const folder = `${blobs}/${algorithm}/${prefix}`
    const key = `_blobs/${algorithm}/${prefix}`
    const known = memory?.find(key)
    if (known?.entry.areUnchanged([folder]) === true && areStillEmpty(folder, known.entry.part(EMPTY))) {
      digests.push(known.entry.part(WHOLE))
      kept.push(known.place)
      continue
    }
    const scanned = scanFolder(folder, algorithm, prefix)
    digests.push(scanned.parts[WHOLE] ?? NOTHING)
    strays.push(...scanned.strays)
    // What is none is told of by every run.
    if (scanned.strays.length === 0) entries.push(packEntry({ key, words: '', ...scanned }))
  }
  return { digests: joinBytes(digests), strays, entries: joinBytes(entries), kept }
}

/** Parts of a folder's entry: digests with data, names of folders without. */
const [WHOLE, EMPTY] = [0, 1]
const NOTHING = new Uint8Array(0)

function scanFolder(
  folder: string,
  algorithm: DigestAlgorithm,
  prefix: string,
): Pick<EntryContent, 'facts' | 'isSettled' | 'parts'> & { readonly strays: readonly string[] } {
  const taken = new FactsTaken()
  taken.take(folder)
  const packer = new Packer(algorithm)
  const strays: string[] = []
  const empty: string[] = []
  for (const hex of namesIn(folder) ?? []) {
    if (!hex.startsWith(prefix) || !packer.add(hex)) strays.push(`${folder}/${hex}`)
    else if (!existsSync(`${folder}/${hex}/data`)) {
      packer.dropLast()
      empty.push(hex)
    }
  }
  const parts = [packer.packed(), Buffer.from(empty.join('\n'))]
  return { facts: taken.packed(), isSettled: taken.areSettled, parts, strays }
}

function areStillEmpty(folder: string, names: Buffer): boolean {
  if (names.length === 0) return true
  return names
    .toString()
    .split('\n')
    .every((hex) => !existsSync(`${folder}/${hex}/data`))
}

export function dataPath(blobs: string, algorithm: DigestAlgorithm, hex: string): string {
  return `${blobs}/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
}

/** What these manifests refer to; their bytes are checked. */
export function scanReferences(blobs: string, { algorithm, bytes }: PackedDigests): ReferencesRead {
  const width = digestBytes[algorithm]
  const records: Uint8Array[] = []
  const absent = new Packer(algorithm)
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; at += width) {
    const hex = all.toString('hex', at, at + width)
    const digest = `${algorithm}:${hex}` as Digest
    const content = contentOf(dataPath(blobs, algorithm, hex), digest)
    if (content === undefined) absent.add(hex)
    else records.push(referencesOf(content, digest))
  }
  return { records: joinBytes(records), absent: absent.packed() }
}

/** Bytes that hash to `digest`, valid until the next call; undefined when there are none. */
function contentOf(path: string, digest: Digest): Uint8Array | undefined {
  const first = startOfFile(path)
  if (first !== undefined && isContent(first, digest)) return first
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
  return hash(digest.slice(0, colon), bytes, 'hex') === digest.slice(colon + 1)
}

export function damaged(where: string, length: number, digest: Digest): StorageUnreadableError {
  return new StorageUnreadableError(
    where,
    `what it holds (${counted(length, 'byte')}) does not hash to ${digest}`,
    {
      hint: 'Push the image again, or delete its manifest by hand if nobody needs it: what a damaged manifest refers to is unknown, so nothing is swept until then.',
    },
  )
}

/** Sizes and times; NaN where a blob is gone. A blob that is no plain file is told of as gone: it is never touched. */
export function scanFacts(blobs: string, { algorithm, bytes }: PackedDigests): BlobFacts {
  const width = digestBytes[algorithm]
  const count = bytes.length / width
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const sizes = new Float64Array(count).fill(Number.NaN)
  const times = new Float64Array(count).fill(Number.NaN)
  for (let i = 0; i < count; i += 1) {
    const facts = pathFacts(dataPath(blobs, algorithm, all.toString('hex', i * width, (i + 1) * width)))
    if (facts?.kind !== 'file') continue
    sizes[i] = facts.sizeBytes
    times[i] = facts.modifiedAt
  }
  return { sizes, times }
}

/** Times of files below `base`, names ended by zero bytes; NaN where one is gone. */
export function scanTimes(base: string, names: string): Float64Array {
  const all = names.split('\0')
  return Float64Array.from(all, (name) => pathFacts(`${base}/${name}`)?.modifiedAt ?? Number.NaN)
}
