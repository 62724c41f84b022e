/** From how a login is configured to where its secrets are found, when they are needed. */
import { configuredCredentials } from './adapters/http/configured-credentials.ts'
import type { CredentialSource } from './adapters/http/credentials.ts'
import { dockerCredentials } from './adapters/http/docker-credentials.ts'
import type { AuthSettings } from './config/configuration.ts'

/** Where credentials come from; left out, from Docker's and Podman's files and helpers. */
export function credentialsOf(
  auth: AuthSettings | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): CredentialSource {
  if (auth === undefined) return dockerCredentials({ environment })
  if (auth.kind === 'token') {
    const { token } = auth
    return configuredCredentials(
      token.kind === 'env' ? { tokenEnv: token.variable } : { tokenFile: token.path },
      environment,
    )
  }
  const { username, password } = auth
  return configuredCredentials(
    {
      ...(username.kind === 'env' ? { usernameEnv: username.variable } : { username: username.value }),
      ...(password.kind === 'env' ? { passwordEnv: password.variable } : { passwordFile: password.path }),
    },
    environment,
  )
}
