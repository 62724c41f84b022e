/** GitHub Container Registry beside its fake. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { OperationalError } from '../../src/core/errors/errors.ts'
import { parseTagName, type TagName } from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryConformance } from '../conformance/registry.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import type { FakeServer } from '../fakes/fake-server.ts'
import { said } from '../fakes/ghcr-api.ts'
import { repositoryNamed } from '../fakes/ghcr-state.ts'
import { fullScopes, startGhcrLab, tokenSource, type GhcrLab, type GhcrLabOptions } from './ghcr-lab.ts'
import type { RegistryLab } from './lab.ts'

const capabilities = {
  product: 'GitHub Container Registry',
  deleteByTag: true,
  deleteRemovesSiblings: true,
  listsUntagged: true,
  pushTime: true,
  pullTime: false,
  protectsChildren: false,
  referrersApi: false,
  undo: 'bin',
  freesBytes: 'by-itself',
  pageSizeMax: 100,
} as const

registryConformance(
  'GitHub Container Registry',
  {
    capabilities,
    requests: ({ manifests, configs }) => ({
      // Who the owner is, and one page of versions.
      warm: 2,
      // Two requests more for the registry's token.
      cold: 2 + manifests + configs + 2,
    }),
  },
  startGhcrLab,
)

registrySurvival('GitHub Container Registry', {}, async () => {
  const lab = await startGhcrLab()
  const anchored = new Set<string>()
  const { seeder } = lab
  return {
    ...lab,
    seeder: {
      ...seeder,
      // GitHub never lets the last image of a package go.
      putManifest: async (repository, bytes, mediaType, reference) => {
        if (!anchored.has(repository)) {
          anchored.add(repository)
          const anchor = { schemaVersion: 2, mediaType: indexType, manifests: [] }
          await seeder.putManifest(repository, Buffer.from(JSON.stringify(anchor)), indexType, 'keep-anchor')
        }
        await seeder.putManifest(repository, bytes, mediaType, reference)
      },
    },
  }
})

const indexType = 'application/vnd.oci.image.index.v1+json'

registryFaults(
  'GitHub Container Registry',
  {
    catalog: ({ url }) => url.pathname.endsWith('/packages'),
    listing: ({ method, url }) => method === 'GET' && url.pathname.endsWith('/versions'),
    deletion: ({ method }) => method === 'DELETE',
    rateLimited: {
      ...said(403, 'API rate limit exceeded for user ID 1.'),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': `${Math.floor(Date.now() / 1000)}`,
      },
    },
    refusals: [
      {
        name: 'the last tagged version',
        reply: said(
          400,
          'You cannot delete the last tagged version of a package. You must delete the package instead.',
        ),
        reason: 'protected',
      },
      {
        name: 'more than 5000 downloads',
        reply: said(
          400,
          'Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance.',
        ),
        reason: 'protected',
      },
      {
        name: 'no permission',
        reply: said(403, 'Must have admin rights to Repository.'),
        reason: 'forbidden',
      },
      { name: 'not found, and there', reply: said(404, 'Package not found.'), reason: 'forbidden' },
    ],
    expireTokens: (lab) => {
      for (const fake of lab.fakes)
        if ('expireTokens' in fake) (fake as { expireTokens(): void }).expireTokens()
    },
  },
  startGhcrLab,
)

const labs: GhcrLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function start(options: GhcrLabOptions = {}): Promise<GhcrLab> {
  const lab = await startGhcrLab(options)
  labs.push(lab)
  return lab
}

/** With the graph of the suites in `team/app`. */
async function seeded(options: GhcrLabOptions = {}): Promise<GhcrLab & { readonly graph: Graph }> {
  const lab = await start(options)
  const graph = await seedGraph(lab.seeder, app, [])
  lab.server.forgetRequests()
  return { ...lab, graph }
}

const app = repositoryNamed('team/app')
const tag = (text: string): TagName => parseTagName(text) as TagName
const targets = ({ fakes }: RegistryLab): readonly string[] =>
  fakes.flatMap(({ requests }) => requests.map(({ method, target }) => `${method} ${target}`))

