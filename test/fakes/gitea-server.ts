/**
 * A Gitea as its sources have it (1.26): packages of an owner in numbered pages, deletion of single versions, the registry
 * with tags in lower case, tokens with scopes, and layers that go with the last version that has them.
 */
import { randomBytes } from 'node:crypto'
import { startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { GiteaState, type GiteaVersion } from './gitea-state.ts'
import { answerOci } from './oci-server.ts'

export interface GiteaUser {
  readonly login: string
  /** A personal access token. */
  readonly token: string
  readonly scopes: readonly ('read:package' | 'write:package')[]
  /** Owners whose packages the user may write. @default all */
  readonly writes?: readonly string[]
}

export interface GiteaOptions {
  /** MAX_RESPONSE_ITEMS. @default 50 */
  readonly rowsMax?: number
  readonly latencyMs?: number
}

export interface GiteaServer extends FakeServer {
  readonly state: GiteaState
  readonly users: Map<string, GiteaUser>
  expireTokens(): void
}

export const giteaUser: GiteaUser = {
  login: 'ci',
  token: '0123456789abcdef0123456789abcdef01234567',
  scopes: ['read:package', 'write:package'],
}

export async function startGitea(options: GiteaOptions = {}): Promise<GiteaServer> {
  const state = new GiteaState()
  const users = new Map([[giteaUser.login, giteaUser]])
  const tokens = new Map<string, GiteaUser>()
  const answer = (request: FakeRequest): Reply => {
    const { pathname } = request.url
    if (pathname.startsWith('/v2/')) return answerRegistry(state, request, users, tokens)
    if (pathname === '/api/v1/version') return reply(200, { version: '1.26.0' })
    const segments = pathname.split('/').slice(1).map(decodeURIComponent)
    if (segments.slice(0, 3).join('/') !== 'api/v1/packages') return { status: 404, body: 'Not found.\n' }
    const user = userOf(request, users, new Map())
    return user === undefined
      ? failure(401, 'token is required')
      : answerPackages(state, request, segments.slice(3), user, options)
  }
  const server = await startFakeServer(answer, options)
  return { ...server, state, users, requests: server.requests, expireTokens: () => tokens.clear() }
}

function answerPackages(
  state: GiteaState,
  request: FakeRequest,
  [owner = '', type, name = '', version = '']: readonly string[],
  user: GiteaUser,
  { rowsMax = 50 }: GiteaOptions,
): Reply {
  const scope = request.method === 'GET' ? 'read:package' : 'write:package'
  if (!user.scopes.some((each) => each === scope || each === 'write:package'))
    return failure(403, `token does not have at least one of required scope(s), required=[${scope}]`)
  if (state.list(owner, '').length === 0) return failure(404, `user redirect does not exist [name: ${owner}]`)
  if (type === undefined) return listed(state, request, owner, rowsMax)
  if (!state.has(owner, name, version)) return failure(404, 'package does not exist')
  if (request.method === 'GET') return reply(200, { type: 'container', name, version })
  if (user.writes?.includes(owner) === false)
    return failure(403, 'user should have specific permission or be a site admin')
  state.remove(owner, name, version)
  return { status: 204 }
}

function listed(state: GiteaState, { url }: FakeRequest, owner: string, rowsMax: number): Reply {
  const all = state.list(owner, url.searchParams.get('q') ?? '')
  const page = Number(url.searchParams.get('page') ?? 1)
  const size = Math.min(Number(url.searchParams.get('limit') ?? 30), rowsMax)
  const rows = all.slice((page - 1) * size, page * size)
  return reply(200, rows.map(rowOf), { 'x-total-count': String(all.length) })
}

function rowOf({ id, owner, name, version, createdAt }: GiteaVersion): unknown {
  return {
    id,
    owner: { id: 1, login: owner },
    repository: null,
    type: 'container',
    name,
    version,
    html_url: `http://x/${owner}/-/packages/container/${name}/${version}`,
    created_at: new Date(createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
  }
}

const manifestRoute = /^\/v2\/([^/]+)\/(.+)\/manifests\/([^/]+)$/

function answerRegistry(
  state: GiteaState,
  request: FakeRequest,
  users: ReadonlyMap<string, GiteaUser>,
  tokens: Map<string, GiteaUser>,
): Reply {
  const user = userOf(request, users, tokens)
  if (request.url.pathname === '/v2/token') return issueToken(user, tokens)
  // The registry takes its own tokens and Basic, and no personal access token as Bearer.
  const isPersonal = request.headers.authorization?.endsWith(` ${user?.token ?? ''}`) === true
  if (user === undefined || isPersonal) return unauthorized(request)
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  if (!isReading && !user.scopes.includes('write:package')) return unauthorized(request)
  const [, owner = '', name = '', given = ''] = manifestRoute.exec(request.url.pathname) ?? []
  const reference = given.toLowerCase()
  const url = given === '' ? request.target : `/v2/${owner}/${name}/manifests/${reference}`
  if (given !== '' && request.method === 'DELETE') return deleteAll(state, owner, name, reference)
  if (given !== '' && request.method === 'PUT') {
    const refusal = refusedManifest(request)
    if (refusal !== undefined) return refusal
  }
  const answered = answerOci(state.store, { pageMax: 100 }, { ...request, url }, request.body)
  if (given === '' || request.method !== 'PUT') return answered
  // Gitea does not say which one it misses.
  if (answered.status === 400) return registryFailure(404, 'BLOB_UNKNOWN')
  state.pushed(owner, name, reference)
  return answered
}

/** By digest, every version of it goes. */
function deleteAll(state: GiteaState, owner: string, name: string, reference: string): Reply {
  const versions = state
    .list(owner, name)
    .filter((each) => each.name === name && (each.digest === reference || each.version === reference))
  for (const { version } of versions) state.remove(owner, name, version)
  return versions.length > 0 ? { status: 202 } : registryFailure(404, 'MANIFEST_UNKNOWN')
}

function refusedManifest({ body }: FakeRequest): Reply | undefined {
  const document = JSON.parse(body.toString()) as {
    schemaVersion?: number
    manifests?: { mediaType?: string }[]
  }
  if (document.schemaVersion !== 2) return registryFailure(501, 'UNSUPPORTED')
  const isOdd = document.manifests?.some(
    ({ mediaType = '' }) => !/image\.manifest|distribution\.manifest\.v2/.test(mediaType),
  )
  return isOdd === true ? registryFailure(400, 'MANIFEST_INVALID') : undefined
}

function unauthorized({ url }: FakeRequest): Reply {
  const challenge = `Bearer realm="${url.origin}/v2/token",service="container_registry",scope="*", Basic realm="Gitea Container Registry"`
  return { ...registryFailure(401, 'UNAUTHORIZED'), headers: { 'www-authenticate': challenge } }
}

function issueToken(user: GiteaUser | undefined, tokens: Map<string, GiteaUser>): Reply {
  if (user === undefined) return { status: 401 }
  const token = randomBytes(12).toString('hex')
  tokens.set(token, user)
  return reply(200, { token })
}

function userOf(
  { headers }: FakeRequest,
  users: ReadonlyMap<string, GiteaUser>,
  tokens: ReadonlyMap<string, GiteaUser>,
): GiteaUser | undefined {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
  const byToken = (token: string): GiteaUser | undefined =>
    [...users.values()].find((user) => user.token === token)
  if (/^(?:bearer|token)$/i.test(scheme)) return tokens.get(value) ?? byToken(value)
  if (scheme !== 'Basic') return undefined
  const [, password = ''] = Buffer.from(value, 'base64').toString().split(':')
  return byToken(password)
}

function registryFailure(status: number, code: string): Reply {
  return reply(status, { errors: [{ code, message: '' }] })
}

export function failure(status: number, message: string): Reply {
  return reply(status, { message, url: 'http://x/api/swagger' })
}

function reply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
