/** Docker Hub: the shared suites, and what is its own. */
import { afterEach, describe, expect, it } from 'vitest'
import { hubAddresses } from '../../src/adapters/registries/docker-hub/hub-addresses.ts'
import { immutableTags } from '../../src/adapters/registries/docker-hub/immutable-tags.ts'
import type { DriverWriter } from '../../src/adapters/registries/driver.ts'
import { ListUnsettledError } from '../../src/adapters/registries/list-unsettled.ts'
import { CatalogRefusedError } from '../../src/adapters/registries/oci/errors.ts'
import { ProductMismatchError } from '../../src/adapters/registries/product-api.ts'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { parseRepositoryName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'
import { registryConformance } from '../conformance/registry.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import { json, startFakeServer } from '../fakes/fake-server.ts'
import { hubUser, type HubServerOptions } from '../fakes/hub-server.ts'
import { openHubLab, startDockerHubLab, type HubLab } from './docker-hub-lab.ts'
import { openLab, seederOver } from './lab.ts'

const repositoryOf = (mark: string): string => `acme/${mark}`

registryConformance(
  'Docker Hub',
  {
    capabilities: {
      product: 'Docker Hub',
      deleteByTag: true,
      deleteRemovesSiblings: false,
      listsUntagged: false,
      pushTime: true,
      pullTime: true,
      protectsChildren: true,
      referrersApi: false,
      undo: 'none',
      freesBytes: 'by-itself',
      pageSizeMax: 100,
    },
    repositoryOf,
    // A login, the repository and its tags; of the registry a challenge, a token and the question for referrers.
    // The first time, all that are under way before the first challenge are challenged.
    requests: ({ manifests, configs }) => ({ cold: 6 + 15 + manifests + configs, warm: 6 }),
  },
  () => startDockerHubLab(),
)

registryFaults(
  'Docker Hub',
  {
    repository: 'acme/app',
    catalog: ({ url }) => url.pathname === '/v2/namespaces/acme/repositories',
    listing: ({ url }) => url.pathname.startsWith('/v2/namespaces/acme/repositories/'),
    deletion: ({ method }) => method === 'DELETE',
    rateLimited: {
      status: 429,
      headers: { 'x-ratelimit-remaining': '0', 'x-retry-after': '1', 'content-type': 'text/plain' },
      body: 'Too Many Requests',
    },
    refusals: [
      { name: 'an immutable tag', reply: json(403, { message: 'tag is immutable' }), reason: 'protected' },
      {
        name: 'a token that may not',
        reply: json(403, { message: 'access denied: insufficient scope' }),
        reason: 'forbidden',
      },
      { name: 'no login', reply: json(401, { detail: 'Invalid token' }), reason: 'forbidden' },
    ],
    expireTokens: (lab) => {
      ;(lab as HubLab).state.expireTokens()
    },
    untagsFirst: true,
  },
  startDockerHubLab,
)

registrySurvival('Docker Hub', { repositoryOf }, () => startDockerHubLab())

const repository = parseRepositoryName('acme/app') as RepositoryName
const tag = (name: string): TagName => name as TagName
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function seeded(
  options: HubServerOptions = {},
  parts: Parameters<typeof openHubLab>[1] = {},
): Promise<{ readonly lab: HubLab; readonly graph: Graph }> {
  const lab = await openHubLab(options, parts)
  stops.push(() => lab.stop())
  return { lab, graph: await seedGraph(lab.seeder, repository, []) }
}

async function warningsOf(work: (options: { onEvent: (event: RunEvent) => void }) => Promise<unknown>) {
  const warnings: string[] = []
  await work({ onEvent: (event) => event.kind === 'warning' && warnings.push(event.text) })
  return warnings
}

describe('what it tells of tags', () => {
  it('has times of pushes and pulls, of tags and of platforms, and none where there is none', async () => {
    const { lab, graph } = await seeded()
    lab.state.setTimes(repository, 'v1', {
      tag_last_pushed: '2024-04-19T18:19:45.000000Z',
      last_updated: '2024-04-20T18:19:45.123456Z',
      tag_last_pulled: '2024-05-01T00:00:00.000000Z',
    })
    lab.state.setTimes(repository, 'epoch', {
      tag_last_pushed: null,
      last_updated: null,
      tag_last_pulled: '0001-01-01T00:00:00Z',
    })
    const { manifests } = await lab.reader.readRepository(repository)
    const v1 = manifests.flatMap(({ tags }) => tags).find(({ name }) => name === 'v1')
    expect([v1?.pushedAt, v1?.pulledAt]).toEqual([
      Date.parse('2024-04-20T18:19:45.123Z'),
      Date.parse('2024-05-01T00:00:00Z'),
    ])
    const arm64 = manifests.find(({ digest }) => digest === graph.arm64.digest)
    expect(arm64?.pulledAt).toBe(Date.parse('2024-05-01T00:00:00Z'))
    const epoch = manifests.find(({ digest }) => digest === graph.epoch.digest)
    expect([epoch?.tags[0]?.pushedAt, epoch?.tags[0]?.pulledAt]).toEqual([undefined, undefined])
  })

  it('asks the registry for the digest of an old tag, which is no pull', async () => {
    const { lab, graph } = await seeded()
    await lab.reader.readRepository(repository)
    const { pulls } = lab.state
    lab.state.digestless.add('chart-1.0.0')
    const { manifests, complete } = await (lab.nextReader?.() ?? lab.reader).readRepository(repository)
    const chart = manifests.find(({ digest }) => digest === graph.chart.digest)
    expect([complete, chart?.tags.map(({ name }) => name)]).toEqual([true, ['chart-1.0.0']])
    expect(lab.state.pulls).toBe(pulls)
  })

  it('locks what is immutable', async () => {
    const { lab, graph } = await seeded()
    lab.state.immutable.set(repository, ['^v[0-9]'])
    const { manifests } = await lab.reader.readRepository(repository)
    expect(manifests.filter(({ locked }) => locked).map(({ digest }) => digest)).toEqual([graph.index.digest])
    expect(await lab.writer.untag(repository, tag('v1'))).toMatchObject({ reason: 'protected' })
  })

  it.each([
    ['nothing where it is switched off', { enabled: false, rules: ['.*'] }, []],
    ['everything without rules', { enabled: true, rules: [] }, ['v1', 'latest']],
    ['what a rule matches anywhere', { enabled: true, rules: ['v'] }, ['v1']],
    ['everything by a rule that cannot be read', { enabled: true, rules: ['(?=v)'] }, ['v1', 'latest']],
    ['everything by a rule of another form', { enabled: true, rules: [{ regex: 'v' }] }, ['v1', 'latest']],
  ])('takes for immutable %s', (_, settings, locked) => {
    const isLocked = immutableTags({ immutable_tags_settings: settings })
    expect(['v1', 'latest'].filter(isLocked)).toEqual(locked)
  })
})

describe('what it lists', () => {
  it('is the user’s own namespace, and those of policies', async () => {
    const { lab } = await seeded()
    await seedGraph(lab.seeder, parseRepositoryName('team/other') as RepositoryName, [])
    expect(await lab.reader.listRepositories()).toEqual([repository])
    const other = await openHubLab({}, { settings: { namespaces: ['team'] } })
    stops.push(() => other.stop())
    await seedGraph(other.seeder, parseRepositoryName('team/other') as RepositoryName, [])
    await seedGraph(other.seeder, repository, [])
    expect(await other.reader.listRepositories()).toEqual(['team/other'])
  })

  it('says so when a repository that a policy names is not shown', async () => {
    const users = [{ ...hubUser, lists: false }]
    const { lab } = await seeded({ users }, { settings: { repositories: [repository] } })
    lab.state.privates.add(repository)
    let names: readonly string[] = []
    const warnings = await warningsOf(async (options) => {
      names = await lab.reader.listRepositories(options)
    })
    expect(names).toEqual([repository])
    expect(warnings).toEqual([expect.stringContaining('does not list acme/app')])
  })

  it('is nothing that could be known where nobody is logged in and no policy names a namespace', async () => {
    const { lab } = await seeded({}, { credentials: { get: async () => undefined } })
    await expect(lab.reader.listRepositories()).rejects.toBeInstanceOf(CatalogRefusedError)
  })

  it('is read again when rows are missing, and given up when they stay missing', async () => {
    const { lab } = await seeded()
    const tags = ({ url }: { readonly url: URL }): boolean => url.pathname.endsWith('/tags')
    const short = json(200, { count: 2, next: null, previous: null, results: [] })
    const stop = lab.api.inject({ on: tags, times: 1, reply: short })
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    stop()
    lab.api.inject({ on: tags, reply: short })
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect([complete, problems.join()]).toEqual([false, expect.stringContaining('0 of 2 rows')])
    expect(new ListUnsettledError('a', 'b', 0, 2).code).toBe('LIST_UNSETTLED')
  })
})

describe('what counts as a pull', () => {
  it('is read once, also when a run is cut short in between', async () => {
    const { lab, graph } = await seeded({}, { settings: { concurrency: 1 } })
    const cut = new AbortController()
    lab.registry.inject({
      on: ({ method, url }) => {
        if (method === 'GET' && url.pathname.includes('/manifests/') && lab.state.pulls === 3) cut.abort()
        return false
      },
      reply: 'reset',
    })
    const { signal } = cut
    await expect(lab.reader.readRepository(repository, { signal })).rejects.toBeInstanceOf(InterruptedError)
    expect((await lab.nextReader?.().readRepository(repository))?.complete).toBe(true)
    // All but the untagged index, which is not seen; the one that was under way is asked for again.
    expect(lab.state.pulls).toBeLessThanOrEqual(Object.keys(graph).length - 1 + 1)
  })
})

describe('what it deletes', () => {
  it('refuses a manifest that a tag or another image refers to', async () => {
    const { lab, graph } = await seeded()
    for (const { digest } of [graph.index, graph.amd64])
      expect(await lab.writer.deleteManifest(repository, digest)).toMatchObject({ reason: 'referenced' })
  })

  it('counts as done what goes on behind a failure of the server', async () => {
    const { lab, graph } = await seeded()
    await lab.writer.untag(repository, tag('epoch'))
    lab.registry.inject({
      on: ({ method }) => {
        if (method === 'DELETE') lab.state.store.repository(repository).remove(graph.epoch.digest)
        return method === 'DELETE'
      },
      reply: { status: 500, body: 'boom' },
    })
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toEqual({ kind: 'done' })
  })

  it.each(['read', 'write'] as const)('is refused to a token for %s, with what it takes', async (level) => {
    const { lab, graph } = await seeded({ users: [{ ...hubUser, level }] })
    const forbidden = {
      kind: 'refused',
      reason: 'forbidden',
      text: expect.stringContaining('read, write and delete') as string,
    }
    expect(await lab.writer.untag(repository, tag('v1'))).toMatchObject(forbidden)
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toMatchObject(forbidden)
    expect(await (lab.writer as DriverWriter).probe(repository)).toMatchObject({ deletes: { state: 'no' } })
  })

  it('finds out beforehand whether it may delete', async () => {
    const { lab } = await seeded()
    expect(await (lab.writer as DriverWriter).probe(repository)).toMatchObject({ deletes: { state: 'yes' } })
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ state, text }) => [state, text])).toEqual([
      ['ok', 'as acme; lists acme'],
      ['ok', 'allowed'],
    ])
  })
})

