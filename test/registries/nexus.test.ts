/** The Nexus driver against its fake: the common suites, and what only Nexus does. */
import { afterEach, describe, expect, it } from 'vitest'
import { nexusAddresses } from '../../src/adapters/registries/nexus/addresses.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registryConformance, type RegistryExpectations } from '../conformance/registry.ts'
import type { FakeRequest } from '../fakes/fake-server.ts'
import { nexusUser } from '../fakes/nexus-server.ts'
import { startNexusLab, type NexusLab, type NexusLabOptions } from './nexus-lab.ts'

const expected: RegistryExpectations = {
  capabilities: {
    product: 'Sonatype Nexus',
    deleteByTag: true,
    deleteRemovesSiblings: true,
    listsUntagged: true,
    pushTime: true,
    pullTime: true,
    protectsChildren: false,
    referrersApi: false,
    undo: 'manifest-replay',
    freesBytes: 'by-its-collector',
    pageSizeMax: 100,
  },
  // Which repository it is, its tags, one page of the search, and what each tag points to.
  requests: ({ tags, manifests, configs }) => ({ cold: 3 + tags + manifests + configs, warm: 3 + tags }),
}

registryConformance('Nexus behind a connector', expected, () => startNexusLab())
registryConformance('Nexus below its own path', expected, () => startNexusLab({ by: 'path' }))

const isListing = ({ url }: FakeRequest): boolean => /\/v1\/(?:components|search)$/.test(url.pathname)

registryFaults(
  'Nexus',
  {
    catalog: ({ url }) => url.pathname.endsWith('/v1/components'),
    listing: isListing,
    deletion: ({ method }) => method === 'DELETE',
    rateLimited: { status: 429, headers: { 'retry-after': '1' } },
    refusals: [{ name: 'a missing privilege', reply: { status: 403 }, reason: 'forbidden' }],
    expireTokens: undefined,
  },
  startNexusLab,
)

const repository = 'team/app' as RepositoryName
const labs: NexusLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function opened(
  options: NexusLabOptions & { readonly digests?: 'asset' } = {},
): Promise<{ lab: NexusLab; graph: Graph }> {
  const lab = await startNexusLab(options)
  labs.push(lab)
  lab.fake.state.now = () => Date.parse('2024-05-01T10:00:00Z')
  lab.fake.state.keepsDigestsAs = options.digests ?? 'component'
  const graph = await seedGraph(lab.seeder, repository, [])
  lab.fake.forgetRequests()
  return { lab, graph }
}

const tag = (name: string): TagName => name as TagName
const done = { kind: 'done' }
const may = '2024-05-01T10:00:00Z'
const june = '2024-06-01T00:00:00Z'

describe('what Nexus tells', () => {
  it.each([false, true])('ends up in the inventory, listed as a whole: %s', async (isWhole) => {
    const { lab, graph } = await opened()
    lab.fake.state.now = () => Date.parse(june)
    lab.fake.state.pulled('team/app', 'latest')
    if (isWhole) await lab.reader.listRepositories()
    const { manifests } = await lab.reader.readRepository(repository)
    const index = manifests.find(({ digest }) => digest === graph.index.digest)
    expect(index?.tags.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'latest', pushedAt: Date.parse(may), pulledAt: Date.parse(june) },
      { name: 'v1', pushedAt: Date.parse(may), pulledAt: undefined },
    ])
    const child = manifests.find(({ digest }) => digest === graph.arm64.digest)
    expect(child).toMatchObject({ pushedAt: Date.parse(may), tags: [] })
  })

  it('costs a page for a hundred components, digests included, and no question for a tag', async () => {
    const { lab } = await opened()
    await seedGraph(lab.seeder, 'team/web' as RepositoryName, [])
    lab.fake.forgetRequests()
    for (const name of await lab.reader.listRepositories())
      expect((await lab.reader.readRepository(name)).complete).toBe(true)
    expect(lab.fake.requests.filter(isListing)).toHaveLength(1)
    expect(lab.fake.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(0)
    await lab.reader.readRepository(repository)
    expect(lab.fake.requests.filter(isListing).map(({ url }) => url.pathname.split('/').at(-1))).toEqual([
      'components',
      'search',
    ])
  })

  it('is not believed of tags where the search may lag behind', async () => {
    const { lab, graph } = await opened()
    lab.fake.state.freezeSearch()
    await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, 'v1')
    await lab.seeder.putManifest(repository, graph.index.bytes, graph.index.mediaType, 'new')
    const { manifests } = await lab.reader.readRepository(repository)
    const namesOf = (digest: string): readonly string[] =>
      manifests
        .find((each) => each.digest === digest)
        ?.tags.map(({ name }) => name)
        .toSorted() ?? []
    expect(namesOf(graph.index.digest)).toEqual(['latest', 'new'])
    expect(namesOf(graph.epoch.digest)).toEqual(['epoch', 'v1'])
  })

  it('is not read for ever when its pages go in circles', async () => {
    const { lab } = await opened()
    lab.fake.inject({
      on: isListing,
      reply: {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ items: [], continuationToken: 'again' }),
      },
    })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'PAGING_ENDLESS' })
  })
})

