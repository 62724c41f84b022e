/**
 * zot 2.1 as far as the reference tells of it: the distribution API with zot's rules for deletion and its answers to lists,
 * logins by Basic, and the search extension over the same store, which may be switched off or be of an older zot.
 */
import { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerOci } from './oci-server.ts'

export interface ZotServer extends FakeServer {
  readonly state: ZotState
}

export interface ZotState {
  readonly store: RegistryStore
  /** When what is pushed now is pushed. */
  now: () => number
  /** By manifest. */
  readonly pulledAt: Map<Digest, number>
  /** By repository and tag, where it was set again after the push. */
  readonly taggedAt: Map<string, number>
  readonly pushedAt: Map<Digest, number>
  /** Tags that the metadata know nothing of. */
  readonly unknownToSearch: Set<string>
}

export interface ZotOptions {
  /** `old` knows neither TaggedTimestamp nor any other time; `off` is a build without the extension. @default 'new' */
  readonly search?: 'new' | 'without-tagged' | 'old' | 'off'
  /** The most rows on a page. @default 1000 */
  readonly pageMax?: number
  readonly latencyMs?: number
  /** Users by name, with what they may. @default everybody may everything */
  readonly users?: Readonly<Record<string, ZotUser>>
}

export interface ZotUser {
  readonly password: string
  readonly actions: readonly ('read' | 'create' | 'delete' | 'detectManifestCollision')[]
}

export async function startZot(options: ZotOptions = {}): Promise<ZotServer> {
  const state: ZotState = {
    store: new RegistryStore(),
    now: () => Date.now(),
    pulledAt: new Map(),
    taggedAt: new Map(),
    pushedAt: new Map(),
    unknownToSearch: new Set(),
  }
  const { latencyMs = 0 } = options
  const server = await startFakeServer((request) => answer(state, options, request), { latencyMs })
  return { ...server, state }
}

