/** The Artifactory driver against its fake: the common suites, and what only Artifactory does. */
import { afterEach, describe, expect, it } from 'vitest'
import { artifactoryAddresses, isHostOf } from '../../src/adapters/registries/artifactory/addresses.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../src/core/image/names.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registryConformance, type RegistryExpectations } from '../conformance/registry.ts'
import { failure } from '../fakes/artifactory-aql.ts'
import { startFakeServer, type FakeRequest } from '../fakes/fake-server.ts'
import {
  KEY,
  startArtifactoryLab,
  type ArtifactoryLab,
  type ArtifactoryLabOptions,
} from './artifactory-lab.ts'

const expected: RegistryExpectations = {
  capabilities: {
    product: 'JFrog Artifactory',
    deleteByTag: true,
    deleteRemovesSiblings: true,
    listsUntagged: true,
    pushTime: true,
    pullTime: true,
    protectsChildren: false,
    referrersApi: false,
    undo: 'bin',
    freesBytes: 'by-its-collector',
  },
  // The keys and one query; a login for the repository where manifests are read.
  requests: ({ manifests, configs }) => ({ cold: 4 + manifests + configs, warm: 2 }),
}

registryConformance('Artifactory with the key in its url', expected, () => startArtifactoryLab())
registryConformance(
  'Artifactory by repository paths',
  { ...expected, repositoryOf: (mark) => `${KEY}/team/${mark}` },
  () => startArtifactoryLab({ names: 'none' }),
)
registryConformance('Artifactory with a port for the key', expected, () =>
  startArtifactoryLab({ names: 'port' }),
)
registryConformance(
  'Artifactory that trims answers',
  { ...expected, requests: ({ manifests }) => ({ cold: 200, warm: 2 + pagesFor(manifests, 3) }) },
  () => startArtifactoryLab({ pageSize: 3 }),
)

/** Pages overlap by a row; the details of a hundred rows are halved until three fit. */
function pagesFor(files: number, page: number): number {
  const folders = files + 1
  return Math.ceil((folders - 1) / (page - 1)) + portions(folders, page)
}

function portions(rows: number, page: number): number {
  if (rows <= page) return 1
  const half = Math.ceil(rows / 2)
  const parts = Math.ceil(rows / half)
  return (
    1 +
    Array.from({ length: parts }, (_, at) => Math.min(half, rows - at * half)).reduce(
      (sum, part) => sum + portions(part, page),
      0,
    )
  )
}

const isAql = ({ url }: FakeRequest): boolean => url.pathname.endsWith('/api/search/aql')

registryFaults(
  'Artifactory',
  {
    catalog: isAql,
    listing: isAql,
    deletion: ({ method }) => method === 'DELETE',
    rateLimited: { status: 429, headers: { 'retry-after': '1' } },
    refusals: [
      {
        name: 'no permission',
        reply: failure(403, "Not enough permissions to delete/overwrite artifact 'x'"),
        reason: 'forbidden',
      },
      { name: 'a conflict', reply: failure(409, 'blocked by a policy'), reason: 'protected' },
    ],
    expireTokens: (lab) => {
      ;(lab as ArtifactoryLab).fake.expireTokens()
    },
    // Overlapping pages need room for a second row.
    pageSizes: [2, 3, 7],
  },
  startArtifactoryLab,
)

const repository = 'team/app' as RepositoryName
const labs: ArtifactoryLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function opened(options: ArtifactoryLabOptions = {}): Promise<{ lab: ArtifactoryLab; graph: Graph }> {
  const lab = await startArtifactoryLab(options)
  labs.push(lab)
  const seedName = options.names === 'none' ? (`${KEY}/team/app` as RepositoryName) : repository
  lab.fake.state.now = () => Date.parse('2024-05-01T10:00:00Z')
  const graph = await seedGraph(lab.seeder, seedName, [])
  lab.fake.forgetRequests()
  return { lab, graph }
}

const tag = (name: string): TagName => name as TagName
const done = { kind: 'done' }

