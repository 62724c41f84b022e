/** Asking a monitoring system over HTTP: JSON there and back, within half a minute, failures in its own words. */
import type { RunOptions } from '../../ports/run-options.ts'
import { MonitoringRefusedError } from '../../ports/monitoring.ts'
import { UnauthorizedError } from '../http/http-errors.ts'
import type { HttpClient, HttpMethod, HttpResponse, HttpSettings } from '../http/http-types.ts'

/** Settings of a client for monitoring: credentials go along at once, and nobody waits long before a stop. */
export const monitoringHttp = {
  authorization: 'static',
  retry: { attemptsMax: 3, retryAfterMaxMs: 5_000, waitBudgetMs: 10_000 },
  concurrency: 1,
} as const satisfies Partial<HttpSettings>

const totalTimeoutMs = 30_000
const bodyBytesMax = 1024 * 1024
const quoteCharsMax = 300

export interface MonitoringServer {
  /** What it is called in messages: `Icinga`. */
  readonly name: string
  readonly http: HttpClient
}

export interface MonitoringAsk {
  readonly method: HttpMethod
  readonly url: string
  readonly body?: object
  /** Whether sending it twice does no harm. */
  readonly idempotent: boolean
}

/** Any answer but 401. */
export async function askMonitoring(
  { name, http }: MonitoringServer,
  { method, url, body, idempotent }: MonitoringAsk,
  options: RunOptions,
): Promise<HttpResponse> {
  try {
    return await http.request(
      {
        method,
        url,
        idempotent,
        totalTimeoutMs,
        bodyBytesMax,
        headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      },
      options,
    )
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    const { triedCredentials } = error
    throw new MonitoringRefusedError(
      `${name} refused the login${triedCredentials === undefined ? ', and no credentials are configured' : ''}.`,
      triedCredentials === undefined
        ? 'Name a user and a password beside its `url` in the configuration: `usernameEnv` and `passwordEnv`.'
        : `Check the user name, and that ${triedCredentials} holds the password.`,
      { cause: error },
    )
  }
}

/** The beginning of what a server said, in one line. */
export function quote(response: HttpResponse): string {
  const said = response.text().replaceAll(/\s+/g, ' ').trim()
  return said.length > quoteCharsMax ? `${said.slice(0, quoteCharsMax)}…` : said
}

/** The answer as an object; empty where it is none. */
export function jsonOf(response: HttpResponse): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(response.text())
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
