/** The Harbor driver beside its fake: the suites of all drivers, and what is Harbor's own. */
import { afterEach, describe, expect, it } from 'vitest'
import { OperationalError } from '../../src/core/errors/errors.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import { registryConformance } from '../conformance/registry.ts'
import { json, startFakeServer, type FakeRequest } from '../fakes/fake-server.ts'
import { robot } from '../fakes/harbor-server.ts'
import { repositoryNamed, tagNamed } from '../fakes/harbor-state.ts'
import { startHarborLab, type HarborLab, type HarborLabOptions } from './harbor-lab.ts'
import { pushTo } from './push-to.ts'

const capabilities = {
  product: 'Harbor 2.12.1',
  deleteByTag: true,
  deleteRemovesSiblings: true,
  listsUntagged: true,
  pushTime: true,
  pullTime: true,
  protectsChildren: true,
  deletesReferrers: true,
  pageSizeMax: 100,
} as const

registryConformance(
  'Harbor',
  {
    capabilities,
    // Projects, artifacts, and because there are accessories, the list of tags and the tag of the signature.
    requests: ({ manifests, configs }) => ({ cold: 4 + 2 + manifests + configs, warm: 4 }),
  },
  () => startHarborLab(),
)

registryConformance(
  'Harbor with names of four parts, in pages of three',
  {
    capabilities,
    repositoryOf: (mark) => `team/deep/er/${mark}`,
    requests: ({ manifests, configs }) => ({ cold: 7 + 2 + manifests + configs, warm: 7 }),
  },
  () => startHarborLab({ pageSize: 3 }),
)

registrySurvival('Harbor', {}, () => startHarborLab())
registrySurvival('Harbor that spares accessories which an index holds', {}, async () => {
  const lab = await startHarborLab()
  lab.harbor.state.cascadeSparesHeld = true
  return lab
})

const isApi = (request: FakeRequest): boolean => request.url.pathname.startsWith('/api/v2.0/projects/')
const said = (status: number, code: string, message: string) => json(status, { errors: [{ code, message }] })

registryFaults(
  'Harbor',
  {
    catalog: ({ url }) => url.pathname === '/api/v2.0/repositories',
    listing: (request) => isApi(request) && request.method === 'GET',
    deletion: (request) => isApi(request) && request.method === 'DELETE',
    rateLimited: {
      ...said(429, 'TOO_MANY_REQUEST', 'slow down'),
      headers: { 'content-type': 'application/json', 'retry-after': '1' },
    },
    refusals: [
      {
        name: 'an immutable tag',
        reply: said(412, 'PRECONDITION', 'the tag 1.0 configured as immutable, cannot be deleted'),
        reason: 'protected',
      },
      {
        name: 'the child of an index',
        reply: said(412, 'VIOLATE_FOREIGN_KEY_CONSTRAINT', 'the deleting artifact is referenced by others'),
        reason: 'referenced',
      },
      { name: 'too few rights', reply: said(403, 'FORBIDDEN', 'forbidden'), reason: 'forbidden' },
      {
        name: 'a proxy that adds a session',
        reply: said(403, 'FORBIDDEN', 'CSRF token invalid'),
        reason: 'forbidden',
      },
    ],
    expireTokens: (lab) => {
      ;(lab as HarborLab).harbor.expireTokens()
    },
  },
  (options) => startHarborLab(options),
)

const app = repositoryNamed('team/app')
const labs: HarborLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})
const start = async (options: HarborLabOptions = {}): Promise<HarborLab> => {
  const lab = await startHarborLab(options)
  labs.push(lab)
  return lab
}

function digestOfTag({ harbor }: HarborLab, tag: string): Digest {
  return (
    harbor.state.repository(app)?.tags.get(tagNamed(tag))?.digest ?? (`sha256:${'0'.repeat(64)}` as Digest)
  )
}