describe('times of GitHub', () => {
  it('are those of the last change of a version, and of its first push beside it', async () => {
    const lab = await start()
    const { state } = lab.server
    state.now = () => Date.UTC(2026, 0, 1)
    const { index, chart } = await seedGraph(lab.seeder, app, [])
    state.now = () => Date.UTC(2026, 1, 1)
    state.put(app, index.bytes, index.mediaType, 'again')
    const { manifests } = await lab.reader.readRepository(app)
    const times = new Map(
      manifests.map(({ digest, pushedAt, uploadedAt }) => [digest, { pushedAt, uploadedAt }]),
    )
    const [first, second] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 1, 1)]
    expect(times.get(index.digest)).toEqual({ pushedAt: second, uploadedAt: first })
    expect(times.get(chart.digest)).toEqual({ pushedAt: first, uploadedAt: first })
  })
})

describe('removing one tag at GitHub', () => {
  it('moves it to a throw-away and deletes that, and nothing else', async () => {
    const { writer, reader, server, graph } = await seeded()
    const before = server.state.packages.get(app)?.versions.size
    expect(await writer.untag(app, tag('v1'))).toEqual({ kind: 'done' })
    expect(await reader.resolveTag(app, tag('v1'))).toBeUndefined()
    expect(server.state.tagsOf(app, graph.index.digest)).toEqual(['latest'])
    expect(server.state.packages.get(app)?.versions.size).toBe(before)
    const [deleted] = [...(server.state.packages.get(app)?.bin.values() ?? [])]
    expect(deleted?.tags).toEqual(['v1'])
  })

  it('is refused for the only tag of an image', async () => {
    const { writer, reader, graph } = await seeded()
    expect(await writer.untag(app, tag('epoch'))).toMatchObject({ kind: 'refused', reason: 'unsupported' })
    expect(await reader.resolveTag(app, tag('epoch'))).toBe(graph.epoch.digest)
  })

  it('is refused when the tag was moved since it was looked at', async () => {
    const { writer, reader, server, graph } = await seeded()
    await reader.readRepository(app)
    server.state.put(app, graph.chart.bytes, graph.chart.mediaType, 'v1')
    expect(await writer.untag(app, tag('v1'))).toMatchObject({ kind: 'refused', reason: 'protected' })
    expect(await reader.resolveTag(app, tag('v1'))).toBe(graph.chart.digest)
  })

  it('puts the tag back when the throw-away may not be deleted', async () => {
    const { writer, reader, server, graph } = await seeded()
    server.inject({ on: ({ method }) => method === 'DELETE', reply: said(403, 'Must have admin rights.') })
    expect(await writer.untag(app, tag('v1'))).toMatchObject({ kind: 'refused', reason: 'forbidden' })
    expect(await reader.resolveTag(app, tag('v1'))).toBe(graph.index.digest)
  })

  it('leaves what somebody tagged meanwhile', async () => {
    const { writer, server, graph } = await seeded()
    // Between the throw-away and its deletion somebody pushes the tag again.
    let isPushed = false
    server.inject({
      on: ({ method, url }) => {
        if (
          method === 'GET' &&
          url.pathname.endsWith('/versions') &&
          !isPushed &&
          server.requests.some((each) => each.method === 'PUT')
        ) {
          isPushed = true
          server.state.put(app, graph.chart.bytes, graph.chart.mediaType, 'v1')
        }
        return false
      },
      reply: { status: 500 },
    })
    expect(await writer.untag(app, tag('v1'))).toEqual({ kind: 'done' })
    expect(server.state.tagsOf(app, graph.chart.digest)).toContain('v1')
  })

  it('counts as done for whoever looks after a run that died before the deletion, and is finished by the next', async () => {
    const lab = await seeded()
    const { writer, nextReader, server, graph } = lab
    const heal = server.inject({ on: ({ method }) => method === 'DELETE', reply: 'reset' })
    await expect(writer.untag(app, tag('v1'))).rejects.toBeInstanceOf(OperationalError)
    heal()
    const versions = server.state.packages.get(app)?.versions.size ?? 0
    const next = nextReader?.() ?? lab.reader
    expect(await next.resolveTag(app, tag('v1'))).toBeUndefined()
    const read = await next.readRepository(app)
    expect(read).toMatchObject({ complete: true })
    expect(read.manifests.flatMap(({ tags }) => tags.map(({ name }) => name))).not.toContain('v1')
    expect(read.manifests).toHaveLength(versions - 1)
    // Now that it is in the cache, too.
    expect(await next.resolveTag(app, tag('v1'))).toBeUndefined()
    await lab.reader.readRepository(app)
    expect(await lab.writer.deleteManifest(app, graph.chart.digest)).toEqual({ kind: 'done' })
    expect(server.state.packages.get(app)?.versions.size).toBe(versions - 2)
  })

  it('is finished where the dead run was, even if nothing else changes there', async () => {
    const { writer, server } = await seeded()
    const heal = server.inject({ on: ({ method }) => method === 'DELETE', reply: 'reset' })
    await expect(writer.untag(app, tag('v1'))).rejects.toBeInstanceOf(OperationalError)
    heal()
    const versions = server.state.packages.get(app)?.versions.size ?? 0
    await writer.removeLeftovers?.(app)
    expect(server.state.packages.get(app)?.versions.size).toBe(versions - 1)
  })
})

