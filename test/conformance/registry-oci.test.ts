/** The OCI driver against a registry with chosen manners: the conformance suite, and what goes wrong on the wire. */
import type { RunEvent } from '../../src/ports/run-options.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { CatalogRefusedError, RegistryGoneError } from '../../src/adapters/registries/oci/errors.ts'
import { createOciReader, type OciReaderSettings } from '../../src/adapters/registries/oci/reader.ts'
import { createOciWriter } from '../../src/adapters/registries/oci/writer.ts'
import { InterruptedError, OperationalError } from '../../src/core/errors/errors.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { ociManifestType } from '../../src/core/image/media-types.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../../src/core/image/names.ts'
import type { RepositoryInventory } from '../../src/core/inventory/inventory.ts'
import { startOciServer, type OciServer, type OciServerOptions, type Reply } from '../fakes/oci-server.ts'
import { pushBlob, pushManifest } from '../servers/push.ts'
import { sha256 } from '../servers/registry-request.ts'
import { registryConformance, type RegistryUnderTest } from './registry.ts'
import { plant, seedGraph, type Graph, type Seeder } from './registry-fixture.ts'

const traits = { product: 'scripted', deleteByTag: true, protectsChildren: false, pageSizeMax: undefined }

async function start(
  options: OciServerOptions,
  extra: Partial<OciReaderSettings> = {},
): Promise<RegistryUnderTest & { readonly server: OciServer }> {
  const server = await startOciServer(options)
  const http = createHttpClient({
    base: server.url,
    retry: { attemptsMax: 3, backoffMs: 1, retryAfterMaxMs: 2000 },
  })
  const settings = {
    name: 'test' as RegistryName,
    baseUrl: server.url,
    http,
    cache: createMemoryManifestCache(),
    ...extra,
  }
  const reader = () => createOciReader({ ...settings, recognise: async () => traits })
  return {
    server,
    reader: reader(),
    writer: createOciWriter({ ...settings, deletesTags: true }),
    nextReader: reader,
    requestCount: () => http.stats.requests,
    seeder: seederOf(server.url),
    stop: async () => {
      await http.close()
      await server.stop()
    },
  }
}

function seederOf(url: string): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      await pushBlob(url, repository, bytes)
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      await pushManifest(url, repository, bytes, mediaType, reference)
    },
  }
}

const capabilities = { product: 'scripted', deleteByTag: true, protectsChildren: false, referrersApi: true }
registryConformance('an OCI 1.1 registry', { capabilities }, () => start({}))
registryConformance(
  'an OCI registry without the referrers API',
  { capabilities: { ...capabilities, referrersApi: false } },
  () => start({ referrersApi: false }),
)
for (const head of ['no-digest', 'refused'] as const) {
  registryConformance(`an OCI registry with small pages and HEAD ${head}`, { capabilities }, async () => {
    // How many requests that takes is another matter.
    const { reader, writer, seeder, stop } = await start({ pageMax: 2, links: 'absolute', head })
    return { reader, writer, seeder, stop }
  })
}

const app = parseRepositoryName('team/app') as RepositoryName
const tag = (text: string): TagName => parseTagName(text) as TagName
const running: RegistryUnderTest[] = []
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

async function seeded(options: OciServerOptions, extra?: Partial<OciReaderSettings>) {
  const subject = await start(options, extra)
  running.push(subject)
  const graph = await seedGraph(subject.seeder, app, [])
  return { ...subject, graph }
}

async function readWith(
  intercept: (graph: Graph) => OciServerOptions['intercept'],
): Promise<RepositoryInventory> {
  const { graph } = plant(app)
  const { reader } = await seeded({ intercept: intercept(graph) ?? (() => undefined) })
  return reader.readRepository(app)
}

const html: Reply = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>Not here</html>' }

