/**
 * Logs in to Docker Hub's API with what `docker login` takes: a user name and a personal access token, or the name of an
 * organization and its token. The API gives a token of some minutes for it; a new one is fetched when that is refused.
 *
 * The secret goes to the API's login call alone; the registry gets it by the token server that it names, as everywhere.
 */
import type { RegistryName } from '../../../core/image/names.ts'
import type {
  Credential,
  CredentialOptions,
  CredentialSource,
  CredentialTarget,
} from '../../http/credentials.ts'
import { CredentialUnavailableError, UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpClient } from '../../http/http-types.ts'
import { isRecord } from '../oci/answers.ts'
import { ProductApi } from '../product-api.ts'

export const product = 'Docker Hub'

export interface HubLoginSettings {
  readonly name: RegistryName
  /** The credentials of the registry, or those of the API where they are others. */
  readonly written: CredentialSource
  /** The host under which those are kept. */
  readonly host: string
  /** The API's address. */
  readonly base: string
  /** Without credentials of its own, because logging in is done with what is in the body. */
  readonly http: HttpClient
}

export class HubLogin implements CredentialSource {
  readonly name: string
  readonly #settings: HubLoginSettings
  readonly #api: ProductApi
  #logging: Promise<Credential> | undefined

  constructor(settings: HubLoginSettings) {
    const { name, written, base, http } = settings
    this.name = written.name ?? 'the configuration'
    this.#settings = settings
    this.#api = new ProductApi({ name, product, base, http })
  }

  /** Who is logged in, for the repositories of that name; undefined for nobody, or for a bare token. */
  async user(signal?: AbortSignal): Promise<string | undefined> {
    const { written, host } = this.#settings
    const credential = await written.get({ host, path: '' }, signal && { signal })
    return credential?.kind === 'basic' ? credential.username.toLowerCase() : undefined
  }

  async get(_: CredentialTarget, options: CredentialOptions = {}): Promise<Credential | undefined> {
    const { written, host } = this.#settings
    const credential = await written.get({ host, path: '' }, options)
    if (credential === undefined || credential.kind === 'bearer') return credential
    if (credential.kind === 'identity-token') throw notForApi(credential.origin)
    // Many requests find at the same time that their token has run out.
    this.#logging ??= this.#login(credential, options.signal).finally(() => {
      this.#logging = undefined
    })
    return this.#logging
  }

  /** POST /v2/auth/token (Docker Hub API, "Create access token"). */
  async #login(
    { username, password, origin = this.name }: Extract<Credential, { kind: 'basic' }>,
    signal: AbortSignal | undefined,
  ): Promise<Credential> {
    const what = 'Logging in to the API'
    const request = {
      method: 'POST',
      url: this.#api.url('/auth/token'),
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: username, secret: password }),
      // Two logins give two tokens, which harms nobody.
      idempotent: true,
    } as const
    const answer = await this.#api.read(what, request, signal && { signal }).catch((error: unknown) => {
      throw error instanceof UnauthorizedError ? refusedLogin(this.#api.url(''), origin) : error
    })
    const token = isRecord(answer) ? (answer['access_token'] ?? answer['token']) : undefined
    if (typeof token !== 'string' || token === '')
      throw this.#api.mismatch(`${what} was answered without a token`)
    return { kind: 'bearer', token, origin }
  }
}

function refusedLogin(base: string, origin: string): UnauthorizedError {
  const why =
    'the login was not accepted; with two-factor authentication or single sign-on a personal access token takes the place of the password'
  return new UnauthorizedError(new URL(base).origin, why, { used: origin, searched: undefined })
}

function notForApi(origin: string | undefined): CredentialUnavailableError {
  return new CredentialUnavailableError(
    `The login from ${origin ?? 'Docker’s files'} is good for pulling only: Docker Hub’s API, which lists and deletes, does not take it.`,
    'Make a personal access token with read, write and delete, and name it under `auth` with your user name.',
  )
}
