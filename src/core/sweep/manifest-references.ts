/**
 * From a manifest's bytes to the record of what it refers to (reference-record.ts).
 *
 * Nearly all manifests of a registry are plain images: a config, a list of layers, and nothing else. Those are read here
 * at once; whatever has anything more in it, or anything unexpected, is left to the whole reading (parse-manifest.ts),
 * which also is what refuses. Both give the same record for what both read.
 */
import { parseDigest, type Digest } from '../image/digest.ts'
import { decodeJson } from '../image/manifest-json.ts'
import { isJsonObject, type JsonObject } from '../image/manifest-fields.ts'
import { dockerManifestType, ociManifestType } from '../image/media-types.ts'
import { parseManifest } from '../image/parse-manifest.ts'
import { packRecord, packReferences } from './reference-record.ts'

/** What is longer is looked at for its depth first, which the whole reading does. */
const PLAIN_BYTES_MAX = 64 * 1024

/**
 * The record of `manifest`, which has these bytes (the caller checked that).
 *
 * @throws ManifestUnreadableError when anything in it that may refer to something is not as specified
 */
export function referencesOf(bytes: Uint8Array, manifest: Digest): Uint8Array {
  const blobs = bytes.length > PLAIN_BYTES_MAX ? undefined : blobsOfPlainImage(decodeJson(bytes))
  return blobs === undefined
    ? packReferences(parseManifest(bytes, undefined, manifest))
    : packRecord(manifest, blobs, [])
}

/** The config, then each layer once; undefined for what is no plain image. */
function blobsOfPlainImage(document: unknown): readonly Digest[] | undefined {
  if (!isJsonObject(document)) return undefined
  for (const [key, value] of Object.entries(document))
    if (isPlainField[key]?.(value) !== true) return undefined
  const config = blobOf(document['config'])
  const { layers } = document
  if (config === undefined || !Array.isArray(layers)) return undefined
  const blobs = [config]
  for (const layer of layers as readonly unknown[]) {
    const blob = blobOf(layer)
    if (blob === undefined) return undefined
    // The config may be a layer as well, and then it is named twice.
    if (blobs.indexOf(blob, 1) === -1) blobs.push(blob)
  }
  return blobs
}

/** Fields that a plain image may have. Without a prototype, so that `constructor` is none of them. */
const isPlainField: Readonly<Record<string, ((value: unknown) => boolean) | undefined>> = Object.assign(
  Object.create(null) as object,
  {
    schemaVersion: isPlain,
    // Without a type it is known by its config and its layers.
    mediaType: (value: unknown) => value === dockerManifestType || value === ociManifestType,
    config: isJsonObject,
    layers: Array.isArray,
    annotations: areTexts,
  },
)

function blobOf(descriptor: unknown): Digest | undefined {
  if (!isJsonObject(descriptor)) return undefined
  const { digest, size, mediaType } = descriptor
  if (typeof digest !== 'string' || typeof mediaType !== 'string') return undefined
  if (!Number.isSafeInteger(size) || (size as number) < 0) return undefined
  return hasPlainFields(descriptor) ? parseDigest(digest) : undefined
}

/** Whether nothing in it nests, but for annotations. */
function hasPlainFields(descriptor: JsonObject): boolean {
  // There is one for every layer of a registry, and arrays of its fields would take as long as reading them.
  for (const key in descriptor) {
    const value = descriptor[key]
    if (!(key === 'annotations' ? areTexts(value) : isPlain(value))) return false
  }
  return true
}

function areTexts(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}
