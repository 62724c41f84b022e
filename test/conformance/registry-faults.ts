/**
 * What a driver makes of a product that fails: pages of every size, answers that are cut, refused, rate limited, tokens
 * that die in the middle of a run, redirects to strangers. Every driver passes it beside its fake.
 *
 * The rule under all of it: a listing is whole or it is no listing, and a deletion either happened or is told.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { OperationalError } from '../../src/core/errors/errors.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import type { RepositoryInventory } from '../../src/core/inventory/inventory.ts'
import type { ChangeOutcome, RefusalReason } from '../../src/ports/mutable-registry.ts'
import { startFakeServer, type FakeRequest, type Reply } from '../fakes/fake-server.ts'
import type { LabOptions, RegistryLab } from '../registries/lab.ts'
import { seedGraph, type Graph, type PlantedName } from './registry-fixture.ts'

export interface FaultExpectations {
  /** The suite's repository. @default `team/app` */
  readonly repository?: string
  /** What the product does not take from a client. @default [] */
  readonly without?: readonly PlantedName[]
  /** Requests by which repositories are listed; undefined where the product has no such list. */
  readonly catalog: ((request: FakeRequest) => boolean) | undefined
  /** Requests by which the contents of a repository are listed, every page. */
  readonly listing: (request: FakeRequest) => boolean
  /** Requests that remove something. */
  readonly deletion: (request: FakeRequest) => boolean
  /** How the product says that there were too many requests, with its own headers and a wait of at most a second. */
  readonly rateLimited: Reply
  /** How it refuses a deletion, and what is to be made of it. */
  readonly refusals: readonly {
    readonly name: string
    readonly reply: Reply
    readonly reason: RefusalReason
  }[]
  /** Makes every token that was given out worthless; undefined where the driver is given none. */
  readonly expireTokens: ((lab: RegistryLab) => void) | undefined
  /** Tags must be removed before the digest is. @default false */
  readonly untagsFirst?: boolean
  /** @default [1, 2, 3, 7] */
  readonly pageSizes?: readonly number[]
}

/** Headers that no stranger may be shown. */
const secretHeaders = ['authorization', 'cookie', 'x-jfrog-art-api', 'x-harbor-csrf-token', 'private-token']

export function registryFaults(
  name: string,
  expected: FaultExpectations,
  setup: (options: LabOptions) => Promise<RegistryLab>,
): void {
  describe(`${name} when it fails`, () => {
    const stops: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const stop of stops.splice(0)) await stop()
    })
    const seeded = async (options: LabOptions = {}): Promise<Seeded> => {
      const lab = await setup(options)
      stops.push(() => lab.stop())
      const repository = repositoryNamed(expected.repository ?? 'team/app')
      const graph = await seedGraph(lab.seeder, repository, expected.without ?? [])
      for (const fake of lab.fakes) fake.forgetRequests()
      return { lab, repository, graph }
    }
    pagingTests(expected, seeded)
    brokenListingTests(expected, seeded)
    patienceTests(expected, seeded)
    deletionTests(expected, seeded)
    it('shows no credential to a host that it is redirected to', async () => {
      const stranger = await startFakeServer(() => ({ status: 404 }))
      stops.push(() => stranger.stop())
      const { lab, repository } = await seeded()
      inject(lab, (request) => expected.listing(request), {
        status: 307,
        headers: { location: `${stranger.url}/elsewhere` },
      })
      await settled(lab.reader.readRepository(repository))
      for (const { headers } of stranger.requests)
        for (const header of secretHeaders) expect(headers[header]).toBeUndefined()
    })
  })
}

interface Seeded {
  readonly lab: RegistryLab
  readonly repository: RepositoryName
  readonly graph: Graph
}

type Seed = (options?: LabOptions) => Promise<Seeded>

function pagingTests({ catalog, pageSizes = [1, 2, 3, 7] }: FaultExpectations, seeded: Seed): void {
  it('reads the same whatever the size of a page', async () => {
    const whole = await seeded()
    const rows = rowsOf(await whole.lab.reader.readRepository(whole.repository))
    expect(rows.length).toBeGreaterThan(0)
    for (const pageSize of pageSizes) {
      const { lab, repository } = await seeded({ pageSize })
      const read = await lab.reader.readRepository(repository)
      expect(read).toMatchObject({ complete: true })
      expect(rowsOf(read)).toEqual(rows)
      if (catalog !== undefined) expect(await lab.reader.listRepositories()).toContain(repository)
    }
  })
}

