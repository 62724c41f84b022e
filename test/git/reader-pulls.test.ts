/** Pull requests: from references, from a forge, open and closed, with heads that are there and heads that are not. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GitReaderSettings } from '../../src/adapters/git/git-settings.ts'
import type { GitHistory } from '../../src/core/git/git-history.ts'
import { UnreachableError } from '../../src/adapters/http/http-errors.ts'
import type { Forge, PullRequest, PullRequestQuery } from '../../src/ports/forge.ts'
import { git, type RepositorySpec, type TestRepository } from './make-repository.ts'
import { startGitHttp } from './reader-http-server.ts'
import { afterwards, namesOf, readGit, repositoryOf, temporaryFolder, troubleOf } from './reader-stand.ts'

const day = (number: number): number => Date.UTC(2024, 0, number)

const spec: RepositorySpec = {
  commits: [
    { id: 'base', parents: [], committedAt: day(1) },
    { id: 'open', parents: ['base'], committedAt: day(2) },
    { id: 'merge', parents: ['base', 'open'], committedAt: day(3) },
    { id: 'closed', parents: ['base'], committedAt: day(4) },
    { id: 'old', parents: ['base'], committedAt: day(5) },
    { id: 'gone', parents: ['base'], committedAt: day(6) },
  ],
  references: [
    { kind: 'branch', name: 'main', commit: 'base' },
    { kind: 'pull-request', name: '1', commit: 'open' },
    { kind: 'pull-request', name: '2', commit: 'closed' },
    { kind: 'pull-request', name: '3', commit: 'old' },
  ],
}

/** On the server, with the commit that merges the first one. */
async function remoteOf(): Promise<TestRepository> {
  const root = await temporaryFolder()
  const remote = await repositoryOf(spec, { path: join(root, 'acme', 'app.git') })
  await git(remote.path, ['update-ref', 'refs/pull/1/merge', remote.id('merge')])
  return remote
}

/** Over http, because a forge is asked by the host of the repository. */
async function served(
  remote: TestRepository,
): Promise<Extract<GitReaderSettings['place'], { kind: 'address' }>> {
  const server = await startGitHttp({ root: join(remote.path, '..', '..') })
  afterwards(() => server.close())
  return { kind: 'address', address: `${server.url}/acme/app.git` }
}

interface FakeForge extends Forge {
  readonly queries: PullRequestQuery[]
}

function forgeOf(...pulls: readonly PullRequest[]): FakeForge {
  const queries: PullRequestQuery[] = []
  return {
    name: 'GitHub (fake)',
    queries,
    listPullRequests: (query) => {
      queries.push(query)
      return Promise.resolve(pulls)
    },
  }
}

const brokenForge: Forge = {
  name: 'GitHub (broken)',
  listPullRequests: () =>
    Promise.reject(new UnreachableError('https://api.invalid', 'no such host', 'Look at it.')),
}

function pullsOf(history: GitHistory, remote: TestRepository): readonly string[] {
  return namesOf(history, remote).filter((name) => name.startsWith('pull-request'))
}

describe('without a forge', () => {
  it('every pull request that has a reference counts as open, with the commit that merges it', async () => {
    const remote = await remoteOf()
    const place = { kind: 'address', address: `file://${remote.path}` } as const
    const history = await readGit({ place }, { pullRequests: true, closedSince: day(9) })
    expect(troubleOf(history)).toBe('')
    expect(pullsOf(history, remote)).toEqual([
      'pull-request 1 = merge',
      'pull-request 1 = open',
      'pull-request 2 = closed',
      'pull-request 3 = old',
    ])
    expect(history.references.every(({ closedAt }) => closedAt === undefined)).toBe(true)
    const dates = history.references.filter(({ name }) => name === '2').map(({ datedAt }) => datedAt)
    expect(dates).toEqual([day(4)])
  })

  it('none is fetched or told when none is asked for', async () => {
    const remote = await remoteOf()
    const place = { kind: 'address', address: `file://${remote.path}` } as const
    const history = await readGit({ place }, { commits: [remote.id('closed')] })
    expect(namesOf(history, remote)).toEqual(['branch main = base'])
    expect(history.others.get(remote.id('closed'))).toEqual({ kind: 'absent' })
  })

  it.each([
    'refs/pull/1/head',
    'refs/remotes/origin/pull/1/head',
    'refs/remotes/origin/pr/1',
    'refs/merge-requests/1/head',
    'refs/remotes/origin/merge-requests/1',
    'refs/pull-requests/1/from',
  ])('a clone has those that were fetched into it: %s', async (name) => {
    const clone = await repositoryOf({ ...spec, references: spec.references.slice(0, 1) }, { form: 'clone' })
    await git(clone.path, ['update-ref', name, clone.id('open')])
    const place = { kind: 'clone', path: clone.path, fetch: false } as const
    expect(pullsOf(await readGit({ place }, { pullRequests: true }), clone)).toEqual([
      'pull-request 1 = open',
    ])
  })

  it('a clone that may be fetched gets them from its origin', async () => {
    const remote = await remoteOf()
    const path = join(await temporaryFolder(), 'clone')
    await git('/', ['clone', '--quiet', `file://${remote.path}`, path])
    const history = await readGit({ place: { kind: 'clone', path, fetch: true } }, { pullRequests: true })
    expect(pullsOf(history, remote)).toHaveLength(4)
  })
})

