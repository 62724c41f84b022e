/**
 * A fake of GitHub Container Registry: the registry with its tokens under `/v2/`, and the API of packages under `/api/v3`.
 * The registry deletes nothing; a push makes a version.
 */
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseTagName } from '../../src/core/image/names.ts'
import { startFakeServer, json, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerGitHub } from './ghcr-api.ts'
import { GitHubState, repositoryNamed } from './ghcr-state.ts'
import { answerOci } from './oci-server.ts'

export interface GitHubServer extends FakeServer {
  readonly state: GitHubState
  /** Makes every token of the registry worthless. */
  expireTokens(): void
}

export interface GitHubServerOptions {
  readonly pageSize?: number
  readonly latencyMs?: number
  /** What this address answers for. @default both */
  readonly only?: 'registry' | 'api'
  /** Shared with another address. @default a new one */
  readonly state?: GitHubState
}

export async function startGitHubServer(options: GitHubServerOptions = {}): Promise<GitHubServer> {
  const { pageSize = Infinity, latencyMs = 0, only, state = new GitHubState() } = options
  const issued = new Map<string, { readonly scope: string; readonly secret: string }>()
  let count = 0
  const issue = (request: FakeRequest): Reply => {
    const secret = passwordIn(request)
    if (!state.tokens.has(secret)) return refusal(403, 'DENIED', 'denied')
    const token = `issued-${(count += 1)}-0123456789`
    issued.set(token, { scope: request.url.searchParams.getAll('scope').join(' '), secret })
    return json(200, { token })
  }
  const registry = (request: FakeRequest): Reply => {
    const { method, url } = request
    const [, name, kind = '', reference = ''] =
      /^\/v2\/(.+)\/(tags\/list|manifests|blobs|referrers)\/?([^/]*)/.exec(url.pathname) ?? []
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    const granted = bearer === undefined ? undefined : issued.get(bearer)
    const isWrite = method === 'PUT' || method === 'POST'
    const actions = isWrite ? 'pull,push' : 'pull'
    if (granted === undefined)
      return challenge(url, name === undefined ? '' : `repository:${name}:${actions}`)
    if (name === undefined) return json(200, {})
    const isGranted = granted.scope
      .split(' ')
      .some((scope) => scope.startsWith(`repository:${name}:pull`) && (!isWrite || scope.endsWith(',push')))
    if (!isGranted) return challenge(url, `repository:${name}:${actions}`)
    const scopes = state.tokens.get(granted.secret)?.scopes
    if (isWrite && scopes?.includes('write:packages') === false)
      return refusal(403, 'DENIED', 'permission_denied: The token provided does not match expected scopes.')
    if (method === 'DELETE') return refusal(405, 'UNSUPPORTED', 'The operation is unsupported.')
    if (kind === 'referrers')
      return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' }
    return method === 'PUT' && kind === 'manifests' ? push(request, name, reference) : oci(request)
  }
  const oci = (request: FakeRequest): Reply =>
    answerOci(state.store, {}, { ...request, url: request.target }, request.body)
  const push = (request: FakeRequest, name: string, reference: string): Reply => {
    const repository = repositoryNamed(name)
    const tag = parseDigest(reference) === undefined ? parseTagName(reference) : undefined
    const before = tag && state.store.repositories.get(repository)?.tags.get(tag)?.digest
    const reply = oci(request)
    const digest = parseDigest(reply.headers?.['docker-content-digest'] ?? '')
    if (reply.status === 201 && digest !== undefined) state.pushed(repository, digest, before)
    return reply
  }
  const server = await startFakeServer(
    (request) => {
      const { pathname } = request.url
      if (pathname.startsWith('/api/v3/') && only !== 'registry')
        return answerGitHub(state, request, pageSize)
      if (only === 'api') return json(404, { message: 'Not Found' })
      if (pathname === '/token') return issue(request)
      return pathname.startsWith('/v2/')
        ? registry(request)
        : { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not found</h1>' }
    },
    { latencyMs },
  )
  return Object.assign(server, {
    state,
    expireTokens: () => {
      issued.clear()
    },
  })
}

function passwordIn({ headers }: FakeRequest): string {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  return Buffer.from(basic, 'base64').toString('utf8').split(/:(.*)/s)[1] ?? ''
}

function challenge(url: URL, scope: string): Reply {
  const header = `Bearer realm="${url.origin}/token",service="${url.host}",scope="${scope}"`
  return {
    ...refusal(401, 'UNAUTHORIZED', 'authentication required'),
    headers: { 'content-type': 'application/json', 'www-authenticate': header, 'x-github-request-id': 'A:B' },
  }
}

function refusal(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] })
}