describe('deleting versions at GitHub', () => {
  it('spares a version that was given a tag since it was looked at', async () => {
    const { writer, reader, server, graph } = await seeded()
    await reader.readRepository(app)
    server.state.put(app, graph.epoch.bytes, graph.epoch.mediaType, 'needed')
    // The look is over its time, so the writer looks again.
    const later = Date.now() + 61_000
    vi.spyOn(Date, 'now').mockReturnValue(later)
    try {
      expect(await writer.deleteManifest(app, graph.epoch.digest)).toMatchObject({
        kind: 'refused',
        reason: 'protected',
      })
    } finally {
      vi.restoreAllMocks()
    }
    expect(server.state.versionOf(app, graph.epoch.digest)).toBeDefined()
  })

  it('spares a version that was given a tag a moment ago, and reads no list for that', async () => {
    const lab = await seeded()
    const { writer, reader, server, graph } = lab
    await reader.readRepository(app)
    server.state.put(app, graph.epoch.bytes, graph.epoch.mediaType, 'release')
    server.forgetRequests()
    const known = { tags: [tag('epoch')] }
    expect(await writer.deleteManifest(app, graph.epoch.digest, {}, known)).toMatchObject({
      kind: 'refused',
      reason: 'protected',
      text: expect.stringContaining('release') as string,
    })
    expect(server.state.tagsOf(app, graph.epoch.digest)).toContain('release')
    const both = { tags: [tag('epoch'), tag('release')] }
    expect(await writer.deleteManifest(app, graph.epoch.digest, {}, both)).toEqual({ kind: 'done' })
    expect(targets(lab).map((target) => target.replace(/\/.*\/versions\/\d+$/, ' one'))).toEqual([
      'GET  one',
      'GET  one',
      'DELETE  one',
    ])
  })

  it('counts a version that went since it was listed as absent', async () => {
    const { writer, reader, server, graph } = await seeded()
    await reader.readRepository(app)
    server.state.delete(app, server.state.versionOf(app, graph.epoch.digest)?.id ?? 0)
    const known = { tags: [tag('epoch')] }
    expect(await writer.deleteManifest(app, graph.epoch.digest, {}, known)).toEqual({ kind: 'absent' })
  })

  it('lists once for many deletions', async () => {
    const lab = await seeded()
    const { writer, graph } = lab
    for (const { digest } of [graph.epoch, graph.chart, graph.schema1])
      await writer.deleteManifest(app, digest)
    expect(
      targets(lab).filter((target) => target.startsWith('GET') && target.includes('/versions?')),
    ).toHaveLength(1)
    expect(targets(lab).filter((target) => target.startsWith('DELETE'))).toHaveLength(3)
  })

  it('tells that the rights are missing where GitHub says that nothing is there', async () => {
    const { writer, server, graph } = await seeded({
      token: { login: 'octo', scopes: fullScopes, isAdmin: false },
    })
    expect(await writer.deleteManifest(app, graph.epoch.digest)).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
    })
    expect(server.state.versionOf(app, graph.epoch.digest)).toBeDefined()
  })
})

