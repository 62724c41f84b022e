/**
 * One token for two servers. GitHub's registry takes it as the password of any user, its API as a bearer; Docker's files
 * keep it under the name of the registry. So the API is given what the registry is given, unless the configuration has
 * `api.auth`.
 */
import { CredentialUnavailableError } from '../../http/http-errors.ts'
import type { Credential, CredentialSource } from '../../http/credentials.ts'

/**
 * What a token is, by its prefix. `installation` is the GITHUB_TOKEN of a workflow, or a GitHub App; `other` may be a
 * classic token of before 2021.
 */
export type TokenKind = 'none' | 'classic' | 'installation' | 'other'

/** The user name that goes with a token where the configuration names a token alone; GitHub looks at the token only. */
const anyUser = 'x-access-token'

/** Credentials as the registry takes them. */
export function registryCredentials(source: CredentialSource): CredentialSource {
  return mapped(source, (credential) => {
    if (credential.kind !== 'bearer') return credential
    return { kind: 'basic', username: anyUser, password: credential.token, ...originOf(credential) }
  })
}

/**
 * Credentials as the API takes them.
 *
 * @param registryHost the host under which Docker's files know the token; undefined when `source` is the API's own
 */
export function apiCredentials(source: CredentialSource, registryHost: string | undefined): CredentialSource {
  const known: CredentialSource =
    registryHost === undefined
      ? source
      : { ...source, get: (_target, options) => source.get({ host: registryHost, path: '' }, options) }
  return mapped(known, (credential) => {
    const token = credential.kind === 'basic' ? credential.password : credential.token
    refuseFineGrained(token, credential.origin ?? source.name)
    return { kind: 'bearer', token, ...originOf(credential) }
  })
}

/** What is known of a token without asking anybody. @throws CredentialUnavailableError for one that cannot work */
export async function tokenKindOf(source: CredentialSource, host: string): Promise<TokenKind> {
  const credential = await source.get({ host, path: '' })
  if (credential === undefined) return 'none'
  const token = credential.kind === 'basic' ? credential.password : credential.token
  if (token.startsWith('ghp_')) return 'classic'
  return token.startsWith('ghs_') ? 'installation' : 'other'
}

/** GitHub Packages takes classic tokens only; it would answer as if nothing were there. */
function refuseFineGrained(token: string, origin: string | undefined): void {
  if (!token.startsWith('github_pat_')) return
  throw new CredentialUnavailableError(
    `The token from ${origin ?? 'the configuration'} is a fine-grained one (github_pat_…), which GitHub Packages does not take.`,
    'Make a classic token with the scopes read:packages, write:packages and delete:packages at https://github.com/settings/tokens, and give Winnow that one.',
  )
}

function mapped(source: CredentialSource, change: (credential: Credential) => Credential): CredentialSource {
  return {
    ...source,
    get: async (target, options) => {
      const credential = await source.get(target, options)
      return credential && change(credential)
    },
  }
}

function originOf({ origin }: Credential): { readonly origin?: string } {
  return origin === undefined ? {} : { origin }
}
