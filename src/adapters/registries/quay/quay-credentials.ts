/**
 * Two logins from what is configured. Quay's API takes OAuth tokens alone; the registry under `/v2/` takes robots, people,
 * and such a token as the password of `$oauthtoken`. A token of the API goes to the registry only where both have one
 * origin.
 */
import type { Credential, CredentialSource } from '../../http/credentials.ts'
import { CredentialUnavailableError } from '../../http/http-errors.ts'
import type { DriverSettings } from '../driver.ts'

/** The user name under which `/v2/` takes an OAuth token. */
const tokenUser = '$oauthtoken'

type Settings = Pick<DriverSettings, 'name' | 'baseUrl' | 'credentials' | 'apiCredentials'>

/**
 * For the API: `api.auth`, else the token that the registry itself is given.
 *
 * @throws CredentialUnavailableError, when it is asked, where there is only a robot's or a person's password
 */
export function apiCredentialsOf(settings: Settings, apiUrl: string): CredentialSource {
  const { apiCredentials, credentials, baseUrl } = settings
  const isOneOrigin = new URL(apiUrl).origin === new URL(baseUrl).origin
  const source = apiCredentials ?? (isOneOrigin ? credentials : undefined)
  return {
    ...(source?.name !== undefined && { name: source.name }),
    get: async (target, options) => {
      const asked = apiCredentials === undefined ? { ...target, host: new URL(baseUrl).host } : target
      const credential = await source?.get(asked, options)
      if (credential === undefined || credential.kind === 'bearer') return credential
      if (credential.kind === 'basic' && credential.username === tokenUser)
        return bearer(credential.password, credential.origin)
      throw tokenMissing(settings.name, credential.origin ?? source?.name)
    },
  }
}

/** For `/v2/`: what the registry is given, where that is a token as Quay takes it there. */
export function registryCredentialsOf(settings: Settings, apiUrl: string): CredentialSource {
  const { credentials, apiCredentials, baseUrl } = settings
  const shared = new URL(apiUrl).origin === new URL(baseUrl).origin ? apiCredentials : undefined
  return {
    ...(credentials.name !== undefined && { name: credentials.name }),
    get: async (target, options) => {
      const credential = (await credentials.get(target, options)) ?? (await shared?.get(target, options))
      if (credential?.kind !== 'bearer') return credential
      const { token, origin } = credential
      return { kind: 'basic', username: tokenUser, password: token, ...(origin !== undefined && { origin }) }
    },
  }
}

/** The public Quay, whose API and registry are one server. */
export function isQuayIo(url: string): boolean {
  return new URL(url).host === 'quay.io'
}

function bearer(token: string, origin: string | undefined): Credential {
  return { kind: 'bearer', token, ...(origin !== undefined && { origin }) }
}

function tokenMissing(registry: string, origin: string | undefined): CredentialUnavailableError {
  const from = origin === undefined ? '' : ` (from ${origin})`
  return new CredentialUnavailableError(
    `${registry} has only a name and a password${from}, which Quay's API does not take, so its tags cannot be listed or removed.`,
    'Create an OAuth token in an application of the organization (repo:read, and repo:write to delete), and name it under the registry as api: {auth: {tokenEnv: QUAY_TOKEN}}.',
  )
}
