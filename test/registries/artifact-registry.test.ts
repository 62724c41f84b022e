/** Google's registry: the suites of every driver beside its fake, and what is only Google's. */
import { afterEach, describe, expect, it } from 'vitest'
import { OperationalError } from '../../src/core/errors/errors.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryConformance, type RegistryExpectations } from '../conformance/registry.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import { registryFaults, type FaultExpectations } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { json, type FakeRequest } from '../fakes/fake-server.ts'
import {
  startArtifactRegistryLab,
  startGoogleLab,
  type GoogleLab,
  type GoogleLabOptions,
} from './artifact-registry-lab.ts'

const expected: RegistryExpectations = {
  capabilities: {
    product: 'Google Artifact Registry',
    deleteByTag: true,
    deleteRemovesSiblings: false,
    listsUntagged: true,
    pushTime: true,
    pullTime: false,
    protectsChildren: true,
    referrersApi: true,
    undo: 'manifest-replay',
    freesBytes: 'by-itself',
  },
  // GOOGLE_MANIFEST_REFERRING_MANIFEST.
  manners: ['refuses-subjects'],
  repositoryOf: (mark) => `shop/apps/team/${mark}`,
  // One list has everything.
  requests: ({ manifests, configs }) => ({ cold: 1 + manifests + configs, warm: 1 }),
}

registryConformance('Artifact Registry, by its API', expected, () => startArtifactRegistryLab())
registryConformance('Artifact Registry, by its folders', expected, () => startGoogleLab({ hasApi: false }))
registryConformance(
  'Artifact Registry, with tokens of its own',
  // A token for each repository, and the question that it answers.
  { ...expected, requests: ({ manifests, configs }) => ({ cold: 3 + manifests + configs, warm: 1 }) },
  () => startGoogleLab({ login: 'exchange' }),
)

registrySurvival('Artifact Registry', { repositoryOf: (mark) => `shop/apps/${mark}` }, () =>
  startArtifactRegistryLab(),
)

