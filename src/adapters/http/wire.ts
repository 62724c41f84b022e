/**
 * Puts requests on the wire: each in its turn, after the pause the server asked for, with the headers that may go
 * where it goes, following redirects by hand.
 */
import { isLoopbackHost } from './addresses.ts'
import type { Deadline } from './deadline.ts'
import { Gate } from './gate.ts'
import { InsecureUrlError } from './http-errors.ts'
import type { HttpClock, HttpRequest, HttpSettings, HttpStats } from './http-types.ts'
import { needsPublicAddress } from './realm.ts'
import type { RealmRules } from './realm.ts'
import { harmlessHeaders, nextHop } from './redirects.ts'
import type { Redactor } from './redact.ts'
import { redactUrl } from './redact.ts'
import { sleep } from './repeat.ts'
import { judge } from './retry-policy.ts'
import type { RawAnswer } from './transport.ts'
import { Transport } from './transport.ts'

const CONCURRENCY_DEFAULT = 16
const BODY_BYTES_MAX_DEFAULT = 8 * 1024 * 1024
const IDLE_TIMEOUT_DEFAULT_MS = 30_000

/** Token servers are other servers: their refusals say nothing about the registry, and the other way round. */
type Lane = 'own' | 'token'

export interface Arrival {
  readonly answer: RawAnswer
  /** Where the answer came from. */
  readonly at: URL
}

export class Wire {
  readonly #settings: HttpSettings
  readonly #rules: RealmRules
  readonly #redactor: Redactor
  readonly #clock: HttpClock
  readonly #transport: Transport
  readonly #gates: Readonly<Record<Lane, Gate>>
  readonly #counts = { requests: 0, retries: 0, tokenRequests: 0, waitedMs: 0 }
  #pausedUntilMs = 0
  /** The plain origin that was last found to be allowed: nearly always that of the next request too. */
  #secureOrigin: string | undefined

  constructor(settings: HttpSettings, rules: RealmRules, redactor: Redactor, clock: HttpClock) {
    this.#settings = settings
    this.#rules = rules
    this.#redactor = redactor
    this.#clock = clock
    const connections = settings.concurrency ?? CONCURRENCY_DEFAULT
    this.#gates = { own: new Gate(connections), token: new Gate(connections) }
    this.#transport = new Transport({
      base: rules.base,
      connections,
      tls: settings.tls ?? {},
      proxy: settings.proxy ?? 'environment',
      environment: settings.environment ?? process.env,
    })
  }

  get stats(): HttpStats {
    return { ...this.#counts, concurrency: this.#gates.own.limit }
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  /** Counts a pause; one that the server asked for holds up every request, since the server meant all of them. */
  notePause(pauseMs: number, isAsked: boolean): void {
    this.#counts.retries += 1
    this.#counts.waitedMs += pauseMs
    if (isAsked) this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.now() + pauseMs)
  }

  /** @throws InsecureUrlError for plain http to another machine, unless that was allowed */
  requireSecure(url: URL): void {
    if (url.protocol === 'https:' || url.origin === this.#secureOrigin) return
    if (url.protocol === 'http:' && (this.#settings.insecure === true || isLoopbackHost(url.hostname))) {
      this.#secureOrigin = url.origin
      return
    }
    throw new InsecureUrlError(this.#redactor.text(redactUrl(url.href)))
  }

  isRateLimit(answer: RawAnswer): boolean {
    const judgement = judge(answer.status, answer.headers, this.#clock.now())
    return judgement.kind === 'repeat' && judgement.isRateLimit
  }

  /** Sends, and follows redirects. `authorization` is seen by the base's own origin alone, on every hop. */
  async follow(
    request: HttpRequest,
    url: URL,
    authorization: string | undefined,
    deadline: Deadline,
  ): Promise<Arrival> {
    let at = url
    for (let hops = 0; ; hops += 1) {
      const answer = await this.#send('own', request, at, this.#headers(request, at, authorization), deadline)
      const next = nextHop(request.method, at, answer, hops)
      if (next === undefined) return { answer, at }
      this.requireSecure(next)
      at = next
    }
  }

  /** Sends to a token server whose realm was checked; follows nothing. */
  async sendForToken(request: HttpRequest, url: URL, deadline: Deadline): Promise<RawAnswer> {
    this.requireSecure(url)
    this.#counts.tokenRequests += 1
    return await this.#send('token', request, url, this.#common(request), deadline)
  }

  /** Off the base's origin only harmless headers are left, whatever the driver put in. */
  #headers(
    request: HttpRequest,
    at: URL,
    authorization: string | undefined,
  ): Readonly<Record<string, string>> {
    const headers = this.#common(request)
    if (at.origin !== this.#rules.base.origin) return harmlessHeaders(headers)
    return authorization === undefined ? headers : { ...headers, authorization }
  }

  #common(request: HttpRequest): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {
      accept: '*/*',
      // A compressed answer has no length of its own, which is what HEAD is asked for.
      'accept-encoding': request.method === 'HEAD' ? 'identity' : 'gzip, br',
      'user-agent': this.#settings.userAgent ?? 'winnow',
    }
    for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
    return headers
  }

  async #send(
    lane: Lane,
    request: HttpRequest,
    url: URL,
    headers: Readonly<Record<string, string>>,
    deadline: Deadline,
  ): Promise<RawAnswer> {
    const gate = this.#gates[lane]
    await gate.enter(deadline.signal)
    deadline.start()
    let kind: 'answered' | 'overloaded' | 'failed' = 'failed'
    let sentAtMs = this.#clock.now()
    try {
      // Whoever holds a place waits in it: nobody is to send now, so nobody loses by it.
      if (lane === 'own' && this.#pausedUntilMs > sentAtMs) {
        await sleep(this.#clock, this.#pausedUntilMs - sentAtMs, deadline.signal)
        sentAtMs = this.#clock.now()
      }
      this.#counts.requests += 1
      const answer = await this.#transport.send({
        method: request.method,
        url,
        headers,
        body: request.body,
        bodyBytesMax: request.bodyBytesMax ?? BODY_BYTES_MAX_DEFAULT,
        idleTimeoutMs: request.idleTimeoutMs ?? IDLE_TIMEOUT_DEFAULT_MS,
        signal: deadline.signal,
        keepsConnection: request.keepsConnection === true,
        isPublicOnly: lane === 'token' && needsPublicAddress(url, this.#rules),
      })
      kind = answer.status === 503 || this.isRateLimit(answer) ? 'overloaded' : 'answered'
      return answer
    } finally {
      gate.leave({ kind, sentAtMs, endedAtMs: this.#clock.now() })
    }
  }
}
