/** The part of GitHub's REST API that has to do with packages, as its description has it. */
import type { FakeRequest } from './fake-server.ts'
import { json, type Reply } from './fake-server.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import type { FakePackage, FakeVersion, GitHubState, GitHubToken } from './ghcr-state.ts'

const prefix = '/api/v3'
const pageDefault = 30
const pageMost = 100

/** What the API answers below `/api/v3`; pages have at most `pageMax` rows. */
export function answerGitHub(state: GitHubState, request: FakeRequest, pageMax: number): Reply {
  const secret = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  const token = secret === undefined ? undefined : state.tokens.get(secret)
  if (token === undefined)
    return said(401, secret === undefined ? 'Requires authentication' : 'Bad credentials')
  const answer = route(state, request, token, Math.min(pageMax, pageMost))
  const scopes: Readonly<Record<string, string>> =
    token.scopes === undefined ? {} : { 'x-oauth-scopes': token.scopes.join(', ') }
  return { ...answer, headers: { ...answer.headers, ...scopes, 'x-ratelimit-remaining': '4900' } }
}

function route(state: GitHubState, { method, url }: FakeRequest, token: GitHubToken, pageMax: number): Reply {
  const path = url.pathname.slice(prefix.length)
  const parts = path.split('/').slice(1).map(decodeURIComponent)
  if (path === '/rate_limit') return json(200, { resources: { core: { limit: 5000, remaining: 4900 } } })
  if (path === '/user')
    return token.login === undefined ? notYours : json(200, { login: token.login, type: 'User' })
  if (path === '/user/orgs') {
    if (token.tellsOrganisations === false)
      return said(403, 'You need at least read:org scope to list your organizations.')
    const names = state.organisationsOf.get(token.login ?? '') ?? []
    return page(
      url,
      names.map((login) => ({ login })),
      pageMax,
    )
  }
  if (parts[0] === 'users' && parts.length === 2) return owner(state, parts[1] ?? '')
  const [owned, rest] =
    parts[0] === 'user' ? [token.login, parts.slice(1)] : [ownerAt(state, parts), parts.slice(2)]
  if (rest[0] !== 'packages' || owned === undefined) return said(404, 'Not Found')
  if (!canRead(token)) return said(403, 'You need at least read:packages scope to list packages.')
  if (rest.length === 1) return packages(state, owned, url, token, pageMax)
  return packaged({ state, token, method, url, pageMax }, owned, rest.slice(1))
}

/** `/orgs/NAME` is there for organisations only; a user's own private packages show under `/user` alone. */
function ownerAt(state: GitHubState, [family, name = '']: readonly string[]): string | undefined {
  if (state.nobodies.has(name)) return undefined
  if (family === 'orgs') return state.users.has(name) ? undefined : name
  return family === 'users' ? name : undefined
}

function owner(state: GitHubState, name: string): Reply {
  if (state.nobodies.has(name)) return said(404, 'Not Found')
  return json(200, { login: name, id: 1, type: state.users.has(name) ? 'User' : 'Organization' })
}

function packages(state: GitHubState, owned: string, url: URL, token: GitHubToken, pageMax: number): Reply {
  if (token.login === undefined) return said(403, 'Resource not accessible by integration')
  if (url.searchParams.get('package_type') !== 'container') return said(400, 'Package type is required.')
  const rows = [...state.packages.keys()]
    .filter((name) => name.startsWith(`${owned}/`))
    .map((name) => ({
      id: 1,
      name: name.slice(owned.length + 1),
      package_type: 'container',
      owner: { login: owned },
    }))
  return page(url, rows, pageMax)
}

interface Asked {
  readonly state: GitHubState
  readonly token: GitHubToken
  readonly method: string
  readonly url: URL
  readonly pageMax: number
}

