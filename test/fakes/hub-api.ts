/** The API at hub.docker.com, of the fake: login, lists by page number, removal of a tag. */
import type { StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'
import { json, type FakeRequest, type Reply } from './fake-server.ts'
import type { HubState, HubUser } from './hub-state.ts'

const PAGE_SIZE_DEFAULT = 10
const PAGE_SIZE_MAX = 100
/** Of the calls that the driver uses, and of no path of the distribution API. */
export const hubPath = /^\/v2\/(?:auth\/token$|namespaces\/|repositories\/)/

export function answerHub(request: FakeRequest, state: HubState, pageSize: number = PAGE_SIZE_MAX): Reply {
  const reply = route(request, state, Math.min(pageSize, PAGE_SIZE_MAX))
  const limits = {
    'x-ratelimit-limit': '600',
    'x-ratelimit-remaining': '599',
    'x-ratelimit-reset': '1900000000',
  }
  return { ...reply, headers: { ...reply.headers, ...limits } }
}

function route(request: FakeRequest, state: HubState, pageSize: number): Reply {
  const { method, url, headers } = request
  if (url.pathname === '/v2/auth/token') return login(request, state)
  const holder = state.holderOf('api', headers.authorization)
  if (headers.authorization !== undefined && holder === undefined)
    return json(401, { detail: 'Invalid token' })
  const user = holder?.user
  const [, namespace = '', , name, tags] =
    /^\/v2\/namespaces\/([^/]+)\/repositories(\/([^/]+)(\/tags)?)?$/.exec(url.pathname) ?? []
  if (method === 'GET' && namespace !== '')
    return name === undefined
      ? repositories(state, user, namespace, url, pageSize)
      : repository(state, user, `${namespace}/${name}`, tags !== undefined, url, pageSize)
  const [, ns = '', repo = '', tag = ''] =
    /^\/v2\/repositories\/([^/]+)\/([^/]+)\/tags\/([^/]+)\/$/.exec(url.pathname) ?? []
  if (method === 'DELETE' && tag !== '') return removeTag(state, user, `${ns}/${repo}`, tag)
  return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not Found</h1>' }
}

function login({ method, body }: FakeRequest, state: HubState): Reply {
  if (method !== 'POST') return json(405, { detail: 'Method not allowed' })
  const { identifier, secret } = JSON.parse(body.toString('utf8')) as Record<string, unknown>
  const user = state.userOf(identifier, secret)
  if (user === undefined) return json(401, { detail: 'Incorrect authentication credentials' })
  return json(200, { access_token: state.issue('api', user) })
}

function held(state: HubState, user: HubUser | undefined, full: string): StoredRepository | undefined {
  const name = parseRepositoryName(full)
  return name !== undefined && state.isShown(user, full) ? state.store.repositories.get(name) : undefined
}

function repositories(
  state: HubState,
  user: HubUser | undefined,
  namespace: string,
  url: URL,
  pageSize: number,
): Reply {
  const names = [...state.store.repositories.keys()]
    .filter((name) => name.startsWith(`${namespace}/`))
    .toSorted()
  const known = names.length > 0 || state.users.some((each) => each.name === namespace)
  if (!known) return notFound({ namespace })
  const shown = names.filter(
    (name) => state.isShown(user, name) && (user?.lists !== false || !state.privates.has(name)),
  )
  return page(
    url,
    pageSize,
    shown.map((name) => ({
      name: name.slice(namespace.length + 1),
      namespace,
      repository_type: 'image',
      status: 1,
      is_private: state.privates.has(name),
    })),
  )
}

function repository(
  state: HubState,
  user: HubUser | undefined,
  full: string,
  isTags: boolean,
  url: URL,
  pageSize: number,
): Reply {
  const found = held(state, user, full)
  const [namespace = '', name = ''] = full.split('/')
  if (found === undefined) return notFound({ namespace, repository: name })
  if (isTags) return page(url, pageSize, tagRows(state, full as RepositoryName, found))
  const rules = state.immutable.get(full)
  const mayDelete = (user?.level ?? (user === undefined ? 'public' : 'delete')) === 'delete'
  return json(200, {
    name,
    namespace,
    immutable_tags_settings: { enabled: rules !== undefined, rules: rules ?? [] },
    permissions: { read: true, write: mayDelete, admin: mayDelete },
  })
}

function tagRows(state: HubState, full: RepositoryName, found: StoredRepository): readonly object[] {
  return [...found.tags]
    .toSorted(([a, one], [b, other]) => other.pushedAt - one.pushedAt || (a < b ? -1 : 1))
    .map(([name, { digest, pushedAt }]) => {
      const manifest = found.manifests.get(digest)
      const children = manifest?.facts.children.map((child) => child.digest) ?? []
      const times = state.timesOf(full, name, pushedAt)
      const isKnown = !state.digestless.has(name)
      return {
        name,
        ...times,
        images: (children.length > 0 ? children : [digest]).map((each) => ({
          architecture: 'amd64',
          os: 'linux',
          digest: each,
          size: 1,
          status: 'active',
          last_pushed: times.tag_last_pushed,
          last_pulled: times.tag_last_pulled,
        })),
        tag_status: 'active',
        ...(isKnown && { digest, media_type: manifest?.facts.mediaType, content_type: 'image' }),
      }
    })
}

function removeTag(state: HubState, user: HubUser | undefined, full: string, tag: string): Reply {
  if (user === undefined) return json(401, { detail: 'Authentication credentials were not provided.' })
  const found = held(state, user, full)
  if (found === undefined) return notFound({})
  if ((user.level ?? 'delete') !== 'delete')
    return json(403, { message: 'access denied: insufficient scope' })
  const name = parseTagName(tag)
  const rules = state.immutable.get(full)
  const isImmutable = rules?.some((rule) => typeof rule !== 'string' || new RegExp(rule).test(tag)) === true
  if (isImmutable || rules?.length === 0) return json(403, { message: `tag ${tag} is immutable` })
  return name !== undefined && found.tags.delete(name) ? { status: 204 } : notFound({ tag })
}

function page(url: URL, pageSize: number, all: readonly object[]): Reply {
  const number = Number(url.searchParams.get('page') ?? 1)
  const asked = Number(url.searchParams.get('page_size') ?? PAGE_SIZE_DEFAULT)
  const size = Math.min(asked, pageSize)
  const start = (number - 1) * size
  if (number > 1 && start >= all.length) return notFound({})
  const results = all.slice(start, start + size)
  const at = (other: number): string => {
    const next = new URL(url)
    next.searchParams.set('page', `${other}`)
    return next.href
  }
  const isEnd = start + results.length >= all.length
  return json(200, {
    count: all.length,
    next: isEnd ? null : at(number + 1),
    previous: number === 1 ? null : at(number - 1),
    results,
  })
}

function notFound(errinfo: object): Reply {
  return json(404, { message: 'object not found', errinfo })
}
