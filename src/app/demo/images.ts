/** The kinds of things that lie in real registries, each pushed into the tree as its tool would push it. */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import { makeLayer, type Layer } from './layers.ts'
import { addBlob, addManifest, type Descriptor, type RegistryTree } from './registry-tree.ts'

interface ImageSpec {
  readonly tags?: readonly string[]
  /** When it was pushed. */
  readonly at: InstantMs
  /** What the config says, RFC 3339. @default the time of the push */
  readonly created?: string
  /** What the program in it is; equal programs make equal layers. */
  readonly program: string
  /** Names of shared layers beneath the program's own. */
  readonly bases: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** @default 'oci' */
  readonly format?: 'oci' | 'docker'
}

const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const ociIndex = 'application/vnd.oci.image.index.v1+json'
const ociConfig = 'application/vnd.oci.image.config.v1+json'

const formats = {
  oci: { manifest: ociManifest, config: ociConfig, layer: 'application/vnd.oci.image.layer.v1.tar+gzip' },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const

const BASE_BYTES = 24 * 1024
const PROGRAM_BYTES_MIN = 4 * 1024
const baseLayers = new Map<string, Layer>()

/** An image for one platform. */
export function pushImage(
  tree: RegistryTree,
  repository: string,
  spec: ImageSpec,
  architecture: 'amd64' | 'arm64' = 'amd64',
): Descriptor {
  const types = formats[spec.format ?? 'oci']
  const seed = `${repository} ${spec.program} ${architecture}`
  // Sizes differ as those of real programs do, and follow from the name alone.
  const sizeBytes =
    PROGRAM_BYTES_MIN + ((seed.length * 977 + spec.program.charCodeAt(spec.program.length - 1) * 131) % 8192)
  const layers = [
    ...spec.bases.map((base) => baseLayer(`${base} ${architecture}`)),
    makeLayer(seed, `app/${repository.replace('/', '-')}`, sizeBytes),
  ]
  const created = spec.created ?? new Date(spec.at).toISOString()
  const config = Buffer.from(
    JSON.stringify({
      created,
      architecture,
      os: 'linux',
      config: { Entrypoint: ['/app/main'], Labels: spec.labels ?? {} },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map((_, i) => ({ created, created_by: `step ${i + 1}` })),
    }),
  )
  const manifest = {
    mediaType: types.manifest,
    config: addBlob(tree, repository, config, types.config, spec.at),
    layers: layers.map(({ bytes }) => addBlob(tree, repository, bytes, types.layer, spec.at)),
  }
  return {
    ...addManifest(tree, repository, manifest, spec.at, spec.tags),
    platform: { os: 'linux', architecture },
  }
}

/** What `docker buildx build --platform linux/amd64,linux/arm64` pushes: images, an attestation for each, an index. */
export function pushMultiPlatform(tree: RegistryTree, repository: string, spec: ImageSpec): Descriptor {
  const { tags, ...untagged } = spec
  const images = (['amd64', 'arm64'] as const).map((architecture) =>
    pushImage(tree, repository, untagged, architecture),
  )
  const attestations = images.map((image) => pushAttestation(tree, repository, image, spec.at))
  return addManifest(
    tree,
    repository,
    { mediaType: ociIndex, manifests: [...images, ...attestations] },
    spec.at,
    tags,
  )
}

/** Signs as cosign does on registries without the referrers API: a tag that spells the digest. */
export function pushCosignSignature(
  tree: RegistryTree,
  repository: string,
  digest: string,
  at: InstantMs,
): Descriptor {
  const payload = {
    critical: {
      identity: {},
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
  }
  const manifest = {
    mediaType: ociManifest,
    config: addBlob(
      tree,
      repository,
      Buffer.from(JSON.stringify({ architecture: '', os: '', rootfs: { type: 'layers', diff_ids: [] } })),
      ociConfig,
      at,
    ),
    layers: [addJson(tree, repository, payload, 'application/vnd.dev.cosign.simplesigning.v1+json', at)],
  }
  return addManifest(tree, repository, manifest, at, [`${digest.replace(':', '-')}.sig`])
}

/** An SBOM that names its image as `subject`, and the tag that lists it where the registry does not (OCI 1.1). */
export function pushSbom(
  tree: RegistryTree,
  repository: string,
  subject: Descriptor,
  at: InstantMs,
): Descriptor {
  const artifactType = 'application/spdx+json'
  const { mediaType, digest, size } = subject
  const sbom = addManifest(
    tree,
    repository,
    {
      mediaType: ociManifest,
      artifactType,
      config: addBlob(tree, repository, Buffer.from('{}'), 'application/vnd.oci.empty.v1+json', at),
      layers: [addJson(tree, repository, { spdxVersion: 'SPDX-2.3', name: digest }, artifactType, at)],
      subject: { mediaType, digest, size },
    },
    at,
  )
  const listed = { mediaType: ociIndex, manifests: [{ ...sbom, artifactType }] }
  addManifest(tree, repository, listed, at, [digest.replace(':', '-')])
  return sbom
}

/** A Helm chart, which lies in a registry like an image and has no build date. */
export function pushChart(
  tree: RegistryTree,
  repository: string,
  name: string,
  version: string,
  at: InstantMs,
): Descriptor {
  const chart = makeLayer(`chart ${name} ${version}`, `${name}/Chart.yaml`, 2048)
  const manifest = {
    mediaType: ociManifest,
    config: addJson(
      tree,
      repository,
      { apiVersion: 'v2', name, version },
      'application/vnd.cncf.helm.config.v1+json',
      at,
    ),
    layers: [
      addBlob(tree, repository, chart.bytes, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', at),
    ],
    annotations: { 'org.opencontainers.image.title': name, 'org.opencontainers.image.version': version },
  }
  return addManifest(tree, repository, manifest, at, [version])
}

/** BuildKit's provenance: a manifest beside the platforms that is none itself. */
function pushAttestation(
  tree: RegistryTree,
  repository: string,
  image: Descriptor,
  at: InstantMs,
): Descriptor {
  const predicateType = 'https://slsa.dev/provenance/v0.2'
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType,
    subject: [{ digest: image.digest }],
  }
  const layer = addJson(tree, repository, statement, 'application/vnd.in-toto+json', at)
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'unknown',
      os: 'unknown',
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  )
  const manifest = {
    mediaType: ociManifest,
    config: addBlob(tree, repository, config, ociConfig, at),
    layers: [{ ...layer, annotations: { 'in-toto.io/predicate-type': predicateType } }],
  }
  return {
    ...addManifest(tree, repository, manifest, at),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
  }
}

function addJson(
  tree: RegistryTree,
  repository: string,
  value: unknown,
  mediaType: string,
  at: InstantMs,
): Descriptor {
  return addBlob(tree, repository, Buffer.from(JSON.stringify(value)), mediaType, at)
}

// Made once a process: dozens of images share each of them.
function baseLayer(name: string): Layer {
  const layer = baseLayers.get(name) ?? makeLayer(name, 'usr/lib/base', BASE_BYTES)
  baseLayers.set(name, layer)
  return layer
}