function brokenListingTests({ catalog, listing }: FaultExpectations, seeded: Seed): void {
  const broken: readonly (readonly [string, Reply | 'reset' | 'cut'])[] = [
    ['an error', { status: 500, body: 'boom' }],
    ['a refusal', { status: 403, headers: { 'content-type': 'application/json' }, body: '{}' }],
    [
      'a page of a proxy',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1>' },
    ],
    ['half of the answer', 'cut'],
    ['a broken connection', 'reset'],
    ['JSON that is something else', json({ message: 'fine' })],
  ]
  it.each(broken)('never takes less for the whole: the listing answers with %s', async (_, reply) => {
    const { lab, repository } = await seeded()
    inject(lab, listing, reply)
    expectNothingMissed(await settled(lab.reader.readRepository(repository)))
  })

  it.each(broken)('never takes less for the whole: a later page is %s', async (_, reply) => {
    const { lab, repository } = await seeded({ pageSize: 2 })
    const before = lab.fakes.flatMap(({ requests }) => requests).length
    const whole = await lab.reader.readRepository(repository)
    const pages = lab.fakes.flatMap(({ requests }) => requests.slice(before)).filter(listing).length
    if (pages < 2) return
    for (const fake of lab.fakes) fake.inject({ on: listing, after: 1, reply })
    const read = await settled((lab.nextReader?.() ?? lab.reader).readRepository(repository))
    if (read instanceof OperationalError || !read.complete) return
    // What it read some other way must be all there is.
    expect(rowsOf(read)).toEqual(rowsOf(whole))
  })

  it.skipIf(catalog === undefined).each(broken)(
    'never takes less for all repositories: their list answers with %s',
    async (_, reply) => {
      const { lab } = await seeded()
      inject(lab, (request) => catalog?.(request) === true, reply)
      const listed = await lab.reader.listRepositories().catch((error: unknown) => error)
      expect(listed).toBeInstanceOf(OperationalError)
    },
  )
}

function patienceTests({ listing, rateLimited, expireTokens }: FaultExpectations, seeded: Seed): void {
  it('waits when it is told to, and reads everything', async () => {
    const { lab, repository } = await seeded()
    const whole = await lab.reader.readRepository(repository)
    for (const fake of lab.fakes) fake.inject({ on: listing, times: 1, reply: rateLimited })
    const read = await (lab.nextReader?.() ?? lab.reader).readRepository(repository)
    expect(read).toMatchObject({ complete: true })
    expect(rowsOf(read)).toEqual(rowsOf(whole))
  })

  it.skipIf(expireTokens === undefined)(
    'logs in again when its token dies in the middle of a run',
    async () => {
      const { lab, repository } = await seeded()
      const whole = await lab.reader.readRepository(repository)
      expireTokens?.(lab)
      const read = await lab.reader.readRepository(repository)
      expect(read).toMatchObject({ complete: true })
      expect(rowsOf(read)).toEqual(rowsOf(whole))
    },
  )
}

function deletionTests(expected: FaultExpectations, seeded: Seed): void {
  const { deletion, refusals } = expected
  it.each(refusals)('tells a refused deletion: $name', async ({ reply, reason }) => {
    const at = await seeded()
    inject(at.lab, deletion, reply)
    expect(await remove(at, expected)).toMatchObject({ kind: 'refused', reason })
    expect(await at.lab.reader.readManifest(at.repository, at.graph.epoch.digest)).toBeDefined()
  })

  it('throws when it cannot find out whether a deletion happened', async () => {
    const at = await seeded()
    inject(at.lab, deletion, { status: 500, body: 'boom' })
    await expect(remove(at, expected)).rejects.toBeInstanceOf(OperationalError)
    expect(await at.lab.reader.readManifest(at.repository, at.graph.epoch.digest)).toBeDefined()
  })

  it('counts a deletion as done whose answer was lost', async () => {
    const at = await seeded()
    for (const fake of at.lab.fakes) fake.inject({ on: deletion, times: 1, reply: 'cut' })
    const outcome = await settled(remove(at, expected))
    if (!(outcome instanceof OperationalError)) expect(['done', 'absent']).toContain(outcome.kind)
    const read = await at.lab.reader.readRepository(at.repository)
    expect(read.manifests.map(({ digest }) => digest)).toContain(at.graph.index.digest)
  })
}

/** Deletes the one image with nothing that hangs on it, as applying does. */
async function remove(
  { lab, repository, graph }: Seeded,
  { untagsFirst = false }: FaultExpectations,
): Promise<ChangeOutcome> {
  const { digest, tags } = graph.epoch
  for (const tag of untagsFirst ? tags : []) {
    const outcome = await lab.writer.untag(repository, tag)
    if (outcome.kind === 'refused') return outcome
  }
  return lab.writer.deleteManifest(repository, digest)
}

function inject(
  lab: RegistryLab,
  on: (request: FakeRequest) => boolean,
  reply: Reply | 'reset' | 'cut',
): void {
  for (const fake of lab.fakes) fake.inject({ on, reply })
}

async function settled<T>(work: Promise<T>): Promise<T | OperationalError> {
  try {
    return await work
  } catch (error) {
    if (error instanceof OperationalError) return error
    throw error
  }
}

function expectNothingMissed(read: RepositoryInventory | OperationalError): void {
  if (read instanceof OperationalError) return
  expect(read.complete).toBe(false)
  expect(read.problems.length).toBeGreaterThan(0)
}

function rowsOf({ manifests }: RepositoryInventory): readonly unknown[] {
  return manifests.map(({ digest, tags, children, subject, locked }) => ({
    digest,
    tags: tags.map(({ name }) => name),
    children,
    subject,
    locked,
  }))
}

function json(body: unknown): Reply {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function repositoryNamed(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}