describe('pages of names', () => {
  it.each(['relative', 'absolute', 'opaque', 'none'] as const)(
    'are read to the end with %s links',
    async (links) => {
      const whole = await (await seeded({})).reader.readRepository(app)
      // With no links at all only a page of the size asked for, or a round one, looks cut; fifty is round.
      const { reader, server } = await seeded({ links, pageMax: links === 'none' ? 50 : 2 })
      const held = server.store.repository(app)
      const [one] = held.tags.values()
      if (links === 'none' && one !== undefined)
        for (let i = 0; i < 120; i += 1) held.tags.set(tag(`more-${i}`), one)
      const read = await reader.readRepository(app)
      expect(read.complete).toBe(true)
      expect(read.manifests.map(({ digest }) => digest)).toEqual(whole.manifests.map(({ digest }) => digest))
      expect(read.manifests.flatMap(({ tags }) => tags)).toHaveLength(held.tags.size)
    },
  )

  it.each(['circular', 'other-host'] as const)(
    'make the repository incomplete when the links are %s',
    async (links) => {
      const { reader } = await seeded({ links, pageMax: 2 })
      const read = await reader.readRepository(app)
      expect(read).toMatchObject({ complete: false, manifests: [] })
      expect(read.problems).toHaveLength(1)
      await expect(reader.readRepository(app)).resolves.toMatchObject({ complete: false })
    },
  )

  it('fail the catalog when they go in circles', async () => {
    const { reader, seeder } = await seeded({ links: 'circular', pageMax: 1 })
    await seedGraph(seeder, parseRepositoryName('team/b') as RepositoryName, [])
    await expect(reader.listRepositories()).rejects.toBeInstanceOf(OperationalError)
  })

  it('are asked for again, smaller and then without a size, when the size is refused', async () => {
    const refused: Reply = {
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: '{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}',
    }
    const { reader, server } = await seeded({
      intercept: ({ url }) => (url.includes('n=') ? refused : undefined),
    })
    expect((await reader.readRepository(app)).complete).toBe(true)
    expect(server.requests.filter((request) => request.includes('tags/list')).slice(-3)).toEqual([
      'GET /v2/team/app/tags/list?n=1000',
      'GET /v2/team/app/tags/list?n=100',
      'GET /v2/team/app/tags/list',
    ])
  })

  it('begin again when the name a page begins after was deleted meanwhile', async () => {
    const gone: Reply = { status: 404 }
    const { reader } = await seeded({
      pageMax: 2,
      intercept: ({ url, before }) => (url.includes('last=') && before === 0 ? gone : undefined),
    })
    const read = await reader.readRepository(app)
    expect(read.complete).toBe(true)
    expect(read.manifests.flatMap(({ tags }) => tags).length).toBe(8)
  })

  it.each([
    { name: 'null', body: '{"name":"team/app","tags":null}', complete: true },
    { name: 'missing', body: '{"name":"team/app"}', complete: true },
    { name: 'no list', body: '{"name":"team/app","tags":"v1"}', complete: false },
    { name: 'a sign-in page with status 200', body: '<html>', complete: false },
    { name: 'another document', body: '{"message":"later"}', complete: false },
    { name: 'cut short', body: '{"name":"team/app","tags":["v1"', complete: false },
    { name: 'no tags but something else', body: '{"name":"team/app","tags":["../../etc"]}', complete: false },
  ])('that hold tags which are $name are read as complete: $complete', async ({ body, complete }) => {
    const read = await readWith(
      () =>
        ({ url }) =>
          url.includes('tags/list')
            ? { status: 200, headers: { 'content-type': 'application/json' }, body }
            : undefined,
    )
    expect(read).toMatchObject({ complete, manifests: [] })
  })
})

describe('a catalog that is refused', () => {
  it.each([401, 403, 404, 405])('with %i leads to naming the repositories', async (status) => {
    const { reader } = await seeded({
      intercept: ({ url }) =>
        url.includes('_catalog')
          ? { status, headers: status === 401 ? { 'www-authenticate': 'Basic realm="x"' } : {} }
          : undefined,
    })
    await expect(reader.listRepositories()).rejects.toBeInstanceOf(CatalogRefusedError)
  })

  it('leaves the repositories that are named, and says so', async () => {
    const intercept = ({ url }: { readonly url: string }): { readonly status: number } | undefined =>
      url.includes('_catalog') ? { status: 404 } : undefined
    const { reader } = await seeded({ intercept }, { repositories: [app] })
    const told: string[] = []
    const onEvent = (event: RunEvent): void => void (event.kind === 'warning' && told.push(event.text))
    expect(await reader.listRepositories({ onEvent })).toEqual([app])
    expect(told.join()).toContain('without wildcards')
  })
})