function answer(state: ZotState, options: ZotOptions, request: FakeRequest): Reply {
  const user = options.users === undefined ? undefined : userOf(options.users, request)
  if (options.users !== undefined && user === undefined)
    return failure(401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="Authorization Required"' })
  const may = (action: ZotUser['actions'][number]): boolean => user?.actions.includes(action) !== false
  const { pathname } = request.url
  if (pathname === '/v2/_oci/ext/discover') return discover(options)
  if (pathname === '/v2/_zot/ext/search')
    return options.search === 'off' ? json(404, {}) : search(state, options, request)
  const wanted = request.method === 'DELETE' ? 'delete' : request.method.startsWith('P') ? 'create' : 'read'
  if (!may(wanted)) return failure(403, 'DENIED')
  if (request.method === 'DELETE')
    return deletion(state, request, options.users !== undefined && may('detectManifestCollision'))
  if (isUnknownStart(state, request)) return { status: 404 }
  const wasThere = new Map(state.pushedAt)
  const reply = answerOci(
    state.store,
    { pageMax: options.pageMax ?? 1000 },
    { ...request, url: request.target },
    request.body,
  )
  if (request.method === 'PUT' && reply.status === 201) notePush(state, request, wasThere)
  return reply
}

function notePush(state: ZotState, { url }: FakeRequest, wasThere: ReadonlyMap<Digest, number>): void {
  const [, name = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? []
  const held = state.store.repositories.get(name as RepositoryName)
  const digest = parseDigest(reference) ?? held?.tags.get(reference as TagName)?.digest
  if (digest === undefined) return
  if (!wasThere.has(digest)) state.pushedAt.set(digest, state.now())
  if (parseDigest(reference) === undefined) state.taggedAt.set(`${name}:${reference}`, state.now())
}

function userOf(users: Readonly<Record<string, ZotUser>>, { headers }: FakeRequest): ZotUser | undefined {
  const [, encoded = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? []
  const [name = '', password] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  const user = users[name]
  return user?.password === password ? user : undefined
}

function discover({ search: kind = 'new' }: ZotOptions): Reply {
  const endpoints = ['/v2/_zot/ext/mgmt', ...(kind === 'off' ? [] : ['/v2/_zot/ext/search'])]
  return json(200, { extensions: [{ name: '_zot', url: 'https://zot', description: 'zot', endpoints }] })
}

/** A page that begins after a name that is not there: 404, empty (routes.go, ListTags). */
function isUnknownStart({ store }: ZotState, { url }: FakeRequest): boolean {
  const [, name = ''] = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname) ?? []
  const last = url.searchParams.get('last')
  const held = store.repositories.get(name as RepositoryName)
  return last !== null && held !== undefined && !held.tags.has(last as TagName)
}

function deletion({ store }: ZotState, { url }: FakeRequest, detectsCollision: boolean): Reply {
  const [, name = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? []
  const repository = parseRepositoryName(name)
  const held = repository && store.repositories.get(repository)
  if (held === undefined) return failure(400, 'NAME_UNKNOWN')
  const digest = parseDigest(reference)
  if (digest === undefined)
    return held.tags.delete(reference as TagName) ? { status: 202 } : failure(404, 'MANIFEST_UNKNOWN')
  const manifest = held.manifests.get(digest)
  if (manifest === undefined) return failure(404, 'MANIFEST_UNKNOWN')
  if (held.indexesOf(digest).length > 0) return failure(405, 'DENIED')
  if (detectsCollision && held.tagsOf(digest).length > 1) return failure(409, 'MANIFEST_INVALID')
  held.remove(digest)
  // Platforms that nothing else needs go along; nested indexes are left to the collector.
  for (const child of manifest.facts.children) {
    const isIndex = (held.manifests.get(child.digest)?.facts.children.length ?? 0) > 0
    const isNeeded = held.tagsOf(child.digest).length > 0 || held.indexesOf(child.digest).length > 0
    if (!isIndex && !isNeeded) held.remove(child.digest)
  }
  return { status: 202 }
}

const times = ['PushTimestamp', 'TaggedTimestamp', 'LastPullTimestamp'] as const

function search(state: ZotState, options: ZotOptions, { body }: FakeRequest): Reply {
  const { query = '' } = JSON.parse(body.toString('utf8')) as { readonly query?: string }
  const { search: kind = 'new', pageMax = 1000 } = options
  const unknown = kind === 'old' ? times : kind === 'without-tagged' ? (['TaggedTimestamp'] as const) : []
  const refused = unknown.find((field) => query.includes(field))
  if (refused !== undefined)
    return json(422, {
      errors: [{ message: `Cannot query field "${refused}" on type "ImageSummary".` }],
      data: null,
    })
  const [, repo = '', limit = '', offset = ''] =
    /ImageList\(repo:"([^"]*)",requestedPage:\{limit:(\d+),offset:(\d+),sortBy:ALPHABETIC_ASC\}\)/.exec(
      query,
    ) ?? []
  const [, fields = ''] = /Results\{([^}]*)\}/.exec(query) ?? []
  const rows = rowsOf(state, repo as RepositoryName)
  const shown = rows.slice(Number(offset), Number(offset) + Math.min(Number(limit), pageMax))
  const wanted = new Set(fields.split(/\s+/))
  return json(200, {
    data: {
      ImageList: {
        Page: { TotalCount: rows.length, ItemCount: shown.length },
        Results: shown.map((row) =>
          Object.fromEntries(Object.entries(row).filter(([field]) => wanted.has(field))),
        ),
      },
    },
  })
}

function rowsOf(state: ZotState, repo: RepositoryName): readonly Readonly<Record<string, unknown>>[] {
  const held = state.store.repositories.get(repo)
  return [...(held?.tags ?? [])]
    .filter(([tag]) => !state.unknownToSearch.has(tag))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([tag, { digest }]) => ({
      RepoName: repo,
      Tag: tag,
      Digest: digest,
      PushTimestamp: shown(state.pushedAt.get(digest)),
      TaggedTimestamp: shown(state.taggedAt.get(`${repo}:${tag}`)),
      LastPullTimestamp: shown(state.pulledAt.get(digest)),
    }))
}

function shown(at: number | undefined): string {
  return at === undefined ? '0001-01-01T00:00:00Z' : new Date(at).toISOString().replace('Z', '000000Z')
}

export function failure(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const message = code.toLowerCase().replaceAll('_', ' ')
  return json(status, { errors: [{ code, message, detail: {} }] }, headers)
}