describe('what Artifactory tells', () => {
  it('ends up in the inventory: uploads and pulls, of tags and of manifests', async () => {
    const { lab, graph } = await opened()
    lab.fake.state.now = () => Date.parse('2024-06-01T00:00:00Z')
    await lab.seeder.putManifest(repository, graph.chart.bytes, graph.chart.mediaType, 'chart-1.0.0')
    lab.fake.state.pulled(KEY, 'team/app', 'latest')
    const { manifests } = await lab.reader.readRepository(repository)
    const index = manifests.find(({ digest }) => digest === graph.index.digest)
    const chart = manifests.find(({ digest }) => digest === graph.chart.digest)
    expect(index).toMatchObject({
      pushedAt: Date.parse('2024-05-01T10:00:00Z'),
      pulledAt: Date.parse('2024-06-01T00:00:00Z'),
    })
    expect(index?.tags.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      {
        name: 'latest',
        pushedAt: Date.parse('2024-05-01T10:00:00Z'),
        pulledAt: Date.parse('2024-06-01T00:00:00Z'),
      },
      { name: 'v1', pushedAt: Date.parse('2024-05-01T10:00:00Z'), pulledAt: undefined },
    ])
    expect(chart?.pushedAt).toBe(Date.parse('2024-06-01T00:00:00Z'))
    expect(chart?.pulledAt).toBeUndefined()
  })

  it('has what was promoted for new, and what another server pulled for pulled', async () => {
    const { lab } = await opened()
    lab.fake.state.now = () => Date.parse('2024-06-01T00:00:00Z')
    lab.fake.state.promoted(KEY, 'team/app', 'v1')
    lab.fake.state.pulledElsewhere(KEY, 'team/app', 'latest')
    const { manifests } = await lab.reader.readRepository(repository)
    const tags = manifests.flatMap((manifest) => manifest.tags)
    expect(tags.find(({ name }) => name === 'v1')).toMatchObject({
      pushedAt: Date.parse('2024-06-01T00:00:00Z'),
      pulledAt: undefined,
    })
    expect(tags.find(({ name }) => name === 'latest')).toMatchObject({
      pushedAt: Date.parse('2024-05-01T10:00:00Z'),
      pulledAt: Date.parse('2024-06-01T00:00:00Z'),
    })
  })

  it('costs one query for all repositories of a key, and one for each that is read again', async () => {
    const { lab } = await opened()
    for (const name of ['team/web', 'team/app/more']) await seedGraph(lab.seeder, name as RepositoryName, [])
    lab.fake.forgetRequests()
    const names = await lab.reader.listRepositories()
    expect(names.toSorted()).toEqual(['team/app', 'team/app/more', 'team/web'])
    for (const name of names) await lab.reader.readRepository(name)
    expect(lab.fake.requests.filter(isAql)).toHaveLength(1)
    expect((await lab.reader.readRepository(repository)).manifests).toHaveLength(13)
    expect(lab.fake.requests.filter(isAql)).toHaveLength(2)
  })

  it('is asked again after a change', async () => {
    const { lab, graph } = await opened()
    await lab.reader.listRepositories()
    expect(await lab.writer.untag(repository, tag('v1'))).toEqual(done)
    const { manifests } = await lab.reader.readRepository(repository)
    const index = manifests.find(({ digest }) => digest === graph.index.digest)
    expect(index?.tags.map(({ name }) => name)).toEqual(['latest'])
  })

  it('is not believed while it changes from page to page', async () => {
    const { lab } = await opened({ pageSize: 3 })
    let before = 0
    lab.fake.inject({
      on: ({ body }) => {
        // Each page pushes the rows of the next one away.
        if (body.includes('.offset(') && (before += 1) > 0) {
          const seed = `aaa-${before}`
          lab.fake.state.now = () => before
          lab.fake.state.pushed(KEY, 'team/app', seed)
          const store = lab.fake.state.store.repository(`${KEY}/team/app` as RepositoryName)
          const at = store.tags.get(tag('latest'))
          if (at !== undefined) store.tags.set(tag(seed), at)
          lab.fake.state.pushed(KEY, 'team/app', seed)
        }
        return false
      },
      reply: 'reset',
    })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('changed each time while it was read')
  })
})

