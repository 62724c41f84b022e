/** The Trow driver against its fake: the common suites for either line, and what only Trow does. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registryConformance } from '../conformance/registry.ts'
import { json, type FakeRequest } from '../fakes/fake-server.ts'
import { failure } from '../fakes/trow-server.ts'
import { startTrowLab, type TrowLab, type TrowLabOptions } from './trow-lab.ts'

const common = {
  protectsChildren: false,
  listsUntagged: false,
  pullTime: false,
  undo: 'manifest-replay',
} as const

registryConformance(
  'Trow 0.7',
  {
    capabilities: {
      ...common,
      product: 'Trow 0.7',
      deleteByTag: true,
      deleteRemovesSiblings: false,
      pushTime: false,
      referrersApi: true,
    },
    // The tag list, the question for the line, the probe for referrers; then tags and referrers.
    requests: ({ tags, manifests, configs }) => ({
      cold: 3 + tags + 2 * manifests + configs,
      warm: 3 + tags + manifests,
    }),
  },
  startTrowLab,
)
registryConformance(
  'Trow before 0.7',
  {
    capabilities: {
      ...common,
      product: 'Trow before 0.7',
      deleteByTag: false,
      deleteRemovesSiblings: true,
      collectsUntagged: true,
      pushTime: true,
      referrersApi: false,
    },
    // Its manifests stay on the disk, and are given out by digest.
    manners: ['collects-untagged'],
    requests: ({ tags, manifests, configs }) => ({ cold: 3 + tags + manifests + configs, warm: 3 + tags }),
  },
  () => startTrowLab({ line: 'before-0.7' }),
)

const isListing = ({ url }: FakeRequest): boolean =>
  url.pathname.endsWith('/tags/list') || url.pathname.includes('/manifest_history/')
for (const line of ['since-0.7', 'before-0.7'] as const)
  registryFaults(
    `Trow ${line}`,
    {
      catalog: ({ url }) => url.pathname === '/v2/_catalog',
      listing: isListing,
      deletion: ({ method }) => method === 'DELETE',
      rateLimited: { status: 429, headers: { 'retry-after': '1' } },
      refusals: [
        { name: 'no right to', reply: failure(403, 'DENIED'), reason: 'forbidden' },
        { name: 'not of this repository', reply: { status: 405 }, reason: 'unsupported' },
      ],
      expireTokens: (lab) => {
        ;(lab as TrowLab).fake.expireTokens()
      },
      untagsFirst: line === 'since-0.7',
    },
    (options) => startTrowLab({ ...options, line, hasLogin: true }),
  )

const repository = 'team/app' as RepositoryName
const tag = (name: string): TagName => name as TagName
const done = { kind: 'done' }
const labs: TrowLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function opened(
  options: TrowLabOptions = {},
): Promise<{ readonly lab: TrowLab; readonly graph: Graph }> {
  const lab = await startTrowLab(options)
  labs.push(lab)
  lab.fake.clock.now = () => Date.parse('2021-04-14T21:25:02.123Z')
  const graph = await seedGraph(lab.seeder, repository, [])
  lab.fake.forgetRequests()
  return { lab, graph }
}

const deletions = (lab: TrowLab): readonly string[] =>
  lab.fake.requests.filter(({ method }) => method === 'DELETE').map(({ target }) => target)

describe('Trow before 0.7', () => {
  it('tells when a tag was set, by its history, which takes no request more', async () => {
    const { lab, graph } = await opened({ line: 'before-0.7' })
    lab.fake.clock.now = () => Date.parse('2022-01-01T00:00:00Z')
    await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, 'latest')
    lab.fake.forgetRequests()
    const { manifests } = await lab.reader.readRepository(repository)
    const tags = manifests.flatMap((manifest) => manifest.tags.map(({ name, pushedAt }) => [name, pushedAt]))
    expect(tags).toEqual(
      expect.arrayContaining([
        ['latest', Date.parse('2022-01-01T00:00:00Z')],
        ['v1', Date.parse('2021-04-14T21:25:02.123Z')],
      ]),
    )
    expect(lab.fake.requests.some(({ method }) => method === 'HEAD')).toBe(false)
  })

  it('is asked to delete no tag', async () => {
    const { lab } = await opened({ line: 'before-0.7' })
    expect(await lab.writer.untag(repository, tag('v1'))).toMatchObject({ reason: 'unsupported' })
    expect(deletions(lab)).toEqual([])
  })

  it('makes a repository incomplete when a history cannot be understood', async () => {
    const { lab } = await opened({ line: 'before-0.7' })
    await lab.reader.capabilities()
    const history = [{ digest: `sha256:${'a'.repeat(64)}`, date: 'yesterday' }]
    lab.fake.inject({ on: ({ url }) => url.pathname.includes('_history/'), reply: json(200, { history }) })
    expect((await lab.reader.readRepository(repository)).complete).toBe(false)
  })
})

describe('Trow since 0.7', () => {
  it('has tags removed before their digest, so that none leads nowhere where another repository has it', async () => {
    const { lab, graph } = await opened()
    const other = 'team/other' as RepositoryName
    await seedGraph(lab.seeder, other, [])
    lab.fake.store.repository(other).putManifest(graph.epoch.bytes, graph.epoch.mediaType, tag('same'), 0)
    expect(await lab.writer.untag(repository, tag('epoch'))).toEqual(done)
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toEqual(done)
    expect(await lab.reader.resolveTag(repository, tag('epoch'))).toBeUndefined()
    expect(await lab.reader.resolveTag(other, tag('same'))).toBe(graph.epoch.digest)
  })

  it('is not believed when it says 202 of what is not there', async () => {
    const { lab } = await opened()
    const nobodys = `sha256:${'c'.repeat(64)}` as Digest
    expect(await lab.writer.untag(repository, tag('never'))).toEqual({ kind: 'absent' })
    expect(await lab.writer.deleteManifest(repository, nobodys)).toEqual({ kind: 'absent' })
    expect(deletions(lab)).toEqual([])
  })
})

describe('Trow of either line', () => {
  it.each(['since-0.7', 'before-0.7'] as const)(
    '%s: says by a digest that nobody has that it deletes',
    async (line) => {
      const { lab } = await opened({ line })
      const before = lab.fake.store.repository(repository).manifests.size
      const probe = await lab.opened.createWriter().probe(repository)
      expect(probe).toMatchObject({ deletes: { state: 'yes' }, deleteByTag: line === 'since-0.7' })
      expect(lab.fake.store.repository(repository).manifests.size).toBe(before)
    },
  )

  it.each([
    {
      name: 'a proxy that passes on /v2/ alone',
      reply: { status: 404, headers: { 'docker-distribution-api-version': '' } },
    },
    { name: 'a page for everything', reply: { status: 200, body: '<h1>hello</h1>' } },
    { name: 'a refusal', reply: failure(403, 'DENIED') },
  ])('deletes nothing where its line cannot be told: $name', async ({ reply }) => {
    const { lab, graph } = await opened()
    lab.fake.inject({ on: ({ url }) => url.pathname.includes('/manifest_history/'), reply })
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    expect(await lab.reader.capabilities()).toMatchObject({
      product: 'Trow',
      deleteByTag: false,
      deletes: { state: 'no' },
    })
    for (const outcome of [
      await lab.writer.untag(repository, tag('v1')),
      await lab.writer.deleteManifest(repository, graph.epoch.digest),
    ])
      expect(outcome).toMatchObject({ kind: 'refused', reason: 'unsupported' })
    expect((await lab.opened.createWriter().probe(repository)).deletes.state).toBe('no')
    expect(deletions(lab)).toEqual([])
    expect(await lab.opened.check?.(repository, {})).toMatchObject([{ state: 'warning' }])
  })

  it('leaves alone what it fetched from other registries', async () => {
    const { lab, graph } = await opened()
    const proxied = 'f/docker.io/library/alpine' as RepositoryName
    lab.fake.store.repository(proxied).putManifest(graph.epoch.bytes, graph.epoch.mediaType, tag('3'), 0)
    const told: string[] = []
    const onEvent = (event: RunEvent): void => void (event.kind === 'warning' && told.push(event.text))
    expect(await lab.reader.listRepositories({ onEvent })).toEqual([repository])
    expect(told.join()).toContain('f/')
    expect(await lab.reader.readRepository(proxied)).toMatchObject({ complete: false, manifests: [] })
    expect(await lab.writer.untag(proxied, tag('3'))).toMatchObject({ reason: 'unsupported' })
    expect(await lab.writer.deleteManifest(proxied, graph.epoch.digest)).toMatchObject({
      reason: 'unsupported',
    })
    expect(deletions(lab)).toEqual([])
  })

  it('says that a password is wrong', async () => {
    const { lab } = await opened({ hasLogin: true, password: 'other' })
    const read = await lab.reader.readRepository(repository)
    expect(read.complete).toBe(false)
    expect(read.problems.join()).not.toContain('other')
  })
})
