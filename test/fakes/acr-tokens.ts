/**
 * Logins of the fake of Azure Container Registry: an Azure token for a refresh token, that or a password for access tokens.
 * As the service does, it gives a token for whatever part of the wish is allowed, and says nothing of the rest.
 */
import { json, type FakeRequest, type Reply } from './fake-server.ts'

export interface AcrScope {
  readonly type: string
  readonly name: string
  readonly action: string
}

export interface AcrTokenOptions {
  readonly username: string
  readonly password: string
  /** What any login may do. @default everything */
  readonly grants?: (scope: AcrScope) => boolean
  /** Permissions are by repository: a wildcard then gets nothing. @default false */
  readonly isAbac?: boolean
  /** Tokens of Microsoft Entra that are taken. @default none */
  readonly azureTokens?: ReadonlySet<string>
}

export class AcrTokens {
  readonly #options: AcrTokenOptions
  readonly #access = new Map<string, readonly AcrScope[]>()
  readonly #refresh = new Set<string>()
  #count = 0

  constructor(options: AcrTokenOptions) {
    this.#options = options
  }

  /** As `az acr login` leaves it in Docker's files. */
  issueRefresh(): string {
    const token = `refresh-${(this.#count += 1)}-${'r'.repeat(24)}`
    this.#refresh.add(token)
    return token
  }

  expireAccess(): void {
    this.#access.clear()
  }

  expireAll(): void {
    this.#access.clear()
    this.#refresh.clear()
  }

  /** The answer of `/oauth2/…`. */
  answer({ method, url, headers, body }: FakeRequest): Reply {
    const form = new URLSearchParams(method === 'POST' ? body.toString('utf8') : url.search)
    if (form.get('service') !== url.host) return refused('UNAUTHORIZED', 'wrong service')
    if (url.pathname === '/oauth2/exchange') return this.#exchange(method, form)
    const isIn =
      method === 'POST'
        ? form.get('grant_type') === 'refresh_token' && this.#refresh.has(form.get('refresh_token') ?? '')
        : this.#isOwner(headers.authorization)
    if (!isIn) return refused('UNAUTHORIZED', 'authentication required')
    const wished = form
      .getAll('scope')
      .flatMap((scope) => scope.split(' '))
      .flatMap(parseScope)
    const token = `access-${(this.#count += 1)}-${'a'.repeat(24)}`
    this.#access.set(
      token,
      wished.filter((scope) => this.#allows(scope)),
    )
    return json(200, { access_token: token })
  }

  /** Undefined when the request may do it; else the challenge. */
  refusal({ url, headers }: FakeRequest, needed: AcrScope): Reply | undefined {
    const { authorization = '' } = headers
    if (this.#isOwner(authorization))
      return this.#allows(needed) ? undefined : this.#challenge(url, needed, true)
    const held = this.#access.get(authorization.replace(/^Bearer /, ''))
    const covers = ({ type, name, action }: AcrScope): boolean =>
      type === needed.type && name === needed.name && (action === needed.action || action === '*')
    if (held?.some(covers) === true) return undefined
    return this.#challenge(url, needed, held !== undefined)
  }

  #exchange(method: string, form: URLSearchParams): Reply {
    const isTaken =
      method === 'POST' &&
      form.get('grant_type') === 'access_token' &&
      this.#options.azureTokens?.has(form.get('access_token') ?? '') === true
    return isTaken
      ? json(200, { refresh_token: this.issueRefresh() })
      : refused('UNAUTHORIZED', 'unknown token')
  }

  #isOwner(authorization: string | undefined): boolean {
    const { username, password } = this.#options
    return authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }

  #allows(scope: AcrScope): boolean {
    if (scope.name === '*' && this.#options.isAbac === true) return false
    return this.#options.grants?.(scope) ?? true
  }

  #challenge(url: URL, { type, name, action }: AcrScope, isInsufficient: boolean): Reply {
    const error = isInsufficient ? ',error="insufficient_scope"' : ''
    const challenge = `Bearer realm="${url.origin}/oauth2/token",service="${url.host}",scope="${type}:${name}:${action}"${error}`
    const { status, headers, body } = refused(
      'UNAUTHORIZED',
      'authentication required, visit https://aka.ms/acr/authorization for more information.',
    )
    return { status, headers: { ...headers, 'www-authenticate': challenge }, body: body ?? '' }
  }
}

function parseScope(scope: string): readonly AcrScope[] {
  const [type = '', ...rest] = scope.split(':')
  const actions = rest.at(-1)?.split(',') ?? []
  return actions.map((action) => ({ type, name: rest.slice(0, -1).join(':'), action }))
}

function refused(code: string, message: string): Reply {
  return json(401, { errors: [{ code, message, detail: null }] })
}