describe('what goes in Artifactory', () => {
  it('never is the only place of a manifest, for the sake of a name', async () => {
    const { lab, graph } = await opened()
    expect(await lab.writer.untag(repository, tag('epoch'))).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    expect(await lab.reader.resolveTag(repository, tag('epoch'))).toBe(graph.epoch.digest)
  })

  it('is no tag that came after the repository was read', async () => {
    const { lab, graph } = await opened()
    await lab.reader.readRepository(repository)
    await lab.seeder.putManifest(repository, graph.index.bytes, graph.index.mediaType, 'prod')
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    for (const name of ['v1', 'latest', 'prod'])
      expect(await lab.reader.resolveTag(repository, tag(name))).toBe(graph.index.digest)
    await lab.reader.readRepository(repository)
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
  })

  it('is no folder with another manifest beside the index; its tag is what the registry says', async () => {
    const { lab, graph } = await opened()
    await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, 'v1')
    const read = await lab.reader.readRepository(repository)
    const index = read.manifests.find(({ digest }) => digest === graph.index.digest)
    expect(index?.tags.map(({ name }) => name).toSorted()).toEqual(['latest', 'v1'])
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({ kind: 'refused' })
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toMatchObject({ kind: 'refused' })
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBe(graph.index.digest)
  })

  it('is no folder below which another image lies', async () => {
    const { lab, graph } = await opened()
    const below = 'team/app/latest' as RepositoryName
    await seedGraph(lab.seeder, below, [])
    const rows = await lab.reader.readRepository(below)
    const refusal = { kind: 'refused', reason: 'referenced' }
    expect(await lab.writer.untag(repository, tag('latest'))).toMatchObject(refusal)
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toMatchObject(refusal)
    expect(rows.manifests.length).toBeGreaterThan(10)
    expect((await lab.reader.readRepository(below)).manifests).toHaveLength(rows.manifests.length)
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBe(graph.index.digest)
  })

  it('comes back from the trash can whole, layers that were collected included', async () => {
    const { lab, graph } = await opened()
    // Reading a manifest counts as a pull, the first time.
    await lab.reader.readRepository(repository)
    const rows = await lab.reader.readRepository(repository)
    for (const digest of [graph.epoch.digest, graph.index.digest])
      expect(await lab.writer.deleteManifest(repository, digest)).toEqual(done)
    lab.fake.state.collectLayers(KEY, 'team/app')
    expect(await lab.writer.putManifest(repository, graph.epoch, tag('epoch'))).toMatchObject({
      kind: 'refused',
      reason: 'missing-blob',
    })
    expect(await lab.writer.restore?.(repository, graph.epoch.digest, undefined)).toEqual(done)
    expect(await lab.writer.restore?.(repository, graph.index.digest, tag('v1'))).toEqual(done)
    expect(await lab.writer.restore?.(repository, graph.index.digest, tag('latest'))).toEqual(done)
    expect(await lab.writer.restore?.(repository, graph.chart.digest, tag('v1'))).toEqual({ kind: 'absent' })
    expect(await lab.reader.readRepository(repository)).toEqual(rows)
    expect(await lab.reader.hasBlob(repository, graph.epoch.layers[0] as Digest)).toBe(true)
  })

  it('brings no tag back that somebody else had removed before', async () => {
    const { lab, graph } = await opened()
    await lab.writer.untag(repository, tag('v1'))
    lab.fake.state.now = () => Date.parse('2024-07-01T00:00:00Z')
    expect(await lab.writer.deleteManifest(repository, graph.index.digest)).toEqual(done)
    expect(await lab.writer.restore?.(repository, graph.index.digest, undefined)).toEqual(done)
    expect(await lab.reader.resolveTag(repository, tag('latest'))).toBe(graph.index.digest)
    expect(await lab.reader.resolveTag(repository, tag('v1'))).toBeUndefined()
  })
})

