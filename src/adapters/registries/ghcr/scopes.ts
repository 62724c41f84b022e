/** Which scopes a classic token has; GitHub tells them with every answer to one. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { GitHubApi } from './github-api.ts'

/** What reading, deleting, and removing tags and undoing need. */
const needed = ['read:packages', 'write:packages', 'delete:packages'] as const

export class Scopes {
  readonly #api: GitHubApi
  #granted: Promise<readonly string[] | undefined> | undefined

  constructor(api: GitHubApi) {
    this.#api = api
  }

  /** Undefined for tokens that have none: those of workflows and apps. Asked once, by a call that counts towards no limit. */
  granted(options?: RunOptions): Promise<readonly string[] | undefined> {
    this.#granted ??= this.#ask(options).catch((error: unknown) => {
      this.#granted = undefined
      throw error
    })
    return this.#granted
  }

  /** Scopes that a token with scopes lacks. */
  async missing(options?: RunOptions): Promise<readonly string[]> {
    const granted = await this.granted(options)
    if (granted === undefined) return []
    // Writing includes reading.
    const has = new Set([...granted, ...(granted.includes('write:packages') ? ['read:packages'] : [])])
    return needed.filter((scope) => !has.has(scope))
  }

  async #ask(options: RunOptions | undefined): Promise<readonly string[] | undefined> {
    // A server without limits answers 404, with the same headers.
    const { headers } = await this.#api.send('GET /rate_limit', {}, options)
    const told = headers.get('x-oauth-scopes')
    return told?.split(',').flatMap((scope) => (scope.trim() === '' ? [] : [scope.trim()]))
  }
}
