/**
 * Puts into a registry the things that lie around in real ones: images, multi-platform indexes with BuildKit
 * attestations, cosign tags, referrers with and without the referrers API.
 *
 * The same arguments always make the same bytes, so a test knows its digests. Layers are opaque bytes under a layer's
 * media type: no registry looks inside, and unpacking is nobody's business here.
 */
import { fail, registryRequest, sha256 } from './registry-request.ts'

export { pullWhole } from './pull-whole.ts'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
}

interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface PushedManifest {
  readonly repository: string
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  /** Exactly what the registry was given. */
  readonly bytes: Buffer
  readonly tags: readonly string[]
  /** For the `children` of an index. */
  readonly descriptor: Descriptor
  /** Whether the registry said, by OCI-Subject, that it keeps the list of referrers itself. */
  readonly isSubjectKept: boolean
}

export interface PushedImage extends PushedManifest {
  readonly configDigest: string
  readonly layerDigests: readonly string[]
}

interface ManifestOptions {
  /** None: pushed by digest, reachable by digest only. @default [] */
  readonly tags?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly subject?: Descriptor
  readonly artifactType?: string
  /** @default 'oci' */
  readonly mediaTypes?: 'oci' | 'docker'
}

export interface ImageOptions extends ManifestOptions {
  /** @default one small layer that follows from the repository, the tags, the platform and `created` */
  readonly layers?: readonly Uint8Array[]
  /** RFC 3339; null leaves the field out, as reproducible builders do. @default '2024-01-01T00:00:00Z' */
  readonly created?: string | null
  readonly labels?: Readonly<Record<string, string>>
  /** @default linux/amd64 */
  readonly platform?: Platform
}

export interface IndexOptions extends ManifestOptions {
  readonly children: readonly Descriptor[]
}

const IN_TOTO = 'application/vnd.in-toto+json'
const EMPTY_CONFIG = Buffer.from('{}')
const LINUX_AMD64: Platform = { os: 'linux', architecture: 'amd64' }

const mediaTypesOf = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const

export async function pushBlob(
  registryUrl: string,
  repository: string,
  bytes: Uint8Array,
  mediaType = 'application/octet-stream',
): Promise<Descriptor> {
  const digest = sha256(bytes)
  // Two steps, because 2.8 does not take a whole blob in one POST.
  const begun = await registryRequest(registryUrl, 'POST', `/v2/${repository}/blobs/uploads/`)
  const location = begun.headers.get('location')
  if (begun.status !== 202 || location === null) return fail(`${repository}: cannot begin an upload`, begun)
  const target = new URL(location, registryUrl)
  target.searchParams.set('digest', digest)
  const path = target.pathname + target.search
  const headers = { 'content-type': 'application/octet-stream' }
  const ended = await registryRequest(registryUrl, 'PUT', path, { headers, body: bytes })
  if (ended.status !== 201) return fail(`${repository}: cannot upload blob ${digest}`, ended)
  return { mediaType, digest, size: bytes.length }
}

/** `reference` is a tag, or left out to push by digest. */
export async function pushManifest(
  registryUrl: string,
  repository: string,
  bytes: Uint8Array,
  mediaType: string,
  reference: string = sha256(bytes),
): Promise<{ readonly digest: string; readonly isSubjectKept: boolean }> {
  const response = await registryRequest(registryUrl, 'PUT', `/v2/${repository}/manifests/${reference}`, {
    headers: { 'content-type': mediaType },
    body: bytes,
  })
  if (response.status !== 201) return fail(`${repository}:${reference}: cannot push the manifest`, response)
  return { digest: sha256(bytes), isSubjectKept: response.headers.has('oci-subject') }
}

export async function pushImage(
  registryUrl: string,
  repository: string,
  options: ImageOptions = {},
): Promise<PushedImage> {
  const { platform = LINUX_AMD64 } = options
  const types = mediaTypesOf[options.mediaTypes ?? 'oci']
  const layerBytes = options.layers ?? [defaultLayer(repository, options, platform)]
  const layers: Descriptor[] = []
  for (const bytes of layerBytes) layers.push(await pushBlob(registryUrl, repository, bytes, types.layer))
  const config = await pushBlob(registryUrl, repository, imageConfig(options, platform, layers), types.config)
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    ...(options.artifactType !== undefined && { artifactType: options.artifactType }),
    config,
    layers,
    ...(options.subject && { subject: bareDescriptor(options.subject) }),
    ...(options.annotations && { annotations: options.annotations }),
  }
  const pushed = await pushDocument(registryUrl, repository, manifest, options.tags ?? [])
  return {
    ...pushed,
    descriptor: { ...pushed.descriptor, platform },
    configDigest: config.digest,
    layerDigests: layers.map(({ digest }) => digest),
  }
}