describe('who may do what', () => {
  it('is told by Artifactory: no deletion, no trash can', async () => {
    const { lab, graph } = await opened({ token: 'ci-token' })
    lab.fake.users.set('ci', { name: 'ci', secret: 'ci-token', rights: ['read'] })
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
    })
    expect(await lab.opened.createWriter().probe(repository)).toMatchObject({
      deletes: { state: 'no', cure: expect.stringContaining('permission Delete') as string },
    })
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ what, state }) => [what, state])).toEqual([
      ['find the repository keys', 'ok'],
      ['restore from the trash can', 'warning'],
    ])
  })

  it('is found out without deleting anything', async () => {
    const { lab, graph } = await opened()
    lab.fake.state.types.set('docker', 'VIRTUAL')
    expect(await lab.opened.createWriter().probe(repository)).toEqual({
      deletes: { state: 'yes' },
      deleteByTag: true,
    })
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ state }) => state)).toEqual(['ok', 'warning', 'ok'])
    expect((await lab.reader.readRepository(repository)).manifests.map(({ digest }) => digest)).toContain(
      graph.epoch.digest,
    )
  })

  it('is an error where the credentials are wrong', async () => {
    const { lab } = await opened({ token: 'stolen' })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('may be said by an API key, which goes to no other host', async () => {
    const secret = 'AKCp8abcdefghijklmnop'
    const { lab, graph } = await opened({ token: secret })
    lab.fake.users.set('key', { name: 'key', secret, rights: ['read', 'deploy', 'delete'] })
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toEqual(done)
    const stranger = await startFakeServer(() => ({ status: 404 }))
    lab.fake.inject({
      on: ({ url }) => url.pathname.includes('/blobs/'),
      reply: { status: 307, headers: { location: `${stranger.url}/elsewhere` } },
    })
    await lab.reader.hasBlob(repository, graph.amd64.layers[0] as Digest)
    expect(stranger.requests).toHaveLength(1)
    expect(stranger.requests[0]?.headers['x-jfrog-art-api']).toBeUndefined()
    await stranger.stop()
  })

  it('is no question for a registry that is something else', async () => {
    const { lab } = await opened()
    lab.fake.inject({ on: ({ url }) => url.pathname.startsWith('/artifactory'), reply: { status: 404 } })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({
      code: 'PRODUCT_MISMATCH',
      hint: expect.stringContaining('Set kind:') as string,
    })
  })
})

describe('the repository key', () => {
  const name = 'test' as RegistryName
  it.each([
    [
      'https://acme.jfrog.io',
      undefined,
      'https://acme.jfrog.io/artifactory',
      'https://acme.jfrog.io',
      undefined,
    ],
    [
      'https://acme.jfrog.io/docker-local',
      undefined,
      'https://acme.jfrog.io/artifactory',
      'https://acme.jfrog.io/artifactory/api/docker/docker-local',
      'docker-local',
    ],
    [
      'https://docker.acme.com:8443',
      'https://acme.com/artifactory/api/docker/docker-local',
      'https://acme.com/artifactory',
      'https://docker.acme.com:8443',
      'docker-local',
    ],
    [
      'https://acme.com/artifactory/api/docker/docker-local',
      undefined,
      'https://acme.com/artifactory',
      'https://acme.com/artifactory/api/docker/docker-local',
      'docker-local',
    ],
  ])('of %s and %s is found', (url, api, expectedApi, oci, key) => {
    expect(artifactoryAddresses(name, url, api)).toMatchObject({ api: expectedApi, oci, key })
  })

  it('may be the name of the host', () => {
    expect(isHostOf('docker-local', 'docker-local.acme.com', 'https://acme.com/artifactory')).toBe(true)
    expect(isHostOf('docker-local', 'acme-docker-local.jfrog.io', 'https://acme.jfrog.io/artifactory')).toBe(
      true,
    )
    expect(isHostOf('docker-local', 'acme.jfrog.io', 'https://acme.jfrog.io/artifactory')).toBe(false)
  })

  it('is one, whatever else is in the path', () => {
    expect(() => artifactoryAddresses(name, 'https://acme.jfrog.io/docker-local/team', undefined)).toThrow(
      /more than a repository key/,
    )
  })

  it.each([
    ['VIRTUAL', 'virtual repository'],
    ['REMOTE', 'remote repository'],
    [undefined, 'no Docker or OCI repository'],
  ])('is not used where it is %s', async (type, text) => {
    const { lab } = await opened()
    if (type === undefined) lab.fake.state.types.delete(KEY)
    else lab.fake.state.types.set(KEY, type)
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({
      code: 'ARTIFACTORY_REPOSITORY',
      message: expect.stringContaining(text) as string,
    })
    expect((await lab.reader.readRepository(repository)).complete).toBe(false)
  })
})