describe('what cannot be read', () => {
  it.each<{ readonly name: string; readonly what: keyof Graph; readonly reply: (graph: Graph) => Reply }>([
    { name: 'a child the registry fails on', what: 'arm64', reply: () => ({ status: 500 }) },
    { name: 'a child that is forbidden', what: 'arm64', reply: () => ({ status: 403 }) },
    { name: "someone else's 404 page", what: 'arm64', reply: () => html },
    { name: 'a web page in place of a manifest', what: 'arm64', reply: () => ({ ...html, status: 200 }) },
    {
      name: 'bytes of another digest',
      what: 'arm64',
      reply: (graph) => ({
        status: 200,
        headers: { 'content-type': ociManifestType },
        body: graph.amd64.bytes,
      }),
    },
    {
      name: 'a manifest cut short',
      what: 'arm64',
      reply: (graph) => ({
        status: 200,
        headers: { 'content-type': ociManifestType },
        body: graph.arm64.bytes.subarray(0, 40),
      }),
    },
  ])('makes the repository incomplete and is named: $name', async ({ what, reply }) => {
    const { graph } = plant(app)
    const read = await readWith(
      (planted) =>
        ({ method, url }) =>
          method === 'GET' && url.endsWith(planted[what].digest) ? reply(planted) : undefined,
    )
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain(graph[what].digest)
    expect(read.manifests.map(({ digest }) => digest)).toContain(graph.chart.digest)
  })

  it('makes the repository incomplete when it is a config: a label might have kept the image', async () => {
    const { graph } = plant(app)
    const read = await readWith(
      () =>
        ({ method, url }) =>
          method === 'GET' && url.endsWith(graph.amd64.configDigest ?? '') ? { status: 500 } : undefined,
    )
    expect(read.complete).toBe(false)
  })

  it('is kept apart from what is certainly gone: a child', async () => {
    const { reader, server, graph } = await seeded({})
    server.store.repository(app).remove(graph.arm64.digest)
    const read = await reader.readRepository(app)
    expect(read).toMatchObject({
      complete: true,
      problems: [`The manifest ${graph.arm64.digest} is referred to and not there.`],
    })
    expect(read.manifests.map(({ digest }) => digest)).not.toContain(graph.arm64.digest)
  })

  it('is kept apart from what is certainly gone: a config', async () => {
    const { reader, server, graph } = await seeded({})
    server.store.repository(app).blobs.delete(graph.amd64.configDigest as Digest)
    const read = await reader.readRepository(app)
    expect(read.complete).toBe(true)
    expect(read.manifests.find(({ digest }) => digest === graph.amd64.digest)).toMatchObject({
      missingBlobs: [graph.amd64.configDigest],
    })
  })

  it('is kept apart from what is certainly gone: a tag deleted after it was listed', async () => {
    const { reader } = await seeded({
      intercept: ({ method, url }) =>
        method !== 'PUT' && url.endsWith('/manifests/epoch')
          ? {
              status: 404,
              headers: { 'content-type': 'application/json' },
              body: '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}',
            }
          : undefined,
    })
    expect((await reader.readRepository(app)).complete).toBe(true)
  })

  it('does not count as a missing referrers API', async () => {
    const read = await readWith(
      () =>
        ({ url }) =>
          url.includes('/referrers/') ? { status: 403 } : undefined,
    )
    expect(read.complete).toBe(false)
  })

  it('ends the reading when the registry is gone', async () => {
    const { reader, server } = await seeded({})
    await server.stop()
    const read = reader.readRepository(app)
    await expect(read).resolves.toMatchObject({ complete: false, manifests: [] })
  })
})

