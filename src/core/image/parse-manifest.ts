/**
 * Reads manifests and image configs: everything Winnow needs to know of them, and nothing guessed.
 *
 * Every list that a known kind of manifest may hold is read, whatever the media type says, so that a document posing as
 * two kinds at once (CVE-2021-41190) protects what either reading refers to. What cannot be read in full is refused with
 * a ManifestUnreadableError; its repository then loses nothing.
 */
import { parseInstant } from '../inventory/instant.ts'
import type { BlobReference, InstantMs } from '../inventory/inventory.ts'
import type { Digest } from './digest.ts'
import type { ChildReference, ConfigFacts, ManifestFacts } from './manifest.ts'
import { spelledDigests } from './spelled-digests.ts'
import { statementsAmong } from './statements.ts'
import { decodeJson, depthOf } from './manifest-json.ts'
import {
  byKey,
  descriptorField,
  distinct,
  isJsonObject,
  listField,
  ManifestUnreadableError,
  readDescriptor,
  readDigest,
  readTexts,
  textField,
  type Descriptor,
  type ManifestDocument,
} from './manifest-fields.ts'
import {
  bareMediaType,
  buildkitCacheConfigType,
  dockerManifestType,
  isImageConfigType,
  ociArtifactType,
  ociIndexType,
  ociManifestType,
  schema1Type,
  shapeOf,
  type ManifestShape,
} from './media-types.ts'

/** Twice what the distribution specification asks registries to accept ("Pushing Manifests", 4 MiB). */
export const MANIFEST_BYTES_MAX: number = 8 * 1024 * 1024
/** No field of any manifest nests deeper than a handful of levels. */
const DEPTH_MAX = 64

/** Names of fields that carry references; Go reads them in any case, so another case is refused, not overlooked. */
const referringFields = [
  'mediaType',
  'manifests',
  'layers',
  'config',
  'blobs',
  'subject',
  'fsLayers',
  'artifactType',
]
const exactCase = new Map(referringFields.map((field) => [field.toLowerCase(), field]))
/** Spelt as they should be; most manifests have no others. */
const plainFields: ReadonlySet<string> = new Set([...referringFields, 'schemaVersion', 'annotations'])

/**
 * What a manifest says of itself. `mediaType` is the answer's Content-Type, for documents that do not name their own;
 * `digest` is taken as given (adapters check it against the bytes).
 *
 * @throws ManifestUnreadableError when anything in it that may refer to something is not as specified
 */
export function parseManifest(
  bytes: Uint8Array,
  mediaType: string | undefined,
  digest: Digest,
): ManifestFacts {
  const document = readDocument(bytes, digest)
  const { type, shape } = identify(document, mediaType)
  const descriptors = listField(document, 'manifests').map((entry, i) =>
    readDescriptor(document, entry, `manifests[${i}]`),
  )
  const manifests = descriptors.filter(isManifestDescriptor)
  const blobs = descriptors.filter((descriptor) => !isManifestDescriptor(descriptor))
  const config =
    descriptorField(document, 'config') ?? blobs.find((blob) => blob.mediaType === buildkitCacheConfigType)
  const subject = descriptorField(document, 'subject')
  const configMediaType = config === undefined ? undefined : bareMediaType(config.mediaType)
  const listed = listedBlobs(document)
  const annotations = readTexts(document, document.fields['annotations'], 'annotations')
  return {
    digest,
    mediaType: type,
    sizeBytes: bytes.length,
    children: distinct(manifests.map(asChild)),
    subject: subject?.digest,
    artifactType: artifactTypeOf(document, configMediaType),
    config: config && asBlob(config),
    configMediaType,
    layers: layersOf(
      document,
      listed,
      blobs.filter((blob) => blob !== config),
    ),
    statements: distinct(statementsAmong(listed, annotations)),
    annotations,
    createdAt: shape === 'schema1' ? schema1CreatedAt(document) : undefined,
    ...(shapeOf(type) === undefined && { spelled: spelledDigests(document.fields) }),
  }
}

/**
 * What an image config says: when it was built, for what platform, and its labels. A config that is no JSON object
 * belongs to an artifact and says nothing; that is no error, because nothing hangs on it but a date.
 */
export function parseConfig(bytes: Uint8Array, digest: Digest): ConfigFacts {
  const value = depthOf(bytes) > DEPTH_MAX ? undefined : decodeJson(bytes)
  if (!isJsonObject(value)) return { digest, createdAt: undefined, platform: undefined, labels: {} }
  const { created, config } = value
  const labels = isJsonObject(config) ? config['Labels'] : undefined
  return {
    digest,
    createdAt: typeof created === 'string' ? parseInstant(created) : undefined,
    platform: platformOf(value),
    labels: isJsonObject(labels)
      ? Object.fromEntries(Object.entries(labels).filter(isTextEntry).toSorted(byKey))
      : {},
  }
}

