/**
 * A fake of GitLab with its container registry at one address: tokens under `/jwt/auth`, the registry under `/v2/`, its own
 * list under `/gitlab/v1/`, and the REST API under `/api/v4`. Tags are deleted, manifests are left to a collector.
 */
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName } from '../../src/core/image/names.ts'
import type { StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerGitLab } from './gitlab-api.ts'
import { GitLabState } from './gitlab-state.ts'
import { answerOci } from './oci-server.ts'

export interface GitLabServer extends FakeServer {
  readonly state: GitLabState
  expireTokens(): void
}

export interface GitLabServerOptions {
  readonly pageSize?: number
  readonly latencyMs?: number
  /** Metadata in a database, and so a list of its own. @default true */
  readonly hasDatabase?: boolean
  /** From before 16.4: tags are deleted by another call. @default false */
  readonly isOld?: boolean
}

const headersOf = (hasDatabase: boolean): Readonly<Record<string, string>> => ({
  'gitlab-container-registry-version': '4.15.0-gitlab',
  'gitlab-container-registry-database-enabled': `${hasDatabase}`,
})

export async function startGitLabServer(options: GitLabServerOptions = {}): Promise<GitLabServer> {
  const { pageSize = Infinity, latencyMs = 0, hasDatabase = true, isOld = false } = options
  const state = new GitLabState()
  const issued = new Map<string, readonly string[]>()
  const issue = (request: FakeRequest): Reply => {
    const token = state.tokens.get(passwordIn(request))
    if (token === undefined) return failure(401, 'UNAUTHORIZED', 'HTTP Basic: Access denied')
    const granted = request.url.searchParams.getAll('scope').flatMap((scope) => {
      const [, name = '', actions = ''] = /^repository:(.+):([^:]*)$/.exec(scope) ?? []
      // What is not allowed is left out, without a word.
      return actions
        .split(',')
        .flatMap((action) => (mayDo(action, token.scopes, token.isDeveloper) ? [`${name}:${action}`] : []))
    })
    const made = `jwt-${issued.size}-0123456789`
    issued.set(made, granted)
    return json(200, { token: made })
  }
  const registry = (request: FakeRequest): Reply => {
    const { url, method, headers } = request
    const granted = issued.get(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
    const name = repositoryIn(url.pathname)
    const action = { DELETE: 'delete', PUT: 'push', POST: 'push' }[method] ?? 'pull'
    if (url.pathname === '/gitlab/v1/' && !hasDatabase) return failure(404, 'NOT_FOUND', 'not found')
    if (granted === undefined || (name !== undefined && !granted.includes(`${name}:${action}`)))
      return challenge(
        url,
        name === undefined ? '' : `repository:${name}:${action === 'pull' ? 'pull' : `pull,${action}`}`,
      )
    if (url.pathname.startsWith('/gitlab/v1/')) return ownList(request, name)
    if (method === 'DELETE') return deletion(url, name ?? '')
    return answerOci(
      state.store,
      { referrersApi: false, pageMax: Math.min(pageSize, 1000) },
      { ...request, url: request.target },
      request.body,
    )
  }
  const ownList = ({ url }: FakeRequest, name: string | undefined): Reply => {
    if (!hasDatabase) return failure(404, 'NOT_FOUND', 'not found')
    if (name === undefined) return json(200, {})
    if (!url.pathname.endsWith('/'))
      return { status: 301, headers: { location: `${url.pathname}/${url.search}` } }
    const held = state.store.repositories.get(name as never)
    if (held === undefined) return failure(404, 'NAME_UNKNOWN', 'repository name not known to registry')
    return tagPage(url, held, Math.min(pageSize, 1000))
  }
  const deletion = (url: URL, name: string): Reply => {
    const [, kind = '', reference = ''] = /\/(manifests|tags\/reference)\/([^/]+)$/.exec(url.pathname) ?? []
    const held = state.store.repositories.get(name as never)
    if (kind === 'manifests' && isOld)
      return failure(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
    if (parseDigest(reference) !== undefined)
      return failure(403, 'DENIED', 'deleting by digest is not for tests')
    if (held === undefined) return failure(404, 'NAME_UNKNOWN', 'repository name not known to registry')
    if (state.isProtected(name, reference)) return failure(403, 'DENIED', 'tag is protected')
    const tag = parseTagName(reference)
    return tag !== undefined && held.tags.delete(tag)
      ? { status: 202 }
      : failure(404, kind === 'manifests' ? 'MANIFEST_UNKNOWN' : 'TAG_UNKNOWN', 'unknown')
  }
  const server = await startFakeServer(
    (request) => {
      const { pathname } = request.url
      if (pathname.startsWith('/api/v4/')) return answerGitLab(state, request, pageSize)
      if (pathname === '/jwt/auth') return issue(request)
      if (!/^\/(v2|gitlab\/v1)\//.test(pathname))
        return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404</h1>' }
      const reply = registry(request)
      return { ...reply, headers: { ...reply.headers, ...headersOf(hasDatabase) } }
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

function mayDo(action: string, scopes: readonly string[], isDeveloper = true): boolean {
  if (action === 'pull') return scopes.includes('read_registry') || scopes.includes('api')
  return isDeveloper && (scopes.includes('write_registry') || scopes.includes('api'))
}

function repositoryIn(path: string): string | undefined {
  return (
    /^\/gitlab\/v1\/repositories\/(.+)\/tags\/list\/?$/.exec(path)?.[1] ??
    /^\/v2\/(.+)\/(?:tags\/list|tags\/reference\/[^/]+|manifests\/[^/]+|blobs\/.+|referrers\/[^/]+)$/.exec(
      path,
    )?.[1]
  )
}

function tagPage(url: URL, held: StoredRepository, pageMax: number): Reply {
  const size = Math.min(Number(url.searchParams.get('n') ?? 100), pageMax)
  const last = url.searchParams.get('last') ?? ''
  const names = [...held.tags.keys()].toSorted().filter((name) => name > last)
  const shown = names.slice(0, size)
  const rows = shown.flatMap((name) => {
    const tag = held.tags.get(name)
    return tag === undefined ? [] : [row(name, tag.digest, new Date(tag.pushedAt).toISOString(), held)]
  })
  const next = new URL(url)
  next.searchParams.set('last', shown.at(-1) ?? '')
  return json(200, rows, names.length > size ? { link: `<${next.pathname}${next.search}>; rel="next"` } : {})
}

function row(name: string, digest: Digest, at: string, held: StoredRepository): unknown {
  const found = held.manifests.get(digest)
  const referrers = held.referrersOf(digest).map((each) => ({ artifactType: 'x', digest: each }))
  const { mediaType } = found?.facts ?? { mediaType: '' }
  return {
    name,
    digest,
    media_type: mediaType,
    size_bytes: 1,
    created_at: at,
    published_at: at,
    ...(referrers.length > 0 && { referrers }),
  }
}

function passwordIn({ headers }: FakeRequest): string {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  return Buffer.from(basic, 'base64').toString('utf8').split(/:(.*)/s)[1] ?? ''
}

function challenge({ origin }: URL, scope: string): Reply {
  const said = `Bearer realm="${origin}/jwt/auth",service="container_registry"${scope === '' ? '' : `,scope="${scope}"`}`
  const { headers, ...reply } = failure(401, 'UNAUTHORIZED', 'authentication required')
  return { ...reply, headers: { ...headers, 'www-authenticate': said } }
}

function failure(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] })
}
