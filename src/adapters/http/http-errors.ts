/**
 * What can go wrong between Winnow and a server, told so that a person can act on it.
 *
 * Whoever builds one of these passes text that went through redact.ts. The answer that caused an error is reachable
 * for drivers, which know what their registry means by it, but is never printed with the error.
 */
import type { ErrorCategory } from '../../core/errors/errors.ts'
import { OperationalError } from '../../core/errors/errors.ts'
import type { HttpResponse } from './http-types.ts'
import { describeDuration } from './retry-policy.ts'

/** No connection, or none that could be trusted. */
export class UnreachableError extends OperationalError {
  readonly code = 'UNREACHABLE'
  readonly hint: string

  constructor(url: string, why: string, hint: string, options?: { readonly cause?: unknown }) {
    super(`Could not reach ${url}: ${why}.`, options)
    this.hint = hint
  }
}

/** The server kept the connection and said nothing, or took too long as a whole. */
export class HttpTimeoutError extends OperationalError {
  readonly code = 'HTTP_TIMEOUT'
  readonly hint = 'Check the server and the network between; run the command again when it answers.'

  constructor(url: string, why: string, options?: { readonly cause?: unknown }) {
    super(`Gave up waiting for ${url}: ${why}.`, options)
  }
}

/** The server does not accept the credentials we have, or wants some and we have none. */
export class UnauthorizedError extends OperationalError {
  readonly code = 'UNAUTHORIZED'
  readonly hint: string
  /** Where the refused credentials come from; undefined when there were none. */
  readonly triedCredentials: string | undefined

  constructor(
    url: string,
    why: string,
    tried: { readonly used: string | undefined; readonly searched: string | undefined },
  ) {
    const whose =
      tried.used === undefined
        ? 'no credentials were found for it'
        : `tried the credentials from ${tried.used}`
    super(`${url} refused access: ${why} (${whose}).`)
    this.triedCredentials = tried.used
    this.hint =
      tried.used === undefined
        ? `Log in to it with docker login or podman login, or name its credentials under \`auth\` in the configuration${tried.searched === undefined ? '' : ` (looked in ${tried.searched})`}.`
        : `Check that ${tried.used} holds valid credentials with access to it; log in again if they have expired.`
  }
}

/** 401 with a way to log in that Winnow does not know, or none at all. */
export class UnknownChallengeError extends OperationalError {
  readonly code = 'AUTH_SCHEME_UNKNOWN'
  readonly hint =
    'Winnow can log in with Basic and Bearer (token) authentication. Check that the address is that of a registry, not of a login page in front of it.'

  constructor(url: string, offered: readonly string[]) {
    const ways = offered.length === 0 ? 'names no way to log in' : `offers only ${offered.join(', ')}`
    super(`${url} demands a login but ${ways}.`)
  }
}

/** The server asks for a pause longer than a command should last, or kept asking for pauses. */
export class RateLimitedError extends OperationalError {
  readonly code = 'RATE_LIMITED'
  readonly hint: string
  /** How long the server asked to wait; undefined when it did not say. */
  readonly retryAfterMs: number | undefined
  readonly status: number
  readonly #response: HttpResponse

  constructor(url: string, response: HttpResponse, retryAfterMs: number | undefined) {
    const asked = retryAfterMs === undefined ? '' : ` and asks to wait ${describeDuration(retryAfterMs)}`
    super(
      `${url} limits our requests (status ${response.status})${asked}; gave up after ${times(response.attempts)}.`,
    )
    this.retryAfterMs = retryAfterMs
    this.status = response.status
    this.#response = response
    const when =
      retryAfterMs === undefined
        ? 'Run the command again later'
        : `Run the command again in ${describeDuration(retryAfterMs)}`
    this.hint = `${when}, log in if this was anonymous, or set a lower \`concurrency\` for this registry.`
  }

  get response(): HttpResponse {
    return this.#response
  }
}

/** The server kept failing. */
export class ServerFailedError extends OperationalError {
  readonly code = 'SERVER_FAILED'
  readonly hint = "Look into the server's log; run the command again when it is well."
  readonly status: number
  readonly #response: HttpResponse

  constructor(url: string, response: HttpResponse) {
    super(`${url} answered with status ${response.status}; gave up after ${times(response.attempts)}.`)
    this.status = response.status
    this.#response = response
  }

  get response(): HttpResponse {
    return this.#response
  }
}

/** A body passed its limit; what came was dropped. */
export class ResponseTooLargeError extends OperationalError {
  readonly code = 'RESPONSE_TOO_LARGE'
  readonly hint =
    'No correct answer to this request is that long. Check that the address is right, and what the server sends.'
  override readonly category: ErrorCategory = 'limit'
  readonly bodyBytesMax: number

  constructor(url: string, bodyBytesMax: number) {
    super(`The answer of ${url} is longer than ${bodyBytesMax} bytes, so it was not read.`)
    this.bodyBytesMax = bodyBytesMax
  }
}

/** A redirect that would weaken the connection, goes in circles, or would change what is asked. */
export class RedirectRefusedError extends OperationalError {
  readonly code = 'REDIRECT_REFUSED'
  readonly hint =
    'Use the final address in the configuration, or correct the external URL that the server believes it has.'

  constructor(url: string, why: string) {
    super(`Did not follow the redirect of ${url}: ${why}.`)
  }
}

/** The place where the registry wants us to fetch a token is not one to send credentials to. */
export class RealmRefusedError extends OperationalError {
  readonly code = 'REALM_REFUSED'
  readonly hint: string

  constructor(realm: string, why: string, hint: string) {
    super(`Sent no credentials to the token server ${realm}: ${why}.`)
    this.hint = hint
  }
}

/** The answer is not what its kind of answer must be. */
export class UnreadableResponseError extends OperationalError {
  readonly code = 'RESPONSE_UNREADABLE'
  readonly hint =
    'Check that the address is right, and whether a proxy or login page answers in place of the server.'
  readonly status: number

  constructor(url: string, status: number, why: string) {
    super(`Could not read the answer of ${url} (status ${status}): ${why}.`)
    this.status = status
  }
}

/** Plain http where credentials or manifests could be read and changed on the way. */
export class InsecureUrlError extends OperationalError {
  readonly code = 'INSECURE_URL'
  readonly hint =
    'Use https, or set `insecure: true` for this registry if you accept that anyone between can read and change everything.'
  override readonly category: ErrorCategory = 'configuration'

  constructor(url: string) {
    super(`${url} is not encrypted, and not on this machine.`)
  }
}

/** The proxy, from the environment or the configuration, is not one. */
export class ProxyInvalidError extends OperationalError {
  readonly code = 'PROXY_INVALID'
  readonly hint = 'Write it as http://host:port, https://host:port or socks5://host:port.'
  override readonly category: ErrorCategory = 'configuration'

  constructor(proxy: string) {
    super(`The proxy ${proxy} is not a URL Winnow can use.`)
  }
}

/** Credentials that should be there cannot be had: a variable, a file or a credential helper failed. */
export class CredentialUnavailableError extends OperationalError {
  readonly code = 'CREDENTIALS_UNAVAILABLE'
  readonly hint: string
  override readonly category: ErrorCategory = 'configuration'

  constructor(message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.hint = hint
  }
}

function times(attempts: number): string {
  return attempts === 1 ? 'one attempt' : `${attempts} attempts`
}
