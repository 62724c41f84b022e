/**
 * Authorization as registries do it: nothing is sent until the server asks, then what it asks for, by its challenge.
 *
 * What a challenge taught serves later requests of the same client at once. A refused token is fetched anew, a
 * refused credential read anew, a scope that the server names as missing is asked for; each once per request, so a
 * server that refuses everything gets a handful of requests and the user gets an error.
 */
import type { Authorization, CredentialKeeper, Refusal } from './authorization.ts'
import { directHeader } from './authorization.ts'
import type { Challenge } from './challenges.ts'
import { parseChallenges } from './challenges.ts'
import type { Credential } from './credentials.ts'
import { orAborted } from './deadline.ts'
import { UnknownChallengeError } from './http-errors.ts'
import { checkRealm } from './realm.ts'
import type { RealmRules } from './realm.ts'
import type { TokenCache } from './token-cache.ts'
import { TokenRefusal } from './token-endpoint.ts'
import type { IssuedToken, TokenAsk } from './token-endpoint.ts'

type Scheme =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined }

/** What all requests of a client share. */
export interface RegistryLogin {
  /** How the server wants us to log in, once it said so. */
  scheme: Scheme | undefined
  readonly keeper: CredentialKeeper
  readonly tokens: TokenCache
  readonly realmRules: RealmRules
  readonly fetchToken: (ask: TokenAsk) => Promise<IssuedToken>
}

type Sent =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'direct'; readonly credential: Credential }
  | {
      readonly kind: 'token'
      readonly token: string
      readonly isFresh: boolean
      readonly scopes: readonly string[]
      readonly credential: Credential | undefined
    }

export class RegistryAuthorization implements Authorization {
  readonly #login: RegistryLogin
  readonly #path: string
  readonly #signal: AbortSignal
  #scopes: readonly string[]
  #sent: Sent = { kind: 'nothing' }
  #rejectedToken: string | undefined
  /** Each remedy is tried once per request. */
  readonly #tried = new Set<'challenge' | 'scheme' | 'scope' | 'token' | 'credential'>()

  constructor(login: RegistryLogin, scopes: readonly string[], path: string, signal: AbortSignal) {
    this.#login = login
    this.#scopes = scopes
    this.#path = path
    this.#signal = signal
  }

