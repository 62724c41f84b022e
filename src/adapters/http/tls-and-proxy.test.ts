/** Encrypted connections with an authority and client certificates of our own, and the way through a proxy. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, request as forward } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { failure } from '../../../test/http/expect-failure.ts'
import {
  answer,
  closeServer,
  listen,
  skippingClock,
  startFaultServer,
} from '../../../test/http/fault-server.ts'
import type { HttpClient, HttpSettings } from './client.ts'
import { createHttpClient } from './client.ts'
import { UnauthorizedError, UnreachableError } from './http-errors.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function client(settings: HttpSettings): HttpClient {
  const http = createHttpClient({ clock: skippingClock(), ...settings })
  open.unshift(http)
  return http
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe.skipIf(!hasOpenssl)('encrypted connections (skipped without openssl)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'winnow-tls-'))
  const file = (name: string) => join(directory, name)
  const read = (name: string) => readFileSync(file(name), 'utf8')
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const issue = (name: string) => {
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    )
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '1',
      '-out',
      `${name}.pem`,
      '-extfile',
      'names',
    )
  }
  beforeAll(() => {
    writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1\n')
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '1',
      '-subj',
      '/CN=ca',
    )
    issue('server')
    issue('client')
  })
  afterAll(() => {
    rmSync(directory, { recursive: true })
  })

  async function serve(names: (string | undefined)[], wantsCertificate = false) {
    const server = await startFaultServer(
      (_, response) => {
        const peer = (response.socket as TLSSocket).getPeerCertificate()
        names.push((peer as { subject?: { CN?: string } }).subject?.CN)
        answer(response, 200, 'ok')
      },
      {
        cert: read('server.pem'),
        key: read('server.key'),
        ca: read('ca.pem'),
        requestCert: wantsCertificate,
        rejectUnauthorized: false,
      },
    )
    open.push(server)
    return server
  }

  it('refuse an authority nobody named, say the cure, and do not try again', async () => {
    const server = await serve([])
    const http = client({ base: server.url })
    const error = await failure(http.request({ method: 'GET', url: server.url }), UnreachableError)
    expect(error.message).toContain('certificate cannot be trusted')
    expect(error.hint).toContain('NODE_EXTRA_CA_CERTS=')
    expect(http.stats.requests).toBe(1)
  })

  it('trust an authority that was named', async () => {
    const server = await serve([])
    const http = client({ base: server.url, tls: { ca: read('ca.pem') } })
    expect((await http.request({ method: 'GET', url: server.url })).text()).toBe('ok')
  })

  it('go on without verification where that was asked for, at the registry alone', async () => {
    const server = await serve([])
    const other = await serve([])
    const http = client({ base: server.url, tls: { rejectUnauthorized: false } })
    expect((await http.request({ method: 'GET', url: server.url })).status).toBe(200)
    await failure(http.request({ method: 'GET', url: other.url }), UnreachableError)
  })

  it('show the client certificate to the registry and to nobody else', async () => {
    const seen: (string | undefined)[] = []
    const seenElsewhere: (string | undefined)[] = []
    const server = await serve(seen, true)
    const other = await serve(seenElsewhere, true)
    const http = client({
      base: server.url,
      tls: { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') },
    })
    await http.request({ method: 'GET', url: server.url })
    await http.request({ method: 'GET', url: other.url })
    expect(seen).toEqual(['client'])
    expect(seenElsewhere).toEqual([undefined])
  })

  it('say so when the server speaks plain http', async () => {
    const server = await startFaultServer((_, response) => {
      answer(response, 200)
    })
    open.push(server)
    const url = server.url.replace('http:', 'https:')
    const error = await failure(client({ base: url }).request({ method: 'GET', url }), UnreachableError)
    expect(error.hint).toContain('plain http')
  })

  it('are never left by a redirect to plain http', async () => {
    const plain = await startFaultServer((_, response) => {
      answer(response, 200)
    })
    const server = await startFaultServer(
      (_, response) => {
        answer(response, 307, '', { location: plain.url })
      },
      { cert: read('server.pem'), key: read('server.key') },
    )
    open.push(plain, server)
    const http = client({ base: server.url, tls: { ca: read('ca.pem') }, insecure: true })
    await expect(http.request({ method: 'GET', url: server.url })).rejects.toThrow(/from https to plain http/)
    expect(plain.requests).toHaveLength(0)
  })

  it('never take their login to a token server on plain http', async () => {
    const auth = await startFaultServer((_, response) => {
      answer(response, 200, '{"token":"t"}')
    })
    const server = await startFaultServer(
      (_, response) => {
        answer(response, 401, '', { 'www-authenticate': `Bearer realm="${auth.url}/token"` })
      },
      { cert: read('server.pem'), key: read('server.key') },
    )
    open.push(auth, server)
    const http = client({
      base: server.url,
      tls: { ca: read('ca.pem') },
      insecure: true,
      allowPrivateRealm: true,
    })
    await expect(http.request({ method: 'GET', url: server.url })).rejects.toThrow(/not on https/)
    expect(auth.requests).toHaveLength(0)
  })

  it('go through a proxy that sees neither request nor credentials', async () => {
    const server = await serve([])
    const proxy = await startProxy()
    const http = client({
      base: server.url,
      tls: { ca: read('ca.pem') },
      proxy: proxy.url.replace('//', '//joe:s3cret@'),
    })
    expect(
      (
        await http.request({ method: 'GET', url: `${server.url}/x`, headers: { 'private-token': 'z' } })
      ).text(),
    ).toBe('ok')
    expect(proxy.seen.map(({ line }) => line)).toEqual([`CONNECT ${new URL(server.url).host}`])
    expect(proxy.seen[0]?.headers['private-token']).toBeUndefined()
    expect(proxy.seen[0]?.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('joe:s3cret').toString('base64')}`,
    )
  })
})

interface Proxy {
  readonly url: string
  readonly seen: { readonly line: string; readonly headers: IncomingHttpHeaders }[]
  close(): Promise<void>
}

/** Tunnels CONNECT and forwards plain requests, always to 127.0.0.1: every name is known to it. */
async function startProxy(status = 200): Promise<Proxy> {
  const seen: Proxy['seen'] = []
  const server = createServer((request, response) => {
    seen.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, headers: request.headers })
    const target = new URL(request.url ?? '')
    forward(
      { port: target.port, method: request.method, path: target.pathname, headers: request.headers },
      (answered) => {
        response.writeHead(answered.statusCode ?? 502, answered.headers)
        answered.pipe(response)
      },
    ).end()
  })
  server.on('connect', (request, socket) => {
    seen.push({ line: `CONNECT ${request.url ?? ''}`, headers: request.headers })
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
      return
    }
    const upstream = connect(Number(new URL(`http://${request.url ?? ''}`).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  const port = await listen(server)
  const proxy = { url: `http://127.0.0.1:${port}`, seen, close: () => closeServer(server) }
  open.push(proxy)
  return proxy
}

describe('plain http through a proxy', () => {
  it('is forwarded, for names that only the proxy knows, and NO_PROXY is obeyed', async () => {
    const server = await startFaultServer((_, response) => {
      answer(response, 200, 'ok')
    })
    open.push(server)
    const proxy = await startProxy()
    const base = `http://registry.test:${server.port}`
    const environment = { HTTP_PROXY: proxy.url, NO_PROXY: 'other.test' }
    const http = client({ base, insecure: true, environment })
    expect((await http.request({ method: 'GET', url: `${base}/v2/` })).text()).toBe('ok')
    expect(proxy.seen.map(({ line }) => line)).toEqual([`GET ${base}/v2/`])
    await failure(http.request({ method: 'GET', url: `http://other.test:${server.port}/` }), UnreachableError)
    expect(proxy.seen).toHaveLength(1)
  })

  it('keeps this machine out of it', async () => {
    const server = await startFaultServer((_, response) => {
      answer(response, 200, 'ok')
    })
    open.push(server)
    const http = client({ base: server.url, environment: { HTTP_PROXY: 'http://127.0.0.1:1' } })
    expect((await http.request({ method: 'GET', url: server.url })).text()).toBe('ok')
  })

  it('asks a token server by name too, and refuses a private one', async () => {
    const server = await startFaultServer((_, response) => {
      answer(response, 401, '', { 'www-authenticate': 'Bearer realm="http://localhost:9/token"' })
    })
    open.push(server)
    const proxy = await startProxy()
    const base = `http://registry.test:${server.port}`
    const http = client({ base, insecure: true, environment: { HTTP_PROXY: proxy.url } })
    await expect(http.request({ method: 'GET', url: base })).rejects.toThrow(/private network/)
    await expect(http.request({ method: 'GET', url: base })).rejects.not.toBeInstanceOf(UnauthorizedError)
  })

  it('says so when the proxy refuses', async () => {
    const proxy = await startProxy(407)
    const http = client({ base: 'https://registry.test', proxy: proxy.url })
    const error = await failure(
      http.request({ method: 'GET', url: 'https://registry.test/' }),
      UnreachableError,
    )
    expect(error.message).toContain('proxy')
    expect(error.hint).toContain('HTTPS_PROXY')
  })
})