export async function pushIndex(
  registryUrl: string,
  repository: string,
  options: IndexOptions,
): Promise<PushedManifest> {
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypesOf[options.mediaTypes ?? 'oci'].index,
    ...(options.artifactType !== undefined && { artifactType: options.artifactType }),
    manifests: options.children,
    ...(options.subject && { subject: bareDescriptor(options.subject) }),
    ...(options.annotations && { annotations: options.annotations }),
  }
  return pushDocument(registryUrl, repository, index, options.tags ?? [])
}

export interface PushedMultiPlatform extends PushedManifest {
  readonly children: readonly PushedImage[]
  /** One for each child, in the same order; empty without `attestations`. */
  readonly attestations: readonly PushedManifest[]
}

/** What `docker buildx build --platform a,b` leaves: an index, its images, and an attestation beside each. */
export async function pushMultiPlatform(
  registryUrl: string,
  repository: string,
  options: Omit<ImageOptions, 'platform' | 'subject' | 'artifactType'> & {
    /** As Docker writes them. @default ['linux/amd64', 'linux/arm64'] */
    readonly platforms?: readonly string[]
    /** @default true */
    readonly attestations?: boolean
  } = {},
): Promise<PushedMultiPlatform> {
  const { tags = [], annotations, platforms = ['linux/amd64', 'linux/arm64'], ...rest } = options
  const children: PushedImage[] = []
  const attestations: PushedManifest[] = []
  for (const platform of platforms.map(parsePlatform)) {
    const layers = rest.layers ?? [defaultLayer(repository, { ...rest, tags }, platform)]
    const child = await pushImage(registryUrl, repository, { ...rest, layers, platform })
    children.push(child)
    if (options.attestations ?? true)
      attestations.push(await pushAttestation(registryUrl, repository, child.digest))
  }
  const index = await pushIndex(registryUrl, repository, {
    tags,
    children: [...children, ...attestations].map(({ descriptor }) => descriptor),
    ...(annotations && { annotations }),
    ...(options.mediaTypes && { mediaTypes: options.mediaTypes }),
  })
  return { ...index, children, attestations }
}

/**
 * The provenance BuildKit puts beside an image into the same index. It has no subject: only the annotation in the
 * index tells what it belongs to, and its platform is unknown/unknown so that nobody runs it.
 */
