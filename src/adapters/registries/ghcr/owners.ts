/**
 * Whose packages there are, and under which path of the API they lie: those of an organisation, those of the token's own
 * user (which alone shows its private ones), those of another user.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord } from '../oci/answers.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { TokenKind } from './credentials.ts'
import { saidBy, type GitHubApi } from './github-api.ts'
import { readPages } from './pages.ts'

/** A path of the API, with `owner` for its brace. */
export interface OwnerBase {
  readonly path: '/orgs/{owner}' | '/users/{owner}' | '/user'
  readonly owner: string
}

export class Owners {
  readonly #api: GitHubApi
  readonly #tokenKind: () => Promise<TokenKind>
  readonly #bases = new Map<string, Promise<OwnerBase | undefined>>()
  #own: Promise<string | undefined> | undefined

  constructor(api: GitHubApi, tokenKind: () => Promise<TokenKind>) {
    this.#api = api
    this.#tokenKind = tokenKind
  }

  /** Undefined when GitHub knows nobody of that name. Asked once a run. */
  base(owner: string, options?: RunOptions): Promise<OwnerBase | undefined> {
    return remembered(this.#bases, owner, () => this.#askBase(owner, options))
  }

  /**
   * The token's own user, and its organisations as far as GitHub tells them to this token.
   *
   * @throws CatalogRefusedError when the token is nobody's, as that of a workflow is
   */
  async all(options: RunOptions): Promise<readonly string[]> {
    const own = await this.own(options)
    if (own === undefined) {
      const said = 'this token belongs to no user whose packages could be listed'
      throw new CatalogRefusedError(this.#api.name, 403, said)
    }
    return [own, ...(await this.#organisations(options))]
  }

  /** The token's own user, in lower case; undefined when it has none. */
  own(options?: RunOptions): Promise<string | undefined> {
    this.#own ??= this.#askOwn(options).catch((error: unknown) => {
      this.#own = undefined
      throw error
    })
    return this.#own
  }

  async #askBase(owner: string, options: RunOptions | undefined): Promise<OwnerBase | undefined> {
    const answer = await this.#api.send('GET /users/{owner}', { owner }, options)
    const { status, body } = answer
    if (status === 404 && saidBy(body) !== '') return undefined
    const type = isRecord(body) && typeof body['login'] === 'string' ? body['type'] : undefined
    if (status === 200 && type === 'Organization') return { path: '/orgs/{owner}', owner }
    if (status === 200 && typeof type === 'string') {
      const isOwn = (await this.own(options)) === owner
      return { path: isOwn ? '/user' : '/users/{owner}', owner }
    }
    if (status === 200 || status === 404) throw this.#api.mismatch(status)
    throw this.#api.unexpected(`Asking who ${owner} is`, answer)
  }

  async #askOwn(options: RunOptions | undefined): Promise<string | undefined> {
    const kind = await this.#tokenKind()
    // That of a workflow is nobody's, and asking so is answered with 403.
    if (kind === 'installation' || kind === 'none') return undefined
    const answer = await this.#api.send('GET /user', {}, options)
    if (answer.status === 403) return undefined
    const login = isRecord(answer.body) ? answer.body['login'] : undefined
    if (answer.status === 200 && typeof login === 'string') return login.toLowerCase()
    if (answer.status === 200 || answer.status === 404) throw this.#api.mismatch(answer.status)
    throw this.#api.unexpected('Asking whose token this is', answer)
  }

  async #organisations(options: RunOptions): Promise<readonly string[]> {
    const list = { route: 'GET /user/orgs', parameters: {}, what: 'the organisations of the token' }
    const pages = await readPages(this.#api, list, options)
    if (pages.kind === 'rows') return pages.rows.map((row) => nameIn(this.#api, row, 'login'))
    if (pages.answer.status !== 403) throw this.#api.unexpected(`Listing ${list.what}`, pages.answer)
    const text = `${this.#api.name}: GitHub does not tell the organisations of this token (${saidBy(pages.answer.body)}), so only its user’s own packages are listed. Give the token the scope read:org, or begin the repositories of policies with the organisation (repositories: ["acme/**"]).`
    options.onEvent?.({ kind: 'warning', text })
    return []
  }
}

/** A name in a row of a list, in lower case, as repositories have it. */
export function nameIn(api: GitHubApi, row: unknown, field: string): string {
  const name = isRecord(row) ? row[field] : undefined
  if (typeof name === 'string' && name !== '') return name.toLowerCase()
  throw api.mismatch(200)
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const asking = known.get(key) ?? ask()
  known.set(key, asking)
  // A failure is not remembered: the next question may be answered.
  asking.catch(() => known.delete(key))
  return asking
}
