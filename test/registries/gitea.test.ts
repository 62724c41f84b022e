/** The Gitea driver against its fake: the common suites, and what only Gitea and Forgejo do. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph, type PlantedName } from '../conformance/registry-fixture.ts'
import { registryConformance } from '../conformance/registry.ts'
import type { FakeRequest } from '../fakes/fake-server.ts'
import { failure, giteaUser } from '../fakes/gitea-server.ts'
import { startGiteaLab, type GiteaLab, type GiteaLabOptions } from './gitea-lab.ts'

/** Schema 1 is refused, and an index may hold nothing but manifests of images. */
const without: readonly PlantedName[] = ['schema1', 'cache']

registryConformance(
  'Gitea',
  {
    capabilities: {
      product: 'Gitea or Forgejo',
      deleteByTag: true,
      deleteRemovesSiblings: true,
      listsUntagged: true,
      pushTime: true,
      pullTime: false,
      protectsChildren: false,
      foldsTagCase: true,
      referrersApi: false,
      undo: 'none',
      freesBytes: 'by-its-collector',
      pageSizeMax: 50,
    },
    without,
    manners: ['forgets-layers'],
    // A page of versions, a login in two requests, and a question for each tag.
    requests: ({ tags, manifests, configs }) => ({ cold: 3 + tags + manifests + configs, warm: 3 + tags }),
  },
  startGiteaLab,
)

const isListing = ({ url, method }: FakeRequest): boolean =>
  method === 'GET' && /^\/api\/v1\/packages\/[^/]+$/.test(url.pathname)

registryFaults(
  'Gitea',
  {
    without,
    catalog: ({ url }) => url.pathname === '/v2/_catalog',
    listing: isListing,
    deletion: ({ method }) => method === 'DELETE',
    rateLimited: { status: 429, headers: { 'retry-after': '1' } },
    refusals: [
      {
        name: 'a token without the scope',
        reply: failure(
          403,
          'token does not have at least one of required scope(s), required=[write:package]',
        ),
        reason: 'forbidden',
      },
      {
        name: 'a user without the right',
        reply: failure(403, 'user should have specific permission or be a site admin'),
        reason: 'forbidden',
      },
    ],
    expireTokens: (lab) => {
      ;(lab as GiteaLab).fake.expireTokens()
    },
  },
  startGiteaLab,
)

const repository = 'team/app' as RepositoryName
const labs: GiteaLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function opened(options: GiteaLabOptions = {}): Promise<{ lab: GiteaLab; graph: Graph }> {
  const lab = await startGiteaLab(options)
  labs.push(lab)
  lab.fake.state.now = () => Date.parse('2024-05-01T10:00:00Z')
  const graph = await seedGraph(lab.seeder, repository, without)
  lab.fake.forgetRequests()
  return { lab, graph }
}

const tag = (name: string): TagName => name as TagName
const done = { kind: 'done' }

describe('what Gitea tells', () => {
  it('ends up in the inventory: when a tag and a manifest without one were pushed', async () => {
    const { lab, graph } = await opened()
    lab.fake.state.now = () => Date.parse('2024-06-01T00:00:00Z')
    await lab.seeder.putManifest(repository, graph.index.bytes, graph.index.mediaType, 'latest')
    const { manifests } = await lab.reader.readRepository(repository)
    const index = manifests.find(({ digest }) => digest === graph.index.digest)
    expect(index?.tags.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'latest', pushedAt: Date.parse('2024-06-01T00:00:00Z'), pulledAt: undefined },
      { name: 'v1', pushedAt: Date.parse('2024-05-01T10:00:00Z'), pulledAt: undefined },
    ])
    const child = manifests.find(({ digest }) => digest === graph.arm64.digest)
    expect(child).toMatchObject({ pushedAt: Date.parse('2024-05-01T10:00:00Z'), tags: [] })
  })

  it('is read by owner after the list of all repositories, and by name after that', async () => {
    const { lab } = await opened()
    await seedGraph(lab.seeder, 'team/app/more' as RepositoryName, without)
    const names = await lab.reader.listRepositories()
    expect(names.toSorted()).toEqual(['team/app', 'team/app/more'])
    lab.fake.forgetRequests()
    for (const name of names) expect((await lab.reader.readRepository(name)).complete).toBe(true)
    expect(lab.fake.requests.filter(isListing).map(({ url }) => url.searchParams.get('q'))).toEqual([null])
    const again = await lab.reader.readRepository(repository)
    expect(lab.fake.requests.filter(isListing).map(({ url }) => url.searchParams.get('q'))).toEqual([
      null,
      'app',
    ])
    expect(again.manifests).toHaveLength(11)
  })

  it('is not believed while versions move from page to page', async () => {
    const { lab } = await opened({ pageSize: 2 })
    lab.fake.inject({
      on: (request) => {
        // Each page takes the newest row away, so the next page begins one row too late.
        const [newest] = isListing(request) ? lab.fake.state.list('team', '') : []
        if (newest !== undefined) lab.fake.state.remove('team', newest.name, newest.version)
        return false
      },
      reply: 'reset',
    })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('changed each time while they were read')
  })

  it('is read again where as many versions came as went', async () => {
    const { lab } = await opened({ pageSize: 2 })
    let isDone = false
    lab.fake.inject({
      on: (request) => {
        if (!isListing(request) || request.url.searchParams.get('page') !== '2' || isDone) return false
        isDone = true
        const oldest = lab.fake.state.list('team', '').at(-1)
        if (oldest !== undefined) lab.fake.state.remove('team', oldest.name, oldest.version)
        const held = lab.fake.state.store.repository(repository)
        const latest = held.tags.get(tag('latest'))
        if (latest !== undefined) held.tags.set(tag('new'), latest)
        lab.fake.state.pushed('team', 'app', 'new')
        return false
      },
      reply: 'reset',
    })
    const read = await lab.reader.readRepository(repository)
    const first = lab.fake.requests.filter(
      (request) => isListing(request) && request.url.searchParams.get('page') === '1',
    )
    expect(first.length).toBeGreaterThan(1)
    expect(read.manifests.flatMap(({ tags }) => tags).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['latest', 'new']),
    )
  })

  it('finds a tag whatever its case, as clusters may write it', async () => {
    const { lab, graph } = await opened()
    await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, 'RC-1')
    const { manifests } = await lab.reader.readRepository(repository)
    const epoch = manifests.find(({ digest }) => digest === graph.epoch.digest)
    expect(epoch?.tags.map(({ name }) => name)).toContain('rc-1')
    expect(await lab.reader.resolveTag(repository, tag('RC-1'))).toBe(graph.epoch.digest)
  })
})

