/**
 * What a GitLab offers, found out by asking without a login: whether its registry has a list of its own (`/gitlab/v1/`,
 * where it keeps its metadata in a database), and where GitLab itself is, which the registry names as its token server.
 */
import type { RegistryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { parseChallenges } from '../../http/challenges.ts'
import type { HttpClient, HttpResponse } from '../../http/http-types.ts'
import { checkRealm } from '../../http/realm.ts'
import { ProductMismatchError } from '../product-api.ts'

export const productName = 'GitLab'
const publicRegistry = 'registry.gitlab.com'

export interface Surfaces {
  /** The registry lists tags with digests and times. */
  readonly hasOwnList: boolean
  /** GitLab's REST API, without a slash at its end. */
  readonly apiUrl: string
}

export interface SurfaceSettings {
  readonly name: RegistryName
  readonly baseUrl: string
  /** What the configuration says. */
  readonly apiUrl: string | undefined
  /** Logs in nowhere. */
  readonly http: HttpClient
}

/** @throws ProductMismatchError, RealmRefusedError, and what the HTTP client throws */
export async function findSurfaces(settings: SurfaceSettings, options?: RunOptions): Promise<Surfaces> {
  const { name, baseUrl, apiUrl, http } = settings
  const base = baseUrl.replace(/\/+$/, '')
  const ask = (path: string): Promise<HttpResponse> =>
    http.request({ method: 'GET', url: `${base}${path}`, headers: { accept: 'application/json' } }, options)
  const own = await ask('/gitlab/v1/')
  // Without the database the route is there and answers 404; older registries do not know it.
  const hasOwnList = own.status === 401 || (own.status === 200 && !isPage(own))
  if (apiUrl !== undefined) return { hasOwnList, apiUrl }
  if (new URL(baseUrl).hostname === publicRegistry) return { hasOwnList, apiUrl: 'https://gitlab.com/api/v4' }
  const asked = own.status === 401 ? own : await ask('/v2/')
  const realm = realmIn(asked)
  if (realm === undefined || !/\/jwt\/auth\/?$/.test(realm))
    throw new ProductMismatchError(
      name,
      productName,
      `it does not send its users to /jwt/auth of a GitLab for a token (status ${asked.status})`,
    )
  const checked = checkRealm(realm, { base: new URL(baseUrl), allowPrivateRealm: false })
  const below = checked.pathname.replace(/\/jwt\/auth\/?$/, '')
  return { hasOwnList, apiUrl: `${checked.origin}${below}/api/v4` }
}

function realmIn({ status, headers }: HttpResponse): string | undefined {
  if (status !== 401) return undefined
  const challenges = parseChallenges(headers.get('www-authenticate') ?? '')
  return challenges.find(({ scheme }) => scheme === 'bearer')?.parameters.get('realm')
}

function isPage({ headers }: HttpResponse): boolean {
  return (headers.get('content-type') ?? '').startsWith('text/html')
}
