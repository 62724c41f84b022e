/** Logging in, against a registry and a token server that record what they were told. */
import { afterEach, describe, expect, it } from 'vitest'
import { lookup } from 'node:dns/promises'
import type { ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import { failure } from '../../../test/http/expect-failure.ts'
import type { FakeClock, FaultServer, RecordedRequest, Script } from '../../../test/http/fault-server.ts'
import { answer, answerJson, skippingClock, startFaultServer } from '../../../test/http/fault-server.ts'
import type { HttpClient, HttpSettings } from './client.ts'
import { createHttpClient } from './client.ts'
import type { Credential, CredentialSource, CredentialTarget } from './credentials.ts'
import {
  CredentialUnavailableError,
  RealmRefusedError,
  ServerFailedError,
  UnauthorizedError,
  UnknownChallengeError,
  UnreadableResponseError,
} from './http-errors.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const PASSWORD = 'correct-horse'
const ROBOT: Credential = {
  kind: 'basic',
  username: 'robot',
  password: PASSWORD,
  origin: 'the file /run/secret',
}
const PULL = 'repository:team/app:pull'

interface Source extends CredentialSource {
  readonly asked: { readonly target: CredentialTarget; readonly refresh: boolean }[]
}

/** Gives the first credential until asked to refresh, then the next one. */
function source(...credentials: (Credential | undefined)[]): Source {
  let at = 0
  const asked: { target: CredentialTarget; refresh: boolean }[] = []
  return {
    name: 'the test',
    asked,
    get: async (target, options) => {
      const refresh = options?.refresh === true
      asked.push({ target, refresh })
      if (refresh && at < credentials.length - 1) at += 1
      return credentials[at]
    },
  }
}

interface World {
  readonly registry: FaultServer
  readonly auth: FaultServer
  readonly clock: FakeClock
  readonly http: HttpClient
  get(path?: string, scopes?: readonly string[]): ReturnType<HttpClient['request']>
}

type Script2 = (request: RecordedRequest, response: ServerResponse, auth: string, index: number) => void

async function world(
  registryScript: Script2,
  authScript: Script,
  settings: Partial<HttpSettings> = {},
): Promise<World> {
  const auth = await startFaultServer(authScript)
  const registry = await startFaultServer((request, response, index) => {
    registryScript(request, response, auth.url, index)
  })
  const clock = skippingClock()
  const http = createHttpClient({ base: registry.url, clock, ...settings })
  open.push(http, registry, auth)
  return {
    registry,
    auth,
    clock,
    http,
    get: (path = '/v2/team/app/tags/list', scopes = [PULL]) =>
      http.request({ method: 'GET', url: `${registry.url}${path}`, scopes }),
  }
}

function challenge(response: ServerResponse, auth: string, extra = ''): void {
  answer(response, 401, '', { 'www-authenticate': `Bearer realm="${auth}/token",service="reg"${extra}` })
}

/** A registry that wants one of these tokens. */
const wants =
  (tokens: readonly string[], extra = ''): Script2 =>
  (request, response, auth) => {
    if (tokens.includes(request.headers.authorization?.replace('Bearer ', '') ?? ''))
      answerJson(response, { ok: true })
    else challenge(response, auth, extra)
  }

const issues =
  (token: string, more: object = {}): Script =>
  (_, response) => {
    answerJson(response, { token, ...more })
  }

const basicOf = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** The machine's own name: a name other than localhost that usually leads to loopback. */
const LOCAL_NAME = hostname()
const isLocalNameLoopback = await lookup(LOCAL_NAME).then(
  ({ address }) => address === '127.0.0.1',
  () => false,
)

describe('the token flow', () => {
  it('sends nothing until asked, then fetches a token for the scopes wanted', async () => {
    const w = await world(wants(['t1']), issues('t1'), { credentials: source(ROBOT) })
    expect((await w.get()).status).toBe(200)
    expect(w.registry.requests.map((r) => r.headers.authorization)).toEqual([undefined, 'Bearer t1'])
    const asked = new URL(w.auth.requests[0]?.url ?? '', w.auth.url)
    expect(asked.searchParams.get('service')).toBe('reg')
    expect(asked.searchParams.getAll('scope')).toEqual([PULL])
    expect(w.auth.requests[0]?.headers.authorization).toBe(basicOf('robot', PASSWORD))
  })

  it('uses a token again, and what the challenge taught, for other repositories', async () => {
    const w = await world(wants(['t1']), issues('t1'), { credentials: source(ROBOT) })
    await w.get()
    await w.get()
    await w.get('/v2/other/tags/list', ['repository:other:pull'])
    expect(w.registry.requests.map((r) => r.headers.authorization)).toEqual([
      undefined,
      'Bearer t1',
      'Bearer t1',
      'Bearer t1',
    ])
    expect(w.auth.requests).toHaveLength(2)
  })

  it('takes an anonymous token where there are no credentials', async () => {
    const w = await world(wants(['anon']), issues('anon'))
    expect((await w.get()).status).toBe(200)
    expect(w.auth.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('accepts access_token, and prefers Bearer where Basic is offered too', async () => {
    const w = await world(
      (request, response, auth) => {
        if (request.headers.authorization === 'Bearer at') answerJson(response, {})
        else
          answer(response, 401, '', {
            'www-authenticate': ['Basic realm="x, Bearer y"', `Bearer realm="${auth}/token",service="a,b"`],
          })
      },
      (_, response) => {
        answerJson(response, { access_token: 'at', expires_in: 300 })
      },
      { credentials: source(ROBOT) },
    )
    expect((await w.get()).status).toBe(200)
    expect(w.auth.requests[0]?.url).toContain('service=a%2Cb')
  })

  it('asks for the scope of the challenge when the caller named none', async () => {
    const w = await world(wants(['t'], ',scope="registry:catalog:*"'), issues('t'))
    await w.get('/v2/_catalog', [])
    expect(w.auth.requests[0]?.url).toContain('scope=registry%3Acatalog%3A*')
  })

  it('fetches one token for many requests at once', async () => {
    const w = await world(
      wants(['t']),
      (_, response) =>
        setTimeout(() => {
          answerJson(response, { token: 't' })
        }, 30),
      { credentials: source(ROBOT) },
    )
    await Promise.all(Array.from({ length: 10 }, () => w.get()))
    expect(w.auth.requests).toHaveLength(1)
  })

  it.each([
    { name: '60 s where none is given', more: {}, agesMs: [53_000, 2_000], fetched: 2 },
    { name: 'as long as is said', more: { expires_in: 300 }, agesMs: [280_000, 15_000], fetched: 2 },
    { name: 'not past its end, less some slack', more: { expires_in: 300 }, agesMs: [280_000], fetched: 1 },
    { name: '60 s where nonsense is said', more: { expires_in: -1 }, agesMs: [50_000], fetched: 1 },
  ])('keeps a token $name', async ({ more, agesMs, fetched }) => {
    const w = await world(wants(['t']), issues('t', more), { credentials: source(ROBOT) })
    await w.get()
    for (const ms of agesMs) {
      await w.clock.sleep(ms)
      await w.get()
    }
    expect(w.auth.requests).toHaveLength(fetched)
  })

  it('fetches a new token, once, when the one it has is refused in the middle of a run', async () => {
    let valid = 't0'
    const w = await world(
      (request, response, auth) => {
        if (request.headers.authorization === `Bearer ${valid}`) answerJson(response, {})
        else challenge(response, auth, ',error="invalid_token"')
      },
      (_, response, index) => {
        answerJson(response, { token: `t${index}` })
      },
      { credentials: source(ROBOT) },
    )
    await w.get()
    valid = 't1'
    const got = await w.get()
    expect(got).toMatchObject({ status: 200, attempts: 1 })
    expect(w.auth.requests).toHaveLength(2)
  })

  it('asks once for the scope the server names as missing', async () => {
    const wider = 'repository:team/app:delete,pull'
    const w = await world(
      (request, response, auth) => {
        if (request.headers.authorization === 'Bearer wide') answer(response, 202)
        else challenge(response, auth, `,error="insufficient_scope",scope="${wider}"`)
      },
      (request, response) => {
        answerJson(response, { token: request.url.includes('delete') ? 'wide' : 'narrow' })
      },
    )
    expect((await w.get()).status).toBe(202)
    expect(w.registry.requests).toHaveLength(3)
    expect(new URL(w.auth.requests[1]?.url ?? '', w.auth.url).searchParams.get('scope')).toBe(wider)
  })

  it('widens its scope on a 403 that says so, and takes any other 403 for the answer', async () => {
    const w = await world(
      (request, response, auth) => {
        if (request.headers.authorization === undefined) challenge(response, auth)
        else if (request.headers.authorization === 'Bearer wide') answer(response, 403)
        else
          answer(response, 403, '', {
            'www-authenticate': `Bearer realm="${auth}/token",error="insufficient_scope",scope="repository:team/app:*"`,
          })
      },
      (request, response) => {
        answerJson(response, { token: request.url.includes('*') ? 'wide' : 'narrow' })
      },
    )
    expect((await w.get()).status).toBe(403)
    expect(w.registry.requests).toHaveLength(3)
  })

  it('gives up on a server that refuses every token, after a handful of requests', async () => {
    const w = await world(wants([]), issues('t'), { credentials: source(ROBOT) })
    const error = await failure(w.get(), UnauthorizedError)
    expect(error.message).toContain('the file /run/secret')
    expect(error.triedCredentials).toBe('the file /run/secret')
    expect(w.registry.requests.length).toBeLessThanOrEqual(3)
  })

  it('repeats a token request that met a failing server', async () => {
    const w = await world(wants(['t']), (_, response, index) => {
      if (index < 2) answer(response, 429, 'slow down', { 'retry-after': '3' })
      else answerJson(response, { token: 't' })
    })
    expect((await w.get()).status).toBe(200)
    expect(w.clock.sleeps).toEqual([3000, 3000])
    const broken = await world(wants(['t']), (_, response) => {
      answer(response, 502)
    })
    await failure(broken.get(), ServerFailedError)
  })

  it.each([
    { name: 'no token', body: '{"issued_at":"x"}', said: 'it holds no token' },
    { name: 'an empty token', body: '{"token":""}', said: 'it holds no token' },
    { name: 'no JSON', body: '<html>', said: 'it is not JSON' },
    { name: 'a token no header can carry', body: '{"token":"a\\nb"}', said: 'no header can carry' },
  ])('says so when the token server answers with $name', async ({ body, said }) => {
    const w = await world(wants([]), (_, response) => {
      answer(response, 200, body)
    })
    expect((await failure(w.get(), UnreadableResponseError)).message).toContain(said)
  })
})

describe('identity tokens', () => {
  const identity: Credential = { kind: 'identity-token', token: 'refresh-me' }

  it('are exchanged by POST', async () => {
    const w = await world(
      wants(['t']),
      (_, response) => {
        answerJson(response, { access_token: 't' })
      },
      { credentials: source(identity) },
    )
    expect((await w.get()).status).toBe(200)
    const [request] = w.auth.requests
    expect(request).toMatchObject({ method: 'POST', url: '/token' })
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      grant_type: 'refresh_token',
      service: 'reg',
      client_id: 'winnow',
      scope: PULL,
      refresh_token: 'refresh-me',
    })
  })

  it.each([404, 405])('are tried by GET where POST gives %i', async (status) => {
    const w = await world(
      wants(['t']),
      (request, response) => {
        if (request.method === 'POST') answer(response, status)
        else answerJson(response, { token: 't' })
      },
      { credentials: source(identity) },
    )
    expect((await w.get()).status).toBe(200)
    expect(w.auth.requests.map((r) => r.method)).toEqual(['POST', 'GET'])
    expect(w.auth.requests[1]?.headers.authorization).toBe(basicOf('<token>', 'refresh-me'))
  })
})

describe('refused credentials', () => {
  it('are read again, once, and the new ones used', async () => {
    const rotated: Credential = { kind: 'basic', username: 'robot', password: 'rotated-one' }
    const credentials = source(ROBOT, rotated)
    const w = await world(
      wants(['t']),
      (request, response) => {
        if (request.headers.authorization === basicOf('robot', 'rotated-one'))
          answerJson(response, { token: 't' })
        else answer(response, 401, '{"details":"incorrect username or password"}')
      },
      { credentials },
    )
    expect((await w.get()).status).toBe(200)
    expect(credentials.asked.map(({ refresh }) => refresh)).toEqual([false, true])
  })

  it('end in an error that names their source, the server words, and no secret', async () => {
    const w = await world(
      wants([]),
      (_, response) => {
        answer(response, 401, JSON.stringify({ details: `wrong password ${PASSWORD}` }))
      },
      { credentials: source(ROBOT) },
    )
    const error = await failure(w.get(), UnauthorizedError)
    expect(error.message).toContain('wrong password ***')
    expect(error.message).toContain('the file /run/secret')
    expect(error.hint).toContain('log in again')
    expect(JSON.stringify([error.message, error.hint, error])).not.toContain(PASSWORD)
  })

  it('say where was looked when there were none', async () => {
    const w = await world(
      (_, response) => {
        answer(response, 401, '', { 'www-authenticate': 'Basic realm="r"' })
      },
      issues('t'),
      { credentials: source(undefined) },
    )
    const error = await failure(w.get(), UnauthorizedError)
    expect(error.message).toContain('no credentials were found')
    expect(error.hint).toContain('looked in the test')
    expect(w.registry.requests).toHaveLength(1)
  })
})

describe('other ways to log in', () => {
  it('uses Basic, from then on without being asked', async () => {
    const w = await world(
      (request, response) => {
        if (request.headers.authorization === basicOf('robot', PASSWORD)) answerJson(response, {})
        else answer(response, 401, '', { 'www-authenticate': 'Basic realm="r"' })
      },
      issues('t'),
      { credentials: source(ROBOT) },
    )
    await w.get()
    await w.get()
    expect(w.registry.requests.map((r) => r.headers.authorization !== undefined)).toEqual([false, true, true])
  })

  it('goes from Basic to tokens when the server comes to want those', async () => {
    const w = await world(
      (request, response, auth) => {
        const { authorization } = request.headers
        if (authorization === 'Bearer t') answerJson(response, {})
        else if (authorization === undefined)
          answer(response, 401, '', { 'www-authenticate': 'Basic realm="r"' })
        else challenge(response, auth)
      },
      issues('t'),
      { credentials: source(ROBOT) },
    )
    expect((await w.get()).status).toBe(200)
    expect(w.registry.requests).toHaveLength(3)
  })

  it('sends a ready bearer token past the token server', async () => {
    const w = await world(wants(['ready']), issues('t'), {
      credentials: source({ kind: 'bearer', token: 'ready' }),
    })
    expect((await w.get()).status).toBe(200)
    expect(w.auth.requests).toHaveLength(0)
  })

  it('says so when a token cannot be sent', async () => {
    const credentials = source({ kind: 'bearer', token: 'two\nlines-hunter2', origin: 'the variable T' })
    const w = await world(wants([]), issues('t'), { credentials })
    const error = await failure(w.get(), CredentialUnavailableError)
    expect(error.message).toContain('the variable T')
    expect(error.message).not.toContain('hunter2')
  })

  it('asks for credentials by host and repository path', async () => {
    const credentials = source(ROBOT)
    const w = await world(wants(['t']), issues('t'), { credentials })
    await w.get()
    await w.get('/v2/a/b/c/manifests/x', [])
    const host = new URL(w.registry.url).host
    expect(credentials.asked.map(({ target }) => target)).toEqual([
      { host, path: 'team/app' },
      { host, path: 'a/b/c' },
    ])
  })

  it.each([
    { name: 'no challenge', header: undefined, said: 'names no way to log in' },
    { name: 'unknown schemes only', header: 'Negotiate, NTLM', said: 'negotiate, ntlm' },
    { name: 'Bearer without a realm', header: 'Bearer', said: 'bearer' },
  ])('says so when 401 comes with $name', async ({ header, said }) => {
    const w = await world(
      (_, response) => {
        answer(response, 401, 'login page', header === undefined ? {} : { 'www-authenticate': header })
      },
      issues('t'),
      { credentials: source(ROBOT) },
    )
    expect((await failure(w.get(), UnknownChallengeError)).message).toContain(said)
  })

  it('sends a static credential at once, and reads it again when refused', async () => {
    const credentials = source({ kind: 'bearer', token: 'old' }, { kind: 'bearer', token: 'new' })
    const w = await world(
      (request, response) => {
        answer(response, request.headers.authorization === 'Bearer new' ? 200 : 401)
      },
      issues('t'),
      { credentials, authorization: 'static' },
    )
    expect((await w.get('/api')).status).toBe(200)
    expect((await w.get('/api')).status).toBe(200)
    expect(w.registry.requests.map((r) => r.headers.authorization)).toEqual([
      'Bearer old',
      'Bearer new',
      'Bearer new',
    ])
    const hopeless = await world(
      (_, response) => {
        answer(response, 401)
      },
      issues('t'),
      {
        credentials: source({ kind: 'bearer', token: 'old' }),
        authorization: 'static',
      },
    )
    await failure(hopeless.get('/api'), UnauthorizedError)
    expect(hopeless.registry.requests).toHaveLength(1)
  })
})

describe('where credentials go', () => {
  it('never to another origin by redirect, nor to a server asked by its own URL', async () => {
    const w = await world(
      (request, response, auth) => {
        if (request.headers.authorization === undefined)
          answer(response, 401, '', { 'www-authenticate': 'Basic realm="r"' })
        else answer(response, 307, '', { location: `${auth}/blob` })
      },
      (_, response) => {
        answer(response, 401, '', { 'www-authenticate': 'Basic realm="give me"' })
      },
      { credentials: source(ROBOT) },
    )
    expect((await w.get()).status).toBe(401)
    expect(
      (await w.http.request({ method: 'GET', url: `${w.auth.url}/x`, headers: { authorization: 'Basic x' } }))
        .status,
    ).toBe(401)
    expect(w.auth.requests).toHaveLength(2)
    for (const request of w.auth.requests) expect(request.headers.authorization).toBeUndefined()
  })

  it.each([
    { name: 'a private address', realm: 'https://10.1.2.3/token', said: 'private network' },
    { name: 'the metadata service', realm: 'http://169.254.169.254/token', said: 'private network' },
    { name: 'loopback by name', realm: 'https://localhost/token', said: 'private network' },
    { name: 'loopback in IPv6, mapped', realm: 'https://[::ffff:127.0.0.2]/token', said: 'private network' },
    { name: 'an odd writing of loopback', realm: 'https://0x7f.1.1/token', said: 'private network' },
    { name: 'no URL', realm: 'token', said: 'no URL' },
    { name: 'another protocol', realm: 'file:///etc/passwd', said: 'not on https' },
    { name: 'a user of its own', realm: 'https://u:p@127.0.0.1/token', said: 'credentials of its own' },
  ])('not to a realm on $name', async ({ realm, said }) => {
    const w = await world(
      (_, response) => {
        answer(response, 401, '', { 'www-authenticate': `Bearer realm="${realm}"` })
      },
      issues('t'),
      { credentials: source(ROBOT) },
    )
    expect((await failure(w.get(), RealmRefusedError)).message).toContain(said)
  })

  it.skipIf(!isLocalNameLoopback)(
    'not to a name that leads to a private address, unless that is allowed',
    async () => {
      // What a resolver says, not what the realm is called, decides.
      const toName = (auth: string) => auth.replace('127.0.0.1', LOCAL_NAME)
      const script: Script2 = (request, response, auth) => {
        if (request.headers.authorization === 'Bearer t') answerJson(response, {})
        else answer(response, 401, '', { 'www-authenticate': `Bearer realm="${toName(auth)}/token"` })
      }
      const w = await world(script, issues('t'), { credentials: source(ROBOT), insecure: true })
      await failure(w.get(), RealmRefusedError)
      expect(w.auth.requests).toHaveLength(0)
      const allowed = await world(script, issues('t'), {
        credentials: source(ROBOT),
        insecure: true,
        allowPrivateRealm: true,
      })
      expect((await allowed.get()).status).toBe(200)
    },
  )

  it('not along a redirect of the token server', async () => {
    const thief = await startFaultServer(issues('stolen'))
    open.push(thief)
    const w = await world(
      wants(['stolen']),
      (_, response) => {
        answer(response, 307, '', { location: thief.url })
      },
      { credentials: source(ROBOT) },
    )
    await failure(w.get(), UnreadableResponseError)
    expect(thief.requests).toHaveLength(0)
  })
})