function readDocument(bytes: Uint8Array, digest: Digest): ManifestDocument {
  if (bytes.length > MANIFEST_BYTES_MAX) {
    throw new ManifestUnreadableError(
      digest,
      `it has ${bytes.length} bytes, more than the ${MANIFEST_BYTES_MAX} allowed`,
    )
  }
  if (depthOf(bytes) > DEPTH_MAX)
    throw new ManifestUnreadableError(digest, `it nests deeper than ${DEPTH_MAX} levels`)
  const fields = decodeJson(bytes)
  if (!isJsonObject(fields)) throw new ManifestUnreadableError(digest, 'it is not a JSON object')
  const wrong = Object.keys(fields).find(
    (key) => !plainFields.has(key) && (exactCase.get(key.toLowerCase()) ?? key) !== key,
  )
  if (wrong !== undefined) {
    throw new ManifestUnreadableError(
      digest,
      `its field ${JSON.stringify(wrong.slice(0, 40))} is misspelt, and readers disagree on it`,
    )
  }
  return { digest, fields }
}

/** The body's own type, else the answer's, else what its fields look like (distribution-spec, "Pulling manifests"). */
function identify(
  document: ManifestDocument,
  answered: string | undefined,
): { readonly type: string; readonly shape: ManifestShape } {
  const stated = textField(document, 'mediaType') ?? ''
  for (const type of [stated, answered ?? ''].map(bareMediaType)) {
    const shape = shapeOf(type)
    if (shape !== undefined) return { type, shape: requireShape(document, shape) }
  }
  const sniffed = sniff(document)
  return { type: stated === '' ? sniffed.type : bareMediaType(stated), shape: sniffed.shape }
}

function sniff({ digest, fields }: ManifestDocument): {
  readonly type: string
  readonly shape: ManifestShape
} {
  if ('manifests' in fields) return { type: ociIndexType, shape: 'index' }
  if ('config' in fields && 'layers' in fields) {
    const { config } = fields
    const isDocker =
      isJsonObject(config) && String(config['mediaType']).startsWith('application/vnd.docker.container')
    return { type: isDocker ? dockerManifestType : ociManifestType, shape: 'image' }
  }
  if ('fsLayers' in fields) return { type: schema1Type, shape: 'schema1' }
  if ('blobs' in fields) return { type: ociArtifactType, shape: 'artifact' }
  throw new ManifestUnreadableError(
    digest,
    'it is of no kind that Winnow knows, so what it refers to is unknown',
  )
}

// The field without which the rest means nothing; its absence is a document cut short, or one of another kind.
const requiredField: Readonly<Record<ManifestShape, string | undefined>> = {
  image: 'config',
  index: 'manifests',
  schema1: 'fsLayers',
  artifact: undefined,
}

function requireShape({ digest, fields }: ManifestDocument, shape: ManifestShape): ManifestShape {
  const field = requiredField[shape]
  if (field !== undefined && !(field in fields))
    throw new ManifestUnreadableError(digest, `it has no ${field}`)
  return shape
}

// BuildKit's cache lists layers where an index has manifests; asking for those as manifests would always fail.
function isManifestDescriptor({ mediaType }: Descriptor): boolean {
  return mediaType === '' || shapeOf(bareMediaType(mediaType)) !== undefined
}

function asChild({ digest, platform, annotations }: Descriptor): ChildReference {
  return {
    digest,
    platform: platform && platformOf(platform),
    isAttestation: annotations['vnd.docker.reference.type'] === 'attestation-manifest',
  }
}

function asBlob({ digest, sizeBytes }: Descriptor): BlobReference {
  return { digest, sizeBytes }
}

function listedBlobs(document: ManifestDocument): readonly Descriptor[] {
  return ['layers', 'blobs'].flatMap((key) =>
    listField(document, key).map((entry, i) => readDescriptor(document, entry, `${key}[${i}]`)),
  )
}

function layersOf(
  document: ManifestDocument,
  listed: readonly Descriptor[],
  besideManifests: readonly Descriptor[],
): readonly BlobReference[] {
  const schema1 = listField(document, 'fsLayers').map((entry, i) => ({
    digest: readDigest(
      document,
      isJsonObject(entry) ? entry['blobSum'] : undefined,
      `fsLayers[${i}].blobSum`,
    ),
    // Schema 1 does not tell sizes.
    sizeBytes: 0,
  }))
  return distinct([...listed.map(asBlob), ...schema1, ...besideManifests.map(asBlob)])
}

/** OCI image specification, "Guidelines for Artifact Usage": the type, else the config's, which images do not count. */
function artifactTypeOf(document: ManifestDocument, configMediaType: string | undefined): string | undefined {
  const stated = textField(document, 'artifactType') ?? ''
  if (stated !== '') return stated
  return configMediaType === '' || isImageConfigType(configMediaType) ? undefined : configMediaType
}

/** `os/architecture[/variant]`; BuildKit marks what is no platform as unknown/unknown. */
function platformOf({ os, architecture, variant }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === '' || architecture === '')
    return undefined
  if (os === 'unknown' && architecture === 'unknown') return undefined
  return [os, architecture, ...(typeof variant === 'string' && variant !== '' ? [variant] : [])].join('/')
}

/** The first entry of a schema 1 history is the newest. */
function schema1CreatedAt(document: ManifestDocument): InstantMs | undefined {
  const [newest] = listField(document, 'history')
  const text = isJsonObject(newest) ? newest['v1Compatibility'] : undefined
  if (typeof text !== 'string') return undefined
  try {
    const image: unknown = JSON.parse(text)
    return isJsonObject(image) && typeof image['created'] === 'string'
      ? parseInstant(image['created'])
      : undefined
  } catch {
    // Nothing but a date is lost, and an undated image is kept.
    return undefined
  }
}

function isTextEntry(entry: readonly [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string'
}
