/**
 * The one HTTP client, for every registry driver and for clusters.
 *
 * Promises: every final status is returned, whatever it is; what throws is a transport that failed for good, attempts
 * that ran out, a login that failed, and a limit passed. A body is whole and decoded, or it is an error. Pauses are
 * announced as `wait` events and bounded. Credentials go to the origin of `base` alone, and to the token server it
 * names once that passed realm.ts; no error text holds one.
 * Refuses: unencrypted http beyond loopback (unless `insecure`), redirects from https to http, endless redirects,
 * repeating what is not idempotent.
 */
import { OperationalError } from '../../core/errors/errors.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { Authorization } from './authorization.ts'
import { CredentialKeeper, StaticAuthorization } from './authorization.ts'
import { isLoopbackHost } from './addresses.ts'
import { machineClock } from './clock.ts'
import type { Deadline } from './deadline.ts'
import { openDeadline } from './deadline.ts'
import { Gate } from './gate.ts'
import { InsecureUrlError } from './http-errors.ts'
import type {
  HttpClient,
  HttpClock,
  HttpRequest,
  HttpResponse,
  HttpRetry,
  HttpSettings,
  HttpStats,
} from './http-types.ts'
import { needsPublicAddress } from './realm.ts'
import { harmlessHeaders, nextHop } from './redirects.ts'
import { Redactor, redactUrl } from './redact.ts'
import { RegistryAuthorization } from './registry-authorization.ts'
import type { RegistryLogin } from './registry-authorization.ts'
import { repeat, sleep } from './repeat.ts'
import { makeResponse } from './response.ts'
import { judge } from './retry-policy.ts'
import { TokenCache } from './token-cache.ts'
import { requestToken } from './token-endpoint.ts'
import type { RawAnswer } from './transport.ts'
import { Transport } from './transport.ts'

export type {
  HttpClient,
  HttpClock,
  HttpMethod,
  HttpRequest,
  HttpResponse,
  HttpRetry,
  HttpSettings,
  HttpStats,
  HttpTls,
} from './http-types.ts'

const CONCURRENCY_DEFAULT = 16
const BODY_BYTES_MAX_DEFAULT = 8 * 1024 * 1024
const TOKEN_BYTES_MAX = 1024 * 1024
const IDLE_TIMEOUT_DEFAULT_MS = 30_000
/** With the last silence cut off by it, a command ends within 150 s of meeting a broken server (DESIGN, section 7). */
const TOTAL_TIMEOUT_DEFAULT_MS = 140_000
const RETRY_DEFAULT: Required<HttpRetry> = {
  attemptsMax: 5,
  retryAfterMaxMs: 60_000,
  waitBudgetMs: 120_000,
  backoffMs: 500,
}
/** After so many requests in a row that failed for good, the rest of a run is not spent on repeating. */
const FAILURES_IN_ROW_MAX = 10

/**
 * A client for one registry or cluster.
 *
 * @throws InsecureUrlError when `base` is plain http, not on this machine, and `insecure` is not set
 */
export function createHttpClient(settings: HttpSettings): HttpClient {
  return new UndiciClient(settings)
}

interface Lane {
  readonly gate: Gate
  readonly isToken: boolean
}

class UndiciClient implements HttpClient {
  readonly #settings: HttpSettings
  readonly #base: URL
  readonly #clock: HttpClock
  readonly #redactor = new Redactor()
  readonly #closing = new AbortController()
  readonly #transport: Transport
  readonly #login: RegistryLogin
  readonly #own: Lane
  readonly #token: Lane
  readonly #counts = { requests: 0, retries: 0, tokenRequests: 0, waitedMs: 0 }
  #pausedUntilMs = 0
  #failuresInRow = 0

