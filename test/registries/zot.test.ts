/** The zot driver against its fake: the common suites, with and without the search extension, and what only zot does. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph, type PlantedName } from '../conformance/registry-fixture.ts'
import { registryConformance } from '../conformance/registry.ts'
import { json, type FakeRequest } from '../fakes/fake-server.ts'
import { failure } from '../fakes/zot-server.ts'
import { startZotLab, type ZotLab, type ZotLabOptions } from './zot-lab.ts'

const without: readonly PlantedName[] = ['schema1', 'cache']
const capabilities = {
  product: 'zot',
  deleteByTag: true,
  deleteRemovesSiblings: true,
  listsUntagged: false,
  protectsChildren: true,
  referrersApi: true,
  undo: 'manifest-replay',
} as const

registryConformance(
  'zot with search',
  {
    capabilities: { ...capabilities, pushTime: true, pullTime: true },
    without,
    // The tag list, the extensions and one page of times; configs only where nothing dates the image.
    requests: ({ manifests, configs }) => ({ cold: 3 + 2 * manifests + configs, warm: 3 + manifests }),
  },
  startZotLab,
)
registryConformance(
  'zot without search',
  {
    capabilities: { ...capabilities, pushTime: false, pullTime: false },
    without,
    requests: ({ tags, manifests, configs }) => ({
      cold: 2 + tags + 2 * manifests + configs,
      warm: 2 + tags + manifests,
    }),
  },
  () => startZotLab({ search: 'off' }),
)

const isTagList = ({ url }: FakeRequest): boolean => url.pathname.endsWith('/tags/list')
const isSearch = ({ url }: FakeRequest): boolean => url.pathname.endsWith('/_zot/ext/search')
for (const [name, listing] of [
  ['its tag list', isTagList],
  ['its search', isSearch],
] as const)
  registryFaults(
    `zot, ${name},`,
    {
      without,
      catalog: ({ url }) => url.pathname === '/v2/_catalog',
      listing,
      deletion: ({ method }) => method === 'DELETE',
      rateLimited: { status: 429 },
      refusals: [
        { name: 'a user without the action', reply: failure(403, 'DENIED'), reason: 'forbidden' },
        { name: 'a child of an index', reply: failure(405, 'DENIED'), reason: 'referenced' },
      ],
      expireTokens: undefined,
    },
    startZotLab,
  )

const repository = 'team/app' as RepositoryName
const tag = (name: string): TagName => name as TagName
const labs: ZotLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

const pushed = Date.parse('2024-05-01T10:00:00Z')

async function opened(options: ZotLabOptions = {}): Promise<{ readonly lab: ZotLab; readonly graph: Graph }> {
  const lab = await startZotLab(options)
  labs.push(lab)
  lab.fake.state.now = () => pushed
  const graph = await seedGraph(lab.seeder, repository, without)
  lab.fake.forgetRequests()
  return { lab, graph }
}

async function record(lab: ZotLab, digest: Digest): Promise<ManifestRecord | undefined> {
  const { manifests, complete } = await lab.reader.readRepository(repository)
  expect(complete).toBe(true)
  return manifests.find((each) => each.digest === digest)
}

describe('what zot tells', () => {
  it('ends up in the inventory: pushes of manifests and tags, pulls of manifests, nothing for the zero time', async () => {
    const { lab, graph } = await opened()
    const later = Date.parse('2024-06-01T00:00:00Z')
    lab.fake.state.now = () => later
    await lab.seeder.putManifest(repository, graph.index.bytes, graph.index.mediaType, 'latest')
    lab.fake.state.pulledAt.set(graph.index.digest, later + 5)
    const index = await record(lab, graph.index.digest)
    expect(index).toMatchObject({ pushedAt: pushed, pulledAt: later + 5 })
    expect(index?.tags.map(({ name, pushedAt }) => [name, pushedAt])).toEqual(
      expect.arrayContaining([
        ['v1', pushed],
        ['latest', later],
      ]),
    )
    expect((await record(lab, graph.epoch.digest))?.pulledAt).toBeUndefined()
  })

  it.each([
    { search: 'without-tagged', at: pushed },
    { search: 'old', at: undefined },
  ] as const)('is asked with the fields that a zot $search knows', async ({ search, at }) => {
    const { lab, graph } = await opened({ search })
    const epoch = await record(lab, graph.epoch.digest)
    expect(epoch?.pushedAt).toBe(at)
    expect(epoch?.tags).toEqual([{ name: 'epoch', pushedAt: at, pulledAt: undefined }])
    // What was learned serves the next repository.
    const before = lab.fake.requests.filter(isSearch).length
    await lab.reader.readRepository(repository)
    expect(lab.fake.requests.filter(isSearch).length).toBe(before + 1)
  })

  it('does not hide a tag that its metadata do not know', async () => {
    const { lab, graph } = await opened()
    lab.fake.state.unknownToSearch.add('epoch')
    const epoch = await record(lab, graph.epoch.digest)
    expect(epoch).toMatchObject({ tags: [{ name: 'epoch', pushedAt: undefined }] })
  })

  it.each([
    {
      name: 'errors beside data',
      reply: json(200, { errors: [{ message: 'database closed' }], data: null }),
    },
    {
      name: 'a row without a digest',
      reply: json(200, { data: { ImageList: { Page: { TotalCount: 1 }, Results: [{ Tag: 'v1' }] } } }),
    },
    {
      name: 'a time that is none',
      reply: json(200, {
        data: {
          ImageList: {
            Page: { TotalCount: 1 },
            Results: [{ Tag: 'v1', Digest: `sha256:${'a'.repeat(64)}`, PushTimestamp: 'soon' }],
          },
        },
      }),
    },
    {
      name: 'fewer rows than it counts',
      reply: json(200, { data: { ImageList: { Page: { TotalCount: 3 }, Results: [] } } }),
    },
  ])('makes the repository incomplete when the search answers with $name', async ({ reply }) => {
    const { lab } = await opened()
    lab.fake.inject({ on: isSearch, reply })
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect(complete).toBe(false)
    expect(problems.join()).toContain('zot')
  })
})

describe('deleting in zot', () => {
  it('is refused for an account that zot lets delete one tag at a time', async () => {
    const { lab, graph } = await opened({ user: 'careful' })
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toMatchObject({
      kind: 'refused',
      reason: 'protected',
    })
    expect(await lab.writer.untag(repository, tag('v1'))).toEqual({ kind: 'done' })
    expect(await lab.reader.resolveTag(repository, tag('latest'))).toBe(graph.index.digest)
  })

  it('is forbidden for an account that may only read, and told before', async () => {
    const { lab, graph } = await opened({ user: 'reader' })
    expect(await lab.opened.createWriter().probe(repository)).toMatchObject({ deletes: { state: 'no' } })
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({
      reason: 'forbidden',
    })
  })

  it('takes the platforms that nothing else needs, and finds them gone', async () => {
    const { lab, graph } = await opened()
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual({ kind: 'done' })
    expect(await lab.writer.deleteManifest(repository, graph.arm64.digest)).toEqual({ kind: 'absent' })
    // The untagged index still names it.
    expect(await lab.writer.deleteManifest(repository, graph.amd64.digest)).toMatchObject({
      reason: 'referenced',
    })
  })

  it('takes a repository that is gone for absent', async () => {
    const { lab, graph } = await opened()
    const gone = 'team/gone' as RepositoryName
    expect(await lab.writer.deleteManifest(gone, graph.epoch.digest)).toEqual({ kind: 'absent' })
  })
})

describe('an address that is no zot', () => {
  it.each([
    { name: 'has no such page', reply: json(404, { errors: [{ code: 'NOT_FOUND' }] }) },
    { name: 'answers with something else', reply: json(200, { message: 'hello' }) },
  ])('is neither read nor changed when it $name', async ({ reply }) => {
    const { lab, graph } = await opened()
    lab.fake.inject({ on: ({ url }) => url.pathname.endsWith('/discover'), reply })
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect(complete).toBe(false)
    expect(problems.join()).toContain('does not look like zot')
    for (const change of [
      () => lab.writer.untag(repository, tag('v1')),
      () => lab.writer.deleteManifest(repository, graph.epoch.digest),
      () => lab.opened.createWriter().probe(repository),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'PRODUCT_MISMATCH' })
    expect(lab.fake.requests.every(({ method }) => method !== 'DELETE')).toBe(true)
  })
})

describe('winnow doctor', () => {
  it.each([
    { search: 'new', state: 'ok' },
    { search: 'off', state: 'warning' },
  ] as const)('says whether a zot with search $search tells times', async ({ search, state }) => {
    const { lab } = await opened({ search })
    expect(await lab.opened.check?.(repository, {})).toMatchObject([
      { what: 'read push and pull times', state },
    ])
  })
})
