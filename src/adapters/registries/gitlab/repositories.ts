/** Which repositories there are, by GitLab's REST API: those of groups with all below them, or those of a user's projects. */
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { paginate, type Page } from '../../http/link-header.ts'
import { isRecord } from '../oci/answers.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'

const PER_PAGE = 100

/** Repositories that GitLab is deleting: nobody touches them meanwhile. */
export type BusyRepositories = Map<string, string>

/**
 * @param namespaces top-level groups and users; undefined: every group of the token's user
 * @param busy gets the repositories that GitLab itself is deleting
 * @throws CatalogRefusedError when these credentials may not list them
 */
export async function listRepositories(
  api: ProductApi,
  namespaces: readonly string[] | undefined,
  busy: BusyRepositories,
  options: RunOptions,
): Promise<ReadonlySet<string>> {
  try {
    const names = new Set<string>()
    const groups = namespaces ?? (await topLevelGroups(api, options))
    for (const group of groups)
      for (const row of (await repositoriesOf(api, group, options)) ?? []) {
        names.add(row.path)
        if (row.status !== undefined) busy.set(row.path, row.status)
      }
    return names
  } catch (error) {
    if (error instanceof UnauthorizedError) throw new CatalogRefusedError(api.name, 401, error.message)
    throw error
  }
}

interface RepositoryRow {
  readonly path: string
  readonly status: string | undefined
}

async function topLevelGroups(api: ProductApi, options: RunOptions): Promise<readonly string[]> {
  const what = 'the groups of the token'
  const rows = await readRows(api, '/groups?top_level_only=true&min_access_level=20', what, options)
  if (rows === undefined) throw api.mismatch('it has no list of groups')
  return rows.map((row) => textIn(api, row, 'full_path', what))
}

async function repositoriesOf(
  api: ProductApi,
  namespace: string,
  options: RunOptions,
): Promise<readonly RepositoryRow[] | undefined> {
  const name = encodeURIComponent(namespace)
  const ofGroup = await readRows(
    api,
    `/groups/${name}/registry/repositories`,
    `the repositories of ${namespace}`,
    options,
  )
  if (ofGroup !== undefined) return ofGroup.map((row) => rowOf(api, row))
  const what = `the projects of ${namespace}`
  const projects = await readRows(api, `/users/${name}/projects?simple=true`, what, options)
  if (projects === undefined) {
    const text = `${api.name}: GitLab shows no group and no user called ${namespace} to these credentials.`
    options.onEvent?.({ kind: 'warning', text })
    return undefined
  }
  const found: RepositoryRow[] = []
  for (const project of projects) {
    const path = textIn(api, project, 'path_with_namespace', what)
    const rows = await readRows(
      api,
      `/projects/${encodeURIComponent(path)}/registry/repositories`,
      `the repositories of ${path}`,
      options,
    )
    found.push(...(rows ?? []).map((row) => rowOf(api, row)))
  }
  return found
}

/** All rows of a list; undefined when GitLab says that what it belongs to is not there. */
async function readRows(
  api: ProductApi,
  path: string,
  what: string,
  options: RunOptions,
): Promise<readonly unknown[] | undefined> {
  const first = api.url(`${path}${path.includes('?') ? '&' : '?'}per_page=${PER_PAGE}`)
  let isAbsent = false
  const read = async (url: string): Promise<Page<readonly unknown[]>> => {
    const response = await api.send({ method: 'GET', url, headers: { accept: 'application/json' } }, options)
    if (isNotFound(response) && url === first) {
      isAbsent = true
      return { headers: response.headers, content: [] }
    }
    if (response.status === 401 || response.status === 403)
      throw new CatalogRefusedError(api.name, response.status, `${what}: ${saidByProduct(response)}`)
    if (response.status !== 200) throw api.unexpected(`Listing ${what}`, response)
    const rows = api.jsonOf(`Listing ${what}`, response)
    if (!Array.isArray(rows)) throw api.content(`what came for ${what} is no list`)
    return { headers: response.headers, content: rows as readonly unknown[] }
  }
  const rows: unknown[] = []
  for await (const page of paginate(first, read)) rows.push(...page)
  return isAbsent ? undefined : rows
}

function isNotFound(response: HttpResponse): boolean {
  return response.status === 404 && /\bnot found\b/i.test(saidByProduct(response))
}

function rowOf(api: ProductApi, row: unknown): RepositoryRow {
  const status = isRecord(row) ? row['status'] : undefined
  return {
    path: textIn(api, row, 'path', 'the list of repositories'),
    status: typeof status === 'string' && status !== '' ? status : undefined,
  }
}

function textIn(api: ProductApi, row: unknown, field: string, what: string): string {
  const text = isRecord(row) ? row[field] : undefined
  if (typeof text === 'string' && text !== '') return text
  throw api.content(`${what} holds something without ${field}`)
}