describe('what Harbor tells', () => {
  it('brings upload and pull times, locks and labels into the inventory', async () => {
    const lab = await start()
    const { state } = lab.harbor
    const { chart, epoch, index, signature } = await seedGraph(lab.seeder, app, [])
    const mark = state.mark(app, chart.digest)
    mark.pushedAt = Date.UTC(2024, 4, 1, 10)
    mark.pulledAt = Date.UTC(2024, 5, 1)
    mark.tagPulls.set(tagNamed('chart-1.0.0'), Date.UTC(2024, 5, 2))
    mark.labels.push('keep')
    state.mark(app, signature.digest).pushedAt = Date.UTC(2024, 4, 3)
    state.immutable.push({ repository: app, tag: /^v1$/ })
    const { manifests } = await lab.reader.readRepository(app)
    const row = (digest: string) => manifests.find((each) => each.digest === digest)
    expect(row(chart.digest)).toMatchObject({
      pushedAt: Date.UTC(2024, 4, 1, 10),
      pulledAt: Date.UTC(2024, 5, 1),
      labels: { 'harbor.label/keep': 'true' },
      locked: false,
      tags: [{ name: 'chart-1.0.0', pulledAt: Date.UTC(2024, 5, 2), pushedAt: expect.any(Number) as number }],
    })
    expect(row(epoch.digest)?.pulledAt).toBeUndefined()
    expect(row(index.digest)?.locked).toBe(true)
    expect(row(signature.digest)?.pushedAt).toBe(Date.UTC(2024, 4, 3))
  })

  it('reads the times from before its own reading, which Harbor counts as pulls', async () => {
    const lab = await start()
    const { epoch } = await seedGraph(lab.seeder, app, [])
    const pulled = async () =>
      (await lab.nextReader?.().readRepository(app))?.manifests.find(({ digest }) => digest === epoch.digest)
        ?.pulledAt
    expect(await pulled()).toBeUndefined()
    lab.harbor.state.flushPulls()
    const first = await pulled()
    expect(first).toBeDefined()
    lab.harbor.state.flushPulls()
    expect(await pulled()).toBe(first)
  })

  it('hangs an accessory on its subject whose tag it is not shown', async () => {
    const lab = await start()
    const { index, signature } = await seedGraph(lab.seeder, app, [])
    lab.harbor.inject({
      on: ({ url }) => url.pathname.endsWith('/tags/list'),
      reply: json(200, { name: app, tags: [] }),
    })
    const { manifests } = await lab.reader.readRepository(app)
    const row = manifests.find(({ digest }) => digest === signature.digest)
    expect(row).toMatchObject({ tags: [], subject: index.digest })
  })

  it('takes everything in a proxy cache for locked, and says so', async () => {
    const lab = await start()
    lab.harbor.state.project('dockerhub', 3)
    const cached = repositoryNamed('dockerhub/library/nginx')
    await seedGraph(lab.seeder, cached, [])
    await seedGraph(lab.seeder, app, [])
    const events: RunEvent[] = []
    expect(await lab.reader.listRepositories({ onEvent: (event) => events.push(event) })).toContain(cached)
    expect(JSON.stringify(events)).toContain('1 of 2 repositories are in proxy caches (dockerhub)')
    const { manifests } = await lab.reader.readRepository(cached)
    expect(manifests.every(({ locked }) => locked)).toBe(true)
    expect((await lab.reader.readRepository(app)).manifests.some(({ locked }) => locked)).toBe(false)
  })

  it('reads again what shifted under its hands', async () => {
    const lab = await start({ pageSize: 3 })
    for (const tag of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await pushTo(lab.seeder, app, { tags: [tag] })
    // Between the first page and the second one an artifact of the first goes, and what follows moves up by one.
    let pages = 0
    lab.harbor.inject({
      on: ({ url }) => {
        pages += url.pathname.endsWith('/artifacts') ? 1 : 0
        if (pages === 2) lab.harbor.state.remove(app, digestOfTag(lab, 'a'))
        return false
      },
      reply: 'reset',
    })
    const { complete, manifests } = await lab.reader.readRepository(app)
    expect(complete).toBe(true)
    expect(manifests.flatMap(({ tags }) => tags.map(({ name }) => name)).toSorted()).toEqual([
      'b',
      'c',
      'd',
      'e',
      'f',
      'g',
    ])
  })

  it.each([
    ['no count of rows', { status: 200, headers: { 'content-type': 'application/json' }, body: '[]' }],
    ['a row without an id', json(200, [{ digest: 'x' }], { 'x-total-count': '1' })],
    ['a row without a digest', json(200, [{ id: 1 }], { 'x-total-count': '1' })],
    [
      'a time that is none',
      json(200, [{ id: 1, digest: `sha256:${'a'.repeat(64)}`, push_time: 'soon' }], { 'x-total-count': '1' }),
    ],
    ['fewer rows than it counts', json(200, [], { 'x-total-count': '3' })],
    [
      'a next page on another host',
      json(200, [], { 'x-total-count': '0', link: '<https://elsewhere.example.com/>; rel="next"' }),
    ],
    [
      'pages in a circle',
      json(200, [], { 'x-total-count': '0', link: '<?page=1&page_size=100>; rel="next"' }),
    ],
  ])('does not go on from a list with %s', async (_, reply) => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    lab.harbor.inject({ on: ({ url }) => url.pathname.endsWith('/artifacts'), reply })
    const { complete, manifests } = await lab.reader.readRepository(app)
    expect({ complete, manifests }).toEqual({ complete: false, manifests: [] })
  })
})