describe('what hangs on no tag and no index', () => {
  it('is found as the subject of a referrer, or by the name of a signature', async () => {
    const { reader, server, graph } = await seeded({ referrersApi: false })
    const held = server.store.repository(app)
    held.tags.delete(tag('v1'))
    held.tags.delete(tag('latest'))
    const found = (await reader.readRepository(app)).manifests.map(({ digest }) => digest)
    // The index by its signature's tag, and with it everything below.
    expect(found).toEqual(
      expect.arrayContaining([graph.index.digest, graph.arm64.digest, graph.amd64.digest]),
    )
  })

  it('is asked for again on the next run, since the cache cannot know whether it is still there', async () => {
    const { reader, server, nextReader, graph } = await seeded({ referrersApi: false })
    const held = server.store.repository(app)
    held.tags.delete(tag('v1'))
    held.tags.delete(tag('latest'))
    await reader.readRepository(app)
    held.remove(graph.index.digest)
    const found = (await nextReader?.().readRepository(app))?.manifests.map(({ digest }) => digest)
    expect(found).not.toContain(graph.index.digest)
  })

  it('is found page by page where referrers are paged', async () => {
    const { reader, seeder, graph } = await seeded({ pageMax: 1 })
    const subject = { mediaType: ociManifestType, digest: graph.amd64.digest, size: graph.amd64.bytes.length }
    for (let i = 0; i < 3; i += 1) {
      const document = JSON.parse(Buffer.from(graph.referrer.bytes).toString()) as object
      const bytes = Buffer.from(JSON.stringify({ ...document, subject, annotations: { i: `${i}` } }))
      const digest = sha256(bytes)
      await seeder.putManifest(app, bytes, ociManifestType, digest)
    }
    const read = await reader.readRepository(app)
    expect(read.manifests.filter(({ subject: of }) => of === graph.amd64.digest)).toHaveLength(4)
  })
})

describe('a run that is halted', () => {
  it.each(['signal', 'stop'] as const)('in the middle of reading by %s never gets less', async (which) => {
    const halt = new AbortController()
    let asked = 0
    const { reader } = await seeded({
      intercept: ({ method }) => {
        if (method === 'HEAD' && (asked += 1) === 3) halt.abort()
        return undefined
      },
    })
    await expect(reader.readRepository(app, { [which]: halt.signal })).rejects.toBeInstanceOf(
      InterruptedError,
    )
  })

  it('reads no further once asked to stop, but still gets the answer to a single question', async () => {
    const { reader, writer, graph } = await seeded({})
    const options = { stop: AbortSignal.abort() }
    await expect(reader.listRepositories(options)).rejects.toBeInstanceOf(InterruptedError)
    await expect(reader.readRepository(app, options)).rejects.toBeInstanceOf(InterruptedError)
    expect(await reader.resolveTag(app, tag('epoch'), options)).toBe(graph.epoch.digest)
    // A deletion of many steps that began is finished, so the next step must not be refused.
    expect(await writer.deleteManifest(app, graph.epoch.digest, options)).toEqual({ kind: 'done' })
  })
})

describe('a registry that stops answering', () => {
  it('is not waited for again and again', async () => {
    const { reader, server } = await seeded({})
    await server.stop()
    const readings = Array.from({ length: 30 }, () => reader.readRepository(app))
    const ends = await Promise.allSettled(readings)
    expect(ends.some((end) => end.status === 'rejected' && end.reason instanceof RegistryGoneError)).toBe(
      true,
    )
    expect(ends.every((end) => end.status === 'rejected' || !end.value.complete)).toBe(true)
  })
})

describe('pressure', () => {
  it('is met by waiting: 429 with Retry-After costs time, not completeness', async () => {
    const tooMany: Reply = { status: 429, headers: { 'retry-after': '0' } }
    const read = await readWith(
      () =>
        ({ method, url, before }) =>
          method === 'HEAD' && before === 0 && url.endsWith('/manifests/epoch') ? tooMany : undefined,
    )
    expect(read.complete).toBe(true)
    expect(read.manifests.flatMap(({ tags }) => tags.map(({ name }) => name))).toContain('epoch')
  })
})