  constructor(settings: HttpSettings) {
    this.#settings = settings
    this.#base = new URL(settings.base)
    this.#redactor.register(decodeURIComponent(this.#base.password))
    this.#requireSecure(this.#base)
    this.#clock = settings.clock ?? machineClock
    const concurrency = settings.concurrency ?? CONCURRENCY_DEFAULT
    this.#own = { gate: new Gate(concurrency), isToken: false }
    this.#token = { gate: new Gate(concurrency), isToken: true }
    this.#transport = new Transport({
      base: this.#base,
      connections: concurrency,
      tls: settings.tls ?? {},
      proxy: settings.proxy ?? 'environment',
      environment: settings.environment ?? process.env,
    })
    const keeper = new CredentialKeeper(
      this.#base,
      settings.credentials,
      this.#redactor,
      this.#closing.signal,
    )
    this.#login = {
      scheme: undefined,
      keeper,
      tokens: new TokenCache(() => this.#clock.now()),
      realmRules: { base: this.#base, allowPrivateRealm: settings.allowPrivateRealm ?? false },
      fetchToken: (ask) => this.#fetchToken(ask),
    }
  }

  get stats(): HttpStats {
    return { ...this.#counts, concurrency: this.#own.gate.limit }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#transport.close()
  }

  async request(request: HttpRequest, options: RunOptions = {}): Promise<HttpResponse> {
    const url = new URL(request.url)
    this.#requireSecure(url)
    const subject = this.#redactor.text(redactUrl(url.href))
    const deadline = this.#deadline(subject, request, options)
    const authorization =
      url.origin === this.#base.origin ? this.#authorize(request, url, deadline.signal) : undefined
    try {
      const response = await this.#repeat(request, subject, deadline, options, (attempt) =>
        this.#authorized(request, url, attempt, authorization, deadline),
      )
      this.#failuresInRow = 0
      return response
    } catch (error) {
      if (error instanceof OperationalError && error.category !== 'interrupted') this.#failuresInRow += 1
      throw error
    } finally {
      deadline.close()
    }
  }

  #requireSecure(url: URL): void {
    if (url.protocol === 'https:') return
    if (url.protocol === 'http:' && (this.#settings.insecure === true || isLoopbackHost(url.hostname))) return
    throw new InsecureUrlError(this.#redactor.text(redactUrl(url.href)))
  }

  #deadline(subject: string, request: HttpRequest, options: RunOptions): Deadline {
    const totalMs = request.totalTimeoutMs ?? TOTAL_TIMEOUT_DEFAULT_MS
    return openDeadline(subject, totalMs, [options.signal, this.#closing.signal])
  }

  #authorize(request: HttpRequest, url: URL, signal: AbortSignal): Authorization {
    if (this.#settings.authorization === 'static') return new StaticAuthorization(this.#login.keeper, signal)
    const scopes = request.scopes ?? []
    return new RegistryAuthorization(this.#login, scopes, repositoryPath(scopes, url), signal)
  }

  async #repeat(
    request: HttpRequest,
    subject: string,
    deadline: Deadline,
    options: RunOptions,
    send: (attempt: number) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const isDown = this.#failuresInRow >= FAILURES_IN_ROW_MAX
    return await repeat(send, {
      subject,
      isIdempotent: request.idempotent ?? (request.method !== 'POST' && request.method !== 'PATCH'),
      retry: { ...RETRY_DEFAULT, ...this.#settings.retry, ...(isDown ? { attemptsMax: 1 } : {}) },
      clock: this.#clock,
      redactor: this.#redactor,
      signal: deadline.signal,
      onEvent: options.onEvent,
      onPause: (pauseMs, isAsked) => {
        this.#counts.retries += 1
        this.#counts.waitedMs += pauseMs
        // A server that names a time means all of our requests, not only the one it answered.
        if (isAsked) this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.now() + pauseMs)
      },
    })
  }

  /** One attempt: sends until the server neither asks for a login nor refuses the one it was given. */
  async #authorized(
    request: HttpRequest,
    url: URL,
    attempt: number,
    authorization: Authorization | undefined,
    deadline: Deadline,
  ): Promise<HttpResponse> {
    for (;;) {
      const header = await authorization?.header()
      const { answer, at } = await this.#follow(request, url, header, deadline)
      const mayLogIn = authorization !== undefined && at.origin === this.#base.origin
      const isAgain = mayLogIn && !this.#isRateLimit(answer) && (await authorization.refused(answer))
      if (!isAgain) return this.#response(answer, at, attempt)
    }
  }

  #isRateLimit(answer: RawAnswer): boolean {
    const judgement = judge(answer.status, answer.headers, this.#clock.now())
    return judgement.kind === 'repeat' && judgement.isRateLimit
  }

  async #follow(
    request: HttpRequest,
    url: URL,
    authorization: string | undefined,
    deadline: Deadline,
  ): Promise<{ readonly answer: RawAnswer; readonly at: URL }> {
    let at = url
    for (let hops = 0; ; hops += 1) {
      const answer = await this.#wire(
        this.#own,
        request,
        at,
        this.#headers(request, at, authorization),
        deadline,
      )
      const next = nextHop(request.method, at, answer, hops)
      if (next === undefined) return { answer, at }
      this.#requireSecure(next)
      at = next
    }
  }

  /** Decided anew for every hop: only the base's own origin sees more than harmless headers. */
  #headers(
    request: HttpRequest,
    at: URL,
    authorization: string | undefined,
  ): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {
      accept: '*/*',
      // A compressed answer has no length of its own, which is what HEAD is asked for.
      'accept-encoding': request.method === 'HEAD' ? 'identity' : 'gzip, br',
      'user-agent': this.#settings.userAgent ?? 'winnow',
    }
    for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
    if (at.origin !== this.#base.origin) return harmlessHeaders(headers)
    return authorization === undefined ? headers : { ...headers, authorization }
  }

  async #wire(
    lane: Lane,
    request: HttpRequest,
    url: URL,
    headers: Readonly<Record<string, string>>,
    deadline: Deadline,
  ): Promise<RawAnswer> {
    await lane.gate.enter(deadline.signal)
    deadline.start()
    let kind: 'answered' | 'overloaded' | 'failed' = 'failed'
    let sentAtMs = this.#clock.now()
    try {
      const pauseMs = lane.isToken ? 0 : this.#pausedUntilMs - sentAtMs
      if (pauseMs > 0) await sleep(this.#clock, pauseMs, deadline.signal)
      sentAtMs = this.#clock.now()
      this.#counts.requests += 1
      const answer = await this.#transport.send({
        method: request.method,
        url,
        headers,
        body: request.body,
        bodyBytesMax: request.bodyBytesMax ?? BODY_BYTES_MAX_DEFAULT,
        idleTimeoutMs: request.idleTimeoutMs ?? IDLE_TIMEOUT_DEFAULT_MS,
        signal: deadline.signal,
        isPublicOnly: lane.isToken && needsPublicAddress(url, this.#login.realmRules),
      })
      kind = answer.status === 503 || this.#isRateLimit(answer) ? 'overloaded' : 'answered'
      return answer
    } finally {
      lane.gate.leave({ kind, sentAtMs, endedAtMs: this.#clock.now() })
    }
  }

  /** Shared by all who wait for the same token, so no single one of them can cancel it; closing the client does. */
  async #fetchToken(
    ask: Parameters<RegistryLogin['fetchToken']>[0],
  ): ReturnType<RegistryLogin['fetchToken']> {
    const subject = this.#redactor.text(redactUrl(ask.realm.href))
    const issued = await requestToken(ask, async (request) => {
      const limited = { ...request, bodyBytesMax: TOKEN_BYTES_MAX }
      const url = new URL(request.url)
      this.#requireSecure(url)
      const deadline = this.#deadline(subject, limited, {})
      const headers = { 'user-agent': this.#settings.userAgent ?? 'winnow', ...request.headers }
      try {
        return await this.#repeat(limited, subject, deadline, {}, async (attempt) => {
          this.#counts.tokenRequests += 1
          const answer = await this.#wire(this.#token, limited, url, headers, deadline)
          return this.#response(answer, url, attempt)
        })
      } finally {
        deadline.close()
      }
    })
    this.#redactor.register(issued.token)
    return issued
  }

  #response(answer: RawAnswer, at: URL, attempts: number): HttpResponse {
    const shown = this.#redactor.text(redactUrl(at.href))
    return makeResponse(answer, at.origin === this.#base.origin ? at.href : shown, shown, attempts)
  }
}

/** The repository a request is about, for credentials kept by path: from its scopes, else from its URL. */
function repositoryPath(scopes: readonly string[], url: URL): string {
  const scoped = scopes
    .map((scope) => /^repository(?:\([^)]*\))?:(.+):[^:]*$/.exec(scope)?.[1])
    .find((name) => name !== undefined)
  return scoped ?? /^\/v2\/(.+)\/(?:manifests|tags|blobs|referrers)\//.exec(url.pathname)?.[1] ?? ''
}
