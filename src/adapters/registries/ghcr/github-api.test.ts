/** GitHub's API by Octokit over Winnow's HTTP client: who repeats what, and how fast it writes. */
import { afterEach, describe, expect, it } from 'vitest'
import { said } from '../../../../test/fakes/ghcr-api.ts'
import { json, startFakeServer, type FakeServer } from '../../../../test/fakes/fake-server.ts'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RegistryName } from '../../../core/image/names.ts'
import type { RunEvent } from '../../../ports/run-options.ts'
import { createHttpClient, type HttpClient } from '../../http/client.ts'
import { GitHubApi, type GitHubApiSettings } from './github-api.ts'
import { SecondaryLimitError } from './errors.ts'
import { paceWrites } from './pace.ts'

const open: { readonly server: FakeServer; readonly http: HttpClient }[] = []
afterEach(async () => {
  for (const { server, http } of open.splice(0)) {
    await http.close()
    await server.stop()
  }
})

async function start(
  settings: Partial<GitHubApiSettings> = {},
): Promise<{ readonly api: GitHubApi; readonly server: FakeServer }> {
  const server = await startFakeServer(() => json(200, { login: 'octo' }))
  const http = createHttpClient({
    base: server.url,
    environment: {},
    retry: { attemptsMax: 3, backoffMs: 1 },
  })
  open.push({ server, http })
  return { api: new GitHubApi({ name: 'gh' as RegistryName, apiUrl: server.url, http, ...settings }), server }
}

const secondary = said(
  403,
  'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
)

describe('GitHub’s API', () => {
  it('waits out a secondary limit that names no time, says so, and goes on', async () => {
    const { api, server } = await start({ secondaryWaitMs: 5 })
    server.inject({ on: () => true, times: 1, reply: secondary })
    const events: RunEvent[] = []
    const answer = await api.send('GET /user', {}, { onEvent: (event) => events.push(event) })
    expect(answer).toMatchObject({ status: 200, body: { login: 'octo' } })
    expect(events).toEqual([
      { kind: 'wait', subject: server.url, waitMs: 5, reason: 'secondary rate limit of GitHub' },
    ])
  })

  it('gives up on a secondary limit that stays', async () => {
    const { api, server } = await start({ secondaryWaitMs: 5 })
    server.inject({ on: () => true, reply: secondary })
    await expect(api.send('GET /user', {})).rejects.toBeInstanceOf(SecondaryLimitError)
    expect(server.requests).toHaveLength(2)
  })

  it('can be aborted while it waits', async () => {
    const { api, server } = await start({ secondaryWaitMs: 600_000 })
    server.inject({ on: () => true, reply: secondary })
    const controller = new AbortController()
    const onEvent = (): void => {
      controller.abort()
    }
    await expect(api.send('GET /user', {}, { signal: controller.signal, onEvent })).rejects.toBeInstanceOf(
      InterruptedError,
    )
  })

  it('leaves repetitions to the HTTP client, which counts them', async () => {
    const { api, server } = await start()
    server.inject({ on: () => true, times: 2, reply: { status: 502, body: 'bad gateway' } })
    expect(await api.send('DELETE /thing', {})).toMatchObject({ status: 200, attempts: 3 })
    expect(server.requests).toHaveLength(3)
  })

  it('writes slash and all into the path of a package', async () => {
    const { api, server } = await start()
    await api.send('GET /orgs/{owner}/packages/container/{package_name}/versions', {
      owner: 'acme',
      package_name: 'app/web',
      page: 2,
    })
    expect(server.requests[0]?.target).toBe('/orgs/acme/packages/container/app%2Fweb/versions?page=2')
  })
})

describe('the pace of writes', () => {
  it('lets one through at a time, in their order, and never waits for the first', async () => {
    const group = paceWrites(20)
    const began = Date.now()
    const at: number[] = []
    const write = (): Promise<void> =>
      group.key('x').schedule({}, () => {
        at.push(Date.now() - began)
      })
    await Promise.all([write(), write(), write()])
    expect(at[0]).toBeLessThan(20)
    expect(at[1]).toBeGreaterThanOrEqual(19)
    expect(at[2]).toBeGreaterThanOrEqual(39)
  })
})
