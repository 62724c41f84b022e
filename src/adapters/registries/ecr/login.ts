/**
 * The password of the distribution API, which AWS gives out for twelve hours (GetAuthorizationToken). It is fetched when
 * it is first needed, and again before it runs out or once it was refused.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type {
  Credential,
  CredentialOptions,
  CredentialSource,
  CredentialTarget,
} from '../../http/credentials.ts'
import { isRecord } from '../oci/answers.ts'
import type { AwsApi } from './api.ts'
import { instant, text, unreadable } from './rows.ts'

/** A long run of requests should not end in the middle. */
const RENEW_BEFORE_MS = 15 * 60_000

interface Token {
  readonly username: string
  readonly password: string
  /** Undefined where AWS does not say. */
  readonly expiresAt: number | undefined
}

export class EcrLogin implements CredentialSource {
  readonly name: string
  readonly #api: AwsApi
  readonly #now: () => number
  #token: Promise<Token> | undefined
  #isFetching = false

  /** @param now milliseconds since the epoch */
  constructor(api: AwsApi, now: () => number = Date.now) {
    this.name = `${api.product} (${api.action('GetAuthorizationToken')})`
    this.#api = api
    this.#now = now
  }

  async get(_target: CredentialTarget, options: CredentialOptions = {}): Promise<Credential> {
    const { username, password } = await this.#current(options)
    return { kind: 'basic', username, password, origin: this.name }
  }

  /** Whether the next request should fetch another password. */
  async isDue(): Promise<boolean> {
    const token = await this.#token?.catch(() => undefined)
    return token?.expiresAt !== undefined && this.#now() >= token.expiresAt - RENEW_BEFORE_MS
  }

  async #current({ refresh = false, signal }: CredentialOptions): Promise<Token> {
    // Whoever comes while one is on its way gets that one: AWS gives out twenty a second.
    const isStale = !this.#isFetching && (refresh || (await this.isDue()))
    if (this.#token === undefined || isStale) this.#token = this.#fetch(signal)
    return this.#token
  }

  async #fetch(signal: AbortSignal | undefined): Promise<Token> {
    this.#isFetching = true
    try {
      return await this.#ask(signal === undefined ? {} : { signal })
    } catch (error) {
      // A failure is not remembered.
      this.#token = undefined
      throw error
    } finally {
      this.#isFetching = false
    }
  }

  async #ask(options: RunOptions): Promise<Token> {
    const what = this.#api.action('GetAuthorizationToken')
    const answer = await this.#api.call('GetAuthorizationToken', {}, options)
    const given = answer.kind === 'answer' ? answer.output['authorizationData'] : undefined
    // ECR gives a list of one, ECR Public the one.
    const row: unknown = Array.isArray(given) ? given[0] : given
    const token = isRecord(row) ? text(row['authorizationToken']) : undefined
    if (!isRecord(row) || token === undefined) throw unreadable(this.#api.registry, what, 'it holds no token')
    const [username = '', password = ''] = Buffer.from(token, 'base64').toString('utf8').split(/:(.*)/s)
    return { username, password, expiresAt: instant(this.#api.registry, row['expiresAt'], what) }
  }
}
