/** Azure Container Registry: the shared suites, and what is its own. */
import { afterEach, describe, expect, it } from 'vitest'
import { CatalogRefusedError, RegistryContentError } from '../../src/adapters/registries/oci/errors.ts'
import { ProductMismatchError } from '../../src/adapters/registries/product-api.ts'
import type { DriverWriter } from '../../src/adapters/registries/driver.ts'
import { parseRepositoryName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'
import { registryConformance } from '../conformance/registry.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import type { AcrServerOptions } from '../fakes/acr-server.ts'
import { json, startFakeServer } from '../fakes/fake-server.ts'
import { openAcrLab, startAcrLab, type AcrLab } from './acr-lab.ts'
import { openLab, seederOver } from './lab.ts'

registryConformance(
  'Azure Container Registry',
  {
    capabilities: {
      product: 'Azure Container Registry',
      deleteByTag: true,
      deleteRemovesSiblings: true,
      listsUntagged: true,
      pushTime: true,
      pullTime: false,
      protectsChildren: false,
      deletesReferrers: true,
      referrersApi: true,
      undo: 'manifest-replay',
      freesBytes: 'by-itself',
      pageSizeMax: 1000,
    },
    // A challenge and a token for the repository, its tags and its manifests.
    requests: ({ manifests, configs }) => ({ cold: 4 + manifests + configs, warm: 4 }),
  },
  () => startAcrLab(),
)

const isList = (path: string): boolean => /^\/acr\/v1\/.+\/_(?:tags|manifests)$/.test(path)
const locked = { errors: [{ code: 'REGISTRY_DISALLOWED_OPERATION', message: 'disallowed', detail: {} }] }

registryFaults(
  'Azure Container Registry',
  {
    catalog: ({ url }) => url.pathname === '/acr/v1/_catalog',
    listing: ({ url }) => isList(url.pathname),
    deletion: ({ method }) => method === 'DELETE',
    rateLimited: {
      status: 429,
      headers: { 'retry-after': '1' },
      body: JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'too many requests' }] }),
    },
    refusals: [
      { name: 'a lock', reply: json(405, locked), reason: 'protected' },
      {
        name: 'no right',
        reply: json(403, { errors: [{ code: 'DENIED', message: 'no' }] }),
        reason: 'forbidden',
      },
    ],
    expireTokens: (lab) => {
      ;(lab as AcrLab).server.tokens.expireAll()
    },
  },
  startAcrLab,
)

registrySurvival('Azure Container Registry', {}, () => startAcrLab())

const repository = parseRepositoryName('team/app') as RepositoryName
const tag = (name: string): TagName => name as TagName
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function seeded(
  options: AcrServerOptions = {},
  parts: Parameters<typeof openAcrLab>[1] = {},
): Promise<{ readonly lab: AcrLab; readonly graph: Graph }> {
  const lab = await openAcrLab(options, parts)
  stops.push(() => lab.stop())
  const graph = await seedGraph(lab.seeder, repository, [])
  for (const fake of lab.fakes) fake.forgetRequests()
  return { lab, graph }
}

