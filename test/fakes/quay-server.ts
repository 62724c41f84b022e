/**
 * Quay as a server: its API v1 with OAuth tokens beside the distribution API with robots. Built from what is published of
 * it: the history of tags, dates of RFC 2822, has_additional, plain bodies, the time machine, 429 from nginx.
 */
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer } from './fake-server.ts'
import { answerOci, type Reply } from './oci-server.ts'
import { QuayState, type TagRow } from './quay-state.ts'

export interface QuayServerOptions {
  readonly pageSize?: number
  readonly latencyMs?: number
  /** OAuth tokens with their scopes. @default one that may do everything */
  readonly tokens?: Readonly<Record<string, readonly string[]>>
  /** Robots and people that may pull and push. */
  readonly robots?: Readonly<Record<string, string>>
  /** Of the account that the tokens are of. @default acme and team */
  readonly organizations?: readonly string[]
  /** Manifests without a living tag are not readable by digest, not even those just pushed. @default false */
  readonly isStrict?: boolean
  readonly policies?: readonly object[]
}

export interface QuayServer extends FakeServer {
  readonly state: QuayState
  /** Tokens of `/v2/` that were given out die. */
  expireTokens(): void
}

export const oauthToken = 'oauth-token-of-acme-0123456789'
export const everyScope = ['repo:read', 'repo:write', 'repo:admin', 'user:read', 'org:admin']
export const robot = { name: 'acme+winnow', token: 'robot-token-ABCDEF' }

export const tooMany: Reply = {
  status: 429,
  headers: { 'content-type': 'text/html' },
  body: '<html><head><title>429 Too Many Requests</title></head><body>nginx</body></html>',
}

export async function startQuayServer(options: QuayServerOptions = {}): Promise<QuayServer> {
  const state = new QuayState()
  if (options.isStrict === true) state.temporary = undefined
  const issued = new Map<string, ReadonlySet<string>>()
  const server = await startFakeServer((request) => {
    state.settle()
    const reply = answer({ state, options, issued, request })
    state.settle()
    return reply
  }, options)
  return {
    ...server,
    state,
    expireTokens: () => {
      issued.clear()
    },
    get requests() {
      return server.requests
    },
  }
}

interface Asked {
  readonly state: QuayState
  readonly options: QuayServerOptions
  readonly issued: Map<string, ReadonlySet<string>>
  readonly request: FakeRequest
}

function answer(at: Asked): Reply {
  const { pathname } = at.request.url
  if (pathname === '/v2/auth') return authorize(at)
  if (pathname.startsWith('/v2/')) return distribution(at)
  // What the API is, is told to anybody.
  if (pathname === '/api/v1/discovery')
    return json(200, {
      swagger: '2.0',
      info: { title: 'Quay Frontend' },
      paths: { '/api/v1/repository': {} },
    })
  if (pathname.startsWith('/api/v1/')) return api(at, pathname.slice('/api/v1/'.length))
  return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Quay</h1>' }
}

function api(at: Asked, path: string): Reply {
  const { request, options } = at
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  const scopes = (options.tokens ?? { [oauthToken]: everyScope })[bearer ?? '']
  if (scopes === undefined) return problem(401, 'invalid_token', 'Requires authentication')
  const wanted = scopeOf(request.method, path)
  if (!scopes.includes(wanted)) return problem(403, 'insufficient_scope', 'Unauthorized')
  if (path === 'user/')
    return json(200, {
      username: 'jane',
      organizations: (options.organizations ?? ['acme', 'team']).map((name) => ({ name })),
    })
  if (path === 'repository') return repositories(at)
  if (path.startsWith('organization/')) return json(200, { policies: [] })
  const [, name = '', rest = ''] = /^repository\/(.+?)(\/(?:tag|autoprunepolicy)\/.*)?$/.exec(path) ?? []
  const repository = parseRepositoryName(decodeURIComponent(name))
  if (repository === undefined || !at.state.store.repositories.has(repository))
    return problem(404, 'not_found', 'Not Found')
  if (rest === '') return json(200, { namespace: '', name: '', tag_expiration_s: at.state.windowSeconds })
  if (rest.startsWith('/autoprunepolicy/')) return json(200, { policies: options.policies ?? [] })
  if (rest === '/tag/') return tagPage(at, repository)
  const [, tag = '', act = ''] = /^\/tag\/([^/]+)(\/restore)?$/.exec(rest) ?? []
  if (!['NORMAL', undefined].includes(at.state.states.get(repository)))
    return json(503, { message: 'Repository is in read only or mirror mode' })
  return act === '/restore' ? restore(at, repository, tag) : remove(at, repository, tag)
}

function scopeOf(method: string, path: string): string {
  if (path === 'user/') return 'user:read'
  if (path.startsWith('organization/')) return 'org:admin'
  if (path.endsWith('autoprunepolicy/')) return 'repo:admin'
  return method === 'GET' ? 'repo:read' : 'repo:write'
}

function repositories({ state, request, options }: Asked): Reply {
  const namespace = request.url.searchParams.get('namespace')
  if (namespace === null) return problem(400, 'invalid_request', 'namespace, starred or public is required')
  const all = [...state.store.repositories.keys()].filter((name) => name.startsWith(`${namespace}/`))
  const size = Math.min(100, options.pageSize ?? 100)
  const start = Number(request.url.searchParams.get('next_page')?.slice('gAAAA'.length) ?? 0)
  const rows = all.slice(start, start + size).map((name) => ({
    ...{
      namespace,
      name: name.slice(namespace.length + 1),
      description: null,
      is_public: false,
      kind: 'image',
    },
    ...{ state: state.states.get(name) ?? 'NORMAL', last_modified: 1_714_550_000 },
  }))
  const isEnd = start + size >= all.length
  return json(200, { repositories: rows, ...(!isEnd && { next_page: `gAAAA${start + size}` }) })
}