describe('with a forge', () => {
  const open = (number: number, head: string): PullRequest => ({ number, head, closedAt: undefined })
  const closed = (number: number, head: string): PullRequest => ({ number, head, closedAt: day(8) })

  it('those that it tells of count, and no others, with when they were closed', async () => {
    const remote = await remoteOf()
    const forge = forgeOf(open(1, remote.id('open')), closed(2, remote.id('closed')))
    const place = await served(remote)
    const history = await readGit({ place, forge }, { pullRequests: true, closedSince: day(7) })
    expect(troubleOf(history)).toBe('')
    expect(pullsOf(history, remote)).toEqual([
      'pull-request 1 = merge',
      'pull-request 1 = open',
      'pull-request 2 = closed',
    ])
    expect(history.references.find(({ name }) => name === '2')?.closedAt).toBe(day(8))
    expect(history.references.find(({ name }) => name === '1')?.closedAt).toBeUndefined()
    expect(forge.queries).toMatchObject([{ project: 'acme/app', closedSince: day(7) }])
    expect(forge.queries[0]?.host).toMatch(/^127\.0\.0\.1:\d+$/)
    // Those that do not count are not fetched either.
    expect(history.graph.indexOf(remote.id('old'))).toBeUndefined()
  })

  it('it is not asked when no rule speaks of pull requests', async () => {
    const remote = await remoteOf()
    const forge = forgeOf()
    expect(troubleOf(await readGit({ place: await served(remote), forge }))).toBe('')
    expect(forge.queries).toEqual([])
  })

  it('a head without a reference is fetched by its id, where the server gives it', async () => {
    const remote = await remoteOf()
    await git(remote.path, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
    const forge = forgeOf(open(1, remote.id('open')), closed(4, remote.id('gone')))
    const history = await readGit(
      { place: await served(remote), forge },
      { pullRequests: true, closedSince: day(1) },
    )
    expect(troubleOf(history)).toBe('')
    expect(pullsOf(history, remote)).toContain('pull-request 4 = gone')
  })

  it('a head that is nowhere stops the plan, unless that is accepted; the others are told', async () => {
    const remote = await remoteOf()
    const forge = forgeOf(open(1, remote.id('open')), open(4, 'f'.repeat(40)))
    const history = await readGit({ place: await served(remote), forge }, { pullRequests: true })
    expect(history.complete).toBe(false)
    expect(history.problems).toMatchObject([{ severity: 'incomplete', accept: 'git:app/pull-requests' }])
    expect(history.problems[0]?.text).toContain('4 (ffffffffffff)')
    expect(pullsOf(history, remote)).toHaveLength(2)
  })

  it('a head that moved on since the clone was fetched stops the plan too', async () => {
    const clone = await repositoryOf(spec, { form: 'clone', originUrl: 'https://github.com/acme/app.git' })
    const place = { kind: 'clone', path: clone.path, fetch: false } as const
    const moved = await readGit({ place, forge: forgeOf(open(1, 'e'.repeat(40))) }, { pullRequests: true })
    expect(moved.problems[0]?.text).toContain('1 (eeeeeeeeeeee)')
    expect(moved.complete).toBe(false)
    const known = await readGit({ place, forge: forgeOf(open(1, clone.id('gone'))) }, { pullRequests: true })
    expect(known.complete).toBe(true)
    expect(pullsOf(known, clone)).toEqual(['pull-request 1 = gone', 'pull-request 1 = open'])
  })

  it('a head that a clone has as the end of a branch is found there', async () => {
    const clone = await repositoryOf(spec, { form: 'clone', originUrl: 'https://github.com/acme/app.git' })
    const forge = forgeOf(open(9, clone.id('base')), open(1, clone.id('open')))
    const place = { kind: 'clone', path: clone.path, fetch: false } as const
    const history = await readGit({ place, forge }, { pullRequests: true })
    expect(troubleOf(history)).toBe('')
    expect(pullsOf(history, clone)).toEqual(['pull-request 1 = open', 'pull-request 9 = base'])
    expect(forge.queries).toMatchObject([{ host: 'github.com', project: 'acme/app' }])
  })

  it('that fails the plan stops, and accepted all that have references count as open', async () => {
    const remote = await remoteOf()
    const history = await readGit({ place: await served(remote), forge: brokenForge }, { pullRequests: true })
    expect(history.complete).toBe(false)
    expect(history.problems).toMatchObject([{ severity: 'incomplete', accept: 'git:app/pull-requests' }])
    expect(history.problems[0]?.text).toContain('no such host')
    expect(pullsOf(history, remote)).toHaveLength(4)
  })

  it('that cannot be asked, because the repository is a folder, the plan stops', async () => {
    const remote = await remoteOf()
    const place = { kind: 'address', address: `file://${remote.path}` } as const
    const history = await readGit({ place, forge: forgeOf() }, { pullRequests: true })
    expect(history.problems[0]?.text).toContain('names no host')
    expect(history.complete).toBe(false)
  })
})
