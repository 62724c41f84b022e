/**
 * Docker Hub as the reference describes it, on its three hosts: the API, the token server, the registry. Nothing of it was
 * compared with the real service.
 */
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName } from '../../src/core/image/names.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerHub, hubPath } from './hub-api.ts'
import { HubState, type HubUser } from './hub-state.ts'
import { answerOci } from './oci-server.ts'

export interface HubServerOptions {
  /** The most rows on a page. @default 100 */
  readonly pageSize?: number
  readonly latencyMs?: number
  /** @default one who may delete */
  readonly users?: readonly HubUser[]
}

export interface HubServers {
  readonly state: HubState
  readonly api: FakeServer
  readonly tokens: FakeServer
  /** Answers for the API too, as where all of it has one address. */
  readonly registry: FakeServer
}

export const hubUser: HubUser = { name: 'acme', secret: 'dckr_pat_a-token-of-acme' }
const SERVICE = 'registry.docker.io'

export async function startHubServers(options: HubServerOptions = {}): Promise<HubServers> {
  const state = new HubState(options.users ?? [hubUser])
  const latency = options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }
  const tokens = await startFakeServer((request) => answerToken(request, state), latency)
  const api = await startFakeServer((request) => answerHub(request, state, options.pageSize), latency)
  const registry = await startFakeServer(
    (request) =>
      hubPath.test(request.url.pathname)
        ? answerHub(request, state, options.pageSize)
        : answerRegistry(request, state, tokens.url),
    latency,
  )
  return { state, api, tokens, registry }
}

function answerToken({ url, headers }: FakeRequest, state: HubState): Reply {
  if (url.pathname !== '/token' || url.searchParams.get('service') !== SERVICE) return { status: 404 }
  const { authorization } = headers
  const [, packed = ''] = /^Basic (.+)$/.exec(authorization ?? '') ?? []
  const [name, ...secret] = Buffer.from(packed, 'base64').toString('utf8').split(':')
  const user = state.userOf(name, secret.join(':'))
  if (authorization !== undefined && user === undefined)
    return json(401, { details: 'incorrect username or password' })
  const scopes = url.searchParams.getAll('scope').flatMap((scope) => state.granted(user, scope))
  const token = state.issue('registry', user, scopes)
  return json(200, { token, access_token: token, expires_in: 300, issued_at: '2026-01-01T00:00:00Z' })
}

function answerRegistry(request: FakeRequest, state: HubState, realm: string): Reply {
  const { method, url, headers, target, body } = request
  const holder = state.holderOf('registry', headers.authorization)
  const [, name = '', what = '', reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.+)$/.exec(url.pathname) ?? []
  const action = method === 'DELETE' ? 'delete' : ['GET', 'HEAD'].includes(method) ? 'pull' : 'push'
  const scope = name === '' ? '' : `,scope="repository:${name}:${action}"`
  const challenge = `Bearer realm="${realm}/token",service="${SERVICE}"${scope}`
  if (holder === undefined) return unauthorized(challenge)
  if (url.pathname === '/v2/') return json(200, {})
  if (!holder.scopes.includes(`${name}:${action}`))
    return unauthorized(`${challenge},error="insufficient_scope"`)
  if (what === 'manifests' && method === 'GET') state.pulls += 1
  if (what === 'manifests' && method === 'DELETE') return deleteManifest(state, name, reference)
  const limits = { 'ratelimit-limit': '200;w=21600', 'ratelimit-remaining': '150;w=21600' }
  const reply = answerOci(state.store, { referrersApi: false }, { method, url: target, headers }, body)
  return { ...reply, headers: { ...reply.headers, ...limits } }
}

function deleteManifest(state: HubState, name: string, reference: string): Reply {
  const repository = parseRepositoryName(name)
  const held = repository && state.store.repositories.get(repository)
  const digest = parseDigest(reference)
  if (digest === undefined) return failure(405, 'UNSUPPORTED', 'The operation is unsupported.')
  if (held === undefined) return failure(404, 'NAME_UNKNOWN', 'repository name not known to registry')
  if (!held.manifests.has(digest)) return failure(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
  if (state.isReferred(held, digest))
    return failure(403, 'DENIED', 'manifest is referenced by a tag or another image')
  held.remove(digest)
  return { status: 202 }
}

function unauthorized(challenge: string): Reply {
  const { status, headers, body } = failure(401, 'UNAUTHORIZED', 'authentication required')
  return { status, headers: { ...headers, 'www-authenticate': challenge }, body: body ?? '' }
}

function failure(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] })
}
