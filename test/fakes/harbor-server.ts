/**
 * Harbor 2 as a server: its API v2.0 beside the distribution API with its token server. Built from what is published of
 * it: page sizes, double encoding, roles of robots, the cascade of a deletion, its codes.
 */
import type { RepositoryName } from '../../src/core/image/names.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, parseTagName } from '../../src/core/image/names.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer } from './fake-server.ts'
import { HarborGc } from './harbor-gc.ts'
import { artifactRow, artifactRows } from './harbor-rows.ts'
import { HarborState } from './harbor-state.ts'
import { answerOci, type Reply } from './oci-server.ts'

export interface HarborAccount {
  readonly name: string
  readonly secret: string
  /** Projects it may see; undefined is all of them. */
  readonly projects?: readonly string[]
  /** `gc-list`: it sees the runs of the garbage collection, and begins none. */
  readonly rights: readonly ('pull' | 'push' | 'delete' | 'system' | 'gc-list')[]
}

export interface HarborServer extends FakeServer {
  readonly state: HarborState
  readonly gc: HarborGc
  /** Tokens that were given out die. */
  expireTokens(): void
}

export interface HarborServerOptions {
  readonly accounts?: readonly HarborAccount[]
  readonly pageSize?: number
  readonly latencyMs?: number
  readonly version?: string
  /** What `GET /system/gc/schedule` answers with; undefined is an empty body. */
  readonly schedule?: object
}

export const robot: HarborAccount = {
  name: 'robot$winnow',
  secret: 'robot-secret-1234',
  rights: ['pull', 'push', 'delete', 'system'],
}

export async function startHarborServer(options: HarborServerOptions = {}): Promise<HarborServer> {
  const state = new HarborState()
  const gc = new HarborGc()
  const tokens = new Map<string, { readonly account: HarborAccount; readonly scopes: ReadonlySet<string> }>()
  const server = await startFakeServer((request) => {
    state.settle()
    const at = { state, gc, options, tokens, request, account: accountOf(request, options) }
    const reply = answer(at)
    state.settle()
    return { ...reply, headers: { 'x-request-id': 'c0ffee', ...reply.headers } }
  }, options)
  return {
    ...server,
    state,
    gc,
    expireTokens: () => tokens.clear(),
    get requests() {
      return server.requests
    },
  }
}

interface Asked {
  readonly state: HarborState
  readonly gc: HarborGc
  readonly options: HarborServerOptions
  readonly tokens: Map<string, { readonly account: HarborAccount; readonly scopes: ReadonlySet<string> }>
  readonly request: FakeRequest
  readonly account: HarborAccount | undefined
}

function answer(at: Asked): Reply {
  const { pathname } = at.request.url
  if (pathname === '/service/token') return token(at)
  if (pathname.startsWith('/v2/')) return distribution(at)
  if (!pathname.startsWith('/api/v2.0/'))
    return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Harbor</h1>' }
  // Gorilla's protection applies to sessions only.
  if (at.request.headers.cookie !== undefined && at.request.method !== 'GET')
    return failure(403, 'FORBIDDEN', 'CSRF token invalid')
  if (at.request.headers.authorization !== undefined && at.account === undefined)
    return failure(401, 'UNAUTHORIZED', 'unauthorized')
  return api(at, pathname.slice('/api/v2.0/'.length))
}