const isList = ({ url }: FakeRequest): boolean => url.pathname.endsWith('/tags/list')
const isApi = ({ url }: FakeRequest): boolean => url.pathname.startsWith('/v1/')
const error = (status: number, code: string, message: string) => json(status, { errors: [{ code, message }] })
const faults: FaultExpectations = {
  repository: 'shop/apps/web',
  catalog: (request) => isApi(request) || isList(request),
  listing: isList,
  deletion: ({ method }) => method === 'DELETE',
  // Google has no header for it.
  rateLimited: json(429, { errors: [{ code: 'TOOMANYREQUESTS', message: 'Quota exceeded' }] }),
  refusals: [
    {
      name: 'without the right',
      reply: error(403, 'DENIED', 'Permission "artifactregistry.versions.delete" denied'),
      reason: 'forbidden',
    },
    {
      name: 'a tag is left',
      reply: error(400, 'GOOGLE_MANIFEST_DANGLING_TAG', 'Manifest is still referenced by tag: v1'),
      reason: 'referenced',
    },
    {
      name: 'an index is left',
      reply: error(400, 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE', 'still referenced by parent images'),
      reason: 'referenced',
    },
    {
      name: 'a referrer is left',
      reply: error(400, 'GOOGLE_MANIFEST_REFERRING_MANIFEST', 'still referred to'),
      reason: 'referrers-first',
    },
    {
      name: 'tags are immutable',
      reply: error(400, 'FAILED_PRECONDITION', 'Tag is immutable.'),
      reason: 'protected',
    },
    {
      name: 'tags are immutable, said as a want of rights',
      reply: error(403, 'DENIED', 'Cannot delete an immutable tag.'),
      reason: 'protected',
    },
  ],
  expireTokens: (lab) => {
    ;(lab as GoogleLab).expire()
  },
  untagsFirst: true,
}
registryFaults('Artifact Registry, by its API', faults, startArtifactRegistryLab)
registryFaults('Artifact Registry, by its folders', faults, (options) =>
  startGoogleLab({ ...options, hasApi: false, login: 'exchange' }),
)

const labs: GoogleLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

interface Seeded extends GoogleLab {
  readonly repository: RepositoryName
  readonly graph: Graph
}

async function seeded(options: GoogleLabOptions = {}, name = 'shop/apps/web'): Promise<Seeded> {
  const lab = await startGoogleLab(options)
  labs.push(lab)
  const repository = named(name)
  const graph = await seedGraph(lab.seeder, repository, [])
  lab.server.forgetRequests()
  return { ...lab, repository, graph }
}

/** Without those that only found out that a login is wanted. */
const paths = ({ server }: GoogleLab): readonly string[] =>
  server.requests.filter(({ headers }) => headers.authorization).map(({ url }) => url.pathname)

describe('finding repositories', () => {
  it('takes the API’s list of all images for the first reading of each, and asks again for the next', async () => {
    const lab = await seeded()
    await seedGraph(lab.seeder, named('shop/apps/team/api'), [])
    lab.server.forgetRequests()
    expect(await lab.reader.listRepositories()).toEqual(
      expect.arrayContaining(['shop/apps/web', 'shop/apps/team/api']),
    )
    const asked = paths(lab).length
    expect(paths(lab)).toEqual([
      '/v1/projects/shop/locations',
      '/v1/projects/shop/locations/us/repositories',
      '/v1/projects/shop/locations/us/repositories/apps/dockerImages',
    ])
    const first = await lab.reader.readRepository(lab.repository)
    expect(
      paths(lab)
        .slice(asked)
        .filter((path) => path.endsWith('/tags/list')),
    ).toEqual([])
    const second = await lab.reader.readRepository(lab.repository)
    expect(paths(lab).filter((path) => path.endsWith('/tags/list'))).toHaveLength(1)
    expect(second).toEqual(first)
  })

  it('finds them by their folders, whose lists serve for the first reading', async () => {
    const lab = await seeded({ hasApi: false }, 'shop/apps/deep/er/web')
    expect(await lab.reader.listRepositories()).toEqual(['shop/apps/deep/er/web'])
    const lists = ['shop', 'shop/apps', 'shop/apps/deep', 'shop/apps/deep/er', 'shop/apps/deep/er/web']
    expect(paths(lab).filter((path) => path.endsWith('/tags/list'))).toEqual(
      lists.map((name) => `/v2/${name}/tags/list`),
    )
    await lab.reader.readRepository(lab.repository)
    expect(paths(lab).filter((path) => path.endsWith('/tags/list'))).toHaveLength(lists.length)
    // Without a number Google ends a list early, in silence.
    const asked = lab.server.requests.filter(isList).map(({ url }) => url.searchParams.get('n'))
    expect(new Set(asked)).toEqual(new Set(['10000']))
  })

  it('does not take for the second reading what was listed for the first', async () => {
    const lab = await seeded()
    await lab.reader.listRepositories()
    await lab.reader.readRepository(lab.repository)
    await lab.writer.untag(lab.repository, parseTagName('v1')!)
    const read = await lab.reader.readRepository(lab.repository)
    expect(read.manifests.flatMap(({ tags }) => tags.map(({ name }) => name))).not.toContain('v1')
  })

  it('goes by folders where the API refuses, and says so', async () => {
    const lab = await seeded({ repositories: [] })
    const events: RunEvent[] = []
    const names = await lab.reader.listRepositories({ onEvent: (event) => events.push(event) })
    expect(names).toEqual(['shop/apps/web'])
    expect(events).toContainEqual({
      kind: 'warning',
      text: expect.stringContaining('roles/artifactregistry.reader') as string,
    })
  })

  it.each(['shop/apps', 'shop/apps/web'])(
    'looks no further than %s, which the address names',
    async (root) => {
      const repositories = [
        { project: 'shop', id: 'apps' },
        { project: 'shop', id: 'other' },
      ]
      const lab = await seeded({ root, repositories })
      await seedGraph(lab.seeder, named('shop/other/thing'), [])
      expect(await lab.reader.listRepositories()).toEqual(['shop/apps/web'])
    },
  )

  it('leaves out virtual repositories and caches with a word, and what holds no images', async () => {
    const repositories = [
      { project: 'shop', id: 'apps' },
      { project: 'shop', id: 'all', mode: 'VIRTUAL_REPOSITORY' },
      { project: 'shop', id: 'hub', mode: 'REMOTE_REPOSITORY' },
      { project: 'shop', id: 'npm', format: 'NPM' },
    ] as const
    const lab = await seeded({ repositories })
    for (const id of ['all', 'hub', 'npm']) await seedGraph(lab.seeder, named(`shop/${id}/thing`), [])
    const texts: string[] = []
    const onEvent = (event: RunEvent): void => {
      if (event.kind === 'warning') texts.push(event.text)
    }
    expect(await lab.reader.listRepositories({ onEvent })).toEqual(['shop/apps/web'])
    expect(texts.join()).toMatch(/shop\/all: it is virtual.*shop\/hub: it caches/s)
  })

  it('reads a cache that the address names', async () => {
    const repositories = [{ project: 'shop', id: 'apps', mode: 'REMOTE_REPOSITORY' }] as const
    const lab = await seeded({ repositories, root: 'shop/apps' })
    expect(await lab.reader.listRepositories()).toEqual(['shop/apps/web'])
  })

  it('finds the images of a project within a domain', async () => {
    const repositories = [{ project: 'example.com/shop', id: 'apps' }]
    const lab = await seeded({ repositories, root: 'example.com/shop' }, 'example.com/shop/apps/web')
    expect(await lab.reader.listRepositories()).toEqual(['example.com/shop/apps/web'])
    expect(paths(lab)[0]).toBe('/v1/projects/example.com%3Ashop/locations')
  })

  it('has only the catalog where nobody names a project', async () => {
    const lab = await seeded({ root: '' })
    expect(await lab.reader.listRepositories()).toEqual(['shop/apps/web'])
    expect(paths(lab)).toEqual(['/v2/_catalog'])
  })

  it('says to name the project where the catalog is closed', async () => {
    const lab = await seeded({ root: '' })
    const isCatalog = ({ url }: FakeRequest): boolean => url.pathname === '/v2/_catalog'
    lab.server.inject({ on: isCatalog, reply: error(403, 'DENIED', 'Permission denied') })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({
      code: 'CATALOG_REFUSED',
      hint: expect.stringContaining(`url: ${lab.server.url}/PROJECT`) as string,
    })
  })

  it('reads by itself what the API may have cut', async () => {
    const lab = await seeded()
    const { epoch } = lab.graph
    for (let i = 0; i < 100; i += 1)
      await lab.seeder.putManifest(lab.repository, epoch.bytes, epoch.mediaType, `many-${i}`)
    lab.server.forgetRequests()
    await lab.reader.listRepositories()
    await lab.reader.readRepository(lab.repository)
    expect(paths(lab).filter((path) => path.endsWith('/tags/list'))).toHaveLength(1)
  })
})

describe('times', () => {
  it.each([true, false])(
    'are those of the upload, never what the builder wrote (API: %s)',
    async (hasApi) => {
      const lab = await seeded({ hasApi })
      const { epoch, amd64 } = lab.graph
      lab.server.times.set(epoch.digest, Date.UTC(2024, 4, 5, 6, 7, 8, 9))
      lab.server.times.set(amd64.digest, 0)
      await lab.reader.listRepositories()
      const { manifests } = await lab.reader.readRepository(lab.repository)
      const of = (digest: Digest) => manifests.find((each) => each.digest === digest)
      expect(of(epoch.digest)).toMatchObject({ pushedAt: Date.UTC(2024, 4, 5, 6, 7, 8, 9), createdAt: 0 })
      expect(of(amd64.digest)?.pushedAt).toBeUndefined()
    },
  )
})

describe('deleting', () => {
  it('refuses a digest that a tag is left on, and removes a tag alone', async () => {
    const { writer, reader, repository, graph } = await seeded()
    const { epoch } = graph
    expect(await writer.deleteManifest(repository, epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
      text: expect.stringContaining('still referenced by tag: epoch') as string,
    })
    expect(await writer.untag(repository, parseTagName('epoch')!)).toEqual({ kind: 'done' })
    expect(await reader.readManifest(repository, epoch.digest)).toBeDefined()
    expect(await writer.deleteManifest(repository, epoch.digest)).toEqual({ kind: 'done' })
  })

  it('tells an image that has a referrer, which has to go first', async () => {
    const { writer, repository, graph } = await seeded({}, 'shop/apps/only')
    for (const tag of graph.index.tags) await writer.untag(repository, tag)
    for (const { digest } of [graph.index, graph.orphan]) await writer.deleteManifest(repository, digest)
    expect(await writer.deleteManifest(repository, graph.amd64.digest)).toMatchObject({
      kind: 'refused',
      reason: 'referrers-first',
    })
  })

  it('knows immutable tags beforehand, with what they name; what has no tag is free', async () => {
    const lab = await seeded({ repositories: [{ project: 'shop', id: 'apps', immutableTags: true }] })
    await lab.reader.listRepositories()
    for (const _ of ['from the API', 'from the list of tags']) {
      const { manifests } = await lab.reader.readRepository(lab.repository)
      const locked = manifests.filter((each) => each.locked).map(({ digest }) => digest)
      expect(locked).toContain(lab.graph.index.digest)
      expect(locked).not.toContain(lab.graph.orphan.digest)
    }
    expect(await lab.writer.untag(lab.repository, parseTagName('v1')!)).toMatchObject({
      kind: 'refused',
      reason: 'protected',
    })
  })

  it('is refused to a reader, and the probe knows', async () => {
    const { opened, repository, graph } = await seeded({ rights: 'reader' })
    const writer = opened.createWriter()
    expect(await writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
    })
    expect(await writer.probe(repository)).toMatchObject({ deletes: { state: 'no' } })
  })

  it('is allowed to whoever may, which the probe finds out without deleting', async () => {
    const { opened, repository, reader } = await seeded()
    const before = await reader.readRepository(repository)
    expect(await opened.createWriter().probe(repository)).toEqual({
      deletes: { state: 'yes' },
      deleteByTag: true,
    })
    expect(await reader.readRepository(repository)).toEqual(before)
  })
})

