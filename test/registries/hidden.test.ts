/** What a product's API lists and its registry denies: gone since, or only hidden. What is hidden still needs its parts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import type { ListedRepository } from '../../src/adapters/registries/oci/listing.ts'
import { createOciReader } from '../../src/adapters/registries/oci/reader.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RegistryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { startOciServer, type OciServer } from '../fakes/oci-server.ts'
import { seederOver } from './lab.ts'

const app = parseRepositoryName('team/app') as RepositoryName
const hidden = `sha256:${'ab'.repeat(32)}` as Digest
let server: OciServer
let graph: Graph

beforeAll(async () => {
  server = await startOciServer({ referrersApi: false })
  graph = await seedGraph(seederOver(server.url), app, [])
})

afterAll(async () => {
  await server.stop()
})

async function read(lists: readonly ListedRepository[]) {
  const http = createHttpClient({ base: server.url })
  const left = [...lists]
  const reader = createOciReader({
    name: 'test' as RegistryName,
    baseUrl: server.url,
    http,
    cache: createMemoryManifestCache(),
    listing: { readRepository: async () => left.shift() ?? lists.at(-1) },
  })
  const { complete, problems } = await reader.readRepository(app)
  await http.close()
  return { complete, problems: problems.join(' ') }
}

describe('what is listed and not there', () => {
  const list = (more: Partial<ListedRepository> = {}): ListedRepository => ({
    tags: [{ name: 'v1', digest: graph.index.digest }],
    manifests: [{ digest: graph.index.digest }],
    isExhaustive: true,
    ...more,
  })
  const cases: readonly (readonly [string, () => ListedRepository])[] = [
    ['a manifest', () => list({ manifests: [{ digest: graph.index.digest }, { digest: hidden }] })],
    ['the manifest of a tag', () => list({ tags: [{ name: 'v5', digest: hidden }] })],
    ['a tag of which the list tells no digest', () => list({ tags: [{ name: 'v5', digest: undefined }] })],
  ]
  it.each(cases)('leaves the repository incomplete while it is still listed: %s', async (_, listed) => {
    const { complete, problems } = await read([listed()])
    expect(complete).toBe(false)
    expect(problems).toMatch(/listed by the API, and the registry says that it is not there/)
  })

  it.each(cases)('has gone when it is not listed any more: %s', async (_, listed) => {
    expect((await read([listed(), list()])).complete).toBe(true)
  })

  it('asks no second time where everything is there', async () => {
    let asked = 0
    const http = createHttpClient({ base: server.url })
    const reader = createOciReader({
      name: 'test' as RegistryName,
      baseUrl: server.url,
      http,
      cache: createMemoryManifestCache(),
      listing: {
        readRepository: async () => {
          asked += 1
          return list()
        },
      },
    })
    expect((await reader.readRepository(app)).complete).toBe(true)
    expect(asked).toBe(1)
    await http.close()
  })
})