describe('what Harbor deletes along', () => {
  it('is refused where it would take an accessory that has a tag of its own', async () => {
    const lab = await start()
    const image = await pushTo(lab.seeder, app, { tags: ['gone'] })
    const sbom = await pushTo(lab.seeder, app, { tags: ['sbom-1'], subject: image })
    const outcome = await lab.writer.deleteManifest(app, image.digest)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'referenced' })
    expect(JSON.stringify(outcome)).toContain('sbom-1')
    expect(await lab.reader.readManifest(app, sbom.digest)).toBeDefined()
  })

  it('is refused where it would take an accessory out of an index that stays', async () => {
    const lab = await start()
    const image = await pushTo(lab.seeder, app, { tags: ['gone'] })
    const sbom = await pushTo(lab.seeder, app, { subject: image })
    const index = await pushTo(lab.seeder, app, { tags: ['boms'], children: [sbom] })
    const outcome = await lab.writer.deleteManifest(app, image.digest)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'referenced' })
    expect(JSON.stringify(outcome)).toContain(index.digest)
    expect(await lab.reader.readManifest(app, sbom.digest)).toBeDefined()
    // With the index gone, nothing stands against it any more.
    expect(await lab.writer.deleteManifest(app, index.digest)).toEqual({ kind: 'done' })
    expect(await lab.writer.deleteManifest(app, image.digest)).toEqual({ kind: 'done' })
  })

  it('counts as deleted by us, so that an undo brings it back; what somebody else deleted does not', async () => {
    const lab = await start()
    const { index, amd64, arm64, signature, orphan, epoch } = await seedGraph(lab.seeder, app, [])
    lab.harbor.state.repository(app)?.remove(epoch.digest)
    expect(await lab.writer.deleteManifest(app, epoch.digest)).toEqual({ kind: 'absent' })
    expect(await lab.writer.deleteManifest(app, index.digest)).toEqual({ kind: 'done' })
    expect(await lab.reader.readManifest(app, amd64.digest)).toBeDefined()
    expect(await lab.writer.deleteManifest(app, orphan.digest)).toEqual({ kind: 'done' })
    for (const each of [amd64, arm64, signature])
      expect(await lab.writer.deleteManifest(app, each.digest)).toEqual({ kind: 'done' })
  })

  it('looks at the list of a repository once for many deletions', async () => {
    const lab = await start()
    for (const tag of ['a', 'b', 'c']) await pushTo(lab.seeder, app, { tags: [tag] })
    const { manifests } = await lab.reader.readRepository(app)
    lab.harbor.forgetRequests()
    for (const { digest } of manifests)
      expect(await lab.writer.deleteManifest(app, digest)).toEqual({ kind: 'done' })
    expect(lab.harbor.requests.map(({ method }) => method)).toEqual(['GET', 'DELETE', 'DELETE', 'DELETE'])
  })

  it('is spared where it was given a tag since it was decided upon', async () => {
    const lab = await start()
    const { digest } = await pushTo(lab.seeder, app, { tags: ['old'] })
    await pushTo(lab.seeder, app, { tags: ['other'] })
    // The list that the writer goes by is young, and does not have the tag.
    const gone = `sha256:${'0'.repeat(64)}` as Digest
    expect(await lab.writer.deleteManifest(app, gone, {}, { tags: [] })).toEqual({ kind: 'absent' })
    lab.harbor.state.repository(app)?.tags.set(tagNamed('release'), { digest, pushedAt: Date.now() })
    lab.harbor.forgetRequests()
    const old = tagNamed('old')
    expect(await lab.writer.deleteManifest(app, digest, {}, { tags: [old] })).toMatchObject({
      kind: 'refused',
      reason: 'protected',
      text: expect.stringContaining('release') as string,
    })
    expect(lab.harbor.requests.map(({ method }) => method)).toEqual(['GET'])
    expect(await lab.reader.resolveTag(app, tagNamed('release'))).toBe(digest)
    const both = { tags: [old, tagNamed('release')] }
    expect(await lab.writer.deleteManifest(app, digest, {}, both)).toEqual({ kind: 'done' })
  })

  it('never goes by a tag: not over /v2/, and never to the artifact', async () => {
    const lab = await start()
    await pushTo(lab.seeder, app, { tags: ['a', 'b'] })
    expect(await lab.writer.untag(app, tagNamed('a'))).toEqual({ kind: 'done' })
    const paths = lab.harbor.requests.filter(({ method }) => method === 'DELETE').map(({ target }) => target)
    expect(paths).toEqual(['/api/v2.0/projects/team/repositories/app/artifacts/a/tags/a'])
  })
})