describe('GitHub’s bin', () => {
  it('gives a version back with its tags', async () => {
    const { writer, reader, server, graph } = await seeded()
    await writer.deleteManifest(app, graph.epoch.digest)
    // Even its layers may be gone from the registry by then.
    expect(await writer.restore?.(app, graph.epoch.digest, undefined)).toEqual({ kind: 'done' })
    expect(await reader.resolveTag(app, tag('epoch'))).toBe(graph.epoch.digest)
    const posted = server.requests.filter(({ method }) => method === 'POST').map(({ target }) => target)
    expect(posted).toEqual([expect.stringMatching(/\/versions\/\d+\/restore$/)])
  })

  it('is not asked for a version whose tag has been given to another image', async () => {
    const { writer, reader, server, graph } = await seeded()
    await writer.deleteManifest(app, graph.epoch.digest)
    server.state.put(app, graph.chart.bytes, graph.chart.mediaType, 'epoch')
    await reader.readRepository(app)
    expect(await writer.restore?.(app, graph.epoch.digest, undefined)).toEqual({ kind: 'absent' })
    expect(await reader.resolveTag(app, tag('epoch'))).toBe(graph.chart.digest)
  })

  it('has no single tags, and nothing that was never deleted', async () => {
    const { writer, graph } = await seeded()
    await writer.untag(app, tag('v1'))
    expect(await writer.restore?.(app, graph.index.digest, tag('v1'))).toEqual({ kind: 'absent' })
    expect(await writer.restore?.(app, graph.chart.digest, undefined)).toEqual({ kind: 'absent' })
  })
})

describe('which repositories there are at GitHub', () => {
  const put = (lab: GhcrLab, ...names: readonly string[]): void => {
    for (const name of names)
      lab.server.state.put(name, Buffer.from('{"schemaVersion":2,"manifests":[]}'), indexType, 'x')
  }

  it('are those of the token’s user and its organisations', async () => {
    const lab = await start()
    put(lab, 'octo/own', 'acme/app/web', 'stranger/app')
    expect((await lab.reader.listRepositories()).toSorted()).toEqual(['acme/app/web', 'octo/own'])
  })

  it('are those of the owners that policies name, where they name them all', async () => {
    const lab = await start({ settings: { namespaces: ['stranger', 'nobody'] } })
    put(lab, 'octo/own', 'stranger/app')
    lab.server.state.nobodies.add('nobody')
    const { events, options } = watched()
    expect(await lab.reader.listRepositories(options)).toEqual(['stranger/app'])
    expect(events).toContainEqual({ kind: 'warning', text: 'test: GitHub knows nobody called nobody.' })
  })

  it('are only the user’s where GitHub does not tell the organisations, and that is said', async () => {
    const lab = await start({ token: { login: 'octo', scopes: fullScopes, tellsOrganisations: false } })
    put(lab, 'octo/own', 'acme/app')
    const { events, options } = watched()
    expect(await lab.reader.listRepositories(options)).toEqual(['octo/own'])
    expect(events).toContainEqual({ kind: 'warning', text: expect.stringContaining('read:org') as string })
  })

  it('are those that policies name in full, for the token of a workflow', async () => {
    const token = { login: undefined, scopes: undefined, secret: 'ghs_0123456789' }
    const lab = await start({ token, settings: { namespaces: ['team'], repositories: [app] } })
    put(lab, 'team/app', 'team/other')
    const { events, options } = watched()
    expect(await lab.reader.listRepositories(options)).toEqual(['team/app'])
    expect(events.map(({ kind }) => kind)).toEqual(['warning'])
    expect(await lab.reader.readRepository(app)).toMatchObject({
      complete: true,
      manifests: [{ tags: [{ name: 'x' }] }],
    })
    expect(targets(lab).filter((target) => target.includes('/user'))).toEqual(['GET /api/v3/users/team'])
  })

  it('of another user are read under its name, those of one’s own under /user', async () => {
    const lab = await start()
    lab.server.state.users.add('somebody')
    put(lab, 'octo/own', 'somebody/app')
    await lab.reader.readRepository(repositoryNamed('octo/own'))
    await lab.reader.readRepository(repositoryNamed('somebody/app'))
    const asked = targets(lab).filter((target) => target.includes('/versions'))
    expect(asked).toEqual([
      'GET /api/v3/user/packages/container/own/versions?per_page=100&page=1',
      'GET /api/v3/users/somebody/packages/container/app/versions?per_page=100&page=1',
    ])
  })
})

