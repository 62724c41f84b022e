/** Configs are read where somebody looks at them, and where nobody else tells when an image came. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import type { ListedRepository } from '../../src/adapters/registries/oci/listing.ts'
import { createOciReader } from '../../src/adapters/registries/oci/reader.ts'
import { parseRepositoryName, type RegistryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { startOciServer, type OciServer } from '../fakes/oci-server.ts'
import { seederOver } from './lab.ts'

const app = parseRepositoryName('team/app') as RepositoryName
const at = Date.UTC(2025, 0, 1)
let server: OciServer
let graph: Graph

beforeAll(async () => {
  server = await startOciServer({ referrersApi: false })
  graph = await seedGraph(seederOver(server.url), app, [])
})

afterAll(async () => {
  await server.stop()
})

/** What a listing tells that dates the index and nothing else. */
function listed(): ListedRepository {
  const tags = [graph.index, graph.epoch].flatMap(({ digest, tags: names }) =>
    names.map((name) => ({ name, digest, ...(digest === graph.index.digest && { pushedAt: at }) })),
  )
  return { tags, manifests: [], isExhaustive: true }
}

async function read(readConfigs: boolean | undefined) {
  const http = createHttpClient({ base: server.url })
  const reader = createOciReader({
    name: 'test' as RegistryName,
    baseUrl: server.url,
    http,
    cache: createMemoryManifestCache(),
    listing: { readRepository: async () => listed() },
    ...(readConfigs !== undefined && { readConfigs }),
  })
  const { manifests, complete } = await reader.readRepository(app)
  await http.close()
  expect(complete).toBe(true)
  return new Map(manifests.map(({ digest, createdAt, tags }) => [digest, { createdAt, tags }]))
}

describe('configs', () => {
  it('are read of everything when nothing else is said', async () => {
    const rows = await read(undefined)
    expect(rows.get(graph.amd64.digest)?.createdAt).toBe(graph.amd64.createdAt)
    expect(rows.get(graph.epoch.digest)?.createdAt).toBe(0)
  })

  it('are left out of images that the registry dates, and of their parts', async () => {
    const rows = await read(false)
    expect(rows.get(graph.index.digest)?.tags.map(({ pushedAt }) => pushedAt)).toEqual([at, at])
    expect(rows.get(graph.amd64.digest)?.createdAt).toBeUndefined()
    expect(rows.get(graph.epoch.digest)?.createdAt).toBe(0)
  })
})