function api(at: Asked, path: string): Reply {
  const { state, account, options } = at
  if (path === 'ping') return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'Pong' }
  if (path === 'systeminfo')
    return json(200, {
      auth_mode: 'db_auth',
      ...(account && { harbor_version: options.version ?? 'v2.12.1-abc', read_only: state.isReadOnly }),
    })
  if (account === undefined) return failure(401, 'UNAUTHORIZED', 'unauthorized')
  if (path === 'system/gc/schedule' && at.request.method === 'GET') {
    if (!account.rights.includes('system')) return failure(403, 'FORBIDDEN', 'forbidden')
    return options.schedule === undefined ? { status: 200 } : json(200, options.schedule)
  }
  if (/^system\/gc(?=\/|$)/.test(path)) return collection(at, path.slice('system/gc'.length))
  if (path === 'projects') return list(at, projectRows(at))
  if (path === 'repositories') return list(at, repositoryRows(at))
  const [, project = '', encoded = '', rest = ''] =
    /^projects\/([^/]+)\/repositories\/([^/]+)\/artifacts(.*)$/.exec(path) ?? []
  // The router decodes once and the handler once more: a name that was encoded once has a slash too many by now.
  const once = decodeURIComponent(encoded)
  const repository = parseRepositoryName(`${project}/${decodeURIComponent(once)}`)
  if (once.includes('/') || repository === undefined) return failure(404, 'NOT_FOUND', 'path not found')
  if (!maySee(account, project)) return failure(403, 'FORBIDDEN', 'forbidden')
  if (state.repository(repository) === undefined)
    return failure(404, 'NOT_FOUND', `repository ${repository} not found`)
  if (rest === '') return list(at, artifactRows(state, repository, at.request.url.searchParams))
  const single = parseDigest(decodeURIComponent(rest.slice(1)))
  if (at.request.method === 'GET' && single !== undefined)
    return state.repository(repository)?.manifests.has(single) === true
      ? json(200, artifactRow(state, repository, single, at.request.url.searchParams))
      : failure(404, 'NOT_FOUND', `artifact ${repository}@${single} not found`)
  return at.request.method === 'DELETE'
    ? remove(at, repository, rest)
    : failure(405, 'METHOD_NOT_ALLOWED', '')
}

function collection(at: Asked, path: string): Reply {
  const { state, gc, account, request } = at
  const isSystem = account?.rights.includes('system') === true
  if (!isSystem && account?.rights.includes('gc-list') !== true) return failure(403, 'FORBIDDEN', 'forbidden')
  if (request.method !== 'GET' && state.isReadOnly)
    return failure(403, 'DENIED', 'The system is in read only mode. Any modification is prohibited.')
  const reply = gc.answer(path, request, state, isSystem)
  return reply === 'list'
    ? list(
        at,
        gc.rows.map((row) => gc.rowOf(row)),
      )
    : reply
}

function projectRows({ state, account }: Asked): readonly object[] {
  return [...state.projects.values()]
    .filter(({ name }) => maySee(account, name))
    .map(({ id, name, registryId }) => ({
      project_id: id,
      name,
      registry_id: registryId ?? null,
      metadata: {},
    }))
}

function repositoryRows({ state, account }: Asked): readonly object[] {
  return [...state.store.repositories]
    .filter(([name]) => maySee(account, name.split('/', 1)[0] ?? ''))
    .map(([name, { manifests }], position) => ({
      ...{ id: position + 1, project_id: 1, name, artifact_count: manifests.size, pull_count: 7 },
    }))
}

function list({ request, options }: Asked, rows: readonly object[]): Reply {
  const { url } = request
  const asked = Number(url.searchParams.get('page_size') ?? 10)
  if (asked > 100) return failure(422, 'UNPROCESSABLE_ENTITY', 'page_size in query should be less than 100')
  const size = Math.min(asked, options.pageSize ?? 100)
  const page = Number(url.searchParams.get('page') ?? 1)
  const next = new URL(url)
  next.searchParams.set('page', `${page + 1}`)
  const links = [
    ...(page > 1 ? [`<${url.pathname}?page=${page - 1}>; rel="prev"`] : []),
    ...(page * size < rows.length ? [`<${next.pathname}${next.search}>; rel="next"`] : []),
  ]
  const headers = { 'x-total-count': `${rows.length}`, ...(links.length > 0 && { link: links.join(' , ') }) }
  return json(200, rows.slice((page - 1) * size, page * size), headers)
}

function remove(at: Asked, repository: RepositoryName, rest: string): Reply {
  const { state, account } = at
  if (account?.rights.includes('delete') !== true) return failure(403, 'FORBIDDEN', 'forbidden')
  if (state.isReadOnly)
    return failure(403, 'DENIED', 'The system is in read only mode. Any modification is prohibited.')
  const [, reference = '', , tag] = /^\/([^/]+)(\/tags\/([^/]+))?$/.exec(rest) ?? []
  const stored = state.repository(repository)
  const named = parseTagName(decodeURIComponent(reference))
  const digest = parseDigest(decodeURIComponent(reference)) ?? (named && stored?.tags.get(named)?.digest)
  if (stored === undefined || digest === undefined || !stored.manifests.has(digest))
    return failure(404, 'NOT_FOUND', `artifact ${repository}:${reference} not found`)
  if (tag !== undefined) {
    const name = parseTagName(tag)
    if (name === undefined || stored.tags.get(name)?.digest !== digest)
      return failure(404, 'NOT_FOUND', `tag ${tag} not found`)
    if (state.isImmutable(repository, name)) return failure(412, 'PRECONDITION', immutable(name))
    stored.tags.delete(name)
    return { status: 200 }
  }
  const code = state.remove(repository, digest)
  if (code === 'PRECONDITION') return failure(412, code, immutable(reference))
  if (code !== undefined) return failure(412, code, 'the deleting artifact is referenced by others')
  return { status: 200 }
}

