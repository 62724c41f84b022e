/**
 * Asks an address whether a registry is well: 200, or 401 from one that wants a login first (OCI distribution
 * specification, "Determining Support"). No credential is sent; who asks for a health needs none.
 */
import type { HttpClient, HttpSettings } from '../http/http-types.ts'
import { UnauthorizedError } from '../http/http-errors.ts'
import type { HealthAnswer, RegistryHealth } from '../../ports/registry-switch.ts'

const askTimeoutMs = 5_000

/** Settings of the client that `createHttpHealth` needs: the answer as it is, asked once. */
export const healthHttp = {
  authorization: 'static',
  retry: { attemptsMax: 1 },
  concurrency: 1,
} as const satisfies Partial<HttpSettings>

/** @param http made with `healthHttp`, without credentials, with the registry's own TLS settings and proxy */
export function createHttpHealth(url: string, http: HttpClient): RegistryHealth {
  return { url, ask: () => ask(url, http) }
}

async function ask(url: string, http: HttpClient): Promise<HealthAnswer> {
  const limits = { idleTimeoutMs: askTimeoutMs, totalTimeoutMs: askTimeoutMs }
  try {
    const { status } = await http.request({ method: 'GET', url, ...limits })
    return { isWell: status === 200 || status === 401, said: `status ${status}` }
  } catch (error) {
    // The client makes an error of 401, because it has nothing to log in with. Here it is a good answer.
    if (error instanceof UnauthorizedError) return { isWell: true, said: 'status 401' }
    return { isWell: false, said: error instanceof Error ? error.message : String(error) }
  }
}
