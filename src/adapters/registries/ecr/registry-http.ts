/**
 * The distribution API of ECR. Its password runs out after twelve hours, and ECR refuses an old one with 403, which
 * otherwise means that something is not allowed; so clients are opened anew before that, and once when ECR says so.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClient, HttpRequest, HttpResponse, HttpStats } from '../../http/http-types.ts'
import { saidIn } from '../oci/answers.ts'
import type { EcrLogin } from './login.ts'

export class RenewedHttp implements HttpClient {
  readonly #open: () => HttpClient
  readonly #login: EcrLogin
  readonly #opened: HttpClient[] = []
  #current: HttpClient | undefined

  /** @param open makes a client that asks `login` for its credentials; whoever makes it closes it */
  constructor(open: () => HttpClient, login: EcrLogin) {
    this.#open = open
    this.#login = login
  }

  async request(request: HttpRequest, options?: RunOptions): Promise<HttpResponse> {
    if (await this.#login.isDue()) this.#current = undefined
    const http = this.#client()
    const response = await http.request(request, options)
    if (response.status !== 403 || !/authorization token has expired/i.test(saidIn(response))) return response
    if (this.#current === http) {
      await this.#login.get({ host: '', path: '' }, { refresh: true })
      this.#current = undefined
    }
    // Refused is not carried out, so it may be sent again, whatever it is.
    return this.#client().request(request, options)
  }

  get stats(): HttpStats {
    const sum = (of: (stats: HttpStats) => number): number =>
      this.#opened.reduce((total, { stats }) => total + of(stats), 0)
    return {
      requests: sum(({ requests }) => requests),
      retries: sum(({ retries }) => retries),
      tokenRequests: sum(({ tokenRequests }) => tokenRequests),
      waitedMs: sum(({ waitedMs }) => waitedMs),
      concurrency: this.#current?.stats.concurrency ?? 0,
    }
  }

  async close(): Promise<void> {
    for (const http of this.#opened) await http.close()
  }

  #client(): HttpClient {
    if (this.#current !== undefined) return this.#current
    const made = this.#open()
    this.#opened.push(made)
    this.#current = made
    return made
  }
}