describe('a list of versions that changes while it is read', () => {
  it.each([
    { page: 7, place: 0 },
    { page: 2, place: 1 },
    // Hides an untagged index, which nothing else leads to.
    { page: 3, place: 3 },
    { page: 4, place: 5 },
  ])('is read again when version $place is deleted before page $page is read', async ({ page, place }) => {
    const { reader, server, graph } = await seeded({ pageSize: 2 })
    const digests = (): readonly string[] =>
      [...(server.state.packages.get(app)?.versions.values() ?? [])].map(({ digest }) => digest).toSorted()
    let isDeleted = false
    server.inject({
      on: ({ url }) => {
        if (isDeleted || url.searchParams.get('page') !== `${page}`) return false
        isDeleted = true
        const newestFirst = [...(server.state.packages.get(app)?.versions.keys() ?? [])].toSorted(
          (x, y) => y - x,
        )
        server.state.delete(app, newestFirst[place] ?? 0)
        return false
      },
      reply: { status: 500 },
    })
    const read = await reader.readRepository(app)
    expect(digests()).toHaveLength(Object.keys(graph).length - 1)
    expect(read.manifests.map(({ digest }) => digest).toSorted()).toEqual(digests())
  })

  it('is no list when that never ends', async () => {
    const { reader, server } = await seeded({ pageSize: 3 })
    server.inject({
      on: ({ url }) => {
        if (!url.pathname.endsWith('/versions')) return false
        const versions = server.state.packages.get(app)?.versions ?? new Map<number, unknown>()
        if (versions.size > 4) server.state.delete(app, Math.max(...versions.keys()))
        server.state.put(
          app,
          Buffer.from(`{"schemaVersion":2,"manifests":[],"annotations":{"n":"${Math.random()}"}}`),
          indexType,
          'busy',
        )
        return false
      },
      reply: { status: 500 },
    })
    const read = await reader.readRepository(app)
    expect(read).toMatchObject({ complete: false })
    expect(read.problems.join()).toContain('deleted while they were listed')
  })

  it('may grow, and is whole all the same', async () => {
    const { reader, server, graph } = await seeded({ pageSize: 3 })
    let isPushed = false
    server.inject({
      on: ({ url }) => {
        if (!isPushed && url.searchParams.get('page') === '2') {
          isPushed = true
          server.state.put(app, Buffer.from('{"schemaVersion":2,"manifests":[]}'), indexType, 'new')
        }
        return false
      },
      reply: { status: 500 },
    })
    const read = await reader.readRepository(app)
    expect(read).toMatchObject({ complete: true })
    expect(read.manifests).toHaveLength(Object.keys(graph).length + 1)
  })
})

