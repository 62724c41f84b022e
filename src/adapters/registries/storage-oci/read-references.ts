/**
 * What manifests refer to, from bytes that were checked against their digests.
 *
 * A digest that an index.json names with the media type of something else is needed as well. It is handed to the sweep
 * like a manifest, and its record is that of its content: what is a manifest all the same refers to what it says; what is
 * none refers to nothing. The one thing refused is a JSON document of an unknown kind that spells digests: what it means
 * by them is unknown, so nothing may go.
 */
import pLimit from 'p-limit'
import { depthOf, decodeJson } from '../../../core/image/manifest-json.ts'
import { isJsonObject, ManifestUnreadableError } from '../../../core/image/manifest-fields.ts'
import { MANIFEST_BYTES_MAX, parseManifest } from '../../../core/image/parse-manifest.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { hexOf, packReferences } from '../../../core/sweep/reference-record.ts'
import { counted } from '../../../core/words/counted.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { ReferencesRead } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isContentOf } from '../storage-distribution/read-content.ts'
import { StorageCorruptError } from '../storage-distribution/storage-errors.ts'
import { lookAgain, type Source } from './look-again.ts'
import { joinBytes, packHex } from './packing.ts'

const READS_AT_ONCE = 32
/** So many manifests are asked for before the first answers are let go of. */
const SLICE = 4096
/** Deeper than any document that means something; parsing one would only cost. */
const DEPTH_MAX = 64

export type MaybeBlob = (digest: Digest, options: RunOptions | undefined) => Promise<boolean>

export interface ManifestFiles {
  readonly source: Source
  readonly keyOf: (digest: Digest) => string
  readonly isNamedAsBlob?: MaybeBlob | undefined
}

/** Promises what BlobPool.readReferences does. */
export async function readReferences(
  files: ManifestFiles,
  manifests: readonly Digest[],
  options?: RunOptions,
): Promise<ReferencesRead> {
  const records: Uint8Array[] = []
  const absent: Digest[] = []
  const limit = pLimit(READS_AT_ONCE)
  for (let from = 0; from < manifests.length; from += SLICE) {
    const slice = manifests.slice(from, from + SLICE)
    const read = await Promise.all(slice.map((digest) => limit(() => readOne(files, digest, options))))
    read.forEach((record, i) => {
      const digest = slice[i]
      if (record !== undefined) records.push(record)
      else if (digest !== undefined) absent.push(digest)
    })
  }
  return { records: joinBytes(records), absent: packHex(absent.map(hexOf)) }
}

/** Promises what BlobPool.referencesIn does. */
export function referencesIn(digest: Digest, bytes: Uint8Array): Uint8Array {
  if (!isContentOf(digest, bytes)) throw doesNotMatch(digest, bytes)
  try {
    return packReferences(parseManifest(bytes, undefined, digest))
  } catch (error) {
    // Who asks for bytes that were set aside cannot know whether they were named as a manifest.
    if (error instanceof ManifestUnreadableError && namesNothing(bytes)) return refersToNothing(digest)
    throw error
  }
}

async function readOne(
  files: ManifestFiles,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<Uint8Array | undefined> {
  const bytes = await readChecked(files, digest, options)
  if (bytes === undefined) return undefined
  if (bytes === 'too-long') return refersToNothing(digest)
  try {
    return packReferences(parseManifest(bytes, undefined, digest))
  } catch (error) {
    const isBlob =
      error instanceof ManifestUnreadableError &&
      namesNothing(bytes) &&
      (await files.isNamedAsBlob?.(digest, options)) === true
    if (isBlob) return refersToNothing(digest)
    throw error
  }
}

async function readChecked(
  { source, keyOf, isNamedAsBlob }: ManifestFiles,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<Uint8Array | 'too-long' | undefined> {
  const key = keyOf(digest)
  try {
    return await lookAgain(source, options, async () => {
      const file = await source.store.read(key, MANIFEST_BYTES_MAX, options)
      if (file !== undefined && !isContentOf(digest, file.bytes)) throw doesNotMatch(key, file.bytes)
      return file?.bytes
    })
  } catch (error) {
    if (!(error instanceof StorageUnreadableError) || isNamedAsBlob === undefined) throw error
    const facts = await source.store.stat(key, options)
    // Longer than any manifest may be, and named as something else: it is what it is called.
    const isLong = facts !== undefined && facts.sizeBytes > MANIFEST_BYTES_MAX
    if (isLong && (await isNamedAsBlob(digest, options))) return 'too-long'
    throw error
  }
}

function doesNotMatch(key: string, bytes: Uint8Array): StorageCorruptError {
  return new StorageCorruptError(
    key,
    `what it holds (${counted(bytes.length, 'byte')}) does not hash to its name`,
  )
}

/** Whether bytes that are no manifest can be told to refer to nothing. */
function namesNothing(bytes: Uint8Array): boolean {
  const isDocument = depthOf(bytes) > DEPTH_MAX || isJsonObject(decodeJson(bytes))
  return !isDocument || !/sha(?:256|512):[0-9a-f]{64}/.test(Buffer.from(bytes).toString('latin1'))
}

function refersToNothing(digest: Digest): Uint8Array {
  return packReferences({
    digest,
    mediaType: '',
    sizeBytes: 0,
    children: [],
    subject: undefined,
    artifactType: undefined,
    config: undefined,
    configMediaType: undefined,
    layers: [],
    statements: [],
    annotations: {},
    createdAt: undefined,
  })
}