describe('what it tells of manifests and tags', () => {
  it('has the later of first push and last change as the time of a push, and none where none is told', async () => {
    const { lab, graph } = await seeded()
    const { state } = lab.server
    const at = (createdTime: string | null, lastUpdateTime: string | null) => ({
      createdTime,
      lastUpdateTime,
    })
    state.setTimes(
      repository,
      graph.index.digest,
      at('2023-05-16T04:25:14.3112885Z', '2024-01-02T00:00:00.1234567Z'),
    )
    state.setTimes(repository, 'v1', at('2023-05-16T04:25:14.3112885Z', null))
    state.setTimes(repository, graph.epoch.digest, at('0001-01-01T00:00:00Z', null))
    const { manifests } = await lab.reader.readRepository(repository)
    const index = manifests.find(({ digest }) => digest === graph.index.digest)
    expect(index?.pushedAt).toBe(Date.parse('2024-01-02T00:00:00.123Z'))
    expect(index?.tags.find(({ name }) => name === 'v1')?.pushedAt).toBe(
      Date.parse('2023-05-16T04:25:14.311Z'),
    )
    expect(manifests.find(({ digest }) => digest === graph.epoch.digest)?.pushedAt).toBeUndefined()
  })

  it.each([
    ['a manifest that may not be deleted', 'digest', { deleteEnabled: false }],
    ['a manifest that may not be written', 'digest', { writeEnabled: false }],
    ['a tag that may not be deleted', 'v1', { deleteEnabled: false }],
    ['a tag that may not be written', 'v1', { writeEnabled: false }],
  ] as const)('locks %s', async (_, what, attributes) => {
    const { lab, graph } = await seeded()
    const reference = what === 'digest' ? graph.index.digest : what
    lab.server.state.setAttributes(repository, reference, attributes)
    const { manifests } = await lab.reader.readRepository(repository)
    expect(manifests.filter((each) => each.locked).map(({ digest }) => digest)).toEqual([graph.index.digest])
    const outcome = await lab.writer.deleteManifest(repository, graph.index.digest)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'protected' })
    if (what === 'v1')
      expect(await lab.writer.untag(repository, tag('v1'))).toMatchObject({
        kind: 'refused',
        reason: 'protected',
      })
  })

  it('leaves a manifest alone whose kind it does not tell', async () => {
    const { lab, graph } = await seeded()
    lab.server.state.forgetMediaType(graph.chart.digest)
    const { manifests } = await lab.reader.readRepository(repository)
    expect(manifests.filter((each) => each.locked).map(({ digest }) => digest)).toEqual([graph.chart.digest])
  })

  it('shows a hidden manifest by its tag, with its lock', async () => {
    const { lab, graph } = await seeded()
    lab.server.state.setAttributes(repository, graph.index.digest, {
      listEnabled: false,
      deleteEnabled: false,
    })
    const { manifests, complete } = await lab.reader.readRepository(repository)
    const index = manifests.find(({ digest }) => digest === graph.index.digest)
    expect([complete, index?.locked, index?.tags.length]).toEqual([true, true, 2])
  })

  it('takes a tag that moves while lists are read for where it points at last', async () => {
    const { lab, graph } = await seeded()
    const stale = { name: 'v1', digest: graph.chart.digest, createdTime: '2024-01-01T00:00:00.0000000Z' }
    lab.server.inject({
      on: ({ url }) => url.pathname.endsWith('/_tags'),
      reply: json(200, { tags: [stale] }),
    })
    const { manifests } = await lab.reader.readRepository(repository)
    const bearers = manifests.filter(({ tags }) => tags.some(({ name }) => name === 'v1'))
    expect(bearers.map(({ digest }) => digest)).toEqual([graph.index.digest])
  })

  it('does not take a later page that is not there for a repository that is not there', async () => {
    const { lab } = await seeded({ pageSize: 2 })
    const reply = json(404, { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known' }] })
    lab.server.inject({ on: ({ url }) => url.searchParams.has('last'), reply })
    expect((await lab.reader.readRepository(repository)).complete).toBe(false)
  })

  it.each([
    ['a row without a digest', { manifests: [{ tags: [] }] }],
    [
      'a time that is none',
      { manifests: [{ digest: `sha256:${'a'.repeat(64)}`, createdTime: 'yesterday' }] },
    ],
  ])('takes %s for no list', async (_, body) => {
    const { lab } = await seeded()
    lab.server.inject({ on: ({ url }) => url.pathname.endsWith('/_manifests'), reply: json(200, body) })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('is not what Azure Container Registry sends')
  })
})

describe('what it deletes', () => {
  it('does not delete a manifest that a hidden tag points at', async () => {
    const { lab, graph } = await seeded()
    lab.server.state.setAttributes(repository, 'latest', { listEnabled: false })
    const outcome = await lab.writer.deleteManifest(repository, graph.index.digest)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'protected' })
    expect(await lab.reader.resolveTag(repository, tag('latest'))).toBe(graph.index.digest)
  })

  it('does not delete a manifest that was given a tag since it was decided upon', async () => {
    const { lab, graph } = await seeded()
    const { bytes, mediaType, digest } = graph.epoch
    await lab.seeder.putManifest(repository, bytes, mediaType, 'release')
    const known = { tags: [tag('epoch')] }
    expect(await lab.writer.deleteManifest(repository, digest, {}, known)).toMatchObject({
      kind: 'refused',
      reason: 'protected',
      text: expect.stringContaining('release') as string,
    })
    expect(await lab.reader.resolveTag(repository, tag('release'))).toBe(digest)
    const both = { tags: [tag('epoch'), tag('release')] }
    expect(await lab.writer.deleteManifest(repository, digest, {}, both)).toEqual({ kind: 'done' })
  })

  it('counts a referrer that went with its subject as its own doing, so that an undo brings it back', async () => {
    const { lab, graph } = await seeded()
    const { amd64, referrer } = graph
    await lab.reader.readManifest(repository, referrer.digest)
    expect(await lab.writer.deleteManifest(repository, amd64.digest)).toEqual({ kind: 'done' })
    expect(await lab.reader.readManifest(repository, referrer.digest)).toBeUndefined()
    expect(await lab.writer.deleteManifest(repository, referrer.digest)).toEqual({ kind: 'done' })
  })

  it('counts what somebody else deleted as absent', async () => {
    const { lab, graph } = await seeded()
    await lab.reader.readManifest(repository, graph.referrer.digest)
    const held = lab.server.state.store.repository(repository)
    held.remove(graph.referrer.digest)
    expect(await lab.writer.deleteManifest(repository, graph.referrer.digest)).toEqual({ kind: 'absent' })
  })
})