describe('what Harbor refuses', () => {
  it('keeps immutable tags, and the artifacts that have them', async () => {
    const lab = await start()
    const { index } = await seedGraph(lab.seeder, app, [])
    lab.harbor.state.immutable.push({ repository: app, tag: /^v1$/ })
    const refused = { kind: 'refused', reason: 'protected' }
    expect(await lab.writer.untag(app, tagNamed('v1'))).toMatchObject(refused)
    expect(await lab.writer.deleteManifest(app, index.digest)).toMatchObject(refused)
    expect(await lab.reader.resolveTag(app, tagNamed('latest'))).toBe(index.digest)
  })

  it('tells read-only from too few rights', async () => {
    const lab = await start()
    const { epoch } = await seedGraph(lab.seeder, app, [])
    lab.harbor.state.isReadOnly = true
    const readOnly = { kind: 'refused', reason: 'read-only' }
    expect(await lab.writer.deleteManifest(app, epoch.digest)).toMatchObject(readOnly)
    expect(await lab.writer.untag(app, tagNamed('epoch'))).toMatchObject(readOnly)
    expect(await lab.writer.putManifest(app, epoch, tagNamed('epoch'))).toMatchObject(readOnly)
    expect((await lab.reader.capabilities()).deletes.state).toBe('no')
    expect(await lab.opened.createWriter().probe(app)).toMatchObject({ deletes: { state: 'no' } })
  })

  it.each([
    { rights: ['pull', 'delete'] as const, found: { deletes: { state: 'yes' }, deleteByTag: true } },
    { rights: ['pull'] as const, found: { deletes: { state: 'no' }, deleteByTag: false } },
  ])('shows what a robot with $rights may, without deleting anything', async ({ rights, found }) => {
    const account = { name: 'robot$team+cleaner', secret: 'another-secret', projects: ['team'], rights }
    const lab = await start({ accounts: [account], login: account })
    const { epoch } = await seedGraph(lab.seeder, app, [])
    await seedGraph(lab.seeder, repositoryNamed('other/app'), [])
    expect(await lab.reader.listRepositories()).toEqual([app])
    expect(await lab.opened.createWriter().probe(app)).toMatchObject(found)
    expect(await lab.reader.readManifest(app, epoch.digest)).toBeDefined()
    const outcome = await lab.writer.deleteManifest(app, epoch.digest)
    expect(outcome).toMatchObject(rights.length === 2 ? { kind: 'done' } : { reason: 'forbidden' })
  })

  it('says which credentials were refused', async () => {
    const lab = await start({ login: { name: robot.name, secret: 'wrong' } })
    const error = await lab.reader.listRepositories().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OperationalError)
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', triedCredentials: 'the test' })
  })

  it('is not looked for in a registry of another kind', async () => {
    const other = await startFakeServer(({ url }) =>
      url.pathname.startsWith('/v2/')
        ? json(200, { repositories: ['team/app'] })
        : { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' },
    )
    const lab = await start({ settings: { baseUrl: other.url } })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'PRODUCT_MISMATCH' })
    await expect(lab.reader.capabilities()).rejects.toMatchObject({ code: 'PRODUCT_MISMATCH' })
    expect(await lab.reader.readRepository(app)).toMatchObject({ complete: false, manifests: [] })
    await other.stop()
  })
})

