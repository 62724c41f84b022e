/**
 * The graph of images that every driver must read, delete and put back: everything that lies around in real registries.
 * The same name always gives the same bytes, so a test knows every digest before anything is pushed.
 */
import { createHash } from 'node:crypto'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { ociIndexType, ociManifestType, schema1Type } from '../../src/core/image/media-types.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'

/** How a suite puts things into its registry, as a client that pushes would. */
export interface Seeder {
  putBlob(repository: RepositoryName, bytes: Uint8Array): Promise<void>
  /** By tag, or by digest where there is none. */
  putManifest(
    repository: RepositoryName,
    bytes: Uint8Array,
    mediaType: string,
    reference: string,
  ): Promise<void>
}

/** A manifest of the fixture with what an inventory must say of it. */
export interface Planted {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly tags: readonly TagName[]
  readonly children: readonly Digest[]
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly platform: string | undefined
  readonly createdAt: number | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly layers: readonly Digest[]
  readonly configDigest: Digest | undefined
}

export type PlantedName =
  | 'amd64'
  | 'arm64'
  | 'attestationAmd64'
  | 'attestationArm64'
  | 'index'
  | 'signature'
  | 'referrer'
  | 'fallback'
  | 'orphan'
  | 'chart'
  | 'epoch'
  | 'schema1'
  | 'cache'

export type Graph = Readonly<Record<PlantedName, Planted>>

const configType = 'application/vnd.oci.image.config.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

