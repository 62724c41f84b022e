/**
 * Credentials of a registry of Azure's: those of the configuration; else those in Docker's files; else the Azure login,
 * exchanged for a refresh token of the registry.
 *
 * `az acr login` leaves a refresh token of three hours in Docker's files. Once that is refused, the Azure login takes its
 * place, so yesterday's login is no hindrance. One exchange serves all repositories.
 */
import { isDeepStrictEqual } from 'node:util'
import type {
  Credential,
  CredentialOptions,
  CredentialSource,
  CredentialTarget,
} from '../../http/credentials.ts'
import type { AzureLogin } from './azure-login.ts'

/** The user name that says: the password is a refresh token (`az acr login --expose-token`). */
const REFRESH_TOKEN_USER = '00000000-0000-0000-0000-000000000000'

export interface AcrCredentialSettings {
  /** From the configuration or Docker's files. */
  readonly written: CredentialSource
  /** Whether the configuration names them: then nothing else is tried. */
  readonly isConfigured: boolean
  /** The Azure login; or why this registry may not see it, for people (azure-place.ts). */
  readonly azure: { readonly login: AzureLogin } | { readonly withheld: string }
  /** An Azure login's token for a refresh token of the registry. */
  readonly exchange: (accessToken: string, signal: AbortSignal | undefined) => Promise<string>
}

export function acrCredentials(settings: AcrCredentialSettings): CredentialSource {
  return new AcrCredentials(settings)
}

class AcrCredentials implements CredentialSource {
  readonly name: string
  readonly #settings: AcrCredentialSettings
  /** What each path was given last: a refusal is of that, and another path may have it replaced already. */
  readonly #given = new Map<string, Credential>()
  #refused: Credential | undefined
  #exchanged: Credential | undefined
  #exchanging: Promise<Credential | undefined> | undefined

  constructor(settings: AcrCredentialSettings) {
    const { written, isConfigured, azure } = settings
    this.#settings = settings
    const more = 'withheld' in azure ? `; ${azure.withheld}` : ', the Azure login'
    this.name = isConfigured ? (written.name ?? 'the configuration') : `${written.name ?? ''}${more}`
  }

  async get(target: CredentialTarget, options: CredentialOptions = {}): Promise<Credential | undefined> {
    const refused = options.refresh === true ? this.#given.get(target.path) : undefined
    const found = await this.#find(target, options, refused)
    if (found !== undefined) this.#given.set(target.path, found)
    return found
  }

  async #find(
    target: CredentialTarget,
    options: CredentialOptions,
    refused: Credential | undefined,
  ): Promise<Credential | undefined> {
    const { written, isConfigured } = this.#settings
    const own = asAcrTakes(await written.get(target, options))
    if (isConfigured) return own
    if (own !== undefined && isDeepStrictEqual(own, refused)) this.#refused = own
    if (own !== undefined && !isDeepStrictEqual(own, this.#refused)) return own
    return (await this.#fromAzure(options.signal, refused)) ?? own
  }

  async #fromAzure(
    signal: AbortSignal | undefined,
    refused: Credential | undefined,
  ): Promise<Credential | undefined> {
    const known = this.#exchanged
    if (known !== undefined && !isDeepStrictEqual(known, refused)) return known
    // Many repositories want one at the same time; what failed may work the next time.
    this.#exchanging ??= this.#exchange(signal).finally(() => {
      this.#exchanging = undefined
    })
    return this.#exchanging
  }

  async #exchange(signal: AbortSignal | undefined): Promise<Credential | undefined> {
    const { azure, exchange } = this.#settings
    // Whoever may not see the login has none asked for: nothing that was not fetched can be shown.
    if ('withheld' in azure) return undefined
    const accessToken = await azure.login(signal)
    if (accessToken === undefined) return undefined
    const token = await exchange(accessToken, signal)
    this.#exchanged = { kind: 'identity-token', token, origin: 'the Azure login' }
    return this.#exchanged
  }
}

/** A refresh token, however it is written, goes the way of refresh tokens. */
function asAcrTakes(credential: Credential | undefined): Credential | undefined {
  if (credential === undefined || credential.kind === 'identity-token') return credential
  const origin = credential.origin === undefined ? {} : { origin: credential.origin }
  if (credential.kind === 'bearer') return { kind: 'identity-token', token: credential.token, ...origin }
  return credential.username === REFRESH_TOKEN_USER
    ? { kind: 'identity-token', token: credential.password, ...origin }
    : credential
}