function tagPage({ state, request, options }: Asked, repository: RepositoryName): Reply {
  const { searchParams } = request.url
  const isAliveOnly = searchParams.get('onlyActiveTags') === 'true'
  const name = searchParams.get('specificTag')
  const rows = (isAliveOnly ? state.alive(repository) : state.history).filter(
    (row) => row.repository === repository && (name === null || row.name === name),
  )
  const size = Math.min(Number(searchParams.get('limit') ?? 50), 100, options.pageSize ?? 100)
  const page = Number(searchParams.get('page') ?? 1)
  const tags = rows.slice((page - 1) * size, page * size).map((row) => tagRow(state, row))
  return json(200, { tags, page, has_additional: rows.length > page * size })
}

function tagRow(state: QuayState, row: TagRow): object {
  const children =
    state.store.repositories.get(row.repository)?.manifests.get(row.digest)?.facts.children ?? []
  return {
    name: row.name,
    reversion: false,
    ...(row.immutable && { immutable: true }),
    start_ts: Math.floor(row.start / 1000),
    manifest_digest: row.digest,
    is_manifest_list: children.length > 0,
    size: null,
    last_modified: rfc2822(row.start),
    ...(row.end !== undefined && { end_ts: Math.floor(row.end / 1000), expiration: rfc2822(row.end) }),
    child_manifests_presence: Object.fromEntries(children.map(({ digest }) => [digest, true])),
  }
}

function rfc2822(at: number): string {
  return new Date(at).toUTCString().replace('GMT', '-0000')
}

function remove({ state }: Asked, repository: RepositoryName, tag: string): Reply {
  const row = state.aliveTag(repository, decodeURIComponent(tag))
  if (row === undefined) return problem(404, 'not_found', 'Not Found')
  if (row.immutable) return problem(409, 'tag_immutable', 'Tag is immutable')
  state.end(repository, row.name)
  return { status: 204 }
}

function restore({ state, request }: Asked, repository: RepositoryName, tag: string): Reply {
  const body = JSON.parse(request.body.toString('utf8')) as { readonly manifest_digest?: string }
  const digest = parseDigest(body.manifest_digest ?? '')
  if (digest === undefined) return problem(400, 'invalid_request', 'manifest_digest is required')
  return state.restore(repository, decodeURIComponent(tag), digest)
    ? json(200, {})
    : problem(404, 'not_found', 'Not Found')
}

function distribution(at: Asked): Reply {
  const { state, request, issued } = at
  const [, name = '', what = '', reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.+)$/.exec(request.url.pathname) ?? []
  const action = request.method === 'GET' || request.method === 'HEAD' ? 'pull' : 'push'
  const scope = `repository:${name}:${action}`
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (issued.get(bearer)?.has(scope) !== true) {
    const realm = `Bearer realm="${request.url.origin}/v2/auth",service="${request.url.host}",scope="${scope}"`
    const errors = [{ code: 'UNAUTHORIZED', message: 'access to the requested resource is not authorized' }]
    return json(401, { errors }, { 'www-authenticate': realm })
  }
  const repository = parseRepositoryName(name)
  const tag = parseTagName(reference)
  const digest = parseDigest(reference)
  if (repository !== undefined && what === 'manifests') {
    if (request.method === 'DELETE') return deleteOver(state, repository, reference)
    if (request.method === 'PUT' && tag !== undefined && state.aliveTag(repository, tag)?.immutable === true)
      return json(409, { errors: [{ code: 'TAG_IMMUTABLE', message: 'tag is immutable' }] })
    if (request.method === 'PUT' && digest !== undefined) state.temporary?.add(digest)
    if (action === 'pull' && digest !== undefined && !state.isReadable(repository, digest))
      return json(404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {} }] })
  }
  const { method, target, headers, body } = request
  return answerOci(state.store, { referrersApi: false }, { method, url: target, headers }, body)
}

/** By digest every tag of it ends; with none alive it is not known. */
function deleteOver(state: QuayState, repository: RepositoryName, reference: string): Reply {
  const rows = state
    .alive(repository)
    .filter(({ name, digest }) => name === reference || digest === reference)
  for (const { name } of rows) state.end(repository, name)
  return rows.length > 0
    ? { status: 202 }
    : json(404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {} }] })
}

function authorize({ options, issued, request }: Asked): Reply {
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const [, user = '', secret = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(basic, 'base64').toString('utf8')) ?? []
  const isRobot = (options.robots ?? { [robot.name]: robot.token })[user] === secret
  const scopes = user === '$oauthtoken' ? (options.tokens ?? { [oauthToken]: everyScope })[secret] : undefined
  if (!isRobot && scopes === undefined) return problem(401, 'invalid_token', 'Could not find robot')
  const asked = request.url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '))
  const granted = asked.flatMap((scope) => {
    const [, name = '', actions = ''] = /^repository:(.+):([^:]+)$/.exec(scope) ?? []
    const mayPush = isRobot || scopes?.includes('repo:write') === true
    // There is no action called delete: whoever may push may delete.
    return actions
      .split(',')
      .filter((action) => action === 'pull' || (action === 'push' && mayPush))
      .map((action) => `repository:${name}:${action}`)
  })
  const token = `quay-${issued.size + 1}-${Math.random().toString(36).slice(2)}`
  issued.set(token, new Set(granted))
  return json(200, { token })
}

function problem(status: number, type: string, detail: string): Reply {
  return json(status, {
    ...{ status, error_message: detail, title: type, error_type: type, detail },
    type: `https://quay.io/api/v1/error/${type}`,
  })
}
