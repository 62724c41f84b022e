/**
 * Asks one API server for JSON.
 *
 * Promises: an answer is a whole JSON object of a 2xx status, or an error that says what the server said and what to
 * do. Retries, pauses, timeouts and body limits are those of the one HTTP client; a refused token is asked for once
 * more there, a refused certificate of a plugin here. Refuses: to take a login page or a proxy's apology for an
 * answer. Never sends `resourceVersion=0`, which lets a server answer from a memory that may be hours old.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { createHttpClient, type HttpClient, type HttpResponse, type HttpSettings } from '../../http/client.ts'
import {
  InsecureUrlError,
  RateLimitedError,
  ServerFailedError,
  UnauthorizedError,
} from '../../http/http-errors.ts'
import { clusterCredentials } from './cluster-credentials.ts'
import { ClusterAccessError, ClusterAnswerError, withoutSecrets } from './cluster-errors.ts'
import type { ClientCertificate, ClusterAccess } from './cluster-access.ts'
import { asShape, asText, type Shape } from './shape.ts'

interface ApiQuery {
  readonly query?: Readonly<Record<string, string>>
  /** @default application/json */
  readonly accept?: string
  /** Bytes, decoded. @default 256 MiB */
  readonly bodyBytesMax?: number
  /** Sends this as JSON with POST; only for questions that change nothing (access reviews). */
  readonly ask?: unknown
}

export interface ApiClient {
  /** For messages. */
  readonly origin: string
  /**
   * Asks for `path`, which starts with a slash and is put after the server's own path.
   *
   * @throws ClusterAnswerError for every status but 2xx and for every body that is not a JSON object, the errors of
   *   the HTTP client for what the network does, ClusterAccessError when credentials fail, InterruptedError
   */
  request(path: string, query: ApiQuery, options: RunOptions): Promise<Shape>
  close(): Promise<void>
}

// A page of 500 large objects; two thirds of what one string of this runtime can hold.
const BODY_BYTES_MAX = 256 * 1024 * 1024
const CONCURRENCY = 6
const IDLE_TIMEOUT_MS = 30_000
/** Retries included: longer than the minute that an API server itself gives a list, within the 150 s of DESIGN section 7. */
const PAGE_TIMEOUT_MS = 140_000
const RETRY = { attemptsMax: 4, retryAfterMaxMs: 60_000, waitBudgetMs: 60_000 }

export interface ApiClientSettings {
  /** First pause between two tries, in milliseconds. @default the HTTP client's */
  readonly backoffMs?: number
  /** How often a request is sent at most. @default 4 */
  readonly attemptsMax?: number
  /** Longest silence of the server, in milliseconds. @default 30 000 */
  readonly idleTimeoutMs?: number
}

export function createApiClient(access: ClusterAccess, settings: ApiClientSettings = {}): ApiClient {
  return new ClusterApiClient(access, settings)
}

class ClusterApiClient implements ApiClient {
  readonly origin: string
  readonly #access: ClusterAccess
  readonly #settings: ApiClientSettings
  readonly #credentials: ReturnType<typeof clusterCredentials>
  #isClosed = false
  #connection: { readonly http: HttpClient; readonly certificate: ClientCertificate | undefined } | undefined

  constructor(access: ClusterAccess, settings: ApiClientSettings) {
    this.#access = access
    this.#settings = settings
    this.#credentials = clusterCredentials(access)
    this.origin = access.origin
  }

  async request(path: string, query: ApiQuery, options: RunOptions): Promise<Shape> {
    if (options.signal?.aborted === true) throw new InterruptedError()
    try {
      return jsonObject(await this.#sendTwice(path, query, options), path, this.#access)
    } catch (error) {
      throw this.#told(error, path)
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    this.#isClosed = true
    await connection?.http.close()
  }

  /** A token was already asked for again by the HTTP client; a certificate belongs to the connection. */
  async #sendTwice(path: string, query: ApiQuery, options: RunOptions): Promise<HttpResponse> {
    try {
      return await this.#send(path, query, options, false)
    } catch (error) {
      const hasPluginCertificate =
        this.#access.user.kind === 'exec' && this.#connection?.certificate !== undefined
      if (!(error instanceof UnauthorizedError) || !hasPluginCertificate) throw error
      return this.#send(path, query, options, true)
    }
  }

  /** What the HTTP client makes of an answer, in the words of a cluster. */
  #told(error: unknown, path: string): unknown {
    if (error instanceof UnauthorizedError) {
      const message = `${this.#access.server} answered ${path} with HTTP 401: it does not know who we are.`
      return new ClusterAnswerError(401, message, refusalHint(401, '', this.#access), { cause: error })
    }
    if (error instanceof ServerFailedError || error instanceof RateLimitedError) {
      return refusal(error.response, parsed(error.response), path, this.#access)
    }
    if (error instanceof InsecureUrlError) {
      return new ClusterAccessError(
        error.message,
        `Write an https URL as \`server\` of the ${this.origin}.`,
        { cause: error },
      )
    }
    return error
  }

  async #send(path: string, query: ApiQuery, options: RunOptions, refresh: boolean): Promise<HttpResponse> {
    const certificate = await this.#credentials.certificate({
      refresh,
      ...(options.signal !== undefined && { signal: options.signal }),
    })
    const http = await this.#httpFor(certificate)
    const search = new URLSearchParams(query.query)
    return http.request(
      {
        method: query.ask === undefined ? 'GET' : 'POST',
        url: `${this.#access.server}${path}${search.size === 0 ? '' : `?${search.toString()}`}`,
        headers: this.#headers(query),
        ...(query.ask !== undefined && { body: JSON.stringify(query.ask), idempotent: true }),
        bodyBytesMax: query.bodyBytesMax ?? BODY_BYTES_MAX,
        idleTimeoutMs: this.#settings.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
        totalTimeoutMs: PAGE_TIMEOUT_MS,
      },
      options,
    )
  }