describe('what goes in Nexus', () => {
  it('never is the only component of a manifest, for the sake of a name', async () => {
    const { lab, graph } = await opened()
    expect(await lab.writer.untag(repository, tag('epoch'))).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    expect(await lab.reader.resolveTag(repository, tag('epoch'))).toBe(graph.epoch.digest)
  })

  it('is not the one component whose files give out a manifest by its digest, for the sake of a name', async () => {
    const { lab, graph } = await opened({ digests: 'asset' })
    const component = [...lab.fake.state.components.values()].find(({ version }) => version === 'v1')
    const [asset] = component?.assets.values() ?? []
    if (asset !== undefined) component?.assets.set(graph.index.digest, asset)
    const outcome = await lab.writer.untag(repository, tag('v1'))
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'referenced' })
    expect(outcome.kind === 'refused' && outcome.text).toContain(graph.index.digest)
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBe(graph.index.digest)
    // The other name may go, and the whole image with all its components.
    expect(await lab.writer.untag(repository, tag('latest'))).toEqual(done)
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
  })

  it('is a name whose manifest is given out by its digest from another component as well', async () => {
    const { lab, graph } = await opened({ digests: 'asset' })
    for (const component of lab.fake.state.components.values()) {
      const [asset] = component.assets.values()
      if (asset?.digest === graph.index.digest) component.assets.set(graph.index.digest, asset)
    }
    expect(await lab.writer.untag(repository, tag('v1'))).toEqual(done)
  })

  it('leaves a tag that was moved after the repository was read', async () => {
    const { lab, graph } = await opened()
    await lab.reader.readRepository(repository)
    await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, 'v1')
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBe(graph.epoch.digest)
    expect(await lab.reader.resolveTag(repository, tag('latest'))).toBeUndefined()
  })

  it('is no component that holds another manifest too', async () => {
    const { lab, graph } = await opened()
    const component = [...lab.fake.state.components.values()].find(({ version }) => version === 'chart-1.0.0')
    const [asset] = component?.assets.values() ?? []
    if (asset !== undefined)
      component?.assets.set(graph.arm64.digest, { ...asset, digest: graph.arm64.digest })
    expect(await lab.writer.deleteManifest(repository, graph.chart.digest)).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    expect(await lab.reader.resolveTag(repository, tag('chart-1.0.0'))).toBe(graph.chart.digest)
  })

  it('is left to the task of Nexus where a manifest has no component, and only once no tag is left', async () => {
    const { lab, graph } = await opened({ digests: 'asset' })
    const { manifests } = await lab.reader.readRepository(repository)
    expect(manifests.map(({ digest }) => digest)).toContain(graph.arm64.digest)
    expect(await lab.writer.deleteManifest(repository, graph.arm64.digest)).toEqual(done)
    lab.fake.state.freezeSearch()
    await lab.seeder.putManifest(repository, graph.arm64.bytes, graph.arm64.mediaType, 'arm')
    await lab.reader.readRepository(repository)
    expect(await lab.writer.deleteManifest(repository, graph.arm64.digest)).toMatchObject({ kind: 'refused' })
    expect(await lab.reader.resolveTag(repository, tag('arm'))).toBe(graph.arm64.digest)
  })

  it('never goes by a digest over the registry', async () => {
    const { lab, graph } = await opened()
    await lab.writer.deleteManifest(repository, graph.index.digest)
    const deletions = lab.fake.requests.filter(({ method }) => method === 'DELETE')
    expect(deletions.map(({ url }) => url.pathname.split('/').slice(0, 5).join('/'))).toEqual([
      '/service/rest/v1/components',
      '/service/rest/v1/components',
    ])
  })
})

