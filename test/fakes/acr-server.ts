/**
 * Azure Container Registry as the reference describes it: token exchange, `/acr/v1` with pages, times and locks, deletion
 * that takes referrers along and protects no child. Nothing of it was compared with the real service.
 */
import type { StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { AcrState } from './acr-state.ts'
import { AcrTokens, type AcrScope, type AcrTokenOptions } from './acr-tokens.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerOci } from './oci-server.ts'

export interface AcrServerOptions extends Partial<AcrTokenOptions> {
  /** The most rows on a page. @default 1000 */
  readonly pageSize?: number
  readonly latencyMs?: number
  /** Whether deletions are kept and listed. @default false */
  readonly hasSoftDelete?: boolean
}

export interface AcrServer extends FakeServer {
  readonly state: AcrState
  readonly tokens: AcrTokens
  /** Basic works on every call, so this is what to push with. */
  readonly urlWithPassword: string
}

export const acrLogin = { username: 'winnow', password: 'a scope map’s password' } as const
const PAGE_SIZE_DEFAULT = 100
const PAGE_SIZE_MAX = 1000

export async function startAcrServer(options: AcrServerOptions = {}): Promise<AcrServer> {
  const state = new AcrState()
  const tokens = new AcrTokens({ ...acrLogin, ...options })
  const fake = await startFakeServer(
    (request) =>
      request.url.pathname.startsWith('/oauth2/')
        ? tokens.answer(request)
        : answer(request, state, tokens, options),
    options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs },
  )
  const { username, password } = { ...acrLogin, ...options }
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
  return { ...fake, state, tokens, urlWithPassword: fake.url.replace('//', `//${login}@`) }
}

function answer(request: FakeRequest, state: AcrState, tokens: AcrTokens, options: AcrServerOptions): Reply {
  const { pathname } = request.url
  const refusal = tokens.refusal(request, scopeOf(request.method, pathname))
  if (pathname === '/v2/') return refusal === undefined ? json(200, {}) : refusal
  if (refusal !== undefined) return refusal
  if (pathname.startsWith('/acr/v1/')) return answerAcr(request, state, options)
  return answerV2(request, state)
}

const v2Route = /^\/v2\/(.+)\/(?:tags\/list|manifests\/[^/]+|blobs\/.*|referrers\/[^/]+)$/
const acrRoute = /^\/acr\/v1\/(.+?)(?:\/(_tags|_manifests)(?:\/([^/]+))?)?$/

function scopeOf(method: string, pathname: string): AcrScope {
  const registry = (name: string): AcrScope => ({ type: 'registry', name, action: '*' })
  if (pathname === '/acr/v1/_deleted/_catalog') return registry('deleted_catalog')
  if (pathname === '/v2/' || pathname.endsWith('/_catalog')) return registry('catalog')
  const isAcr = pathname.startsWith('/acr/v1/')
  const [, name = ''] = (isAcr ? acrRoute : v2Route).exec(pathname) ?? []
  const reading = isAcr ? 'metadata_read' : 'pull'
  const writing = isAcr ? 'metadata_write' : 'push'
  const action = method === 'DELETE' ? 'delete' : ['GET', 'HEAD'].includes(method) ? reading : writing
  return { type: 'repository', name, action }
}

function answerV2(request: FakeRequest, state: AcrState): Reply {
  const { method, url, headers, target, body } = request
  const [, name = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? []
  const repository = parseRepositoryName(name)
  const held = repository && state.store.repositories.get(repository)
  if (repository === undefined || held === undefined || !['PUT', 'DELETE'].includes(method))
    return answerOci(state.store, {}, { method, url: target, headers }, body)
  if (state.locksOf(repository, held, reference)) return disallowed()
  if (method === 'PUT') return answerOci(state.store, {}, { method, url: target, headers }, body)
  const digest = parseDigest(reference)
  if (digest === undefined) return failure(405, 'UNSUPPORTED')
  return state.remove(repository, held, digest) ? { status: 202 } : failure(404, 'MANIFEST_UNKNOWN')
}

function answerAcr(request: FakeRequest, state: AcrState, options: AcrServerOptions): Reply {
  const { url, method } = request
  if (url.pathname === '/acr/v1/_catalog') {
    const names = [...state.store.repositories.keys()].toSorted()
    return page(
      url,
      options,
      'repositories',
      names.map((name) => [name, name] as const),
      {},
    )
  }
  if (url.pathname === '/acr/v1/_deleted/_catalog')
    return options.hasSoftDelete === true
      ? json(200, { repositories: [...state.bin.keys()].map((repository) => ({ repository })) })
      : json(200, { repositories: null })
  const [, name = '', what, reference] = acrRoute.exec(url.pathname) ?? []
  const repository = parseRepositoryName(name)
  const held = repository && state.store.repositories.get(repository)
  if (repository === undefined || held === undefined) return failure(404, 'NAME_UNKNOWN')
  const about = { registry: url.host, imageName: repository }
  if (what === undefined)
    return json(200, { ...about, manifestCount: held.manifests.size, tagCount: held.tags.size })
  if (what === '_tags' && reference !== undefined)
    return method === 'DELETE' ? removeTag(state, repository, held, reference) : failure(405, 'UNSUPPORTED')
  if (reference !== undefined) return manifest(state, repository, held, reference, about)
  const rows =
    what === '_tags'
      ? state.tagRows(repository, held, url.searchParams.get('digest'))
      : state.manifestRows(repository, held)
  return page(url, options, what.slice(1), rows, about)
}

function removeTag(state: AcrState, repository: RepositoryName, held: StoredRepository, tag: string): Reply {
  if (state.isLocked(repository, tag)) return disallowed()
  return state.removeTag(held, tag) ? { status: 202 } : failure(404, 'TAG_UNKNOWN')
}

function manifest(
  state: AcrState,
  repository: RepositoryName,
  held: StoredRepository,
  reference: string,
  about: object,
): Reply {
  const digest = parseDigest(reference)
  if (digest === undefined || !held.manifests.has(digest)) return failure(404, 'MANIFEST_UNKNOWN')
  return json(200, { ...about, manifest: state.manifestRow(repository, held, digest, false) })
}

function page(
  url: URL,
  { pageSize = PAGE_SIZE_MAX }: AcrServerOptions,
  field: string,
  all: readonly (readonly [string, unknown])[],
  about: object,
): Reply {
  const asked = Number(url.searchParams.get('n') ?? PAGE_SIZE_DEFAULT)
  const size = Math.min(asked, pageSize, PAGE_SIZE_MAX)
  const last = url.searchParams.get('last')
  const rest = last === null ? all : all.filter(([key]) => key > last)
  const rows = rest.slice(0, size)
  const body = { ...about, [field]: rows.length === 0 ? null : rows.map(([, row]) => row) }
  const end = rows.at(-1)?.[0]
  if (rest.length === rows.length || end === undefined) return json(200, body)
  const query = new URLSearchParams(url.searchParams)
  for (const [name, value] of Object.entries({ last: end, n: `${asked}`, orderby: '' }))
    query.set(name, value)
  return json(200, body, { link: `<${url.pathname}?${query.toString()}>; rel="next"` })
}

function disallowed(): Reply {
  const message =
    'The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation'
  return json(405, { errors: [{ code: 'REGISTRY_DISALLOWED_OPERATION', message, detail: {} }] })
}

function failure(status: number, code: string): Reply {
  return json(status, { errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] })
}
