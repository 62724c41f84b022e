import { expect, it } from 'vitest'
import { createMemoryMemory } from '../adapters/journal/memory/memory.ts'
import { createMemoryRegistry } from '../adapters/registries/memory/memory-registry.ts'
import type { SourceEvidence } from '../core/evidence/evidence.ts'
import { ociManifestType } from '../core/image/media-types.ts'
import type { RepositoryName, TagName } from '../core/image/names.ts'
import type { EvidenceSource } from '../ports/evidence-source.ts'
import { FreshEvidence } from './apply-evidence.ts'

const configType = 'application/vnd.oci.image.config.v1+json'
const team = 'team/app' as RepositoryName

function sourceUsing(reference: string): EvidenceSource {
  const evidence: SourceEvidence = {
    name: 'kubernetes:lab',
    complete: true,
    leftOut: false,
    identity: undefined,
    objects: 1,
    pods: 1,
    references: [{ reference, where: 'Deployment shop/late' }],
    digests: [],
    problems: [],
  }
  return { name: evidence.name, gather: async () => evidence }
}

it('remembers what came into use between plan and apply, so that it stays protected after it is gone', async () => {
  const registry = createMemoryRegistry()
  const { reader } = registry
  const config = { mediaType: configType, digest: registry.putBlob(team, Buffer.from('{}')), size: 2 }
  const bytes = Buffer.from(JSON.stringify({ mediaType: ociManifestType, config, layers: [] }))
  const digest = registry.putManifest(team, { bytes, mediaType: ociManifestType, tag: 'late' as TagName })
  const memory = createMemoryMemory()
  const evidence = await FreshEvidence.create(
    { registries: [{ name: reader.name, prefixes: ['registry.example.com'] }], leftOut: [], accepted: [] },
    {
      sources: [sourceUsing('registry.example.com/team/app:late')],
      memory,
      now: () => 1000,
      registries: new Map([[reader.name, registry]]),
    },
    undefined,
    {},
  )
  await evidence.resolve(reader.name, await reader.readRepository(team), {})
  expect(await memory.seenInUse(reader.name, 1000)).toEqual(
    new Map([[digest, { lastSeenAt: 1000, source: 'kubernetes:lab', where: 'Deployment shop/late' }]]),
  )
})