describe('lists that are not what they should be', () => {
  it('says which kind to set when the registry is not Google’s', async () => {
    const lab = await seeded()
    lab.server.inject({ on: isList, reply: json(200, { name: 'x', tags: ['v1'] }) })
    const read = await lab.reader.readRepository(lab.repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).toContain('does not look like Google Artifact Registry')
  })

  it.each([{ hasApi: false }, { hasApi: true }])(
    'warns, with the cure, when nothing is found where another product may answer (%j)',
    async ({ hasApi }) => {
      const lab = await seeded({ hasApi, root: 'nobody' })
      const warnings: string[] = []
      const found = await lab.reader.listRepositories({
        onEvent: (event) => void (event.kind === 'warning' && warnings.push(event.text)),
      })
      expect(found).toEqual([])
      expect(warnings).toContainEqual(
        expect.stringMatching(
          /nothing was found below nobody\. .* set kind: to what it is, or leave kind: out/,
        ),
      )
    },
  )

  it('does not warn where something is found', async () => {
    const lab = await seeded({ hasApi: false })
    const warnings: RunEvent[] = []
    await lab.reader.listRepositories({
      onEvent: (event) => void (event.kind === 'warning' && warnings.push(event)),
    })
    expect(warnings).toEqual([])
  })

  it('says so as well of an API that is not Google’s', async () => {
    const lab = await seeded()
    lab.server.inject({ on: isApi, reply: { status: 404, body: '<h1>Not found</h1>' } })
    const listed: unknown = await lab.reader.listRepositories().catch((thrown: unknown) => thrown)
    expect(listed).toBeInstanceOf(OperationalError)
    expect(listed).toMatchObject({ hint: expect.stringContaining('api:') as string })
  })

  it.each([
    ['a digest that is none', { 'sha256:short': { tag: [], timeUploadedMs: '1' } }],
    ['an entry that is none', { [`sha256:${'a'.repeat(64)}`]: 'x' }],
    ['tags that are no texts', { [`sha256:${'a'.repeat(64)}`]: { tag: [1], timeUploadedMs: '1' } }],
    ['a time that is none', { [`sha256:${'a'.repeat(64)}`]: { tag: [], timeUploadedMs: 'yesterday' } }],
  ])('leaves a repository incomplete for %s', async (_, manifest) => {
    const lab = await seeded()
    lab.server.inject({ on: isList, reply: json(200, { child: [], manifest, name: 'x', tags: [] }) })
    expect((await lab.reader.readRepository(lab.repository)).complete).toBe(false)
  })

  it('asks for a tag that the list names and puts on no manifest', async () => {
    const lab = await seeded()
    lab.server.inject({
      on: isList,
      reply: json(200, { child: [], manifest: {}, name: 'x', tags: ['epoch'] }),
    })
    const { manifests } = await lab.reader.readRepository(lab.repository)
    expect(manifests.map(({ digest }) => digest)).toContain(lab.graph.epoch.digest)
  })

  it('does not believe a list that ends at the very size of a page', async () => {
    const lab = await seeded()
    const entry = { tag: [], timeUploadedMs: '1700000000000', mediaType: '' }
    const { digest } = lab.graph.epoch
    // As many tags of one image: what is counted is either.
    const tags = Array.from({ length: 10_000 }, (_, i) => `v${i}`)
    const manifest = { [digest]: { ...entry, tag: tags } }
    lab.server.inject({ on: isList, reply: json(200, { child: [], manifest, name: 'x', tags }) })
    const read = await lab.reader.readRepository(lab.repository)
    expect(read.problems.join()).toContain('may have been cut')
    expect(read.complete).toBe(false)
  })

  it('gives up on pages of the API that go in circles', async () => {
    const lab = await seeded()
    lab.server.inject({ on: isApi, reply: json(200, { locations: [], nextPageToken: 'again' }) })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'PAGING_ENDLESS' })
  })

  it('gives up on folders that hold themselves', async () => {
    const lab = await seeded({ hasApi: false })
    lab.server.inject({ on: isList, reply: json(200, { child: ['a'], manifest: {}, name: 'x', tags: [] }) })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'REGISTRY_CONTENT' })
  })
})

