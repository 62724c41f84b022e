import { afterEach, describe, expect, it } from 'vitest'
import type { FakeClock, FaultServer, Script } from '../../../test/http/fault-server.ts'
import {
  answer,
  answerJson,
  cutShort,
  cutShortChunked,
  gzipBomb,
  skippingClock,
  startFaultServer,
} from '../../../test/http/fault-server.ts'
import { failure } from '../../../test/http/expect-failure.ts'
import { InterruptedError } from '../../core/errors/errors.ts'
import type { RunEvent } from '../../ports/run-options.ts'
import type { HttpClient, HttpSettings } from './client.ts'
import { createHttpClient } from './client.ts'
import {
  HttpTimeoutError,
  InsecureUrlError,
  RateLimitedError,
  RedirectRefusedError,
  ResponseTooLargeError,
  ServerFailedError,
  UnreachableError,
  UnreadableResponseError,
} from './http-errors.ts'
import { gzipSync, brotliCompressSync, deflateRawSync, deflateSync } from 'node:zlib'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function serve(script: Script): Promise<FaultServer> {
  const server = await startFaultServer(script)
  open.unshift(server)
  return server
}

function client(base: string, settings: Partial<HttpSettings> = {}): HttpClient {
  const made = createHttpClient({ base, clock: skippingClock(), ...settings })
  open.unshift(made)
  return made
}

async function start(script: Script, settings: Partial<HttpSettings> = {}) {
  const clock: FakeClock = skippingClock()
  const server = await serve(script)
  return { server, clock, http: client(server.url, { clock, ...settings }) }
}