describe('who is asking', () => {
  it('asks for tokens of one repository, for what is done there and no more', async () => {
    const { lab } = await seeded({ isAbac: true })
    await lab.reader.readRepository(repository)
    await lab.writer.untag(repository, tag('v1'))
    const scopes = lab.server.requests.flatMap(({ url }) => url.searchParams.getAll('scope'))
    expect(new Set(scopes)).toEqual(
      new Set(['repository:team/app:pull,metadata_read', 'repository:team/app:delete']),
    )
  })

  it('reads the repositories that policies name where the catalog is refused', async () => {
    const grants = ({ type }: { readonly type: string }): boolean => type !== 'registry'
    const bare = await seeded({ isAbac: true, grants })
    await expect(bare.lab.reader.listRepositories()).rejects.toBeInstanceOf(CatalogRefusedError)
    const named = await seeded({ isAbac: true, grants }, { settings: { repositories: [repository] } })
    expect(await named.lab.reader.listRepositories()).toEqual([repository])
    expect((await named.lab.reader.readRepository(repository)).complete).toBe(true)
  })

  it('says which roles it takes where it may not delete', async () => {
    const { lab, graph } = await seeded({}, {})
    const reading = await seeded({ grants: ({ action }) => action !== 'delete' })
    expect(await (lab.writer as DriverWriter).probe(repository)).toMatchObject({ deletes: { state: 'yes' } })
    const probe = await (reading.lab.writer as DriverWriter).probe(repository)
    expect(probe.deletes).toMatchObject({ state: 'no', cure: expect.stringContaining('AcrDelete') as string })
    const outcome = await reading.lab.writer.deleteManifest(repository, graph.epoch.digest)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'forbidden' })
  })

  it('logs in with the refresh token that az acr login leaves', async () => {
    const users = ['identity', '00000000-0000-0000-0000-000000000000'] as const
    for (const user of users) {
      let token = ''
      const credentials = {
        get: async () =>
          user === 'identity'
            ? ({ kind: 'identity-token', token } as const)
            : ({ kind: 'basic', username: user, password: token } as const),
      }
      const { lab } = await seeded({}, { credentials })
      token = lab.server.tokens.issueRefresh()
      expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    }
  })

  it('says that credentials are refused, and shows none', async () => {
    const credentials = {
      get: async () => ({ kind: 'basic', username: 'winnow', password: 'pass-word-1' }) as const,
    }
    const { lab } = await seeded({}, { credentials })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('refused access')
    expect(read.problems.join()).not.toContain('pass-word-1')
  })
})

describe('what is no registry of Azure', () => {
  it('says that the kind is wrong', async () => {
    const server = await startFakeServer(({ url }) =>
      url.pathname === '/v2/'
        ? json(200, {})
        : { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' },
    )
    const lab = await openLab({
      kind: 'acr',
      url: server.url,
      fakes: [server],
      seeder: seederOver(server.url),
      credentials: { get: async () => undefined },
      stop: async () => undefined,
    })
    stops.push(() => lab.stop())
    await expect(lab.reader.listRepositories()).rejects.toBeInstanceOf(ProductMismatchError)
    const read = await lab.reader.readRepository(repository)
    expect(read.problems.join()).toContain('does not look like Azure Container Registry')
  })

  it('says that a list of repositories is none', async () => {
    const { lab } = await seeded()
    lab.server.inject({
      on: ({ url }) => url.pathname === '/acr/v1/_catalog',
      reply: json(200, { repositories: [1] }),
    })
    await expect(lab.reader.listRepositories()).rejects.toBeInstanceOf(RegistryContentError)
  })
})

describe('what winnow doctor looks at', () => {
  it('tells lists, hidden things and soft deletion', async () => {
    const { lab, graph } = await seeded({ hasSoftDelete: true })
    const check = async (): Promise<readonly unknown[]> =>
      (await lab.opened.check?.(repository, {}))?.map(({ state, text }) => [state, text]) ?? []
    expect(await check()).toEqual([
      ['ok', '13 manifests, 8 tags'],
      ['ok', expect.stringContaining('nothing kept')],
    ])
    await lab.writer.deleteManifest(repository, graph.orphan.digest)
    lab.server.state.setAttributes(repository, graph.index.digest, { listEnabled: false })
    expect(await check()).toEqual([
      ['warning', '11 manifests, 8 tags are listed, of 12 and 8'],
      ['ok', expect.stringContaining('az acr manifest restore')],
    ])
  })
})
