/**
 * What an OCI image layout says is needed: the descriptors of its index.json (OCI image specification, "Image Layout").
 *
 * Everything that it names counts, tagged or not, whatever its media type. An index.json that cannot be understood to its
 * last descriptor is an error, because a descriptor that was overlooked is an image that would be lost.
 */
import type { Digest } from '../../../core/image/digest.ts'
import {
  descriptorField,
  isJsonObject,
  listField,
  ManifestUnreadableError,
  readDescriptor,
  type Descriptor,
  type ManifestDocument,
} from '../../../core/image/manifest-fields.ts'
import { decodeJson, depthOf } from '../../../core/image/manifest-json.ts'
import { bareMediaType, shapeOf } from '../../../core/image/media-types.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { LayoutUnreadableError } from './layout-errors.ts'
import { hasFiles } from './list-files.ts'
import { lookAgain, type Source } from './look-again.ts'

/** zot writes a row of some 250 bytes for each tag and manifest of a repository: room for half a million. */
const INDEX_BYTES_MAX = 128 * 1024 * 1024
const LAYOUT_BYTES_MAX = 4096
const DEPTH_MAX = 64

export interface LayoutIndex {
  /** Named as manifests or indexes. */
  readonly manifests: readonly Digest[]
  /** Named with the media type of something else. */
  readonly others: readonly Digest[]
}

export function indexKey(pool: string): string {
  return inPool(pool, 'index.json')
}

export function inPool(pool: string, name: string): string {
  return pool === '' ? name : `${pool}/${name}`
}

/**
 * What the index.json of a pool names.
 *
 * @throws LayoutUnreadableError when it cannot be understood, or is missing while blobs are there, after a few looks
 */
export async function readIndex(source: Source, pool: string, options?: RunOptions): Promise<LayoutIndex> {
  const key = indexKey(pool)
  return lookAgain(source, options, async () => {
    const file = await source.store.read(key, INDEX_BYTES_MAX, options)
    if (file !== undefined) return parseIndex(file.bytes, key)
    // Nothing can be lost of a pool without blobs: it was just begun, or is being removed.
    if (!(await hasFiles(source.store, inPool(pool, 'blobs'), options))) return { manifests: [], others: [] }
    throw new LayoutUnreadableError(key, 'it is not there, although blobs are')
  })
}

/** @throws LayoutUnreadableError */
export function parseIndex(bytes: Uint8Array, key: string): LayoutIndex {
  try {
    const document = { digest: key, fields: fieldsOf(bytes, key) }
    requireKnownFields(document)
    const subject = descriptorField(document, 'subject')
    const all = [
      ...listField(document, 'manifests').map((entry, i) =>
        readDescriptor(document, entry, `manifests[${i}]`),
      ),
      ...(subject === undefined ? [] : [subject]),
    ]
    const manifests = new Set(all.filter(isManifest).map(({ digest }) => digest))
    const others = new Set(all.map(({ digest }) => digest).filter((digest) => !manifests.has(digest)))
    return { manifests: [...manifests], others: [...others] }
  } catch (error) {
    if (!(error instanceof ManifestUnreadableError)) throw error
    const what = /cannot be understood: (.*)\.$/s.exec(error.message)?.[1] ?? error.message
    throw new LayoutUnreadableError(key, `it is damaged or not written in full (${what})`, { cause: error })
  }
}

function fieldsOf(bytes: Uint8Array, key: string): ManifestDocument['fields'] {
  const fields = depthOf(bytes) > DEPTH_MAX ? undefined : decodeJson(bytes)
  if (isJsonObject(fields)) return fields
  throw new ManifestUnreadableError(key, 'it is no JSON object')
}

const known = new Map(['manifests', 'subject', 'mediaType'].map((name) => [name.toLowerCase(), name]))
const ofOtherKinds = new Set(['config', 'layers', 'blobs', 'fslayers'])

/** Go reads field names in any case, and a document may pose as two kinds at once (CVE-2021-41190): neither is guessed. */
function requireKnownFields({ digest, fields }: ManifestDocument): void {
  const wrong = Object.keys(fields).find((name) => {
    const lower = name.toLowerCase()
    return ofOtherKinds.has(lower) || (known.get(lower) ?? name) !== name
  })
  if (wrong !== undefined)
    throw new ManifestUnreadableError(
      digest,
      `its field ${JSON.stringify(wrong.slice(0, 40))} is none of an index`,
    )
  if (!('manifests' in fields)) throw new ManifestUnreadableError(digest, 'it has no manifests')
}

function isManifest({ mediaType }: Descriptor): boolean {
  return mediaType === '' || shapeOf(bareMediaType(mediaType)) !== undefined
}

/** @throws LayoutUnreadableError unless the pool's `oci-layout` names a version 1 */
export async function requireLayoutVersion(
  source: Source,
  pool: string,
  options?: RunOptions,
): Promise<void> {
  const key = inPool(pool, 'oci-layout')
  await lookAgain(source, options, async () => {
    const file = await source.store.read(key, LAYOUT_BYTES_MAX, options)
    const value = file && decodeJson(file.bytes)
    const version = isJsonObject(value) ? value['imageLayoutVersion'] : undefined
    if (typeof version === 'string' && /^1\.\d+\.\d+$/.test(version)) return
    const found = typeof version === 'string' ? JSON.stringify(version.slice(0, 20)) : 'no version'
    throw new LayoutUnreadableError(key, `it names ${found} where 1.0.0 is the one version that Winnow knows`)
  })
}
