/** The part of GitLab's REST API that has to do with its container registry. */
import { json, type FakeRequest, type Reply } from './fake-server.ts'
import type { GitLabState, GitLabToken } from './gitlab-state.ts'

const pageDefault = 20
const pageMost = 100

/** What the API answers below `/api/v4`. */
export function answerGitLab(state: GitLabState, { url, headers }: FakeRequest, pageMax: number): Reply {
  const secret = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
  const token = secret === undefined ? undefined : state.tokens.get(secret)
  if (secret !== undefined && token === undefined) return json(401, { message: '401 Unauthorized' })
  const [, what = '', id = '', ...rest] = url.pathname
    .slice('/api/v4'.length)
    .split('/')
    .map(decodeURIComponent)
  const rows = rowsOf(state, what, id, rest.join('/'), token)
  return Array.isArray(rows) ? page(url, rows, Math.min(pageMax, pageMost)) : (rows as Reply)
}

function rowsOf(
  state: GitLabState,
  what: string,
  id: string,
  rest: string,
  token: GitLabToken | undefined,
): readonly unknown[] | Reply {
  if (token === undefined)
    return json(id === '' ? 401 : 404, {
      message: id === '' ? '401 Unauthorized' : `404 ${nameOf(what)} Not Found`,
    })
  if (!token.scopes.includes('api') && !token.scopes.includes('read_api'))
    return json(403, {
      error: 'insufficient_scope',
      error_description: 'The request requires higher privileges than provided by the access token.',
      scope: 'api read_api',
    })
  const projects = [...state.projects.keys()]
  const namespace = (path: string): string => path.split('/')[0] ?? ''
  if (what === 'groups' && id === '')
    return [...new Set(projects.map(namespace))]
      .filter((name) => !state.users.has(name))
      .map((full_path) => ({ id: 1, full_path }))
  if (what === 'groups' && rest === 'registry/repositories') {
    const isThere = !state.users.has(id) && projects.some((path) => path.startsWith(`${id}/`))
    return isThere ? repositories(state, `${id}/`) : json(404, { message: '404 Group Not Found' })
  }
  if (what === 'users' && rest === 'projects') {
    if (!state.users.has(id)) return json(404, { message: '404 User Not Found' })
    return projects
      .filter((path) => namespace(path) === id)
      .map((path_with_namespace) => ({ id: 1, path_with_namespace }))
  }
  if (what !== 'projects') return json(404, { error: '404 Not Found' })
  const rules = state.projects.get(id)
  if (rules === undefined) return json(404, { message: '404 Project Not Found' })
  if (rest === 'registry/repositories')
    return repositories(state, id).filter(({ path }) => state.projectOf(path) === id)
  if (rest === 'registry/protection/tag/rules')
    return rules.map((rule, i) => ({ id: i, project_id: 7, ...rule }))
  return json(404, { error: '404 Not Found' })
}

function repositories(state: GitLabState, prefix: string): readonly { readonly path: string }[] {
  return [...state.store.repositories.keys()]
    .filter((path) => path.startsWith(prefix))
    .map((path) => ({ id: 2, name: '', path, project_id: 9, status: state.statuses.get(path) ?? null }))
}

function nameOf(what: string): string {
  return { groups: 'Group', projects: 'Project', users: 'User' }[what] ?? ''
}

function page(url: URL, rows: readonly unknown[], pageMax: number): Reply {
  const size = Math.min(Number(url.searchParams.get('per_page') ?? pageDefault), pageMax)
  const number = Number(url.searchParams.get('page') ?? 1)
  const next = new URL(url)
  next.searchParams.set('page', `${number + 1}`)
  const hasNext = number * size < rows.length
  return json(
    200,
    rows.slice((number - 1) * size, number * size),
    hasNext ? { link: `<${next.href}>; rel="next"` } : {},
  )
}