interface Blob {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

/** Builds the graph for a repository and hands every blob to `keep`, in the order a client would push. */
export function plant(repository: RepositoryName): {
  readonly graph: Graph
  readonly blobs: readonly Uint8Array[]
} {
  const blobs: Uint8Array[] = []
  const blob = (content: unknown, mediaType: string): Blob => {
    const bytes = bytesOf(content)
    blobs.push(bytes)
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const image = (
    architecture: string,
    created: string,
    extra: Partial<Planted> & { tags?: readonly TagName[] } = {},
  ): Planted => {
    const labels = { 'org.opencontainers.image.title': `${repository} ${architecture}` }
    const config = blob({ created, os: 'linux', architecture, config: { Labels: labels } }, configType)
    const layer = blob(`layer ${repository} ${architecture} ${created}`, layerType)
    return manifest(
      { schemaVersion: 2, mediaType: ociManifestType, config, layers: [layer] },
      {
        createdAt: Date.parse(created),
        platform: `linux/${architecture}`,
        labels,
        layers: [layer.digest],
        configDigest: config.digest,
        ...extra,
      },
    )
  }
  const attestation = (of: Planted): Planted => {
    const config = blob({ os: 'unknown', architecture: 'unknown', of: of.digest }, configType)
    const layer = blob(
      { predicateType: 'https://slsa.dev/provenance/v0.2', of: of.digest },
      'application/vnd.in-toto+json',
    )
    return manifest(
      { schemaVersion: 2, mediaType: ociManifestType, config, layers: [layer] },
      { layers: [layer.digest], configDigest: config.digest },
    )
  }

  const amd64 = image('amd64', '2024-03-01T10:00:00Z')
  const arm64 = image('arm64', '2024-03-01T11:00:00Z')
  const attestationAmd64 = attestation(amd64)
  const attestationArm64 = attestation(arm64)
  const index = indexOf(
    [child(amd64), child(arm64), attested(attestationAmd64, amd64), attested(attestationArm64, arm64)],
    ['v1', 'latest'],
  )
  const signatureConfig = blob(
    { created: '0001-01-01T00:00:00Z', os: '', architecture: '', of: index.digest },
    configType,
  )
  const signatureLayer = blob({ critical: index.digest }, 'application/vnd.dev.cosign.simplesigning.v1+json')
  const signature = manifest(
    { schemaVersion: 2, mediaType: ociManifestType, config: signatureConfig, layers: [signatureLayer] },
    {
      tags: [tag(`${index.digest.replace(':', '-')}.sig`)],
      createdAt: Date.parse('0001-01-01T00:00:00Z'),
      layers: [signatureLayer.digest],
      configDigest: signatureConfig.digest,
    },
  )
  const empty = blob({}, 'application/vnd.oci.empty.v1+json')
  const sbom = blob({ sbom: amd64.digest }, 'application/vnd.example.sbom')
  const referrer = manifest(
    {
      schemaVersion: 2,
      mediaType: ociManifestType,
      artifactType: 'application/vnd.example.sbom',
      config: empty,
      layers: [sbom],
      subject: { mediaType: ociManifestType, digest: amd64.digest, size: amd64.bytes.length },
    },
    {
      subject: amd64.digest,
      artifactType: 'application/vnd.example.sbom',
      layers: [sbom.digest],
      configDigest: empty.digest,
    },
  )
  const fallback = indexOf([child(referrer)], [amd64.digest.replace(':', '-')])
  const orphan = indexOf([child(amd64)], [], { untagged: 'shares a child' })
  const chartConfig = blob(
    { name: 'chart', version: '1.0.0', of: repository },
    'application/vnd.cncf.helm.config.v1+json',
  )
  const chartLayer = blob(`chart ${repository}`, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip')
  const chart = manifest(
    { schemaVersion: 2, mediaType: ociManifestType, config: chartConfig, layers: [chartLayer] },
    {
      tags: [tag('chart-1.0.0')],
      artifactType: 'application/vnd.cncf.helm.config.v1+json',
      layers: [chartLayer.digest],
      configDigest: chartConfig.digest,
    },
  )
  const epoch = image('amd64', '1970-01-01T00:00:00Z', { tags: [tag('epoch')] })
  return {
    graph: {
      ...{
        amd64,
        arm64,
        attestationAmd64,
        attestationArm64,
        index,
        signature,
        referrer,
        fallback,
        orphan,
        chart,
        epoch,
      },
      schema1: schema1(repository, blob(`schema1 ${repository}`, layerType)),
      cache: buildkitCache(repository, blob),
    },
    blobs,
  }
}

/** Pushes the graph, children before indexes; leaves out what this registry does not take. */
export async function seedGraph(
  seeder: Seeder,
  repository: RepositoryName,
  without: readonly PlantedName[],
): Promise<Graph> {
  const { graph, blobs } = plant(repository)
  await Promise.all(blobs.map((bytes) => seeder.putBlob(repository, bytes)))
  for (const [name, { bytes, mediaType, tags, digest }] of entriesOf(graph)) {
    if (without.includes(name)) continue
    for (const reference of tags.length === 0 ? [digest] : tags) {
      await seeder.putManifest(repository, bytes, mediaType, reference)
    }
  }
  return graph
}

export function entriesOf(graph: Graph): readonly (readonly [PlantedName, Planted])[] {
  return Object.entries(graph) as [PlantedName, Planted][]
}

function manifest(
  document: { readonly mediaType: string; readonly [field: string]: unknown },
  known: Partial<Planted>,
): Planted {
  const bytes = bytesOf(document)
  return {
    digest: digestOf(bytes),
    bytes,
    mediaType: document.mediaType,
    tags: [],
    children: [],
    subject: undefined,
    artifactType: undefined,
    platform: undefined,
    createdAt: undefined,
    labels: {},
    layers: [],
    configDigest: undefined,
    ...known,
  }
}

type ChildDescriptor = ReturnType<typeof child>

function child({ digest, mediaType, bytes, platform, artifactType }: Planted) {
  const [os = '', architecture = ''] = platform?.split('/') ?? []
  return {
    mediaType,
    digest,
    size: bytes.length,
    ...(platform !== undefined && { platform: { os, architecture } }),
    ...(artifactType !== undefined && { artifactType }),
  }
}

function attested(attestation: Planted, of: Planted): ChildDescriptor & { readonly annotations: object } {
  return {
    ...child(attestation),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.digest': of.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
  }
}

function indexOf(
  manifests: readonly ChildDescriptor[],
  tags: readonly string[],
  annotations?: Readonly<Record<string, string>>,
): Planted {
  const document = {
    schemaVersion: 2,
    mediaType: ociIndexType,
    manifests,
    ...(annotations && { annotations }),
  }
  return manifest(document, { tags: tags.map(tag), children: manifests.map(({ digest }) => digest) })
}

function schema1(repository: RepositoryName, layer: Blob): Planted {
  const history = [{ v1Compatibility: JSON.stringify({ id: 'a', created: '2015-05-01T00:00:00Z' }) }]
  const document = {
    schemaVersion: 1,
    name: repository,
    tag: 'old',
    architecture: 'amd64',
    fsLayers: [{ blobSum: layer.digest }],
    history,
  }
  return {
    ...manifest({ mediaType: schema1Type, ...document }, { tags: [tag('old')], layers: [layer.digest] }),
    createdAt: Date.UTC(2015, 4, 1),
  }
}

function buildkitCache(
  repository: RepositoryName,
  blob: (content: unknown, mediaType: string) => Blob,
): Planted {
  const layers = [blob(`cache a ${repository}`, layerType), blob(`cache b ${repository}`, layerType)]
  const config = blob({ layers: [], of: repository }, 'application/vnd.buildkit.cacheconfig.v0')
  const document = { schemaVersion: 2, mediaType: ociIndexType, manifests: [...layers, config] }
  return manifest(document, {
    tags: [tag('buildcache')],
    artifactType: 'application/vnd.buildkit.cacheconfig.v0',
    layers: layers.map(({ digest }) => digest),
    configDigest: config.digest,
  })
}

function tag(text: string): TagName {
  const name = parseTagName(text)
  if (name === undefined) throw new Error(`${text} is no tag`)
  return name
}

function bytesOf(content: unknown): Uint8Array {
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
}

function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`) as Digest
}