  async header(): Promise<string | undefined> {
    this.#sent = await this.#prepare()
    if (this.#sent.kind === 'nothing') return undefined
    return this.#sent.kind === 'direct' ? directHeader(this.#sent.credential) : `Bearer ${this.#sent.token}`
  }

  async refused(refusal: Refusal): Promise<boolean> {
    const challenges = parseChallenges(refusal.headers.get('www-authenticate') ?? '')
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
    if (refusal.status === 403) return this.#widen(bearer)
    if (refusal.status !== 401) return false
    this.#learn(bearer, challenges)
    switch (this.#sent.kind) {
      case 'nothing':
        return await this.#begin(bearer)
      case 'direct':
        // Basic was refused in favour of tokens: that is another way to log in, not another credential.
        if (bearer !== undefined && this.#sent.credential.kind !== 'bearer' && !this.#tried.has('scheme')) {
          this.#tried.add('scheme')
          if (this.#scopes.length === 0) this.#scopes = scopesOf(bearer)
          return true
        }
        return await this.#replaceCredential(this.#sent.credential, 'status 401')
      case 'token':
        return await this.#replaceToken(this.#sent, bearer)
    }
  }

  async #prepare(): Promise<Sent> {
    const { scheme, keeper, tokens } = this.#login
    if (scheme === undefined) return { kind: 'nothing' }
    const credential = await keeper.get(this.#path, this.#signal)
    if (scheme.kind === 'basic' || credential?.kind === 'bearer') {
      return credential === undefined ? { kind: 'nothing' } : { kind: 'direct', credential }
    }
    const ask = { realm: scheme.realm, service: scheme.service, scopes: this.#scopes, credential }
    // Without scopes of our own the challenge says which to ask for, unless it was answered before.
    if (this.#scopes.length === 0 && this.#tried.size === 0 && !tokens.has(ask)) return { kind: 'nothing' }
    return await this.#token(ask)
  }

  async #token(ask: TokenAsk): Promise<Sent> {
    try {
      const fetching = this.#login.tokens.get(ask, this.#rejectedToken, this.#login.fetchToken)
      return {
        kind: 'token',
        ...(await orAborted(fetching, this.#signal)),
        scopes: ask.scopes,
        credential: ask.credential,
      }
    } catch (error) {
      if (!(error instanceof TokenRefusal)) throw error
      const words = error.message === '' ? '' : `: ${error.message}`
      await this.#replaceCredential(
        ask.credential,
        `the token server ${ask.realm.host} answered with status ${error.status}${words}`,
      )
      return await this.#prepare()
    }
  }

  #learn(bearer: Challenge | undefined, challenges: readonly Challenge[]): void {
    const realm = bearer?.parameters.get('realm')
    if (bearer !== undefined && realm !== undefined) {
      const checked = checkRealm(realm, this.#login.realmRules)
      this.#login.scheme = { kind: 'bearer', realm: checked, service: bearer.parameters.get('service') }
    } else if (challenges.some(({ scheme }) => scheme === 'basic')) {
      this.#login.scheme = { kind: 'basic' }
    } else if (this.#sent.kind === 'nothing') {
      const offered = challenges.map(({ scheme }) => scheme)
      throw new UnknownChallengeError(this.#login.keeper.shownUrl, offered)
    }
  }

  async #begin(bearer: Challenge | undefined): Promise<boolean> {
    if (this.#tried.has('challenge')) throw this.#login.keeper.unauthorized('status 401', undefined)
    this.#tried.add('challenge')
    if (this.#scopes.length === 0) this.#scopes = scopesOf(bearer)
    if (this.#login.scheme?.kind === 'basic') {
      const credential = await this.#login.keeper.get(this.#path, this.#signal)
      if (credential === undefined) throw this.#login.keeper.unauthorized('status 401', undefined)
    }
    return true
  }

  /** 403 with `insufficient_scope`: some servers refuse a valid token that way. Any other 403 is the answer. */
  #widen(bearer: Challenge | undefined): boolean {
    if (bearer?.parameters.get('error') !== 'insufficient_scope' || this.#sent.kind !== 'token') return false
    return this.#takeScopes(scopesOf(bearer), this.#sent.scopes)
  }

  #takeScopes(wanted: readonly string[], had: readonly string[]): boolean {
    if (this.#tried.has('scope') || wanted.every((scope) => had.some((one) => covers(one, scope))))
      return false
    this.#tried.add('scope')
    this.#scopes = wanted
    return true
  }

  async #replaceToken(
    sent: Extract<Sent, { kind: 'token' }>,
    bearer: Challenge | undefined,
  ): Promise<boolean> {
    if (this.#takeScopes(scopesOf(bearer), sent.scopes)) return true
    this.#rejectedToken = sent.token
    // An old token may merely have run out or been revoked; one fetched for this request has no such excuse.
    if (!sent.isFresh && !this.#tried.has('token')) {
      this.#tried.add('token')
      return true
    }
    return await this.#replaceCredential(sent.credential, 'status 401, with a token it had just issued')
  }

  /** @throws UnauthorizedError when there is no other credential to try */
  async #replaceCredential(used: Credential | undefined, why: string): Promise<boolean> {
    const { keeper } = this.#login
    const isFirst = !this.#tried.has('credential')
    this.#tried.add('credential')
    const replacement =
      isFirst && used !== undefined ? await keeper.replace(this.#path, used, this.#signal) : undefined
    if (replacement === undefined) throw keeper.unauthorized(why, used)
    return true
  }
}

function scopesOf(challenge: Challenge | undefined): readonly string[] {
  return (challenge?.parameters.get('scope') ?? '').split(/\s+/).filter((scope) => scope !== '')
}

/** Whether a scope grants all that another one does: `type:name:actions`, where the name may hold colons itself. */
function covers(had: string, wanted: string): boolean {
  const [hadName, hadActions] = splitScope(had)
  const [wantedName, wantedActions] = splitScope(wanted)
  return (
    hadName === wantedName &&
    wantedActions.every((action) => hadActions.includes(action) || hadActions.includes('*'))
  )
}

function splitScope(scope: string): readonly [string, readonly string[]] {
  const colon = scope.lastIndexOf(':')
  return colon < 0 ? [scope, []] : [scope.slice(0, colon), scope.slice(colon + 1).split(',')]
}