describe('answers', () => {
  it('gives status, headers in lower case, several values joined, and the body', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 200, '{"a":1}', { 'X-Many': ['one', 'two'], 'Docker-Content-Digest': 'sha256:x' })
    })
    const got = await http.request({ method: 'GET', url: `${server.url}/v2/` })
    expect(got.status).toBe(200)
    expect(got.headers.get('x-many')).toBe('one, two')
    expect(got.headers.get('docker-content-digest')).toBe('sha256:x')
    expect(got.json()).toEqual({ a: 1 })
    expect(got.attempts).toBe(1)
    expect(got.url).toBe(`${server.url}/v2/`)
  })

  it.each([201, 202, 204, 304, 400, 403, 404, 405, 409, 412, 416, 501])(
    'returns status %i as it is',
    async (status) => {
      const { server, http } = await start((_, response) => {
        answer(response, status)
      })
      expect((await http.request({ method: 'DELETE', url: `${server.url}/x` })).status).toBe(status)
      expect(server.requests).toHaveLength(1)
    },
  )

  it.each([
    { name: 'gzip', encode: gzipSync, header: 'gzip' },
    { name: 'brotli', encode: brotliCompressSync, header: 'br' },
    { name: 'zlib deflate', encode: deflateSync, header: 'deflate' },
    { name: 'bare deflate', encode: deflateRawSync, header: 'deflate' },
    {
      name: 'one encoding over another',
      encode: (b: Buffer) => gzipSync(brotliCompressSync(b)),
      header: 'br, gzip',
    },
  ])('decodes $name', async ({ encode, header }) => {
    const { server, http } = await start((_, response) => {
      response.writeHead(200, { 'content-encoding': header })
      response.end(encode(Buffer.from('the body')))
    })
    expect((await http.request({ method: 'GET', url: server.url })).text()).toBe('the body')
  })

  it('reads nothing from the answer to HEAD, whatever length it announces', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 200, '', { 'content-length': '99999999999' })
    })
    const got = await http.request({ method: 'HEAD', url: server.url })
    expect(got.headers.get('content-length')).toBe('99999999999')
    expect(got.body).toHaveLength(0)
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity')
  })

  it.each([
    { name: 'closes the connection after a HEAD', keepsConnection: false, connections: 3 },
    { name: 'goes on using it where the caller trusts the server', keepsConnection: true, connections: 1 },
  ])('$name', async ({ keepsConnection, connections }) => {
    const ports = new Set<number | undefined>()
    const script: Script = (_, response) => {
      ports.add(response.socket?.remotePort)
      answer(response, 200, '', { 'content-length': '7' })
    }
    const { server, http } = await start(script, { concurrency: 1 })
    for (let i = 0; i < 3; i += 1) await http.request({ method: 'HEAD', url: server.url, keepsConnection })
    expect(ports.size).toBe(connections)
  })

  it.each([
    { name: 'at once', delayMs: 0 },
    { name: 'after the next request was sent', delayMs: 30 },
  ])('never takes a body that follows a HEAD $name for an answer', async ({ delayMs }) => {
    const { server, http } = await start((request, response) => {
      if (request.method === 'GET') {
        setTimeout(() => {
          answerJson(response, { real: true })
        }, 60)
        return
      }
      const body = '{"errors":[{"code":"NO"}]}'
      response.socket?.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`)
      setTimeout(() => response.socket?.write(body), delayMs)
    })
    const head = await http.request({ method: 'HEAD', url: server.url, keepsConnection: true })
    expect(head.body).toHaveLength(0)
    expect((await http.request({ method: 'GET', url: server.url })).json()).toEqual({ real: true })
  })

  it('sends a body with its length', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 201)
    })
    await http.request({
      method: 'PUT',
      url: server.url,
      body: new TextEncoder().encode('{"é":1}'),
      headers: { 'Content-Type': 'x/y' },
    })
    expect(server.requests[0]?.body).toBe('{"é":1}')
    expect(server.requests[0]?.headers).toMatchObject({ 'content-length': '8', 'content-type': 'x/y' })
  })

  it('names address and status, and quotes nothing, when the body is no JSON', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 200, '<html>hunter2</html>')
    })
    const got = await http.request({ method: 'GET', url: `${server.url}/v2/_catalog` })
    expect(() => got.json()).toThrow(UnreadableResponseError)
    expect(() => got.json()).toThrow(/_catalog \(status 200\)/)
    expect(() => got.json()).not.toThrow(/hunter2/)
  })
})

describe('repeating', () => {
  it.each([408, 429, 500, 502, 503, 504])(
    'repeats after status %i and counts the attempts',
    async (status) => {
      const { server, http } = await start((_, response, index) => {
        answer(response, index < 2 ? status : 404)
      })
      const got = await http.request({ method: 'DELETE', url: server.url })
      expect(got).toMatchObject({ status: 404, attempts: 3 })
      expect(http.stats).toMatchObject({ requests: 3, retries: 2 })
    },
  )

  it('gives up after five attempts, and hands the last answer to who asks', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 503, 'read-only')
    })
    const error = await failure(http.request({ method: 'GET', url: server.url }), ServerFailedError)
    expect(error.message).toContain('status 503; gave up after 5 attempts')
    expect(error.response.text()).toBe('read-only')
    expect(server.requests).toHaveLength(5)
  })

  it('never repeats what is not idempotent, and returns the failure', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 503)
    })
    expect((await http.request({ method: 'POST', url: server.url })).status).toBe(503)
    expect(server.requests).toHaveLength(1)
  })

  it('does not repeat a broken connection for what is not idempotent', async () => {
    const { server, http } = await start((_, response) => response.socket?.destroy())
    await failure(http.request({ method: 'POST', url: server.url, body: 'x' }), UnreachableError)
    expect(server.requests).toHaveLength(1)
  })

  it('repeats a broken connection', async () => {
    const { server, http } = await start((_, response, index) => {
      if (index === 0) response.socket?.destroy()
      else answer(response, 404)
    })
    expect(await http.request({ method: 'DELETE', url: server.url })).toMatchObject({
      status: 404,
      attempts: 2,
    })
  })

  it('waits as long as the server asks, and says so', async () => {
    const { server, http, clock } = await start((_, response, index) => {
      if (index === 0) answer(response, 429, '', { 'retry-after': '17' })
      else answerJson(response, {})
    })
    const events: RunEvent[] = []
    await http.request(
      { method: 'GET', url: `${server.url}/v2/` },
      { onEvent: (event) => events.push(event) },
    )
    expect(clock.sleeps[0]).toBe(17_000)
    expect(events).toEqual([
      {
        kind: 'wait',
        subject: `${server.url}/v2/`,
        waitMs: 17_000,
        reason: 'rate limit (status 429), asked to wait 17 s',
      },
    ])
    expect(http.stats.waitedMs).toBe(17_000)
  })

  it.each([
    { name: 'seconds', value: '86400', said: /24 h/ },
    { name: 'an absurd number', value: '99999999999999999999', said: /more than a year/ },
    { name: 'a date', value: new Date(Date.now() + 10 * 60_000).toUTCString(), said: /10 min/ },
  ])('fails at once on a Retry-After beyond the limit ($name)', async ({ value, said }) => {
    const { server, http, clock } = await start((_, response) => {
      answer(response, 503, '', { 'retry-after': value })
    })
    const error = await failure(http.request({ method: 'GET', url: server.url }), RateLimitedError)
    expect(error.message).toMatch(said)
    expect(error.hint).toMatch(said)
    expect(clock.sleeps).toEqual([])
    expect(server.requests).toHaveLength(1)
  })

  it('stops waiting once the budget of a request is spent', async () => {
    const { server, http, clock } = await start((_, response) => {
      answer(response, 429, '', { 'retry-after': '50' })
    })
    await failure(http.request({ method: 'GET', url: server.url }), RateLimitedError)
    expect(clock.sleeps).toEqual([50_000, 50_000])
    expect(server.requests).toHaveLength(3)
  })

  it('takes 403 for a rate limit only where it looks like one', async () => {
    const { server, http } = await start((_, response, index) => {
      if (index === 0) answer(response, 403, '', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' })
      else answer(response, 403)
    })
    expect(await http.request({ method: 'GET', url: server.url })).toMatchObject({ status: 403, attempts: 2 })
  })

  it('holds up other requests too while the server asks for a pause', async () => {
    const { server, http, clock } = await start((_, response, index) => {
      if (index === 0) answer(response, 429, '', { 'retry-after': '30' })
      else answer(response, 200)
    })
    await Promise.all([1, 2, 3].map((n) => http.request({ method: 'GET', url: `${server.url}/${n}` })))
    expect(clock.sleeps.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(30_000)
  })

  it.each([
    { name: 'a body shorter than announced', fault: cutShort },
    { name: 'a chunked body without its end', fault: cutShortChunked },
    {
      name: 'a compressed body without its end',
      fault: (response: Parameters<typeof cutShort>[0]) => {
        response.writeHead(200, { 'content-encoding': 'gzip' })
        response.end(gzipSync('{"tags":["a","b"]}').subarray(0, 20))
      },
    },
  ])('never takes $name for an answer', async ({ fault }) => {
    const { server, http } = await start((_, response, index) => {
      if (index < 1) fault(response)
      else answerJson(response, { tags: ['a', 'b'] })
    })
    expect((await http.request({ method: 'GET', url: server.url })).json()).toEqual({ tags: ['a', 'b'] })
    const always = await start((_, response) => {
      fault(response)
    })
    await failure(always.http.request({ method: 'GET', url: always.server.url }), UnreachableError)
    expect(always.server.requests).toHaveLength(5)
  })

  it('stops repeating once everything fails', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 500)
    })
    for (let n = 0; n < 12; n += 1)
      await failure(http.request({ method: 'GET', url: server.url }), ServerFailedError)
    expect(server.requests).toHaveLength(10 * 5 + 2)
  })
})

describe('limits', () => {
  it('refuses a body that announces too much, before reading it', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 200, 'x'.repeat(2000))
    })
    await failure(http.request({ method: 'GET', url: server.url, bodyBytesMax: 1999 }), ResponseTooLargeError)
    expect((await http.request({ method: 'GET', url: server.url, bodyBytesMax: 2000 })).body).toHaveLength(
      2000,
    )
  })

  it('refuses a body that never ends', async () => {
    const { server, http } = await start((_, response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    })
    const error = await failure(
      http.request({ method: 'GET', url: server.url, bodyBytesMax: 1_000_000 }),
      ResponseTooLargeError,
    )
    expect(error.message).toContain('1000000 bytes')
    expect(server.requests).toHaveLength(1)
  })

  it('refuses to unpack a bomb', async () => {
    const { server, http } = await start((_, response) => {
      gzipBomb(response, 64 * 1024 * 1024)
    })
    await failure(http.request({ method: 'GET', url: server.url }), ResponseTooLargeError)
  })

  it.each([
    { name: 'before the headers', script: () => undefined },
    {
      name: 'within the body',
      script: (response: Parameters<typeof cutShort>[0]) => {
        response.writeHead(200, { 'content-length': '10' })
        response.write('abc')
      },
    },
  ])('gives up on silence $name', async ({ script }) => {
    const { server, http } = await start(
      (_, response) => {
        script(response)
      },
      { retry: { attemptsMax: 2 } },
    )
    const error = await failure(
      http.request({ method: 'GET', url: server.url, idleTimeoutMs: 50 }),
      HttpTimeoutError,
    )
    expect(error.message).toContain('in 2 attempts')
    expect(server.requests).toHaveLength(2)
  })

  it('gives up on a drip that never stops', async () => {
    const { server, http } = await start((_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('.'), 5)
      response.on('close', () => {
        clearInterval(timer)
      })
    })
    await failure(http.request({ method: 'GET', url: server.url, totalTimeoutMs: 100 }), HttpTimeoutError)
    expect(server.requests).toHaveLength(1)
  })

  it('keeps to its concurrency, and halves it when the server is overloaded', async () => {
    let now = 0
    let most = 0
    const { server, http } = await start(
      (request, response) => {
        now += 1
        most = Math.max(most, now)
        setTimeout(() => {
          now -= 1
          answer(response, request.url === '/overloaded' ? 503 : 200)
        }, 5)
      },
      { concurrency: 4, retry: { attemptsMax: 1 } },
    )
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => http.request({ method: 'GET', url: `${server.url}/${n}` })),
    )
    expect(most).toBe(4)
    expect(http.stats.concurrency).toBe(4)
    await failure(http.request({ method: 'GET', url: `${server.url}/overloaded` }), ServerFailedError)
    expect(http.stats.concurrency).toBe(2)
  })
})

describe('interruption', () => {
  it('ends a request in flight, a waiting one and a pause with InterruptedError', async () => {
    const { server, http } = await start(() => undefined, { concurrency: 1 })
    const controller = new AbortController()
    const both = [1, 2].map((n) =>
      failure(
        http.request({ method: 'GET', url: `${server.url}/${n}` }, { signal: controller.signal }),
        InterruptedError,
      ),
    )
    setTimeout(() => {
      controller.abort()
    }, 30)
    await Promise.all(both)
    expect(server.requests).toHaveLength(1)
    await failure(
      http.request({ method: 'GET', url: server.url }, { signal: controller.signal }),
      InterruptedError,
    )
    expect(server.requests).toHaveLength(1)
  })

  it('ends a real pause at once', async () => {
    const server = await serve((_, response) => {
      answer(response, 429, '', { 'retry-after': '40' })
    })
    const http = createHttpClient({ base: server.url })
    open.unshift(http)
    const controller = new AbortController()
    const waiting = failure(
      http.request(
        { method: 'GET', url: server.url },
        {
          signal: controller.signal,
          onEvent: () =>
            setTimeout(() => {
              controller.abort()
            }, 10),
        },
      ),
      InterruptedError,
    )
    await waiting
    expect(server.requests).toHaveLength(1)
  })

  it('ends everything when it is closed', async () => {
    const { server, http } = await start(() => undefined)
    const request = failure(http.request({ method: 'GET', url: server.url }), InterruptedError)
    const closing = new Promise((resolve) => setTimeout(resolve, 20)).then(() => http.close())
    await Promise.all([request, closing])
  })
})

describe('where it goes', () => {
  it('tells that nothing listens, and how to go on', async () => {
    const { server, http } = await start(() => undefined)
    await server.close()
    const error = await failure(http.request({ method: 'GET', url: server.url }), UnreachableError)
    expect(error.message).toContain('nothing listens there')
    expect(error.hint).toContain('host and port')
  })

  it('tells that a name is not known, without trying again', async () => {
    const http = client('https://registry.invalid', { proxy: 'none' })
    const error = await failure(
      http.request({ method: 'GET', url: 'https://registry.invalid/v2/' }),
      UnreachableError,
    )
    expect(error.message).toContain('DNS')
  })

  it('refuses plain http to another machine unless told otherwise', async () => {
    expect(() => createHttpClient({ base: 'http://registry.example.com' })).toThrow(InsecureUrlError)
    expect(() => createHttpClient({ base: 'http://localhost:5000' })).not.toThrow()
    expect(() => createHttpClient({ base: 'http://[::1]:5000' })).not.toThrow()
    expect(() => createHttpClient({ base: 'http://registry.example.com', insecure: true })).not.toThrow()
    const http = client('https://registry.example.com')
    await failure(http.request({ method: 'GET', url: 'http://registry.example.com/' }), InsecureUrlError)
  })

  it('follows redirects, giving the final address', async () => {
    const { server, http } = await start((request, response) => {
      if (request.url === '/a') answer(response, 307, '', { location: '/b?x=1' })
      else answer(response, 200, 'here')
    })
    const got = await http.request({ method: 'GET', url: `${server.url}/a` })
    expect(got.url).toBe(`${server.url}/b?x=1`)
    expect(got.text()).toBe('here')
  })

  it('sends only harmless headers to another origin, though it be on the same host', async () => {
    const other = await serve((_, response) => {
      answer(response, 200, 'blob')
    })
    const { server, http } = await start((_, response) => {
      answer(response, 307, '', { location: `${other.url}/blob?X-Amz-Signature=abc` })
    })
    const secret = {
      'PRIVATE-TOKEN': 't',
      Cookie: 'c',
      'X-JFrog-Art-Api': 'k',
      Authorization: 'Bearer z',
      Accept: 'a/b',
    }
    const got = await http.request({ method: 'GET', url: `${server.url}/a`, headers: secret })
    expect(server.requests[0]?.headers['private-token']).toBe('t')
    expect(Object.keys(other.requests[0]?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ])
    expect(other.requests[0]?.url).toBe('/blob?X-Amz-Signature=abc')
    expect(got.url).not.toContain('abc')
  })

  it.each([
    { name: 'a circle', status: 302, location: '/a', method: 'GET' as const, said: /6th in a row/ },
    {
      name: 'a deletion with status 302',
      status: 302,
      location: '/b',
      method: 'DELETE' as const,
      said: /DELETE may not/,
    },
    {
      name: 'another protocol',
      status: 307,
      location: 'file:///etc/passwd',
      method: 'GET' as const,
      said: /not HTTP/,
    },
    {
      name: 'of what was posted, to another origin',
      status: 307,
      location: 'http://127.0.0.1:9/b',
      method: 'POST' as const,
      said: /what was posted/,
    },
    {
      name: 'no address',
      status: 307,
      location: 'http://[',
      method: 'GET' as const,
      said: /no valid address/,
    },
  ])('refuses a redirect: $name', async ({ status, location, method, said }) => {
    const { server, http } = await start((_, response) => {
      answer(response, status, '', { location })
    })
    const error = await failure(http.request({ method, url: `${server.url}/a` }), RedirectRefusedError)
    expect(error.message).toMatch(said)
  })

  it('refuses a redirect to plain http on another machine', async () => {
    const { server, http } = await start((_, response) => {
      answer(response, 307, '', { location: 'http://storage.example.com/blob' })
    })
    await failure(http.request({ method: 'GET', url: server.url }), InsecureUrlError)
  })

  it('sends the body again where a redirect keeps the method', async () => {
    const { server, http } = await start((request, response) => {
      if (request.url === '/a') answer(response, 308, '', { location: '/b' })
      else answer(response, 201)
    })
    expect((await http.request({ method: 'PUT', url: `${server.url}/a`, body: 'manifest' })).status).toBe(201)
    expect(server.requests.map(({ method, body }) => [method, body])).toEqual([
      ['PUT', 'manifest'],
      ['PUT', 'manifest'],
    ])
  })
})
