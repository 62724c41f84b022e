/** The Quay driver beside its fake: the suites of all drivers, and what is Quay's own. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import { registryConformance } from '../conformance/registry.ts'
import { json, startFakeServer, type FakeRequest } from '../fakes/fake-server.ts'
import { oauthToken, robot, tooMany } from '../fakes/quay-server.ts'
import { tagNamed } from '../fakes/quay-state.ts'
import { pushTo } from './push-to.ts'
import { startQuayLab, type QuayLab, type QuayLabOptions } from './quay-lab.ts'

const capabilities = {
  product: 'Quay',
  deleteByTag: true,
  deleteRemovesSiblings: false,
  listsUntagged: false,
  pushTime: true,
  pullTime: false,
  protectsChildren: false,
  collectsUntagged: true,
  referrersApi: false,
  undo: 'bin',
  freesBytes: 'by-its-collector',
  pageSizeMax: 100,
} as const
const manners = ['collects-untagged'] as const

registryConformance(
  'Quay',
  {
    capabilities,
    manners,
    // One page of tags, and the probe for the referrers API, which logs in: asked, token, asked again. The first run asks for
    // several things at once before it knows that it has to log in.
    requests: ({ manifests, configs }) => ({ cold: 4 + 16 + manifests + configs, warm: 4 }),
  },
  () => startQuayLab(),
)

registryConformance(
  'Quay with pages of three, that gives out nothing without a tag',
  {
    capabilities,
    manners,
    repositoryOf: (mark) => `team/deep/${mark}`,
    requests: ({ manifests, configs }) => ({ cold: 6 + 16 + manifests + configs, warm: 6 }),
  },
  () => startQuayLab({ pageSize: 3, isStrict: true }),
)

registrySurvival('Quay', {}, () => startQuayLab())
registrySurvival('Quay that gives out nothing without a tag', {}, () => startQuayLab({ isStrict: true }))

const isTags = ({ url }: FakeRequest): boolean => /^\/api\/v1\/repository\/.+\/tag\//.test(url.pathname)
const problem = (status: number, type: string, detail: string) =>
  json(status, { status, error_message: detail, title: type, error_type: type, detail })

registryFaults(
  'Quay',
  {
    catalog: ({ url }) => url.pathname === '/api/v1/repository',
    listing: (request) => isTags(request) && request.method === 'GET',
    deletion: (request) => isTags(request) && request.method === 'DELETE',
    rateLimited: tooMany,
    refusals: [
      {
        name: 'an immutable tag',
        reply: problem(409, 'tag_immutable', 'Tag is immutable'),
        reason: 'protected',
      },
      {
        name: 'too narrow a scope',
        reply: problem(403, 'insufficient_scope', 'Unauthorized'),
        reason: 'forbidden',
      },
      {
        name: 'a mirror',
        reply: json(503, { message: 'Repository is in read only or mirror mode' }),
        reason: 'read-only',
      },
    ],
    untagsFirst: true,
    expireTokens: (lab) => {
      ;(lab as QuayLab).quay.expireTokens()
    },
  },
  (options) => startQuayLab(options),
)

const app = named('acme/app')
const labs: QuayLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})
const start = async (options: QuayLabOptions = {}): Promise<QuayLab> => {
  const lab = await startQuayLab(options)
  labs.push(lab)
  return lab
}

describe('what Quay tells', () => {
  it('brings times, locks and coming deaths of tags into the inventory, and leaves dead tags out', async () => {
    const lab = await start()
    const { chart, epoch, index } = await seedGraph(lab.seeder, app, [])
    const { state } = lab.quay
    const at = Date.UTC(2024, 4, 1, 7, 53, 20)
    const soon = Math.floor(Date.now() / 1000) * 1000 + 86_400_000
    for (const row of state.history) {
      if (row.name === 'chart-1.0.0') Object.assign(row, { start: at, end: soon })
      if (row.name === 'v1') Object.assign(row, { end: soon })
      if (row.name === 'epoch') row.immutable = true
    }
    state.end(app, 'old')
    const { manifests } = await lab.reader.readRepository(app)
    const row = (digest: string) => manifests.find((each) => each.digest === digest)
    expect(row(chart.digest)).toMatchObject({
      tags: [{ name: 'chart-1.0.0', pushedAt: at, pulledAt: undefined }],
      labels: { 'quay.expires': new Date(soon).toISOString() },
      locked: false,
    })
    expect(row(epoch.digest)?.locked).toBe(true)
    // Its other tag lives on.
    expect(row(index.digest)?.labels['quay.expires']).toBeUndefined()
    expect(manifests.flatMap(({ tags }) => tags.map(({ name }) => name))).not.toContain('old')
  })

  it('is understood where only dates are told', async () => {
    const lab = await start()
    const { digest } = await pushTo(lab.seeder, app, { tags: ['a'] })
    const tags = [{ name: 'a', manifest_digest: digest, last_modified: 'Wed, 01 May 2024 07:53:20 -0000' }]
    lab.quay.inject({ on: isTags, reply: json(200, { tags, page: 1, has_additional: false }) })
    const [row] = (await lab.reader.readRepository(app)).manifests
    expect(row?.tags[0]?.pushedAt).toBe(Date.UTC(2024, 4, 1, 7, 53, 20))
  })

  it('takes everything in a mirror for locked, and says so', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    lab.quay.state.states.set(app, 'MIRROR')
    const events: RunEvent[] = []
    await lab.reader.listRepositories({ onEvent: (event) => events.push(event) })
    expect(JSON.stringify(events)).toContain('acme/app (MIRROR)')
    const { manifests } = await lab.reader.readRepository(app)
    expect(manifests.filter(({ tags }) => tags.length > 0).every(({ locked }) => locked)).toBe(true)
    expect(await lab.writer.untag(app, tagNamed('v1'))).toMatchObject({ reason: 'read-only' })
  })

  it.each([
    ['no word on whether there is more', { tags: [] }],
    ['another page than was asked for', { tags: [], page: 7, has_additional: false }],
    ['a tag without a digest', { tags: [{ name: 'a' }], page: 1, has_additional: false }],
    [
      'a time that is none',
      {
        tags: [{ name: 'a', manifest_digest: `sha256:${'a'.repeat(64)}`, start_ts: 'soon' }],
        page: 1,
        has_additional: false,
      },
    ],
    [
      'pages without an end',
      { tags: [{ name: 'a', manifest_digest: `sha256:${'a'.repeat(64)}` }], has_additional: true },
    ],
  ])('does not go on from a list with %s', async (_, body) => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    lab.quay.inject({ on: isTags, reply: json(200, body) })
    const { complete, manifests } = await lab.reader.readRepository(app)
    expect({ complete, manifests }).toEqual({ complete: false, manifests: [] })
  })

  it('keeps the newer of two rows of a tag that was moved while pages were read', async () => {
    const lab = await start()
    const old = await pushTo(lab.seeder, app, { tags: ['a'], mark: 'old' })
    const fresh = await pushTo(lab.seeder, app, { tags: ['b'], mark: 'new' })
    const rows = [
      { name: 'a', manifest_digest: fresh.digest, start_ts: 1_714_550_002 },
      { name: 'a', manifest_digest: old.digest, start_ts: 1_714_550_001 },
    ]
    lab.quay.inject({ on: isTags, reply: json(200, { tags: rows, page: 1, has_additional: false }) })
    const { manifests } = await lab.reader.readRepository(app)
    expect(manifests.map(({ digest, tags }) => [digest, tags.length])).toEqual([[fresh.digest, 1]])
  })
})

describe('what is removed in Quay', () => {
  it('is one tag after the other, never a digest', async () => {
    const lab = await start()
    const { index } = await seedGraph(lab.seeder, app, [])
    expect(await lab.writer.untag(app, tagNamed('v1'))).toEqual({ kind: 'done' })
    expect(await lab.writer.deleteManifest(app, index.digest)).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    expect(await lab.reader.resolveTag(app, tagNamed('latest'))).toBe(index.digest)
    const removals = lab.quay.requests.filter(({ method }) => method === 'DELETE')
    expect(removals.map(({ target }) => target)).toEqual(['/api/v1/repository/acme/app/tag/v1'])
  })

  it('is not what a tag has come to name since', async () => {
    const lab = await start()
    const { fallback, epoch } = await seedGraph(lab.seeder, app, [])
    const [tag] = fallback.tags
    await lab.writer.deleteManifest(app, `sha256:${'0'.repeat(64)}` as Digest)
    // The list was looked at; then the tag moves.
    await lab.seeder.putManifest(app, epoch.bytes, epoch.mediaType, tag ?? '')
    expect(await lab.writer.deleteManifest(app, fallback.digest)).toEqual({ kind: 'done' })
    expect(await lab.reader.resolveTag(app, tagNamed(tag ?? ''))).toBe(epoch.digest)
  })

  it('comes back from the time machine by its tag, without a push', async () => {
    const lab = await start({ isStrict: true })
    const { index, amd64 } = await seedGraph(lab.seeder, app, [])
    for (const tag of index.tags) await lab.writer.untag(app, tag)
    expect(await lab.reader.readManifest(app, amd64.digest)).toBeUndefined()
    lab.quay.forgetRequests()
    expect(await lab.writer.restore?.(app, index.digest, tagNamed('v1'))).toEqual({ kind: 'done' })
    expect(await lab.reader.resolveTag(app, tagNamed('v1'))).toBe(index.digest)
    expect(await lab.reader.readManifest(app, amd64.digest)).toBeDefined()
    expect(lab.quay.requests.filter(({ method }) => method === 'PUT')).toEqual([])
  })

  it('comes back by the tag it lost last, where no tag is named, and takes no name from another image', async () => {
    const lab = await start()
    const one = await pushTo(lab.seeder, app, { tags: ['a', 'b'], mark: 'one' })
    await lab.writer.untag(app, tagNamed('a'))
    await lab.writer.untag(app, tagNamed('b'))
    const taken = await pushTo(lab.seeder, app, { tags: ['b'], mark: 'two' })
    await pushTo(lab.seeder, app, { tags: ['0'], mark: 'three' })
    await lab.writer.untag(app, tagNamed('0'))
    expect(await lab.writer.restore?.(app, one.digest, undefined)).toEqual({ kind: 'done' })
    expect(await lab.reader.resolveTag(app, tagNamed('a'))).toBe(one.digest)
    expect(await lab.reader.resolveTag(app, tagNamed('b'))).toBe(taken.digest)
  })

  it.each([
    { name: 'was collected', spoil: (lab: QuayLab, digest: Digest) => lab.quay.state.collected.add(digest) },
    { name: 'is switched off', spoil: (lab: QuayLab) => (lab.quay.state.windowSeconds = 0) },
  ])('is absent from a time machine that $name', async ({ spoil }) => {
    const lab = await start()
    const { digest } = await pushTo(lab.seeder, app, { tags: ['a'] })
    await lab.writer.untag(app, tagNamed('a'))
    spoil(lab, digest)
    expect(await lab.writer.restore?.(app, digest, tagNamed('a'))).toEqual({ kind: 'absent' })
    expect(await lab.writer.restore?.(app, `sha256:${'0'.repeat(64)}` as Digest, undefined)).toEqual({
      kind: 'absent',
    })
  })

  it('is told apart from what may not be removed, without removing anything', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    expect(await lab.opened.createWriter().probe(app)).toMatchObject({ deletes: { state: 'yes' } })
    const narrow = await start({
      tokens: { narrow: ['repo:read', 'user:read'] },
      apiLogin: { kind: 'bearer', token: 'narrow' },
    })
    await seedGraph(narrow.seeder, app, [])
    const probe = await narrow.opened.createWriter().probe(app)
    expect(probe).toMatchObject({ deletes: { state: 'no' } })
    expect(probe.deletes.cure).toContain('repo:write')
    expect(narrow.quay.state.alive(app).length).toBe(lab.quay.state.alive(app).length)
  })
})

describe('who Winnow is in Quay', () => {
  const schemes = (lab: QuayLab, below: string): ReadonlySet<string> =>
    new Set(
      lab.quay.requests
        .filter(({ url }) => url.pathname.startsWith(below))
        .map(({ headers }) => decoded(headers.authorization ?? 'none')),
    )

  it('is the token at the API and the robot at the registry', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    await lab.reader.listRepositories()
    await lab.reader.readRepository(app)
    expect(schemes(lab, '/api/')).toEqual(new Set([`Bearer ${oauthToken}`]))
    expect(schemes(lab, '/v2/auth')).toEqual(new Set([`Basic ${robot.name}:${robot.token}`]))
  })

  it.each([
    { login: { kind: 'bearer', token: oauthToken } as const, apiLogin: 'none' as const },
    { login: 'none' as const, apiLogin: { kind: 'bearer', token: oauthToken } as const },
    {
      login: { kind: 'basic', username: '$oauthtoken', password: oauthToken } as const,
      apiLogin: 'none' as const,
    },
  ])('is the token at both where there is no robot: $login', async (logins) => {
    const lab = await start(logins)
    await seedGraph(lab.seeder, app, [])
    expect(await lab.reader.listRepositories()).toEqual([app])
    expect(await lab.reader.readRepository(app)).toMatchObject({ complete: true })
    expect(schemes(lab, '/api/')).toEqual(new Set([`Bearer ${oauthToken}`]))
    expect(schemes(lab, '/v2/auth')).toEqual(new Set([`Basic $oauthtoken:${oauthToken}`]))
  })

  it('is told what is missing where there is a robot alone', async () => {
    const lab = await start({ apiLogin: 'none' })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' })
    expect(await lab.writer.untag(app, tagNamed('a')).catch((error: unknown) => error)).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
    })
  })

  it('shows the token of the API to no other origin', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, app, [])
    const registry = await start({ login: 'none', settings: { apiUrl: `${lab.quay.url}/api/v1` } })
    await registry.reader.listRepositories()
    await registry.reader.readRepository(app)
    const shown = registry.quay.requests.map(({ headers }) => decoded(headers.authorization ?? ''))
    expect(shown.join(' ')).not.toContain(oauthToken)
  })

  it('lists the namespaces that it knows of where the token may not read its account', async () => {
    const tokens = { narrow: ['repo:read'] }
    const apiLogin = { kind: 'bearer', token: 'narrow' } as const
    const lab = await start({ tokens, apiLogin, settings: { repositories: [named('team/web')] } })
    for (const name of ['acme/app', 'team/web', 'other/app'])
      await pushTo(lab.seeder, named(name), { tags: ['a'] })
    const events: RunEvent[] = []
    const names = await lab.reader.listRepositories({ onEvent: (event) => events.push(event) })
    expect([...names].toSorted()).toEqual(['acme/app', 'team/web'])
    expect(JSON.stringify(events)).toContain('acme, team')
    const nobody = await start({
      tokens,
      apiLogin,
      login: { kind: 'basic', username: 'jane', password: 'x' },
    })
    await expect(nobody.reader.listRepositories()).rejects.toMatchObject({ code: 'CATALOG_REFUSED' })
  })

  it('is refused by name where the token is wrong', async () => {
    const lab = await start({ apiLogin: { kind: 'bearer', token: 'worn-out-token' } })
    const error = await lab.reader.listRepositories().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', triedCredentials: 'the test' })
    expect(JSON.stringify(error)).not.toContain('worn-out-token')
  })

  it('is not looked for in a registry of another kind', async () => {
    const other = await startFakeServer(() => ({
      status: 404,
      headers: { 'content-type': 'text/plain' },
      body: '404 page not found',
    }))
    const lab = await start({ settings: { baseUrl: other.url } })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({ code: 'PRODUCT_MISMATCH' })
    expect(await lab.reader.readRepository(app)).toMatchObject({ complete: false, manifests: [] })
    await other.stop()
  })
})

describe('what doctor asks of Quay', () => {
  const checks = async (options: QuayLabOptions, prepare: (lab: QuayLab) => void = () => {}) => {
    const lab = await start(options)
    await pushTo(lab.seeder, app, { tags: ['a'] })
    prepare(lab)
    return (await lab.opened.check?.(app, {}))?.map(({ state, text }) => [state, text])
  }

  it('is how long removed tags can be restored', async () => {
    expect((await checks({}))?.[0]).toEqual(['ok', 'removed tags can be restored for 14 days'])
    const off = await checks({}, ({ quay }) => (quay.state.windowSeconds = 0))
    expect(off?.[0]).toEqual(['warning', expect.stringContaining('0s')])
  })

  it('is whether policies of its own delete as well', async () => {
    expect((await checks({}))?.[1]).toEqual(['ok', 'none'])
    const found = await checks({ policies: [{ uuid: 'x', method: 'number_of_tags', value: 10 }] })
    expect(found?.[1]).toEqual(['warning', expect.stringContaining('whatever is in use')])
    const blind = await checks({
      tokens: { narrow: ['repo:read'] },
      apiLogin: { kind: 'bearer', token: 'narrow' },
    })
    expect(blind?.[1]).toEqual(['ok', expect.stringContaining('may not see')])
  })
})

function decoded(authorization: string): string {
  const basic = /^Basic (.+)$/.exec(authorization)?.[1]
  return basic === undefined ? authorization : `Basic ${Buffer.from(basic, 'base64').toString('utf8')}`
}

function named(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}