describe('who may do what in Nexus', () => {
  it('is told by privileges', async () => {
    const user = { ...nexusUser, name: 'reader', privileges: ['browse', 'read'] } as const
    const { lab, graph } = await opened({ user })
    lab.fake.users.set('reader', user)
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
      text: expect.stringContaining('nx-repository-view') as string,
    })
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ state }) => state)).toEqual(['ok', 'warning', 'warning'])
  })

  it('is an error where the password is wrong, or the user may not browse', async () => {
    const user = { ...nexusUser, name: 'narrow', privileges: ['read'] } as const
    const { lab } = await opened({ user })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    lab.fake.users.set('narrow', user)
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'REGISTRY_ANSWER' })
    expect((await lab.reader.readRepository(repository)).complete).toBe(false)
  })

  it('includes the tasks that free space, which are found and not started', async () => {
    const { lab } = await opened()
    lab.fake.tasks.push(
      { id: 'one', name: 'gc', type: 'repository.docker.gc' },
      { id: 'two', name: 'compact', type: 'blobstore.compact' },
    )
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ state, text }) => [state, text])).toEqual([
      ['ok', 'docker-hosted'],
      ['ok', 'gc (one), never run'],
      ['ok', 'compact (two), never run'],
    ])
    expect(lab.fake.requests.every(({ method }) => method === 'GET')).toBe(true)
  })

  it('is no question for a registry that is something else', async () => {
    const { lab } = await opened()
    lab.fake.inject({
      on: ({ url }) => url.pathname.startsWith('/service/'),
      reply: { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404</h1>' },
    })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'PRODUCT_MISMATCH' })
  })
})

describe('the repository of Nexus', () => {
  it.each([
    [
      'https://docker.example.com:5000',
      'https://nexus.example.com',
      'https://nexus.example.com/service/rest/v1',
      undefined,
    ],
    [
      'https://docker.example.com:5000',
      'https://nexus.example.com/service/rest/v1',
      'https://nexus.example.com/service/rest/v1',
      undefined,
    ],
    [
      'https://docker.example.com:5000',
      'https://example.com/nexus/repository/docker-hosted',
      'https://example.com/nexus/service/rest/v1',
      'docker-hosted',
    ],
    [
      'https://nexus.example.com/repository/images',
      undefined,
      'https://nexus.example.com/service/rest/v1',
      'images',
    ],
  ])('of %s and %s is found', (url, api, rest, name) => {
    expect(nexusAddresses(url, api)).toMatchObject({ api: rest, repository: name })
  })

  it('is the one of the connector where there are several and the user may look', async () => {
    const user = { ...nexusUser, name: 'boss', privileges: [...nexusUser.privileges, 'admin'] } as const
    const { lab } = await opened({ user })
    lab.fake.users.set('boss', user)
    lab.fake.repositories.unshift({ name: 'docker-other', type: 'hosted', port: 1 })
    lab.fake.repositories.splice(1, 1, {
      name: 'docker-hosted',
      type: 'hosted',
      port: Number(lab.fake.host.split(':')[1]),
    })
    await lab.reader.listRepositories()
    expect(lab.fake.requests.find(isListing)?.url.searchParams.get('repository')).toBe('docker-hosted')
  })

  it('must be named where that cannot be found out', async () => {
    const { lab } = await opened()
    lab.fake.repositories.unshift({ name: 'docker-other', type: 'hosted' })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({
      code: 'NEXUS_REPOSITORY',
      hint: expect.stringContaining('/repository/docker-other') as string,
    })
  })

  it.each(['group', 'proxy'])('is no %s', async (type) => {
    const { lab } = await opened({ by: 'path' })
    lab.fake.repositories.splice(0, 1, { name: 'docker-hosted', type })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'NEXUS_REPOSITORY' })
  })
})
