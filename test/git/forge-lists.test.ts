/** Forges, asked for their pull requests: scripted servers on loopback. */
import { describe, expect, it } from 'vitest'
import { createForge, type ForgeSettings } from '../../src/adapters/forges/create-forge.ts'
import type { ForgeKind } from '../../src/adapters/forges/forge-dialect.ts'
import { configuredCredentials } from '../../src/adapters/http/configured-credentials.ts'
import { OperationalError } from '../../src/core/errors/errors.ts'
import type { PullRequest, PullRequestQuery } from '../../src/ports/forge.ts'
import { afterwards } from './reader-stand.ts'
import { startForge, type FakeForge, type FakeForgeSettings, type FakePull } from './forge-server.ts'

const kinds: readonly ForgeKind[] = ['github', 'gitlab', 'gitea']
const now = Math.floor(Date.now() / 1000) * 1000
const hour = 3_600_000
const token = 'forge-5ecret-t0ken'

const head = (number: number): string => number.toString(16).padStart(40, 'a')

function pull(number: number, state: FakePull['state'], hoursAgo = 24): FakePull {
  const updatedAt = now - hoursAgo * hour
  const closed = state === 'closed' || state === 'merged' ? { closedAt: updatedAt } : {}
  return { number, head: head(number), state, createdAt: now - 10_000 * hour + number, updatedAt, ...closed }
}

async function forgeOf(
  settings: Partial<FakeForgeSettings> & { readonly kind: ForgeKind },
): Promise<FakeForge> {
  const forge = await startForge({ project: 'acme/app', ...settings })
  afterwards(() => forge.server.close())
  return forge
}

function ask(
  {
    kind,
    url,
    secret = token,
  }: { readonly kind: ForgeKind; readonly url?: string; readonly secret?: string },
  query: Partial<PullRequestQuery> = {},
): Promise<readonly PullRequest[]> {
  const settings: ForgeSettings = {
    kind,
    ...(url !== undefined && { url }),
    http: {
      credentials: configuredCredentials({ tokenEnv: 'TOKEN' }, { TOKEN: secret }),
      retry: { backoffMs: 1 },
      environment: {},
    },
  }
  const wanted = { host: '127.0.0.1', project: 'acme/app', closedSince: undefined, ...query }
  return createForge(settings).listPullRequests(wanted)
}