describe('what is sent to Harbor', () => {
  it('shows the credentials to the origin of its API alone, and no cookie to anyone', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    await lab.reader.listRepositories()
    await lab.reader.readRepository(app)
    expect(lab.harbor.requests.every(({ headers }) => headers.cookie === undefined)).toBe(true)
  })

  it('goes to the address of the API that the configuration names', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    const elsewhere = await start({
      settings: { baseUrl: 'http://127.0.0.1:1', apiUrl: `${lab.harbor.url}/api/v2.0` },
    })
    expect(await elsewhere.reader.listRepositories()).toEqual([app])
  })
})

describe('what doctor asks of Harbor', () => {
  const checks = async (options: HarborLabOptions) =>
    (await start(options)).opened
      .check?.(undefined, {})
      .then((all) => all.map(({ state, text }) => [state, text]))

  it.each([
    { schedule: undefined, state: 'warning', text: 'not scheduled' },
    { schedule: { schedule: { type: 'None' } }, state: 'warning', text: 'not scheduled' },
    { schedule: { schedule: { type: 'Daily' }, parameters: {} }, state: 'warning', text: 'without a tag' },
    {
      schedule: { schedule: { type: 'Daily' }, job_parameters: '{"delete_untagged":false}' },
      state: 'ok',
      text: 'leaves artifacts without a tag',
    },
  ])('is what its collector does: $text', async ({ schedule, state, text }) => {
    const found = await checks({ ...(schedule && { schedule }) })
    expect(found?.at(-1)).toEqual([state, expect.stringContaining(text)])
  })

  it('is whether it takes changes', async () => {
    const lab = await start()
    lab.harbor.state.isReadOnly = true
    expect((await lab.opened.check?.(undefined, {}))?.[0]).toMatchObject({ state: 'failed' })
  })

  it('is nothing that a robot of a project may not ask', async () => {
    const account = { name: 'robot$team+winnow', secret: 'another-secret', rights: ['pull'] as const }
    const found = await checks({ accounts: [account], login: account })
    expect(found?.at(-1)).toEqual(['ok', 'these credentials may not see its schedule'])
  })
})
