/**
 * An Artifactory as its documentation describes it: the distribution API by repository path and by its REST alias, AQL
 * with a hard limit, deletion by path, a trash can for administrators, and logins by Basic, Bearer and API key.
 */
import { randomBytes } from 'node:crypto'
import { answerAql, failure, reply } from './artifactory-aql.ts'
import { ArtifactoryState } from './artifactory-state.ts'
import { startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerOci } from './oci-server.ts'

export interface ArtifactoryUser {
  readonly name: string
  /** Password, access token or API key. */
  readonly secret: string
  readonly isAdmin?: boolean
  readonly rights: readonly ('read' | 'deploy' | 'delete')[]
}

export interface ArtifactoryOptions {
  /** The most rows of an answer to AQL. @default 500 000 */
  readonly rowsMax?: number
  readonly latencyMs?: number
  /** A port of its own for one repository key: `/v2/` then has no key in its paths. */
  readonly portKey?: string
}

export interface ArtifactoryServer extends FakeServer {
  readonly state: ArtifactoryState
  readonly users: Map<string, ArtifactoryUser>
  expireTokens(): void
}

export const artifactoryAdmin: ArtifactoryUser = {
  name: 'admin',
  secret: 'admin-token',
  isAdmin: true,
  rights: ['read', 'deploy', 'delete'],
}

export async function startArtifactory(options: ArtifactoryOptions = {}): Promise<ArtifactoryServer> {
  const state = new ArtifactoryState()
  const users = new Map([[artifactoryAdmin.name, artifactoryAdmin]])
  const tokens = new Map<string, ArtifactoryUser>()
  const answer = (request: FakeRequest): Reply => {
    const user = userOf(request, users, tokens)
    const path = decodeURIComponent(request.url.pathname)
    if (path === '/v2/token') return issueToken(user, tokens)
    const images = imagesPath(path, options.portKey)
    if (images !== undefined) return answerImages(state, request, images, user)
    return user === undefined
      ? failure(401, 'Bad credentials')
      : answerApi(state, request, path.replace(/^\/artifactory/, ''), user, options)
  }
  const server = await startFakeServer((request) => marked(answer(request)), options)
  return { ...server, state, users, requests: server.requests, expireTokens: () => tokens.clear() }
}

/** Every answer of Artifactory names it. */
function marked(reply: Reply): Reply {
  return {
    ...reply,
    headers: { 'x-jfrog-version': 'Artifactory/7.77.5', 'x-artifactory-id': 'fake', ...reply.headers },
  }
}

/** `/v2/KEY/…`, whichever way it was asked. */
function imagesPath(path: string, portKey: string | undefined): string | undefined {
  const alias = /^\/artifactory\/api\/docker\/([^/]+)\/v2\/(.*)$/.exec(path)
  if (alias !== null) return `/v2/${alias[1] ?? ''}/${alias[2] ?? ''}`
  if (!path.startsWith('/v2/')) return undefined
  const rest = path.slice('/v2/'.length)
  return portKey === undefined || rest.startsWith(`${portKey}/`) ? path : `/v2/${portKey}/${rest}`
}

function answerImages(
  state: ArtifactoryState,
  request: FakeRequest,
  path: string,
  user: ArtifactoryUser | undefined,
): Reply {
  if (user === undefined) {
    const challenge = `Bearer realm="${request.url.origin}/v2/token",service="${request.url.host}"`
    return { ...failure(401, 'Bad credentials'), headers: { 'www-authenticate': challenge } }
  }
  const needed = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'deploy'
  if (!user.rights.includes(needed)) return failure(403, `Not enough permissions to ${needed}`)
  const [, key = '', image = '', reference = ''] =
    /^\/v2\/([^/]+)\/(.+)\/manifests\/([^/]+)$/.exec(path) ?? []
  if (request.method === 'DELETE') return failure(406, 'Not Acceptable')
  const url = `${path}${request.url.search}`
  const oci = { url, method: request.method, headers: request.headers }
  const answered = answerOci(state.store, {}, oci, request.body)
  if (reference !== '' && answered.status === 201) state.pushed(key, image, reference)
  if (reference !== '' && request.method === 'GET' && answered.status === 200)
    state.pulled(key, image, reference)
  return answered
}

function answerApi(
  state: ArtifactoryState,
  request: FakeRequest,
  path: string,
  user: ArtifactoryUser,
  { rowsMax = 500_000 }: ArtifactoryOptions,
): Reply {
  const isAdmin = user.isAdmin === true
  if (path === '/api/repositories') return reply(200, repositories(state))
  if (path === '/api/search/aql') {
    if (request.headers['content-type'] !== 'text/plain') return failure(415, 'Unsupported Media Type')
    // What a user may not read is left out without a word.
    const files = state
      .files()
      .filter(({ repo }) => isAdmin || (repo !== 'auto-trashcan' && user.rights.includes('read')))
    return answerAql(request.body.toString(), files, { rowsMax, isAdmin })
  }
  if (path === '/api/storage/auto-trashcan')
    return isAdmin ? reply(200, { repo: 'auto-trashcan', path: '/' }) : failure(403, 'Forbidden')
  const trashed = /^\/api\/trash\/restore\/(.+)$/.exec(path)?.[1]
  if (trashed !== undefined) {
    if (!isAdmin) return failure(403, 'Forbidden')
    if (request.url.searchParams.get('to') !== trashed) return failure(400, 'Another target')
    return state.restore(trashed) ? { status: 200, body: 'Successfully restored' } : failure(404, 'Not Found')
  }
  if (request.method === 'DELETE') return deleteFolder(state, path.slice(1), user)
  return failure(404, 'File not found.')
}

function deleteFolder(state: ArtifactoryState, path: string, user: ArtifactoryUser): Reply {
  if (!user.rights.includes('delete'))
    return failure(
      403,
      `Not enough permissions to delete/overwrite artifact '${path}' (user: '${user.name}').`,
    )
  const shown = path.replace('/', ':')
  return state.remove(path)
    ? { status: 204 }
    : failure(404, `Could not locate artifact '${shown}' (Not Found).`)
}

function repositories({ types }: ArtifactoryState): readonly unknown[] {
  return [
    ...[...types].map(([key, type]) => ({
      key,
      type,
      url: `http://x/artifactory/${key}`,
      packageType: 'Docker',
    })),
    { key: 'libs-release', type: 'LOCAL', url: 'http://x/artifactory/libs-release', packageType: 'Maven' },
  ]
}

function issueToken(user: ArtifactoryUser | undefined, tokens: Map<string, ArtifactoryUser>): Reply {
  if (user === undefined) return failure(401, 'Bad credentials')
  const token = randomBytes(12).toString('hex')
  tokens.set(token, user)
  return reply(200, { token, expires_in: 3600 })
}

function userOf(
  { headers }: FakeRequest,
  users: ReadonlyMap<string, ArtifactoryUser>,
  tokens: ReadonlyMap<string, ArtifactoryUser>,
): ArtifactoryUser | undefined {
  const key = headers['x-jfrog-art-api']
  const [scheme, value = ''] = (headers.authorization ?? '').split(' ')
  const bySecret = (secret: unknown): ArtifactoryUser | undefined =>
    [...users.values()].find((user) => user.secret === secret)
  if (key !== undefined) return bySecret(key)
  if (scheme === 'Bearer') return tokens.get(value) ?? (value.startsWith('AKC') ? undefined : bySecret(value))
  if (scheme !== 'Basic') return undefined
  const [name = '', secret = ''] = Buffer.from(value, 'base64').toString().split(':')
  const user = users.get(name)
  return user?.secret === secret ? user : undefined
}
