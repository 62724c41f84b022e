/**
 * The part of authorization that all requests of a client share: its credentials, and how errors speak of them.
 *
 * A credential is asked for when the server first wants one, kept per repository path, and asked for again once the
 * server refused it, since files and helpers rotate theirs.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Credential, CredentialSource } from './credentials.ts'
import { orAborted } from './deadline.ts'
import { CredentialUnavailableError, UnauthorizedError } from './http-errors.ts'
import type { Redactor } from './redact.ts'
import { basicHeader } from './token-endpoint.ts'

export interface Refusal {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

/** Authorization of one request over all of its sendings. */
export interface Authorization {
  /** The Authorization header for the next sending; undefined is anonymous. */
  header(): Promise<string | undefined>
  /**
   * Takes in that the server refused. True when sending again with the next `header()` may help; false when the
   * answer is to be taken as it is.
   *
   * @throws UnauthorizedError, UnknownChallengeError
   */
  refused(refusal: Refusal): Promise<boolean>
}

export class CredentialKeeper {
  readonly #source: CredentialSource | undefined
  readonly #host: string
  readonly #redactor: Redactor
  readonly #closing: AbortSignal
  readonly #byPath = new Map<string, Promise<Credential | undefined>>()
  /** Redacted URL of the registry or cluster. */
  readonly shownUrl: string

  constructor(base: URL, source: CredentialSource | undefined, redactor: Redactor, closing: AbortSignal) {
    this.#source = source
    this.#host = base.host
    this.#redactor = redactor
    this.#closing = closing
    this.shownUrl = base.origin
  }

  /** The credential for a repository path; undefined when there is none. */
  async get(path: string, signal: AbortSignal): Promise<Credential | undefined> {
    const known = this.#byPath.get(path)
    return await orAborted(known ?? this.#ask(path, false), signal)
  }

  /** The credential that replaces a refused one; undefined when it is the same as before, or there is none. */
  async replace(
    path: string,
    refused: Credential | undefined,
    signal: AbortSignal,
  ): Promise<Credential | undefined> {
    const known = await this.get(path, signal)
    // Another request may have replaced it while this one was on its way.
    if (known !== undefined && !isDeepStrictEqual(known, refused)) return known
    const fresh = await orAborted(this.#ask(path, true), signal)
    return isDeepStrictEqual(fresh, refused) ? undefined : fresh
  }

  unauthorized(why: string, used: Credential | undefined): UnauthorizedError {
    const origin = used === undefined ? undefined : this.#originOf(used)
    return new UnauthorizedError(this.shownUrl, this.#redactor.text(why), {
      used: origin,
      searched: this.#source?.name,
    })
  }

  #originOf(credential: Credential): string {
    return credential.origin ?? this.#source?.name ?? 'the configuration'
  }

  #ask(path: string, refresh: boolean): Promise<Credential | undefined> {
    const asking = this.#read(path, refresh)
    this.#byPath.set(path, asking)
    // A source that failed once may work the next time; what it gave stays.
    asking.catch(() => this.#byPath.delete(path))
    return asking
  }

  async #read(path: string, refresh: boolean): Promise<Credential | undefined> {
    const credential = await this.#source?.get({ host: this.#host, path }, { refresh, signal: this.#closing })
    if (credential === undefined) return undefined
    const secret = credential.kind === 'basic' ? credential.password : credential.token
    this.#redactor.register(secret)
    if (credential.kind === 'bearer' && !/^[\x21-\x7e]+$/.test(secret)) {
      throw new CredentialUnavailableError(
        `The token from ${this.#originOf(credential)} has characters that no header can carry.`,
        'Look for line breaks, spaces or quotes in it, and for a file that holds more than the token.',
      )
    }
    if (credential.kind === 'basic') this.#redactor.register(`${credential.username}:${credential.password}`)
    return credential
  }
}

/** The header that carries a credential as it is. */
export function directHeader(credential: Credential): string {
  return credential.kind === 'basic'
    ? basicHeader(credential.username, credential.password)
    : `Bearer ${credential.token}`
}

/** Sends the credential with every request, as clusters want it; a refusal has it read again, once. */
export class StaticAuthorization implements Authorization {
  readonly #keeper: CredentialKeeper
  readonly #signal: AbortSignal
  #current: Credential | undefined
  #isReplaced = false

  constructor(keeper: CredentialKeeper, signal: AbortSignal) {
    this.#keeper = keeper
    this.#signal = signal
  }

  async header(): Promise<string | undefined> {
    this.#current = await this.#keeper.get('', this.#signal)
    return this.#current === undefined ? undefined : directHeader(this.#current)
  }

  async refused(refusal: Refusal): Promise<boolean> {
    if (refusal.status !== 401) return false
    const used = this.#current
    const replacement = this.#isReplaced ? undefined : await this.#keeper.replace('', used, this.#signal)
    this.#isReplaced = true
    if (replacement === undefined) throw this.#keeper.unauthorized('status 401', used)
    return true
  }
}