describe('who is told what', () => {
  it('shows each credential to its own host alone', async () => {
    const { lab } = await seeded()
    lab.state.privates.add(repository)
    await lab.reader.listRepositories()
    await lab.reader.readRepository(repository)
    await lab.writer.untag(repository, tag('epoch'))
    const sent = (fake: typeof lab.api): readonly string[] => [
      ...new Set(fake.requests.flatMap(({ headers }) => headers.authorization?.replace(/-.*/, '') ?? [])),
    ]
    expect(sent(lab.api)).toEqual(['Bearer api'])
    expect(sent(lab.registry)).toEqual(['Bearer registry'])
    const basic = `Basic ${Buffer.from(`${hubUser.name}:${hubUser.secret}`).toString('base64')}`
    expect(new Set(lab.tokens.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([basic]))
    const bodies = lab.api.requests.filter(({ body }) => body.length > 0)
    expect(bodies.map(({ url }) => url.pathname)).toEqual(['/v2/auth/token'])
    for (const { body } of [...lab.registry.requests, ...lab.tokens.requests])
      expect(body.toString()).not.toContain(hubUser.secret)
  })

  it('says that a login is refused, and does not show it', async () => {
    const credentials = {
      get: async () => ({ kind: 'basic', username: 'acme', password: 'dckr_pat_wrong' }) as const,
    }
    const { lab } = await seeded({}, { credentials })
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect([complete, problems.join()]).toEqual([false, expect.stringContaining('personal access token')])
    expect(problems.join()).not.toContain('dckr_pat_wrong')
  })

  it('takes no login that is good for pulling only', async () => {
    const credentials = { get: async () => ({ kind: 'identity-token', token: 'a-token' }) as const }
    const { lab } = await seeded({}, { credentials })
    expect((await lab.reader.readRepository(repository)).problems.join()).toContain('good for pulling only')
  })

  it('needs one address only where everything is at one', async () => {
    const { lab } = await seeded({}, { settings: { apiUrl: undefined } })
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    expect(lab.api.requests).toEqual([])
  })
})

describe('what is not Docker Hub', () => {
  it('says that the kind is wrong', async () => {
    const server = await startFakeServer(({ url }) =>
      url.pathname === '/v2/'
        ? json(200, {})
        : { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' },
    )
    const lab = await openLab({
      kind: 'docker-hub',
      url: server.url,
      fakes: [server],
      seeder: seederOver(server.url),
      settings: { namespaces: ['acme'] },
      stop: async () => undefined,
    })
    stops.push(() => lab.stop())
    await expect(lab.reader.listRepositories()).rejects.toBeInstanceOf(ProductMismatchError)
    expect((await lab.reader.readRepository(repository)).problems.join()).toContain(
      'does not look like Docker Hub',
    )
  })
})

it.each([
  ['https://docker.io', undefined, 'https://registry-1.docker.io', 'https://hub.docker.com/v2'],
  ['https://index.docker.io', undefined, 'https://registry-1.docker.io', 'https://hub.docker.com/v2'],
  [
    'https://registry-1.docker.io',
    'https://hub.example.com/v2/',
    'https://registry-1.docker.io',
    'https://hub.example.com/v2',
  ],
  ['http://127.0.0.1:5000', undefined, 'http://127.0.0.1:5000', 'http://127.0.0.1:5000/v2'],
])('%s is %s', (url, apiUrl, registry, api) => {
  expect(hubAddresses(url, apiUrl)).toEqual({ registry, api })
})