describe('GitHub, misunderstood', () => {
  it('does not take a package that the token may not see for one that is gone', async () => {
    const { reader, server } = await seeded()
    server.inject({
      on: ({ url }) => url.pathname.endsWith('/versions'),
      reply: said(404, 'Package not found.'),
    })
    const read = await reader.readRepository(app)
    expect(read).toMatchObject({ complete: false })
    expect(read.problems.join()).toContain('read:packages')
  })

  it('says that it may be hidden when a package is not there', async () => {
    const lab = await start()
    const { events, options } = watched()
    expect(await lab.reader.readRepository(app, options)).toMatchObject({ complete: true, manifests: [] })
    expect(events).toContainEqual({
      kind: 'warning',
      text: expect.stringContaining('does not show it') as string,
    })
  })

  it('says which token to make in place of a fine-grained one', async () => {
    const { reader } = await start({
      token: { login: 'octo', scopes: fullScopes, secret: 'github_pat_0123456789' },
    })
    const failure = await reader.listRepositories().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' })
    expect((failure as OperationalError).hint).toContain('classic token')
  })

  it('says so when what answers is something else', async () => {
    const { reader, server } = await seeded()
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1>' }
    server.inject({ on: ({ url }) => url.pathname.startsWith('/api/v3/'), reply: page })
    const failure = await reader.listRepositories().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'PRODUCT_MISMATCH' })
    expect((failure as OperationalError).message).toContain('does not look like GitHub')
  })

  it('says so when the API refuses the token', async () => {
    const { reader, server } = await seeded()
    server.state.tokens.clear()
    await expect(reader.listRepositories()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})

describe('credentials at GitHub', () => {
  it('are a password for the registry’s token server and a bearer for the API, each at its own address', async () => {
    const lab = await seeded({ hasOwnApi: true })
    await lab.reader.readRepository(app)
    const [registry, api] = lab.fakes
    const sentTo = (fake: FakeServer | undefined, path: RegExp): readonly string[] =>
      (fake?.requests ?? []).flatMap(({ url, headers }) =>
        path.test(url.pathname) ? (headers.authorization ?? 'none') : [],
      )
    expect(new Set(sentTo(api, /./))).toEqual(new Set([`Bearer ${lab.environment['GHCR_TOKEN'] ?? ''}`]))
    expect(sentTo(registry, /^\/token$/).every((header) => header.startsWith('Basic '))).toBe(true)
    expect(sentTo(registry, /^\/v2\//).some((header) => header.includes('ghp_'))).toBe(false)
    expect((registry?.requests ?? []).some(({ url }) => url.pathname.startsWith('/api/'))).toBe(false)
  })

  it('of the API may be others', async () => {
    const lab = await start({ settings: { apiCredentials: tokenSource('ghp_other0123456789') } })
    lab.server.state.tokens.set('ghp_other0123456789', { login: 'other', scopes: fullScopes })
    lab.server.state.organisationsOf.set('other', ['team'])
    await seedGraph(lab.seeder, app, [])
    expect(await lab.reader.listRepositories()).toEqual(['team/app'])
  })

  it.each([
    { name: 'with every scope', scopes: fullScopes, state: 'ok', missing: '' },
    { name: 'that cannot delete', scopes: ['write:packages'], state: 'warning', missing: 'delete:packages' },
    { name: 'that cannot read', scopes: ['repo'], state: 'failed', missing: 'read:packages' },
  ])('of a classic token $name are checked', async ({ scopes, state, missing }) => {
    const { opened } = await start({ token: { login: 'octo', scopes } })
    const checks = (await opened.check?.(app, {})) ?? []
    expect(checks).toContainEqual(expect.objectContaining({ what: 'have the scopes', state }))
    expect(checks.find(({ what }) => what === 'have the scopes')?.text).toContain(missing)
    const { deletes } = await opened.createWriter().probe(app)
    expect(deletes.state).toBe(state === 'ok' ? 'unknown' : 'no')
  })

  it('of a workflow are told to be such', async () => {
    const { opened } = await start({
      token: { login: undefined, scopes: undefined, secret: 'ghs_0123456789' },
    })
    expect(await opened.check?.(app, {})).toMatchObject([
      { state: 'warning', cure: expect.stringContaining('Admin') as string },
    ])
  })
})

function watched(): {
  readonly events: RunEvent[]
  readonly options: { readonly onEvent: (event: RunEvent) => void }
} {
  const events: RunEvent[] = []
  return {
    events,
    options: {
      onEvent: (event) => {
        if (event.kind !== 'progress') events.push(event)
      },
    },
  }
}
