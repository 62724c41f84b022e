/** Single images, referrers and indexes for the tests of one product, where the graph of the suites does not fit. */
import { createHash } from 'node:crypto'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { ociIndexType, ociManifestType } from '../../src/core/image/media-types.ts'
import type { RepositoryName } from '../../src/core/image/names.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'

export interface PushedTo {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

export interface PushToOptions {
  /** @default none: by its digest */
  readonly tags?: readonly string[]
  readonly subject?: PushedTo
  /** Makes it an index. */
  readonly children?: readonly PushedTo[]
  /** What tells it from others. @default its tags, subject and children */
  readonly mark?: string
}

export async function pushTo(
  seeder: Seeder,
  repository: RepositoryName,
  { tags = [], subject, children, mark }: PushToOptions,
): Promise<PushedTo> {
  const told = mark ?? JSON.stringify({ repository, tags, subject, children })
  const mediaType = children === undefined ? ociManifestType : ociIndexType
  const content = children === undefined ? await blobsOf(seeder, repository, told) : { manifests: children }
  const document = { schemaVersion: 2, mediaType, ...content, ...(subject && { subject }) }
  const bytes = Buffer.from(JSON.stringify(document))
  const digest = digestOf(bytes)
  for (const reference of tags.length === 0 ? [digest] : tags)
    await seeder.putManifest(repository, bytes, mediaType, reference)
  return { mediaType, digest, size: bytes.length }
}

async function blobsOf(seeder: Seeder, repository: RepositoryName, mark: string): Promise<object> {
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', mark }))
  const layer = Buffer.from(`layer ${mark}`)
  for (const bytes of [config, layer]) await seeder.putBlob(repository, bytes)
  return {
    config: blob('application/vnd.oci.image.config.v1+json', config),
    layers: [blob('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
  }
}

function blob(mediaType: string, bytes: Buffer): PushedTo {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

function digestOf(bytes: Uint8Array): Digest {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  if (digest === undefined) throw new Error('SHA-256 gave something that is no digest')
  return digest
}
