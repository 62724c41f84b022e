/**
 * Trow as far as the reference tells of it, of either line. Since 0.7 every DELETE is answered with 202, and a digest that
 * another repository has leaves its tags behind, leading nowhere. Before 0.7 tags cannot be deleted, a digest takes its tags
 * and stays readable, and each tag has a history. Lists have no links to a next page; logins go to `/login`.
 */
import { RegistryStore, type StoredManifest } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerOci } from './oci-server.ts'

export interface TrowServer extends FakeServer {
  readonly store: RegistryStore
  /** When what is pushed now is pushed. */
  readonly clock: { now: () => number }
  /** Makes every token that was given out worthless. */
  expireTokens(): void
}

export interface TrowOptions {
  /** @default 'since-0.7' */
  readonly line?: 'before-0.7' | 'since-0.7'
  /** @default nobody has to log in */
  readonly login?: { readonly username: string; readonly password: string }
  readonly latencyMs?: number
}

interface Trow {
  readonly store: RegistryStore
  readonly options: TrowOptions
  /** Of tags: newest first. */
  readonly history: Map<string, { readonly digest: Digest; readonly at: number }[]>
  /** Manifests that were deleted and lie on the disk all the same. */
  readonly leftovers: Map<Digest, StoredManifest>
  readonly tokens: Set<string>
  readonly now: () => number
}

export async function startTrow(options: TrowOptions = {}): Promise<TrowServer> {
  const clock = { now: () => Date.now() }
  const trow: Trow = {
    store: new RegistryStore(),
    options,
    history: new Map(),
    leftovers: new Map(),
    tokens: new Set(),
    now: () => clock.now(),
  }
  const { latencyMs = 0 } = options
  const server = await startFakeServer((request) => marked(answer(trow, request)), { latencyMs })
  return {
    ...server,
    store: trow.store,
    clock,
    expireTokens: () => {
      trow.tokens.clear()
    },
  }
}

/** Every answer bears the version of the API, those of the router too. */
function marked(reply: Reply): Reply {
  return { ...reply, headers: { 'docker-distribution-api-version': 'registry/2.0', ...reply.headers } }
}

const manifestPath = /^\/v2\/(.+)\/manifests\/([^/]+)$/
const historyPath = /^\/(.+)\/manifest_history\/([^/]+)$/

function answer(trow: Trow, request: FakeRequest): Reply {
  const { pathname } = request.url
  if (pathname === '/')
    return {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<!DOCTYPE html><html><body>\n<h1>Welcome to Trow, the cluster registry</h1>\n</body></html>',
    }
  if (pathname === '/login') return logIn(trow, request)
  if (!isLoggedIn(trow, request)) return refuseLogin(request)
  const [, image, tag = ''] = historyPath.exec(pathname) ?? []
  if (image !== undefined) return historyOf(trow, image, tag, request)
  if (!pathname.startsWith('/v2/')) return { status: 404 }
  return registry(trow, request)
}

function registry(trow: Trow, request: FakeRequest): Reply {
  const [, name = '', reference = ''] = manifestPath.exec(request.url.pathname) ?? []
  const repository = name as RepositoryName
  if (request.method === 'DELETE') return deletion(trow, repository, reference)
  const isOld = trow.options.line === 'before-0.7'
  if (!isOld && request.url.pathname.endsWith('/tags/list') && !trow.store.repositories.has(namedIn(request)))
    return json(200, { name: namedIn(request), tags: [] })
  const reply = answerOci(
    trow.store,
    { pageMax: Number.MAX_SAFE_INTEGER, links: 'none', referrersApi: !isOld },
    { ...request, url: request.target },
    request.body,
  )
  if (request.method === 'PUT' && reply.status === 201) notePush(trow, repository, reference)
  const left = trow.leftovers.get(reference as Digest)
  if (reply.status === 404 && left !== undefined)
    return {
      status: 200,
      headers: { 'content-type': left.facts.mediaType, 'docker-content-digest': left.facts.digest },
      body: left.bytes,
    }
  return reply
}

function namedIn({ url }: FakeRequest): RepositoryName {
  return (/^\/v2\/(.+)\/tags\/list$/.exec(url.pathname)?.[1] ?? '') as RepositoryName
}

function notePush({ store, history, now }: Trow, repository: RepositoryName, reference: string): void {
  const tag = parseTagName(reference)
  const digest = tag && store.repositories.get(repository)?.tags.get(tag)?.digest
  if (tag === undefined || digest === undefined) return
  const key = `${repository}:${tag}`
  const known = history.get(key) ?? []
  if (known[0]?.digest !== digest) history.set(key, [{ digest, at: now() }, ...known])
}

function deletion(trow: Trow, repository: RepositoryName, reference: string): Reply {
  const { store, options } = trow
  if (repository.startsWith('f/')) return failure(405, 'UNSUPPORTED')
  const held = store.repositories.get(repository)
  const digest = parseDigest(reference)
  if (options.line === 'before-0.7') {
    if (digest === undefined) return failure(405, 'UNSUPPORTED')
    if (held === undefined) return failure(500, 'INTERNAL_ERROR')
    const manifest = held.manifests.get(digest)
    if (manifest !== undefined) trow.leftovers.set(digest, manifest)
    held.remove(digest)
    return { status: 202 }
  }
  if (digest === undefined) held?.tags.delete(reference as TagName)
  else {
    held?.manifests.delete(digest)
    // The row goes with its tags only when no repository needs it any more.
    const isNeeded = [...store.repositories.values()].some(({ manifests }) => manifests.has(digest))
    if (!isNeeded) held?.remove(digest)
  }
  return { status: 202 }
}

function historyOf(trow: Trow, image: string, tag: string, { url }: FakeRequest): Reply {
  if (trow.options.line !== 'before-0.7') return { status: 404, body: 'NotFound' }
  const known = trow.history.get(`${image}:${tag}`)
  const isThere = trow.store.repositories.get(image as RepositoryName)?.tags.has(tag as TagName) === true
  if (known === undefined || !isThere) return failure(500, 'INTERNAL_ERROR')
  const history = known.slice(0, Number(url.searchParams.get('n') ?? known.length)).map(({ digest, at }) => ({
    digest,
    date: `${new Date(at).toISOString().replace('T', ' ').replace('Z', '')}456789 UTC`,
  }))
  return json(200, { image: `${image}:${tag}`, history })
}

function logIn({ options: { login }, tokens }: Trow, { headers }: FakeRequest): Reply {
  const wanted = `Basic ${Buffer.from(`${login?.username ?? ''}:${login?.password ?? ''}`).toString('base64')}`
  if (headers.authorization !== wanted) return failure(401, 'UNAUTHORIZED')
  const token = `trow-token-${tokens.size}-${Math.floor(performance.now() * 1000)}`
  tokens.add(token)
  return json(200, { token })
}

function isLoggedIn({ options, tokens }: Trow, { headers }: FakeRequest): boolean {
  const { authorization = '' } = headers
  if (options.login === undefined) return true
  if (authorization.startsWith('Basic '))
    return (
      Buffer.from(authorization.slice(6), 'base64').toString() ===
      `${options.login.username}:${options.login.password}`
    )
  return tokens.has(authorization.replace(/^Bearer /, ''))
}

function refuseLogin({ headers: { host = '' } }: FakeRequest): Reply {
  const challenge = `Bearer realm="http://${host}/login",service="trow_registry",scope="push/pull"`
  return failure(401, 'UNAUTHORIZED', { 'www-authenticate': challenge })
}

export function failure(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return json(status, { errors: [{ code, message: code.toLowerCase(), detail: null }] }, headers)
}
