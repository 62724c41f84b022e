/** Provenance as drivers read it: what it costs, and what becomes of a repository in which it cannot be read. */
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createOciReader } from '../../src/adapters/registries/oci/reader.ts'
import { createStorageReader } from '../../src/adapters/registries/storage-distribution/storage-reader.ts'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import { writeSampleFiles } from '../../src/adapters/storage/filesystem/write-sample.ts'
import { addBlob, addManifest, startTree, type RegistryTree } from '../../src/app/demo/registry-tree.ts'
import { imageLinks } from '../../src/core/git/image-links.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import type { RepositoryInventory } from '../../src/core/inventory/inventory.ts'
import type { ManifestCache } from '../../src/ports/manifest-cache.ts'
import { startOciServer, type OciServer, type Reply } from '../fakes/oci-server.ts'
import { pushBlob, pushManifest } from '../servers/push.ts'
import { drop } from '../storage/small-registry.ts'
import { makeFolder, removeFolder } from '../storage/world.ts'

const own = 'c1'.repeat(20)
const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const ociIndex = 'application/vnd.oci.image.index.v1+json'
const ociConfig = 'application/vnd.oci.image.config.v1+json'
const at = Date.parse('2026-01-10T08:00:00Z')
const app = named('team/app')

function named(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository.`)
  return name
}

interface World {
  readonly tree: RegistryTree
  readonly statement: string
}

/** An index of one platform, and beside it BuildKit's provenance and bill of materials. */
function buildWorld(sizeOf = (bytes: number): number => bytes): World {
  const tree = startTree()
  const json = (value: unknown, mediaType: string) =>
    addBlob(tree, app, Buffer.from(JSON.stringify(value)), mediaType, at)
  const image = addManifest(
    tree,
    app,
    {
      mediaType: ociManifest,
      config: json({ os: 'linux', architecture: 'amd64' }, ociConfig),
      layers: [json('layer', 'application/x')],
    },
    at,
  )
  const revision = { 'https://mobyproject.org/buildkit@v1#metadata': { vcs: { revision: own } } }
  const statement = json({ predicate: { metadata: revision } }, 'application/vnd.in-toto+json')
  const sbom = json({ predicate: { name: 'sbom' } }, 'application/vnd.in-toto+json')
  const attestation = addManifest(
    tree,
    app,
    {
      mediaType: ociManifest,
      config: json({ os: 'unknown', architecture: 'unknown' }, ociConfig),
      layers: [
        { ...sbom, annotations: { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' } },
        {
          ...statement,
          size: sizeOf(statement.size),
          annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' },
        },
      ],
    },
    at,
  )
  const manifests = [
    { ...image, platform: { os: 'linux', architecture: 'amd64' } },
    {
      ...attestation,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': image.digest,
      },
    },
  ]
  addManifest(tree, app, { mediaType: ociIndex, manifests }, at, ['1.0'])
  return { tree, statement: statement.digest }
}

function linksIn({ manifests }: RepositoryInventory): readonly string[] {
  return [...imageLinks(buildGraph(manifests)).values()]
    .flat()
    .map(({ origin, commit }) => `${origin} ${commit}`)
}

describe('over HTTP', () => {
  let stop: () => Promise<void> = async () => undefined
  afterEach(() => stop())

  async function start({ tree }: World, intercept: (url: string) => Reply | undefined = () => undefined) {
    const server = await startOciServer({
      intercept: ({ method, url }) => (method === 'GET' ? intercept(url) : undefined),
    })
    await pushTree(server, tree)
    const http = createHttpClient({
      base: server.url,
      retry: { attemptsMax: 1, backoffMs: 1, retryAfterMaxMs: 1 },
    })
    stop = async () => {
      await http.close()
      await server.stop()
    }
    const read = async (cache: ManifestCache, readProvenance?: boolean) => {
      const before = server.requests.length
      const reader = createOciReader({
        name: 'test' as RegistryName,
        baseUrl: server.url,
        http,
        cache,
        ...(readProvenance !== undefined && { readProvenance }),
      })
      const repository = await reader.readRepository(app)
      return { repository, requests: server.requests.slice(before).map((line) => line.split(' ')[1] ?? '') }
    }
    return { read }
  }

  it('costs nothing unless asked for, one blob a statement then, and nothing again when it is known', async () => {
    const world = buildWorld()
    const { read } = await start(world)
    const cache = createMemoryManifestCache()
    const plain = await read(cache)
    expect(plain.requests.filter((url) => url.includes(world.statement))).toEqual([])
    expect(linksIn(plain.repository)).toEqual([])

    // Everything but the statement is in the cache by now.
    const asked = await read(cache, true)
    expect(asked.requests.filter((url) => url.includes('/blobs/'))).toEqual([
      `/v2/${app}/blobs/${world.statement}`,
    ])
    expect(asked.repository.complete).toBe(true)
    expect(linksIn(asked.repository)).toEqual([`provenance ${own}`])

    const again = await read(cache, true)
    expect(again.requests.filter((url) => url.includes('/blobs/'))).toEqual([])
    expect(again.repository).toEqual(asked.repository)
  })

  it.each([
    { name: 'fails', reply: { status: 500 } },
    {
      name: 'is gone',
      reply: {
        status: 404,
        body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}',
        headers: { 'content-type': 'application/json' },
      },
    },
    { name: 'is another one', reply: { status: 200, body: '{}' } },
  ])('leaves the repository incomplete when a statement $name', async ({ reply }) => {
    const world = buildWorld()
    const { read } = await start(world, (url) => (url.includes(world.statement) ? reply : undefined))
    const { repository } = await read(createMemoryManifestCache(), true)
    expect(repository.complete).toBe(false)
    expect(repository.problems.join()).toContain(`The provenance ${world.statement}`)
    expect((await read(createMemoryManifestCache(), false)).repository.complete).toBe(true)
  })

  it('leaves it incomplete when a statement is too large, without asking for it', async () => {
    const world = buildWorld((bytes) => bytes + 4 * 1024 * 1024)
    const { read } = await start(world)
    const { repository, requests } = await read(createMemoryManifestCache(), true)
    expect(repository.complete).toBe(false)
    expect(requests.filter((url) => url.includes(world.statement))).toEqual([])
  })
})

describe('from storage', () => {
  it('is read where it is asked for, and what is gone leaves the repository incomplete', async () => {
    const folder = await makeFolder()
    try {
      const { tree, statement } = buildWorld()
      await writeSampleFiles(folder, [...tree.files.values()])
      const read = (readProvenance: boolean, cache = createMemoryManifestCache()) =>
        createStorageReader({
          name: 'files' as RegistryName,
          store: createReadableFileStore(folder),
          cache,
          retryPauseMs: 1,
          readProvenance,
        }).readRepository(app)
      const warm = createMemoryManifestCache()
      expect(linksIn(await read(true, warm))).toEqual([`provenance ${own}`])
      expect(linksIn(await read(false))).toEqual([])

      const hex = statement.slice('sha256:'.length)
      await drop(folder, `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`)
      const gone = await read(true)
      expect(gone.complete).toBe(false)
      expect(gone.problems.join()).toContain(`The provenance ${statement}`)
      // What is known of it is known for ever, as of configs.
      expect((await read(true, warm)).complete).toBe(true)
    } finally {
      await removeFolder(folder)
    }
  })
})

/** Blobs before manifests, and manifests in the order in which they were made. */
async function pushTree(server: OciServer, { files }: RegistryTree): Promise<void> {
  const revisions = [...files.values()].filter(({ path }) => path.includes('/_manifests/revisions/'))
  const manifests = revisions.map(({ bytes }) => Buffer.from(bytes).toString())
  const blobs = new Map(
    [...files.values()]
      .filter(({ path }) => path.endsWith('/data'))
      .map(({ path, bytes }) => [path.split('/').at(-2) ?? '', bytes]),
  )
  for (const [hex, bytes] of blobs)
    if (!manifests.includes(`sha256:${hex}`)) await pushBlob(server.url, app, bytes)
  for (const [i, digest] of manifests.entries()) {
    const bytes = blobs.get(digest.slice('sha256:'.length)) ?? new Uint8Array()
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString()) as { readonly mediaType: string }
    await pushManifest(server.url, app, bytes, mediaType, i === manifests.length - 1 ? '1.0' : digest)
  }
}