describe.each(kinds)('pull requests of %s', (kind) => {
  it('are the open ones, and those closed or merged since then, with times', async () => {
    const { url, pulls, server } = await forgeOf({ kind, token })
    pulls.push(
      pull(1, 'open', 9000),
      pull(2, 'closed', 3),
      pull(3, 'merged', 5),
      pull(4, 'closed', 50),
      pull(5, 'open', 1),
    )
    expect(await ask({ kind, url })).toEqual([
      { number: 1, head: head(1), closedAt: undefined },
      { number: 5, head: head(5), closedAt: undefined },
    ])
    expect(await ask({ kind, url }, { closedSince: now - 5 * hour })).toEqual([
      { number: 1, head: head(1), closedAt: undefined },
      { number: 2, head: head(2), closedAt: now - 3 * hour },
      { number: 3, head: head(3), closedAt: now - 5 * hour },
      { number: 5, head: head(5), closedAt: undefined },
    ])
    expect(server.requests.every(({ url: asked }) => !asked.includes(token))).toBe(true)
  })

  it('are read over all pages, as far back as they are wanted and no further', async () => {
    const { url, pulls, server } = await forgeOf({ kind, pageSize: 3 })
    for (let number = 1; number <= 10; number++) pulls.push(pull(number, 'open'))
    for (let number = 11; number <= 40; number++) pulls.push(pull(number, 'closed', number))
    const found = await ask({ kind, url }, { closedSince: now - 20 * hour })
    expect(found.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
    expect(server.requests.length).toBeLessThan(13)
  })

  it('are all there although some are closed while they are read', async () => {
    let requests = 0
    const forge = await forgeOf({
      kind,
      pageSize: 2,
      intercept: ({ url }) => {
        // The second page is asked for, and everything on it has moved up.
        if (/state=open/.test(url) && ++requests === 2) close(forge.pulls, 1)
        return false
      },
    })
    for (let number = 1; number <= 5; number++) forge.pulls.push(pull(number, 'open'))
    const found = await ask({ kind, url: forge.url })
    expect(found.map(({ number }) => number)).toEqual([2, 3, 4, 5])
  })

  it('are asked for again after a pause, a failure, a limit', async () => {
    const statuses = [429, 503, 500]
    const { url, pulls } = await forgeOf({
      kind,
      intercept: (_request, response, index) => {
        const status = statuses[index]
        if (status === undefined) return false
        response.writeHead(status, status === 429 ? { 'retry-after': '0' } : {}).end()
        return true
      },
    })
    pulls.push(pull(1, 'open'))
    expect(await ask({ kind, url })).toHaveLength(1)
  })

  it.each([
    { what: 'a wrong token', secret: 'wr0ng-t0ken-4242', told: /credentials/ },
    { what: 'a project that is not there', project: 'acme/other', told: /knows no/ },
    { what: 'a server that goes on failing', status: 500, told: /500/ },
    { what: 'a limit that lasts', status: 429, told: /limits our requests/ },
    { what: 'no right', status: 403, told: /does not allow/ },
    { what: 'an answer that is no list', body: '{"message":"moved"}', told: /does not know/ },
    { what: 'entries of another kind', body: '[{"id":1}]', told: /does not know/ },
    { what: 'an answer that is no JSON', body: '<html>', told: /not JSON/ },
  ])('fail with $what, and no secret is told', async ({ secret = token, project, status, body, told }) => {
    const { url } = await forgeOf({
      kind,
      token,
      intercept: (_request, response) => {
        if (status === undefined && body === undefined) return false
        response.writeHead(status ?? 200).end(body)
        return true
      },
    })
    const error: unknown = await ask({ kind, url, secret }, project === undefined ? {} : { project }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(OperationalError)
    const { message, hint } = error as OperationalError
    expect(message).toMatch(told)
    expect(`${message} ${hint}`).not.toContain(secret)
  })

  it('are not believed to be all where a page is full and names no next one', async () => {
    const pageSize = kind === 'gitea' ? 50 : 100
    const { url, pulls } = await forgeOf({ kind, withoutLinks: true })
    for (let number = 1; number <= pageSize * 2; number++) pulls.push(pull(number, 'open'))
    expect(await ask({ kind, url })).toHaveLength(pageSize * 2)
  })

  it('are not asked for at an address that nobody gave', async () => {
    await expect(ask({ kind }, { host: 'git.example.com' })).rejects.toThrow('was not said')
  })
})

it('a count of the server that is higher than what came is an error', async () => {
  const { url, pulls } = await forgeOf({ kind: 'gitea', withoutLinks: true, pageSize: 20 })
  for (let number = 1; number <= 30; number++) pulls.push(pull(number, 'open'))
  await expect(ask({ kind: 'gitea', url })).rejects.toThrow('30 entries')
})

it('merge requests that are being merged at this moment are open', async () => {
  const { url, pulls } = await forgeOf({ kind: 'gitlab' })
  pulls.push(pull(1, 'locked'))
  expect(await ask({ kind: 'gitlab', url })).toHaveLength(1)
})

it('an order that the server does not keep to is not relied on', async () => {
  const { url, pulls } = await forgeOf({
    kind: 'gitea',
    intercept: ({ url: asked }, response) => {
      if (!asked.includes('state=closed')) return false
      const entries = [900, 1, 2].map((hoursAgo, at) => ({
        number: at + 1,
        state: 'closed',
        head: { sha: head(at + 1) },
        updated_at: new Date(now - hoursAgo * hour).toISOString(),
        closed_at: new Date(now - hoursAgo * hour).toISOString(),
      }))
      const isSecond = asked.includes('page=2')
      const link = { link: `<${url}/repos/acme/app/pulls?state=closed&page=2>; rel="next"` }
      response
        .writeHead(200, isSecond ? {} : link)
        .end(JSON.stringify(isSecond ? entries.slice(2) : entries.slice(0, 2)))
      return true
    },
  })
  pulls.length = 0
  const found = await ask({ kind: 'gitea', url }, { closedSince: now - 3 * hour })
  expect(found.map(({ number }) => number)).toEqual([2, 3])
})

it('a forge below a path has projects without that path', async () => {
  const { server } = await forgeOf({ kind: 'gitlab' })
  const url = `${server.url}/git/api/v4`
  await ask({ kind: 'gitlab', url }, { project: 'git/acme/team/app' }).catch(() => undefined)
  expect(server.requests[0]?.url).toMatch(/^\/git\/api\/v4\/projects\/acme%2Fteam%2Fapp\/merge_requests/)
})

function close(pulls: readonly FakePull[], number: number): void {
  const found = pulls.find((each) => each.number === number)
  if (found === undefined) return
  found.state = 'closed'
  found.updatedAt = Date.now()
  found.closedAt = Date.now()
}
