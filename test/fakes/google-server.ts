/**
 * A registry of Google's: Docker's API with Google's additions, its token end-point, and the REST API of Artifact
 * Registry, on one address. Only from the public reference; nothing was compared with the real service.
 *
 * It takes an OAuth token as it is, or Docker's ways to log in, there and at the token end-point. A token of the registry holds for
 * the repository and the actions it was asked for. Rights are those of the account: a reader may not delete.
 */
import { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName } from '../../src/core/image/names.ts'
import { startFakeServer, json, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerRest, restFailure, type ArtifactRepository } from './google-rest.ts'
import { deleteReference, googleFailure, listTags } from './google-state.ts'
import { answerOci } from './oci-server.ts'

export interface GoogleServerOptions {
  /** OAuth tokens and what their account may do; asked at each request. @default everybody may do everything */
  readonly rightsOf?: (token: string) => GoogleRights | undefined
  /** Passwords of `_json_key`, and what their account may do. @default none */
  readonly keys?: ReadonlyMap<string, GoogleRights>
  readonly pageSize?: number
  readonly latencyMs?: number
  /** What the API knows. @default none: then it says that it is not switched on */
  readonly repositories?: readonly ArtifactRepository[]
}

export type GoogleRights = 'reader' | 'admin'

export interface GoogleServer extends FakeServer {
  readonly store: RegistryStore
  /** Upload times that are not those of the push. */
  readonly times: Map<Digest, number>
  /** Makes every token that the token end-point gave out worthless. */
  expireTokens(): void
}

interface Session {
  readonly rights: GoogleRights
  /** Undefined for an OAuth token, which holds for everything. */
  readonly scopes: ReadonlySet<string> | undefined
}

const route = /^\/v2\/(.+)\/(tags\/list|manifests\/[^/]+|blobs\/.*|referrers\/[^/]+)$/

export async function startGoogleServer(options: GoogleServerOptions = {}): Promise<GoogleServer> {
  const store = new RegistryStore()
  const times = new Map<Digest, number>()
  const login = new Login(options)
  const { repositories = [], pageSize = 10_000 } = options
  const answer = (request: FakeRequest): Reply => {
    const { pathname, host } = request.url
    if (pathname === '/v2/token') return login.issue(request)
    if (pathname.startsWith('/v1/')) {
      if (!login.mayAsk(request)) return restFailure(401, 'UNAUTHENTICATED')
      if (repositories.length === 0)
        return restFailure(403, 'PERMISSION_DENIED', 'The API is not switched on.')
      return answerRest({ store, times, host, repositories, pageSize }, request)
    }
    return login.refuse(request) ?? answerDocker(request)
  }
  const answerDocker = (request: FakeRequest): Reply => {
    const [, name = '', rest = ''] = route.exec(request.url.pathname) ?? []
    if (rest === 'tags/list') return listTags(store, times, request, name, { pageSize })
    const isImmutable = repositories.some(
      ({ immutableTags, project, id }) => immutableTags === true && name.startsWith(`${project}/${id}/`),
    )
    const reference = rest.replace(/^manifests\//, '')
    if (request.method === 'DELETE')
      return deleteReference(store.repositories.get(name as RepositoryName), reference, isImmutable)
    return answerOci(store, { pageMax: 1000 }, asIncoming(request), request.body)
  }
  const server = await startFakeServer(answer, { latencyMs: options.latencyMs ?? 0 })
  return {
    ...server,
    store,
    times,
    expireTokens: () => {
      login.expire()
    },
    // Spreading would copy the list that is there now.
    get requests() {
      return server.requests
    },
  }
}

function asIncoming({ method, target, headers }: FakeRequest): Parameters<typeof answerOci>[2] {
  return { method, url: target, headers }
}

class Login {
  readonly #options: GoogleServerOptions
  readonly #sessions = new Map<string, Session>()
  #count = 0

  constructor(options: GoogleServerOptions) {
    this.#options = options
  }

  expire(): void {
    this.#sessions.clear()
  }

  /** `GET /v2/token?service=…&scope=…`, with Basic credentials or none. */
  issue({ url, headers }: FakeRequest): Reply {
    const rights = this.#basicRights(headers.authorization)
    if (headers.authorization !== undefined && rights === undefined)
      return googleFailure(401, 'UNAUTHORIZED', 'Not Authorized.')
    const token = `registry-token-${(this.#count += 1)}`
    const scopes = new Set(url.searchParams.getAll('scope').flatMap(actionsOf))
    // Somebody without an account gets a token as well, which is good for nothing here.
    if (rights !== undefined) this.#sessions.set(token, { rights, scopes })
    return json(200, { token, expires_in: 3600, issued_at: new Date().toISOString() })
  }

  #basicRights(authorization: string | undefined): GoogleRights | undefined {
    const [, basic = ''] = /^Basic (.+)$/.exec(authorization ?? '') ?? []
    const [, username = '', password = ''] =
      /^([^:]*):([\s\S]*)$/.exec(Buffer.from(basic, 'base64').toString()) ?? []
    const { rightsOf, keys } = this.#options
    if (username === '_json_key') return keys?.get(password)
    return /^(?:oauth2accesstoken|_token|_dcgcloud_token)$/.test(username) ? rightsOf?.(password) : undefined
  }

  mayAsk({ headers }: FakeRequest): boolean {
    if (!this.#isClosed) return true
    const [, token = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
    return this.#options.rightsOf?.(token) !== undefined
  }

  /** Undefined for a request that may be answered. */
  refuse({ method, url, headers }: FakeRequest): Reply | undefined {
    if (!this.#isClosed) return undefined
    const [, token = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
    const rights = this.#basicRights(headers.authorization) ?? this.#options.rightsOf?.(token)
    const session = rights === undefined ? this.#sessions.get(token) : { rights, scopes: undefined }
    const [, name = ''] = route.exec(url.pathname) ?? []
    if (session === undefined) return challenge(url, name)
    const action = method === 'DELETE' ? 'delete' : method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
    const isInScope = session.scopes?.has(`${name}:${action}`) ?? true
    if (name !== '' && !isInScope) return challenge(url, name)
    if (action !== 'pull' && session.rights === 'reader')
      return googleFailure(
        403,
        'DENIED',
        'Permission "artifactregistry.repositories.deleteArtifacts" denied on resource (or it may not exist).',
      )
    return undefined
  }

  get #isClosed(): boolean {
    return this.#options.rightsOf !== undefined || this.#options.keys !== undefined
  }
}

function challenge({ origin, host }: URL, name: string): Reply {
  const scope = name === '' ? '' : `,scope="repository:${name}:pull"`
  return {
    ...googleFailure(401, 'UNAUTHORIZED', 'Unauthenticated request.'),
    headers: {
      'content-type': 'application/json',
      'www-authenticate': `Bearer realm="${origin}/v2/token",service="${host}"${scope}`,
    },
  }
}

function actionsOf(scope: string): readonly string[] {
  const [, name = '', actions = ''] = /^repository:(.+):([a-z*,]+)$/.exec(scope) ?? []
  return actions.split(',').map((action) => `${name}:${action}`)
}
