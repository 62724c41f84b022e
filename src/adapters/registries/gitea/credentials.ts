/**
 * A personal access token works in two ways: the product's API takes it as it is, the registry only as a password, for
 * which it gives out tokens of its own.
 */
import type { CredentialSource } from '../../http/credentials.ts'

/** Gitea finds the user by the token, whatever name comes with it. */
const ANY_USER = 'token'

export function asPassword(credentials: CredentialSource): CredentialSource {
  return {
    ...(credentials.name !== undefined && { name: credentials.name }),
    get: async (target, options) => {
      const credential = await credentials.get(target, options)
      if (credential?.kind !== 'bearer') return credential
      const { token, origin } = credential
      return { kind: 'basic', username: ANY_USER, password: token, ...(origin !== undefined && { origin }) }
    },
  }
}