describe('what goes in Gitea', () => {
  it('never is the only version of a manifest, for the sake of a name', async () => {
    const { lab, graph } = await opened()
    expect(await lab.writer.untag(repository, tag('epoch'))).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    expect(await lab.reader.resolveTag(repository, tag('epoch'))).toBe(graph.epoch.digest)
  })

  it('leaves a tag that came after the repository was read, with its manifest', async () => {
    const { lab, graph } = await opened()
    await lab.reader.readRepository(repository)
    await lab.seeder.putManifest(repository, graph.index.bytes, graph.index.mediaType, 'prod')
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
    expect(await lab.reader.resolveTag(repository, tag('prod'))).toBe(graph.index.digest)
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBeUndefined()
  })

  it('leaves a tag that was moved after the repository was read', async () => {
    const { lab, graph } = await opened()
    await lab.reader.readRepository(repository)
    await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, 'v1')
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBe(graph.epoch.digest)
  })

  it('goes version by version, and never by a digest over the registry', async () => {
    const { lab, graph } = await opened()
    await lab.reader.readRepository(repository)
    lab.fake.forgetRequests()
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
    const deletions = lab.fake.requests.filter(({ method }) => method === 'DELETE')
    expect(deletions.map(({ target }) => target).toSorted()).toEqual([
      '/api/v1/packages/team/container/app/latest',
      `/api/v1/packages/team/container/app/${encodeURIComponent(graph.index.digest)}`,
      '/api/v1/packages/team/container/app/v1',
    ])
  })
})

describe('who may do what in Gitea', () => {
  it('is told by scopes and rights', async () => {
    const { lab, graph } = await opened({ token: 'reader' })
    lab.fake.users.set('reader', { login: 'reader', token: 'reader', scopes: ['read:package'] })
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
      text: expect.stringContaining('write:package') as string,
    })
    expect(await lab.opened.createWriter().probe(repository)).toMatchObject({ deletes: { state: 'no' } })
    lab.fake.users.set('reader', { ...giteaUser, login: 'reader', token: 'reader', writes: ['other'] })
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
    })
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ what, state }) => [what, state])).toEqual([
      ['find its version', 'ok'],
      ['list packages', 'ok'],
      ['undo', 'warning'],
    ])
  })

  it('is an error where the token is wrong or cannot read packages', async () => {
    const { lab } = await opened({ token: 'stolen' })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'CATALOG_REFUSED' })
    expect((await lab.reader.readRepository(repository)).complete).toBe(false)
    lab.fake.users.set('narrow', { login: 'narrow', token: 'stolen', scopes: [] })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('read:package')
  })

  it('is no question for a registry that is something else', async () => {
    const { lab } = await opened()
    lab.fake.inject({
      on: ({ url }) => url.pathname.startsWith('/api/'),
      reply: { status: 404, body: 'Not found.\n' },
    })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('does not look like Gitea or Forgejo')
  })

  it('says which layers are gone, because Gitea does not', async () => {
    const { lab, graph } = await opened()
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toEqual(done)
    expect(await lab.writer.putManifest(repository, graph.epoch, tag('epoch'))).toMatchObject({
      reason: 'missing-blob',
      text: expect.stringContaining(graph.epoch.layers[0] as Digest) as string,
    })
  })
})