function immutable(tag: string): string {
  return `the tag ${tag} configured as immutable, cannot be deleted`
}

function distribution(at: Asked): Reply {
  const { state, request } = at
  const [, name = '', what = '', reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.+)$/.exec(request.url.pathname) ?? []
  const action = { GET: 'pull', HEAD: 'pull', DELETE: 'delete' }[request.method] ?? 'push'
  const wanted = name === '' ? undefined : `repository:${name}:${action}`
  if (!holds(at, wanted)) {
    const scope = wanted === undefined ? '' : `,scope="${wanted}"`
    const realm = `realm="${request.url.origin}/service/token",service="harbor-registry"${scope}`
    return { ...failure(401, 'UNAUTHORIZED', 'unauthorized'), headers: challenge(`Bearer ${realm}`) }
  }
  const repository = parseRepositoryName(name)
  if (repository === undefined) return answerOci(state.store, {}, ociRequest(request), request.body)
  const isChange = request.method !== 'GET' && request.method !== 'HEAD'
  if (isChange && state.isReadOnly) return failure(403, 'DENIED', 'The system is in read only mode.')
  const tag = parseTagName(reference)
  if (request.method === 'DELETE') return failure(400, 'UNSUPPORTED', 'delete by the API of Harbor')
  if (request.method === 'PUT' && what === 'manifests' && tag !== undefined) {
    const isTaken = state.repository(repository)?.tags.has(tag) === true
    if (isTaken && state.isImmutable(repository, tag)) return failure(412, 'PRECONDITION', immutable(tag))
  }
  const reply = answerOci(state.store, {}, ociRequest(request), request.body)
  if (request.method === 'GET' && what === 'manifests' && reply.status === 200) {
    const digest = parseDigest(reference) ?? (tag && state.repository(repository)?.tags.get(tag)?.digest)
    if (digest !== undefined) state.pulled(repository, digest, tag)
  }
  return reply
}

function ociRequest({ method, target, headers }: FakeRequest): Parameters<typeof answerOci>[2] {
  return { method, url: target, headers }
}

function holds({ tokens, request }: Asked, scope: string | undefined): boolean {
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const token = tokens.get(bearer)
  return token !== undefined && (scope === undefined || token.scopes.has(scope))
}

function token({ tokens, account, request }: Asked): Reply {
  if (account === undefined) return failure(401, 'UNAUTHORIZED', 'unauthorized')
  const asked = request.url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '))
  const granted = asked.flatMap((scope) => {
    const [, name = '', actions = ''] = /^repository:(.+):([^:]+)$/.exec(scope) ?? []
    const rights = actions.split(',').filter((action) => account.rights.includes(action as never))
    return maySee(account, name.split('/', 1)[0] ?? '')
      ? rights.map((action) => `repository:${name}:${action}`)
      : []
  })
  const bearer = `harbor-token-${tokens.size + 1}-${Math.random().toString(36).slice(2)}`
  tokens.set(bearer, { account, scopes: new Set(granted) })
  return json(200, { token: bearer, expires_in: 1800 })
}

function accountOf(
  { headers }: FakeRequest,
  { accounts = [robot] }: HarborServerOptions,
): HarborAccount | undefined {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1]
  if (basic === undefined) return undefined
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic, 'base64').toString('utf8')) ?? []
  return accounts.find((each) => each.name === user && each.secret === secret)
}

function maySee(account: HarborAccount | undefined, project: string): boolean {
  return account?.projects?.includes(project) ?? account !== undefined
}

function challenge(value: string): Readonly<Record<string, string>> {
  return { 'content-type': 'application/json', 'www-authenticate': value }
}

function failure(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] })
}