describe('logging in', () => {
  it('exchanges what Docker knows for a token of each repository', async () => {
    const lab = await seeded({ login: 'exchange' })
    await lab.reader.readRepository(lab.repository)
    const exchanges = lab.server.requests.filter(({ url }) => url.pathname === '/v2/token')
    expect(exchanges.map(({ url }) => url.searchParams.get('scope'))).toEqual([
      'repository:shop/apps/web:pull',
    ])
    expect(exchanges[0]?.headers.authorization).toMatch(/^Basic /)
  })

  it('sends an OAuth token as it is, without an exchange', async () => {
    const lab = await seeded()
    await lab.reader.readRepository(lab.repository)
    expect(paths(lab)).not.toContain('/v2/token')
  })

  it('logs in anew when a token of Google’s runs out in the middle of a run', async () => {
    const lab = await seeded()
    await lab.reader.listRepositories()
    lab.expire()
    expect((await lab.reader.readRepository(lab.repository)).complete).toBe(true)
    expect(await lab.reader.listRepositories()).toEqual([lab.repository])
  })

  it('says what to do when nobody lets it in', async () => {
    const lab = await seeded()
    lab.server.inject({
      on: () => true,
      reply: { status: 401, headers: { 'www-authenticate': `Bearer realm="${lab.server.url}/v2/token"` } },
    })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})

describe('the checks of winnow doctor', () => {
  const checksOf = async (lab: Seeded, repository: RepositoryName | undefined = lab.repository) =>
    (await lab.opened.check?.(repository, {})) ?? []

  it('are all well where everything is', async () => {
    const checks = await checksOf(await seeded())
    expect(checks.map(({ what, state }) => `${what}: ${state}`)).toEqual([
      'log in to Google: ok',
      'know which projects to read: ok',
      'ask the Artifact Registry API: ok',
    ])
  })

  it('tell immutable tags and cleanup policies, with what to do', async () => {
    const repositories = [
      { project: 'shop', id: 'apps', immutableTags: true, cleanupPolicies: { old: { action: 'DELETE' } } },
    ]
    const checks = await checksOf(await seeded({ repositories }))
    expect(checks.filter(({ state }) => state === 'warning').map(({ what, cure }) => [what, cure])).toEqual([
      ['remove tags', expect.stringContaining('--no-immutable-tags')],
      ['delete alone', expect.stringContaining('--dry-run')],
    ])
  })

  it('leave cleanup policies alone that only try', async () => {
    const repositories = [
      { project: 'shop', id: 'apps', cleanupPolicyDryRun: true, cleanupPolicies: { old: {} } },
    ]
    expect((await checksOf(await seeded({ repositories }))).every(({ state }) => state === 'ok')).toBe(true)
  })

  it('say that no project is named, that none was found, and that nobody is logged in', async () => {
    const nameless = await checksOf(await seeded({ root: '' }))
    expect(nameless[1]).toMatchObject({
      state: 'warning',
      cure: expect.stringContaining('/PROJECT') as string,
    })
    const lab = await seeded()
    expect((await lab.opened.check?.(undefined, {}))?.[1]?.text).toContain('nothing was found below shop')
    const anonymous = await checksOf(await seeded({ login: 'none' }))
    expect(anonymous[0]).toMatchObject({ what: 'log in to Google', state: 'warning' })
  })

  it('say what the API refuses', async () => {
    const checks = await checksOf(await seeded({ repositories: [] }))
    expect(checks[2]).toMatchObject({ state: 'warning', text: expect.stringContaining('403') as string })
  })
})

function named(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}
