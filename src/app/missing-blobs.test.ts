import { expect, it } from 'vitest'
import { createMemoryRegistry } from '../adapters/registries/memory/memory-registry.ts'
import type { Digest } from '../core/image/digest.ts'
import { ociManifestType } from '../core/image/media-types.ts'
import type { RepositoryName } from '../core/image/names.ts'
import { missingBlobs } from './missing-blobs.ts'

const team = 'team/app' as RepositoryName
const absent = `sha256:${'a'.repeat(64)}` as Digest
const foreign = `sha256:${'b'.repeat(64)}` as Digest
const digest = `sha256:${'c'.repeat(64)}` as Digest
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

function world() {
  const registry = createMemoryRegistry()
  const config = registry.putBlob(team, Buffer.from('{}'))
  const layer = registry.putBlob(team, Buffer.from('layer'))
  const manifestOf = (layers: readonly object[]) => ({
    digest,
    mediaType: ociManifestType,
    bytes: Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: ociManifestType,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
        layers,
      }),
    ),
  })
  return { registry, config, layer, manifestOf }
}

it('names the blobs that are not there, once each, and asks for each of the others only once', async () => {
  const { registry, config, layer, manifestOf } = world()
  const there = { mediaType: layerType, digest: layer, size: 5 }
  const gone = { mediaType: layerType, digest: absent, size: 5 }
  const seen = new Set<Digest>()
  expect(await missingBlobs(registry.reader, team, manifestOf([there, gone, gone]), seen, {})).toEqual([
    absent,
  ])
  expect(seen).toEqual(new Set([config, layer]))
  registry.removeBlob(team, layer)
  expect(await missingBlobs(registry.reader, team, manifestOf([there]), seen, {})).toEqual([])
})

it('does not miss layers that lie elsewhere', async () => {
  const { registry, manifestOf } = world()
  const elsewhere = { mediaType: layerType, digest: foreign, size: 5, urls: ['https://example.com/layer'] }
  expect(await missingBlobs(registry.reader, team, manifestOf([elsewhere]), new Set(), {})).toEqual([])
})

it('leaves what is no manifest to the registry', async () => {
  const { registry } = world()
  const odd = { digest, mediaType: ociManifestType, bytes: Buffer.from('no manifest') }
  expect(await missingBlobs(registry.reader, team, odd, new Set(), {})).toEqual([])
})
