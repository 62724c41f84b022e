/**
 * What the HTTP client is asked and what it answers; client.ts makes one and states its promises.
 */
import type { RunOptions } from '../../ports/run-options.ts'
import type { CredentialSource } from './credentials.ts'

export type HttpMethod = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'

export interface HttpRequest {
  readonly method: HttpMethod
  /** Absolute. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Token scopes wanted, e.g. `repository:team/app:pull`; used once the server asks for a Bearer token. */
  readonly scopes?: readonly string[]
  /** Decoded bytes; a longer body fails with ResponseTooLargeError. @default 8 MiB */
  readonly bodyBytesMax?: number
  /** Whether sending it twice does no harm; only then is it retried. @default true for GET, HEAD, PUT and DELETE */
  readonly idempotent?: boolean
  /**
   * For HEAD: goes on using the connection afterwards. Some servers send a body all the same; then what follows on the
   * connection is no HTTP, and is repeated on another one. Not for things whose bytes strangers choose, which could
   * be made to look like the next answer. @default false: the connection is closed, which costs a new one
   */
  readonly keepsConnection?: boolean
  /** Longest silence while waiting for headers or the next bytes. @default 30 000 */
  readonly idleTimeoutMs?: number
  /** Longest time for the whole call, pauses and repetitions included. @default 140 000 */
  readonly totalTimeoutMs?: number
}

export interface HttpResponse {
  readonly status: number
  /** Where the answer came from, after redirects. */
  readonly url: string
  /** Lower-case names; several values of one name are joined by a comma and a space. */
  readonly headers: ReadonlyMap<string, string>
  /** Decoded. */
  readonly body: Uint8Array
  /**
   * How often it was sent, counting repetitions after a failure, not those that only added credentials. Above 1, a
   * 404 to a DELETE may be the work of an earlier sending.
   */
  readonly attempts: number
  /** The body as UTF-8. */
  text(): string
  /** @throws UnreadableResponseError naming URL and status when the body is not JSON */
  json(): unknown
}

export interface HttpStats {
  /** Everything sent, retries, redirects and token requests included. */
  readonly requests: number
  readonly retries: number
  /** Requests to token end-points. */
  readonly tokenRequests: number
  /** Time spent in announced pauses. */
  readonly waitedMs: number
  /** How many requests may be in flight now. */
  readonly concurrency: number
}

export interface HttpClient {
  /**
   * Sends a request and returns its final answer.
   *
   * @throws InterruptedError when `options.signal` aborts, and the errors of http-errors.ts
   */
  request(request: HttpRequest, options?: RunOptions): Promise<HttpResponse>
  readonly stats: HttpStats
  close(): Promise<void>
}

export interface HttpTls {
  /** PEM; trusted besides the system's own authorities. */
  readonly ca?: string
  /** PEM client certificate and its key. */
  readonly cert?: string
  readonly key?: string
  /** @default true */
  readonly rejectUnauthorized?: boolean
  /** The name the certificate of the base's own origin is checked against. @default the host of the URL */
  readonly serverName?: string
}

export interface HttpRetry {
  /** How often a request is sent at most. @default 5 */
  readonly attemptsMax?: number
  /** A longer Retry-After fails at once with RateLimitedError. @default 60 000 */
  readonly retryAfterMaxMs?: number
  /** Sum of all pauses of one request. @default 120 000 */
  readonly waitBudgetMs?: number
  /** First pause; doubles each time, with jitter. @default 500 */
  readonly backoffMs?: number
}

/** Time as the client sees it; tests bring their own. */
export interface HttpClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface HttpSettings {
  /** The registry's or cluster's own URL: its origin is the only one credentials belong to. */
  readonly base: string
  /** @default anonymous */
  readonly credentials?: CredentialSource
  /** Upper bound of requests in flight; the client finds the right number below it. @default 16 */
  readonly concurrency?: number
  /** @default winnow */
  readonly userAgent?: string
  readonly tls?: HttpTls
  /** Allows plain http to hosts that are not loopback. @default false */
  readonly insecure?: boolean
  /** Allows a token end-point on another host in a private, link-local or loopback network. @default false */
  readonly allowPrivateRealm?: boolean
  /** `environment` reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY; a string is a proxy's URL. @default 'environment' */
  readonly proxy?: string
  readonly retry?: HttpRetry
  /**
   * `registry` answers challenges; `static` sends the credential with every request (clusters); `none` logs in nowhere, and
   * a 401 is an answer like any other. @default 'registry'
   */
  readonly authorization?: 'registry' | 'static' | 'none'
  /** Where proxy variables are read. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** @default the machine's */
  readonly clock?: HttpClock
}