function packaged(asked: Asked, owned: string, [type, name = '', what, id, act]: readonly string[]): Reply {
  const { state, method, url, pageMax } = asked
  const repository = parseRepositoryName(`${owned}/${name}`)
  const held = repository && state.packages.get(repository)
  if (
    type !== 'container' ||
    repository === undefined ||
    held === undefined ||
    held.versions.size + held.bin.size === 0
  )
    return said(404, 'Package not found.')
  if (what !== 'versions') return said(404, 'Not Found')
  if (id === undefined) return page(url, rowsOf(state, repository, held, url), pageMax)
  const version = held.versions.get(Number(id))
  if (act === 'restore' && method === 'POST') {
    if (!mayChange(asked.token, 'write:packages')) return said(404, 'Package not found.')
    return state.restore(repository, Number(id)) ? { status: 204 } : said(404, 'Package version not found.')
  }
  if (version === undefined) return said(404, 'Package version not found.')
  return method === 'DELETE'
    ? deletion(asked, repository, held, version)
    : json(200, row(state, repository, version))
}

function deletion(
  { state, token }: Asked,
  repository: RepositoryName,
  held: FakePackage,
  version: FakeVersion,
): Reply {
  if (!mayChange(token, 'delete:packages')) return said(404, 'Package version not found.')
  if (held.versions.size === 1)
    return said(400, 'You cannot delete the last version of a package. You must delete the package instead.')
  const isTagged = ({ digest }: FakeVersion) => state.tagsOf(repository, digest).length > 0
  const tagged = [...held.versions.values()].filter(isTagged)
  if (tagged.length === 1 && tagged[0] === version)
    return said(
      400,
      'You cannot delete the last tagged version of a package. You must delete the package instead.',
    )
  if (held.isPublic && version.downloads > 5000)
    return said(
      400,
      'Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance.',
    )
  state.delete(repository, version.id)
  return { status: 204 }
}

/** Newest first. */
function rowsOf(
  state: GitHubState,
  repository: RepositoryName,
  held: FakePackage,
  url: URL,
): readonly unknown[] {
  if (url.searchParams.get('state') === 'deleted')
    return [...held.bin.values()].toReversed().map(({ version, tags, deletedAt }) => ({
      ...row(state, repository, version, tags),
      deleted_at: iso(deletedAt),
    }))
  return [...held.versions.values()]
    .toSorted((a, b) => b.id - a.id)
    .map((each) => row(state, repository, each))
}

function row(
  state: GitHubState,
  repository: RepositoryName,
  { id, digest, createdAt, updatedAt }: FakeVersion,
  tags = state.tagsOf(repository, digest),
): Readonly<Record<string, unknown>> {
  return {
    id,
    name: digest,
    url: `https://api.example.com/versions/${id}`,
    package_html_url: 'https://example.com/package',
    created_at: iso(createdAt),
    updated_at: iso(updatedAt),
    metadata: { package_type: 'container', container: { tags } },
  }
}

function page(url: URL, rows: readonly unknown[], pageMax: number): Reply {
  const asked = Number(url.searchParams.get('per_page') ?? pageDefault)
  const number = Number(url.searchParams.get('page') ?? 1)
  const size = Math.min(asked, pageMax)
  const last = Math.max(1, Math.ceil(rows.length / size))
  const at = (to: number): string => {
    const target = new URL(url)
    target.searchParams.set('page', `${to}`)
    return target.href
  }
  const link = number < last ? { link: `<${at(number + 1)}>; rel="next", <${at(last)}>; rel="last"` } : {}
  return json(200, rows.slice((number - 1) * size, number * size), link)
}

function canRead({ scopes }: GitHubToken): boolean {
  return scopes === undefined || scopes.includes('read:packages') || scopes.includes('write:packages')
}

function mayChange({ scopes, isAdmin = true }: GitHubToken, scope: string): boolean {
  return isAdmin && (scopes === undefined || scopes.includes(scope))
}

function iso(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

/** GitHub's way of saying no. */
export function said(status: number, message: string): Reply {
  const body = { message, documentation_url: 'https://docs.github.com/rest', status: `${status}` }
  return json(status, body, { 'content-type': 'application/json; charset=utf-8' })
}

const notYours = said(403, 'Resource not accessible by integration')
