/** GitLab's token server takes a token as a password, its API takes it as a bearer; Docker's files know it by the registry. */
import type { CredentialSource } from '../../http/credentials.ts'

/** Users of tokens that the API does not take: those of CI jobs and deploy tokens. */
const registryOnly = /^gitlab-ci-token$|^gitlab\+deploy-token-\d+$/

/** The user name that goes with a token that the configuration names alone. */
const anyUser = 'oauth2'

/** Credentials as the token server takes them. */
export function registryCredentials(source: CredentialSource): CredentialSource {
  return {
    ...source,
    get: async (target, options) => {
      const credential = await source.get(target, options)
      if (credential?.kind !== 'bearer') return credential
      const { origin } = credential
      return {
        kind: 'basic',
        username: anyUser,
        password: credential.token,
        ...(origin !== undefined && { origin }),
      }
    },
  }
}

/**
 * Credentials as the API takes them: none for tokens that are for the registry alone.
 *
 * @param registryHost the host under which Docker's files know the token; undefined when `source` is the API's own
 */
export function apiCredentials(source: CredentialSource, registryHost: string | undefined): CredentialSource {
  return {
    ...source,
    get: async (target, options) => {
      const asked = registryHost === undefined ? target : { host: registryHost, path: '' }
      const credential = await source.get(asked, options)
      if (credential === undefined || credential.kind === 'bearer') return credential
      if (credential.kind === 'basic' && registryOnly.test(credential.username)) return undefined
      const token = credential.kind === 'basic' ? credential.password : credential.token
      const { origin } = credential
      return { kind: 'bearer', token, ...(origin !== undefined && { origin }) }
    },
  }
}
