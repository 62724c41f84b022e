/**
 * Octokit's `fetch`, over Winnow's HTTP client: so that redaction, certificates, proxies, limits and repetitions are those
 * of every other request. Octokit adds no credential; the client does, for the API's origin alone.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClient, HttpMethod } from '../../http/http-types.ts'

/** Tells how often a request was sent; no server's word, since it is set here over whatever came. */
export const attemptsHeader = 'x-winnow-attempts'

interface FetchOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** As much of a `Response` as Octokit reads. */
interface FetchResponse {
  readonly status: number
  readonly url: string
  readonly headers: ReadonlyMap<string, string>
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

/** Octokit would take it as a parameter of the route; the client names itself. */
const leftOut: ReadonlySet<string> = new Set(['authorization', 'user-agent'])

export type OctokitFetch = (url: string, options: FetchOptions) => Promise<FetchResponse>

export function fetchOverHttp(http: HttpClient, runOptions: RunOptions | undefined): OctokitFetch {
  return async (url, { method = 'GET', headers = {}, body }) => {
    const response = await http.request(
      {
        method: method as HttpMethod,
        url,
        headers: Object.fromEntries(
          Object.entries(headers).filter(([name]) => !leftOut.has(name.toLowerCase())),
        ),
        ...(body !== undefined && { body }),
        // The one POST that is sent restores a version, and restoring twice does what restoring once does.
        idempotent: true,
      },
      runOptions,
    )
    return {
      status: response.status,
      url: response.url,
      headers: new Map([...response.headers, [attemptsHeader, `${response.attempts}`]]),
      text: async () => response.text(),
      arrayBuffer: async () => new Uint8Array(response.body).buffer,
    }
  }
}