export async function pushAttestation(
  registryUrl: string,
  repository: string,
  imageDigest: string,
): Promise<PushedManifest> {
  const statement = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://slsa.dev/provenance/v0.2',
      subject: [{ name: repository, digest: { sha256: imageDigest.slice('sha256:'.length) } }],
    }),
  )
  const layer = await pushBlob(registryUrl, repository, statement, IN_TOTO)
  const platform = { os: 'unknown', architecture: 'unknown' }
  const configBytes = imageConfig({ created: null }, platform, [layer])
  const config = await pushBlob(registryUrl, repository, configBytes, mediaTypesOf.oci.config)
  const pushed = await pushDocument(registryUrl, repository, {
    schemaVersion: 2,
    mediaType: mediaTypesOf.oci.manifest,
    config,
    layers: [{ ...layer, annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' } }],
  })
  const annotations = {
    'vnd.docker.reference.digest': imageDigest,
    'vnd.docker.reference.type': 'attestation-manifest',
  }
  return { ...pushed, descriptor: { ...pushed.descriptor, platform, annotations } }
}

const cosignLayerTypes = {
  sig: 'application/vnd.dev.cosign.simplesigning.v1+json',
  att: 'application/vnd.dsse.envelope.v1+json',
  sbom: 'text/spdx+json',
} as const

/** What cosign leaves by default: an image under the tag `sha256-<hex>.sig`, tied to its subject by that name alone. */
export async function pushCosignTag(
  registryUrl: string,
  repository: string,
  subjectDigest: string,
  suffix: keyof typeof cosignLayerTypes = 'sig',
): Promise<PushedManifest> {
  const payload = Buffer.from(
    JSON.stringify({ critical: { image: { 'docker-manifest-digest': subjectDigest } } }),
  )
  const layer = await pushBlob(registryUrl, repository, payload, cosignLayerTypes[suffix])
  const configBytes = imageConfig({ created: '0001-01-01T00:00:00Z' }, LINUX_AMD64, [layer])
  const config = await pushBlob(registryUrl, repository, configBytes, mediaTypesOf.oci.config)
  const signed = { ...layer, annotations: { 'dev.cosignproject.cosign/signature': 'not a real signature' } }
  return pushDocument(
    registryUrl,
    repository,
    {
      schemaVersion: 2,
      mediaType: mediaTypesOf.oci.manifest,
      config,
      layers: [suffix === 'sig' ? signed : layer],
    },
    [`${referrersTag(subjectDigest)}.${suffix}`],
  )
}

/**
 * An artifact that points at its subject. Where the registry does not keep the list of referrers, this does what the
 * specification asks of a client then: it adds the artifact to the index under the subject's fallback tag.
 */
export async function pushReferrer(
  registryUrl: string,
  repository: string,
  subject: Descriptor,
  options: {
    /** @default 'application/vnd.example.sbom' */
    readonly artifactType?: string
    readonly content?: Uint8Array
    readonly annotations?: Readonly<Record<string, string>>
    readonly tags?: readonly string[]
    /** 'never' leaves the artifact as clients without the fallback do: found by nobody. @default 'when-needed' */
    readonly fallback?: 'when-needed' | 'never'
  } = {},
): Promise<PushedManifest> {
  const artifactType = options.artifactType ?? 'application/vnd.example.sbom'
  const content = options.content ?? Buffer.from(`${artifactType} of ${subject.digest}`)
  const layer = await pushBlob(registryUrl, repository, content, artifactType)
  const config = await pushBlob(registryUrl, repository, EMPTY_CONFIG, 'application/vnd.oci.empty.v1+json')
  const pushed = await pushDocument(
    registryUrl,
    repository,
    {
      schemaVersion: 2,
      mediaType: mediaTypesOf.oci.manifest,
      artifactType,
      config,
      layers: [layer],
      subject: bareDescriptor(subject),
      ...(options.annotations && { annotations: options.annotations }),
    },
    options.tags ?? [],
  )
  const descriptor = {
    ...pushed.descriptor,
    artifactType,
    ...(options.annotations && { annotations: options.annotations }),
  }
  if (options.fallback !== 'never' && !pushed.isSubjectKept) {
    await addToFallbackIndex(registryUrl, repository, subject.digest, descriptor)
  }
  return { ...pushed, descriptor }
}

/** Adds to the list of referrers under the tag `sha256-<hex>`, as a client must where there is no referrers API. */
export async function addToFallbackIndex(
  registryUrl: string,
  repository: string,
  subjectDigest: string,
  referrer: Descriptor,
): Promise<PushedManifest> {
  const tag = referrersTag(subjectDigest)
  const response = await registryRequest(registryUrl, 'GET', `/v2/${repository}/manifests/${tag}`, {
    headers: { accept: mediaTypesOf.oci.index },
  })
  if (!response.ok && response.status !== 404) return fail(`${repository}:${tag}`, response)
  const listed = response.ok
    ? ((await response.json()) as { manifests: readonly Descriptor[] }).manifests
    : []
  const others = listed.filter(({ digest }) => digest !== referrer.digest)
  return pushIndex(registryUrl, repository, { tags: [tag], children: [...others, referrer] })
}

/** The tag that stands for the referrers of a digest; with `.sig` and the like behind it, cosign's. */
export function referrersTag(digest: string): string {
  return digest.replace(':', '-')
}

async function pushDocument(
  registryUrl: string,
  repository: string,
  document: { readonly schemaVersion: number; readonly mediaType: string; readonly [field: string]: unknown },
  tags: readonly string[] = [],
): Promise<PushedManifest> {
  const bytes = Buffer.from(JSON.stringify(document, null, 2))
  const digest = sha256(bytes)
  const { mediaType } = document
  let isSubjectKept = false
  for (const reference of tags.length === 0 ? [digest] : tags) {
    isSubjectKept = (await pushManifest(registryUrl, repository, bytes, mediaType, reference)).isSubjectKept
  }
  const descriptor = { mediaType, digest, size: bytes.length }
  return { repository, digest, mediaType, size: bytes.length, bytes, tags, descriptor, isSubjectKept }
}

function imageConfig(
  { created = '2024-01-01T00:00:00Z', labels }: Pick<ImageOptions, 'created' | 'labels'>,
  platform: Platform,
  layers: readonly Descriptor[],
): Buffer {
  return Buffer.from(
    JSON.stringify({
      ...(created !== null && { created }),
      ...platform,
      config: { ...(labels && { Labels: labels }) },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  )
}

function defaultLayer(repository: string, { tags = [], created }: ImageOptions, platform: Platform): Buffer {
  return Buffer.from(
    `layer of ${repository} ${tags.join(',')} ${created ?? ''} ${platform.os}/${platform.architecture}`,
  )
}

// A subject is written without platform and annotations: those belong to the list it was taken from.
function bareDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}

function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/')
  return { os, architecture, ...(variant !== undefined && { variant }) }
}
