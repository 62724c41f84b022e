/** What people push to the simulated registry: a few images that share layers, indexes over them, and referrers. */
import { createHash } from 'node:crypto'
import type { Digest } from '../../../src/core/image/digest.ts'
import { ociIndexType, ociManifestType } from '../../../src/core/image/media-types.ts'

export interface Blob {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

export interface Manifest extends Blob {
  /** Config and layers. */
  readonly blobs: readonly Blob[]
  readonly children: readonly Manifest[]
  readonly subject: Manifest | undefined
}

function blobOf(text: string): Blob {
  const bytes = Buffer.from(text)
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest, bytes }
}

const layers = Array.from({ length: 8 }, (_, i) => blobOf(`layer ${i}`))
const configs = Array.from({ length: 4 }, (_, i) => blobOf(`{"config":${i}}`))

function descriptor({ digest, bytes }: Blob, mediaType: string): Record<string, unknown> {
  return { mediaType, digest, size: bytes.length }
}

function image(config: number, ...numbers: number[]): Manifest {
  return imageOf(config, numbers, undefined)
}

function imageOf(config: number, numbers: readonly number[], subject: Manifest | undefined): Manifest {
  const own = configs.slice(config, config + 1)
  const parts = numbers.flatMap((i) => layers.slice(i, i + 1))
  const [first] = own.map((blob) => descriptor(blob, 'application/vnd.oci.image.config.v1+json'))
  const content = {
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: first,
    layers: parts.map((blob) => descriptor(blob, 'application/vnd.oci.image.layer.v1.tar')),
    ...(subject && { subject: descriptor(subject, ociManifestType) }),
  }
  return { ...blobOf(JSON.stringify(content)), blobs: [...own, ...parts], children: [], subject }
}

function index(...children: Manifest[]): Manifest {
  const manifests = children.map((child) =>
    descriptor(child, child.children.length > 0 ? ociIndexType : ociManifestType),
  )
  const content = { schemaVersion: 2, mediaType: ociIndexType, manifests }
  return { ...blobOf(JSON.stringify(content)), blobs: [], children, subject: undefined }
}

const [m0, m1, m2, m3] = [image(0, 0, 1), image(1, 0, 2), image(2, 1, 3, 4), image(0, 5)] as const
const i0 = index(m0, m1)
const i1 = index(m2, i0)

/** Roots first: who pushes one pushes what hangs below it. */
export const manifests: readonly Manifest[] = [
  m0,
  m1,
  m2,
  m3,
  i0,
  i1,
  imageOf(3, [6], m0),
  imageOf(3, [7], i0),
  imageOf(3, [6, 7], m3),
]

export const repositories = ['team/app', 'team/lib', 'team/app/dev'] as const

/** Nobody deletes the image in here: a bucket without one blob looks like a storage that is not mounted. */
export const lastRepository = 'team/base'

const byDigest = new Map<string, Manifest>(manifests.map((each) => [each.digest, each]))

export function manifestOf(digest: string): Manifest | undefined {
  return byDigest.get(digest)
}

/** What must be stored so that a manifest can be pulled: itself, its blobs, its children with theirs. */
export function partsOf(manifest: Manifest): readonly Digest[] {
  const own = [manifest.digest, ...manifest.blobs.map(({ digest }) => digest)]
  return [...own, ...manifest.children.flatMap(partsOf)]
}
