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
import { machineClock } from './clock.ts'
import type { Deadline } from './deadline.ts'
import { openDeadline } from './deadline.ts'
import type {
  HttpClient,
  HttpClock,
  HttpRequest,
  HttpResponse,
  HttpRetry,
  HttpSettings,
  HttpStats,
} from './http-types.ts'
import { Redactor, redactUrl } from './redact.ts'
import { RegistryAuthorization } from './registry-authorization.ts'
import type { RegistryLogin } from './registry-authorization.ts'
import { repeat } from './repeat.ts'
import { makeResponse } from './response.ts'
import { TokenCache } from './token-cache.ts'
import type { IssuedToken, TokenAsk } from './token-endpoint.ts'
import { requestToken } from './token-endpoint.ts'
import type { Arrival } from './wire.ts'
import { Wire } from './wire.ts'

export type { HttpClient, HttpClock, HttpResponse, HttpSettings } from './http-types.ts'

const TOKEN_BYTES_MAX = 1024 * 1024
/** A command ends within 150 s of meeting a broken server (DESIGN, section 7). */
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

class UndiciClient implements HttpClient {
  readonly #settings: HttpSettings
  readonly #base: URL
  readonly #clock: HttpClock
  readonly #redactor = new Redactor()
  readonly #closing = new AbortController()
  readonly #wire: Wire
  readonly #login: RegistryLogin
  #failuresInRow = 0

  constructor(settings: HttpSettings) {
    this.#settings = settings
    this.#base = new URL(settings.base)
    this.#redactor.register(this.#base.password)
    this.#clock = settings.clock ?? machineClock
    const realmRules = { base: this.#base, allowPrivateRealm: settings.allowPrivateRealm ?? false }
    this.#wire = new Wire(settings, realmRules, this.#redactor, this.#clock)
    this.#wire.requireSecure(this.#base)
    this.#login = {
      scheme: undefined,
      keeper: new CredentialKeeper(this.#base, settings.credentials, this.#redactor, this.#closing.signal),
      tokens: new TokenCache(() => this.#clock.now()),
      realmRules,
      fetchToken: (ask) => this.#fetchToken(ask),
    }
  }

  get stats(): HttpStats {
    return this.#wire.stats
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#wire.close()
  }

  async request(request: HttpRequest, options: RunOptions = {}): Promise<HttpResponse> {
    const url = new URL(request.url)
    this.#wire.requireSecure(url)
    try {
      const response = await this.#limited(request, url, options, (deadline) => {
        const authorization = this.#authorize(request, url, deadline.signal)
        return async (attempt) => await this.#authorized(request, url, attempt, authorization, deadline)
      })
      this.#failuresInRow = 0
      return response
    } catch (error) {
      if (error instanceof OperationalError && error.category !== 'interrupted') this.#failuresInRow += 1
      throw this.#withoutSecrets(error)
    }
  }

  /** Runs attempts within the limits of a request; `prepare` is told of its deadline once. */
  async #limited(
    request: HttpRequest,
    url: URL,
    options: RunOptions,
    prepare: (deadline: Deadline) => (attempt: number) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const subject = () => this.#shown(url)
    const totalMs = request.totalTimeoutMs ?? TOTAL_TIMEOUT_DEFAULT_MS
    const deadline = openDeadline(subject, totalMs, [options.signal, this.#closing.signal])
    const isDown = this.#failuresInRow >= FAILURES_IN_ROW_MAX
    try {
      return await repeat(prepare(deadline), {
        subject,
        isIdempotent: request.idempotent ?? (request.method !== 'POST' && request.method !== 'PATCH'),
        retry: { ...RETRY_DEFAULT, ...this.#settings.retry, ...(isDown ? { attemptsMax: 1 } : {}) },
        clock: this.#clock,
        redactor: this.#redactor,
        signal: deadline.signal,
        onEvent: options.onEvent,
        onPause: (pauseMs, isAsked) => {
          this.#wire.notePause(pauseMs, isAsked && url.origin === this.#base.origin)
        },
      })
    } finally {
      deadline.close()
    }
  }

  /** Undefined for another origin than the base's: there is no login there, whatever it asks for. */
  #authorize(request: HttpRequest, url: URL, signal: AbortSignal): Authorization | undefined {
    if (url.origin !== this.#base.origin || this.#settings.authorization === 'none') return undefined
    if (this.#settings.authorization === 'static') return new StaticAuthorization(this.#login.keeper, signal)
    const scopes = request.scopes ?? []
    return new RegistryAuthorization(this.#login, scopes, repositoryPath(scopes, url), signal)
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
      const arrival = await this.#wire.follow(request, url, header, deadline)
      const isRefused = arrival.at.origin === this.#base.origin && !this.#wire.isRateLimit(arrival.answer)
      const isAgain =
        isRefused && authorization !== undefined && (await authorization.refused(arrival.answer))
      if (!isAgain) return this.#response(arrival, attempt)
    }
  }

  /** Shared by all who wait for the same token, so no single one of them can cancel it; closing the client does. */
  async #fetchToken(ask: TokenAsk): Promise<IssuedToken> {
    const issued = await requestToken(ask, async (request) => {
      const url = new URL(request.url)
      const bounded = { ...request, bodyBytesMax: TOKEN_BYTES_MAX }
      return await this.#limited(bounded, url, {}, (deadline) => async (attempt) => {
        const answer = await this.#wire.sendForToken(bounded, url, deadline)
        return this.#response({ answer, at: url }, attempt)
      })
    })
    this.#redactor.register(issued.token)
    return issued
  }

  #response({ answer, at }: Arrival, attempts: number): HttpResponse {
    const isOwn = at.origin === this.#base.origin
    // Elsewhere the URL itself may be the credential (presigned storage); nobody needs it to go on.
    const safe = answer.status < 400 ? answer : { ...answer, body: this.#echoless(answer.body) }
    return makeResponse(safe, isOwn ? at.href : this.#shown(at), () => this.#shown(at), attempts)
  }

  /** Servers and proxies repeat what they were sent when they refuse it, and drivers quote what servers say. */
  #echoless(body: Uint8Array): Uint8Array {
    const said = Buffer.from(body).toString('utf8')
    const safe = this.#redactor.text(said)
    return safe === said ? body : Buffer.from(safe)
  }

  /** The last net: texts are made safe where they are made, and this catches what was forgotten or echoed. */
  #withoutSecrets(error: unknown): unknown {
    if (!(error instanceof Error)) return error
    const safe = this.#redactor.text(error.message)
    if (safe === error.message) return error
    error.message = safe
    error.stack = this.#redactor.text(error.stack ?? '')
    return error
  }

  #shown(url: URL): string {
    return this.#redactor.text(redactUrl(url.href))
  }
}

/** The repository a request is about, for credentials kept by path: from its scopes, else from its URL. */
function repositoryPath(scopes: readonly string[], url: URL): string {
  const names = scopes.map((scope) => /^repository(?:\([^)]*\))?:(.+):[^:]*$/.exec(scope)?.[1])
  const named = names.find((name) => name !== undefined)
  return named ?? /^\/v2\/(.+)\/(?:manifests|tags|blobs|referrers)\//.exec(url.pathname)?.[1] ?? ''
}
