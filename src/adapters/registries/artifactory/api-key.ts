/**
 * Artifactory's legacy API keys, which go into a header of their own.
 *
 * Away from the registry's own origin the HTTP client takes every header off that is not known to be harmless, this one
 * included, so a redirect carries no key to anybody else.
 */
import type { CredentialSource } from '../../http/credentials.ts'
import type { HttpClient } from '../../http/http-types.ts'

const API_KEY = /^AKC[\w+/=-]+$/

/** A client that sends an API key as such; any other credential is left to `http`. */
export function withApiKey(http: HttpClient, base: string, credentials: CredentialSource): HttpClient {
  const { host } = new URL(base)
  let asking: Promise<string | undefined> | undefined
  const find = async (): Promise<string | undefined> => {
    const credential = await credentials.get({ host, path: '' })
    return credential?.kind === 'bearer' && API_KEY.test(credential.token) ? credential.token : undefined
  }
  return {
    get stats() {
      return http.stats
    },
    close: () => http.close(),
    request: async (request, options) => {
      asking ??= find()
      const key = await asking.catch((error: unknown) => {
        asking = undefined
        throw error
      })
      if (key === undefined) return http.request(request, options)
      return http.request({ ...request, headers: { ...request.headers, 'x-jfrog-art-api': key } }, options)
    },
  }
}
