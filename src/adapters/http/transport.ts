/**
 * Sends one request once and reads its whole answer: connections, TLS, proxies, timeouts, limits, decoding.
 *
 * Connections are kept by origin. The client certificate goes to the base's own origin alone, as credentials do. It
 * follows nothing, repeats nothing, and knows nothing of credentials in headers. A failure to get a whole answer is a
 * TransportFailure, which says whether another attempt can help.
 */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { createSecureContext, rootCertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
import { Pool, ProxyAgent } from 'undici'
import { decodeBody } from './body.ts'
import { exchange } from './exchange.ts'
import type { HttpMethod, HttpTls } from './http-types.ts'
import type { Environment } from './proxy.ts'
import { proxyFor } from './proxy.ts'
import { checkRealmName, publicOnlyLookup } from './realm.ts'
import { toTransportFailure } from './transport-failure.ts'

export interface Sending {
  readonly method: HttpMethod
  readonly url: URL
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string | undefined
  readonly bodyBytesMax: number
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal
  /** The answer to this HEAD is trusted to have no body, so that the connection can serve on. */
  readonly keepsConnection: boolean
  /** Connect to public addresses only. */
  readonly isPublicOnly?: boolean
}

export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

export interface TransportSettings {
  readonly base: URL
  readonly connections: number
  readonly tls: HttpTls
  readonly proxy: string
  readonly environment: Environment
}

interface Route {
  readonly dispatcher: Dispatcher
  readonly isProxied: boolean
}

const CONNECT_TIMEOUT_MS = 10_000

export class Transport {
  readonly #settings: TransportSettings
  readonly #routes = new Map<string, Route>()
  #ownContext: SecureContext | undefined
  #foreignContext: SecureContext | undefined

  constructor(settings: TransportSettings) {
    this.#settings = settings
  }

  /** @throws TransportFailure, ResponseTooLargeError, or the reason of `sending.signal` when that aborts */
  async send(sending: Sending): Promise<RawAnswer> {
    const { url, signal } = sending
    signal.throwIfAborted()
    const isPublicOnly = sending.isPublicOnly === true
    const { dispatcher, isProxied } = this.#route(url, isPublicOnly)
    // Behind a proxy the name is resolved elsewhere, so it can only be checked beforehand and as seen from here.
    if (isPublicOnly && isProxied) await checkRealmName(url.hostname)
    try {
      const limits = { url: url.href, bodyBytesMax: sending.bodyBytesMax, signal }
      const request = {
        origin: url.origin,
        path: url.pathname + url.search,
        method: sending.method,
        headers: sending.headers,
        body: sending.body ?? null,
        headersTimeout: sending.idleTimeoutMs,
        bodyTimeout: sending.idleTimeoutMs,
        // Left out, undici closes the connection after every HEAD.
        ...(sending.keepsConnection && { reset: false }),
      }
      const { status, headers, encoded } = await exchange(dispatcher, request, limits)
      const body = await decodeBody(encoded, headers.get('content-encoding'), limits)
      return { status, headers, body }
    } catch (error) {
      // An abort ends the stream with errors of its own; why it was aborted is what the caller must learn.
      signal.throwIfAborted()
      throw toTransportFailure(error, isProxied)
    }
  }

  async close(): Promise<void> {
    const open = [...this.#routes.values()]
    this.#routes.clear()
    await Promise.all(open.map(({ dispatcher }) => dispatcher.destroy()))
  }

  #route(url: URL, isPublicOnly: boolean): Route {
    const key = isPublicOnly ? `public ${url.origin}` : url.origin
    const known = this.#routes.get(key)
    if (known !== undefined) return known
    const proxy = proxyFor(url, this.#settings.proxy, this.#settings.environment)
    const made = { dispatcher: this.#connect(url, proxy, isPublicOnly), isProxied: proxy !== undefined }
    this.#routes.set(key, made)
    return made
  }

  #connect(url: URL, proxy: URL | undefined, isPublicOnly: boolean): Dispatcher {
    const tls = this.#tlsOptions(url)
    const { connections } = this.#settings
    if (proxy === undefined) {
      const lookup = isPublicOnly ? { lookup: publicOnlyLookup } : {}
      return new Pool(url.origin, {
        connections,
        connect: { timeout: CONNECT_TIMEOUT_MS, ...tls, ...lookup },
      })
    }
    return new ProxyAgent({
      uri: proxy.href,
      connections,
      requestTls: { timeout: CONNECT_TIMEOUT_MS, ...tls },
      proxyTls: { timeout: CONNECT_TIMEOUT_MS, ...this.#tlsOptions(proxy) },
      // Proxies commonly refuse tunnels to anything but port 443: plain http is forwarded instead.
      proxyTunnel: url.protocol === 'https:',
    })
  }

  #tlsOptions(url: URL): Pick<ConnectionOptions, 'secureContext' | 'rejectUnauthorized' | 'servername'> {
    const { tls, base } = this.#settings
    if (url.protocol !== 'https:') return {}
    const isOwn = url.origin === base.origin
    // Switching verification off is meant for the registry; a token server elsewhere is verified all the same.
    const rejectUnauthorized = isOwn ? (tls.rejectUnauthorized ?? true) : true
    const servername = isOwn && tls.serverName !== undefined ? { servername: tls.serverName } : {}
    const hasOwnFiles = tls.ca !== undefined || (isOwn && tls.cert !== undefined)
    return hasOwnFiles
      ? { rejectUnauthorized, ...servername, secureContext: this.#context(isOwn) }
      : { rejectUnauthorized, ...servername }
  }

  /** Made once: reading 150 root certificates for every connection costs milliseconds. */
  #context(isOwn: boolean): SecureContext {
    const { ca, cert, key } = this.#settings.tls
    const authorities = ca === undefined ? {} : { ca: [...rootCertificates, ...this.#extraAuthorities(), ca] }
    if (!isOwn) return (this.#foreignContext ??= createSecureContext(authorities))
    const own = cert === undefined || key === undefined ? {} : { cert, key }
    return (this.#ownContext ??= createSecureContext({ ...authorities, ...own }))
  }

  /** Node forgets NODE_EXTRA_CA_CERTS as soon as other authorities are named. */
  #extraAuthorities(): readonly string[] {
    const file = this.#settings.environment['NODE_EXTRA_CA_CERTS']
    return file === undefined || file === '' ? [] : [readFileSync(file, 'utf8')]
  }
}
