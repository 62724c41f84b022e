/**
 * GitHub's REST API by Octokit, loaded when it is first asked.
 *
 * Who repeats: Winnow's HTTP client, by status and headers, and this file, once, the secondary limit that headers do not
 * always tell. plugin-throttling gives requests their turn. plugin-retry would repeat what was repeated already, so it is
 * not used.
 */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import type { RegistryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClient } from '../../http/http-types.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import { RegistryAnswerError } from '../oci/errors.ts'
import { ProductMismatchError } from '../product-api.ts'
import { SecondaryLimitError } from './errors.ts'
import { attemptsHeader, fetchOverHttp } from './fetch-over-http.ts'
import { paceWrites, type WriteGroup } from './pace.ts'
import { wait } from './wait.ts'

/** GitHub asks for a minute at least where it names no time. */
const SECONDARY_WAIT_MS = 60_000
/** How often such a limit is waited out: a command must end by itself within 150 s of meeting a broken server. */
const SECONDARY_WAITS_MAX = 1

export interface GitHubApiSettings {
  readonly name: RegistryName
  /** Without a slash at its end. */
  readonly apiUrl: string
  readonly http: HttpClient
  /** Between two writes. @default 0 */
  readonly writePauseMs?: number
  /** How long a secondary limit is waited out that names no time. @default 60 000 */
  readonly secondaryWaitMs?: number
}

export interface ApiAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  /** What its JSON says; a text where it is none. */
  readonly body: unknown
  /** Above 1, a 404 to a DELETE may be the work of an earlier sending. */
  readonly attempts: number
}

type Parameters = Readonly<Record<string, string | number>>
type Ask = (route: string, parameters: Parameters, options: RunOptions | undefined) => Promise<ApiAnswer>

export class GitHubApi {
  readonly name: RegistryName
  readonly url: string
  readonly #settings: GitHubApiSettings
  #ask: Promise<Ask> | undefined

  constructor(settings: GitHubApiSettings) {
    this.name = settings.name
    this.url = settings.apiUrl
    this.#settings = settings
  }

  /**
   * Asks one thing: `GET /orgs/{org}/packages`, with the values for its braces; what is left over goes into the query.
   * Every status is an answer.
   *
   * @throws InterruptedError, SecondaryLimitError, and what the HTTP client throws
   */
  async send(route: string, parameters: Parameters, options?: RunOptions): Promise<ApiAnswer> {
    this.#ask ??= openOctokit(this.#settings)
    const ask = await this.#ask
    for (let waits = 0; ; waits += 1) {
      if (options?.signal?.aborted === true) throw new InterruptedError()
      const answer = await untilAborted(ask(route, parameters, options), options?.signal)
      if (!isSecondaryLimit(answer)) return answer
      if (waits >= SECONDARY_WAITS_MAX) throw new SecondaryLimitError(this.name, saidBy(answer.body))
      await this.#waitOut(options)
    }
  }

  async #waitOut(options: RunOptions | undefined): Promise<void> {
    const waitMs = this.#settings.secondaryWaitMs ?? SECONDARY_WAIT_MS
    const reason = 'secondary rate limit of GitHub'
    options?.onEvent?.({ kind: 'wait', subject: this.url, waitMs, reason })
    await wait(waitMs, options?.signal)
  }

  /** The error for an answer that fits nothing expected. */
  unexpected(what: string, { status, body }: ApiAnswer): RegistryAnswerError {
    return new RegistryAnswerError(this.name, what, status, saidBy(body))
  }

  /** The error for an answer that GitHub's API would not give. */
  mismatch(status: number): ProductMismatchError {
    return new ProductMismatchError(
      this.name,
      'GitHub',
      `what ${this.url} answered (status ${status}) is not GitHub’s`,
    )
  }
}

/** Octokit gives turns, and waits secondary limits out, without looking at the signal. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(new InterruptedError())
    }
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort)
    })
  })
}

/** What an answer of the API says: its `message`. */
export function saidBy(body: unknown): string {
  const message = isRecord(body) ? body['message'] : undefined
  return typeof message === 'string' ? quotable(message) : ''
}

async function openOctokit(settings: GitHubApiSettings): Promise<Ask> {
  const [{ Octokit }, { throttling }] = await Promise.all([
    import('@octokit/core'),
    import('@octokit/plugin-throttling'),
  ])
  const { apiUrl, http, writePauseMs = 0 } = settings
  const octokit = new (Octokit.plugin(throttling))({
    baseUrl: apiUrl,
    throttle: {
      id: apiUrl,
      write: paceWrites(writePauseMs) satisfies WriteGroup as never,
      // What headers tell, the HTTP client has waited for; what they do not, is waited for where it can be aborted.
      onRateLimit: () => false,
      onSecondaryRateLimit: () => false,
    },
    // Octokit writes to the console where it is not given a log; what is worth saying is in the answer.
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  })
  return async (route, parameters, runOptions) => {
    const request = { fetch: fetchOverHttp(http, runOptions) }
    try {
      const { status, headers, data } = (await octokit.request(route, { ...parameters, request })) as Answered
      return answerOf(status, headers, data)
    } catch (error) {
      return refusalIn(error)
    }
  }
}

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly data: unknown
}

const nothing = (): void => {}

/** Octokit throws what is 400 and above, and wraps what the HTTP client threw; both come out as they went in. */
function refusalIn(error: unknown): ApiAnswer {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof OperationalError) throw cause
  const response = error instanceof Error && 'response' in error ? error.response : undefined
  if (!isRecord(response) || typeof response['status'] !== 'number') throw error
  const { headers } = response
  return answerOf(response['status'], isRecord(headers) ? headers : {}, response['data'])
}

function answerOf(status: number, headers: Readonly<Record<string, unknown>>, body: unknown): ApiAnswer {
  const read = new Map(Object.entries(headers).map(([key, value]) => [key, String(value)]))
  return { status, headers: read, body, attempts: Number(read.get(attemptsHeader) ?? 1) }
}

function isSecondaryLimit({ status, body }: ApiAnswer): boolean {
  return (status === 403 || status === 429) && /\bsecondary rate\b/i.test(saidBy(body))
}