  #headers(query: ApiQuery): Record<string, string> {
    const { impersonate } = this.#access
    return {
      accept: query.accept ?? 'application/json',
      ...(query.ask !== undefined && { 'content-type': 'application/json' }),
      ...(impersonate !== undefined && { 'impersonate-user': impersonate.user }),
      ...(impersonate?.group !== undefined && { 'impersonate-group': impersonate.group }),
    }
  }

  async #httpFor(certificate: ClientCertificate | undefined): Promise<HttpClient> {
    // What was still queued when the reading ended must not open the connection again.
    if (this.#isClosed) throw new InterruptedError()
    if (this.#connection !== undefined && this.#connection.certificate?.cert === certificate?.cert) {
      return this.#connection.http
    }
    const outdated = this.#connection
    const http = createHttpClient(this.#httpSettings(certificate))
    this.#connection = { http, certificate }
    await outdated?.http.close()
    return http
  }

  #httpSettings(certificate: ClientCertificate | undefined): HttpSettings {
    const { ca, skipTlsVerify, tlsServerName, proxyUrl, server } = this.#access
    const { backoffMs, attemptsMax = RETRY.attemptsMax } = this.#settings
    return {
      base: server,
      authorization: 'static',
      credentials: this.#credentials,
      concurrency: CONCURRENCY,
      tls: {
        ...(ca !== undefined && { ca }),
        ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
        ...(tlsServerName !== undefined && { serverName: tlsServerName }),
        rejectUnauthorized: !skipTlsVerify,
      },
      ...(proxyUrl !== undefined && { proxy: proxyUrl }),
      retry: { ...RETRY, attemptsMax, ...(backoffMs !== undefined && { backoffMs }) },
    }
  }
}

function jsonObject(answer: HttpResponse, path: string, access: ClusterAccess): Shape {
  const body = parsed(answer)
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, body, path, access)
  if (body !== undefined && body['kind'] !== 'Status') return body
  const said = excerpt(answer, body)
  throw new ClusterAnswerError(
    answer.status,
    `${access.server} answered ${path} with HTTP ${answer.status} and something that is not a Kubernetes object${said === '' ? '.' : `: ${said}`}`,
    'Probably a proxy or a login page stands between Winnow and the cluster; check `server` and `proxy-url` of the kubeconfig.',
  )
}

function parsed(answer: HttpResponse): Shape | undefined {
  try {
    return asShape(JSON.parse(answer.text()))
  } catch {
    // The caller tells the difference: plain text of an error status is quoted, plain text of a 200 is refused.
    return undefined
  }
}

/** What the server said, from a Status object or, as for unknown groups and dead aggregated APIs, plain text. */
function refusal(
  answer: HttpResponse,
  body: Shape | undefined,
  path: string,
  access: ClusterAccess,
): ClusterAnswerError {
  const said = excerpt(answer, body)
  const quoted = said === '' ? '.' : `: ${said}${/[.!?]$/.test(said) ? '' : '.'}`
  const message = `${access.server} answered ${path} with HTTP ${answer.status}${quoted}`
  return new ClusterAnswerError(answer.status, message, refusalHint(answer.status, said, access))
}

/**
 * What a person may see of an answer: the message of a Status, or the words of a page or a plain text. Anything else that
 * looks like JSON may be half a list of ConfigMaps or Secrets, and nothing of it is quoted.
 */
function excerpt(answer: HttpResponse, body: Shape | undefined): string {
  if (body !== undefined)
    return body['kind'] === 'Status' ? withoutSecrets(asText(body['message']) ?? '') : ''
  const text = answer.text().slice(0, 2000).trim()
  return /^[{[]/.test(text) ? '' : withoutSecrets(text.replace(/<[^>]*>/g, ' '))
}

function refusalHint(status: number, said: string, access: ClusterAccess): string {
  if (status === 401)
    return `The cluster does not accept the credentials of the ${access.origin}. Log in again, or renew the token.`
  if (status === 403 && said.includes('system:anonymous')) {
    return `The request reached the cluster without any credentials; the ${access.origin} has none, or something on the way removed them.`
  }
  if (status === 403)
    return 'Grant the right to list it (deploy/rbac.yaml), or exclude the resource with a reason in winnow.yaml.'
  if (status === 407) return 'The proxy wants credentials of its own; put them into `proxy-url`.'
  if (status === 429)
    return 'The cluster limits our requests; run again later, or give Winnow a priority level of its own.'
  if (status >= 500)
    return 'Look at the health of the API server and of the service behind this API group, then run again.'
  return 'Run `winnow doctor`, which asks the cluster for one thing at a time.'
}
