/**
 * Reads lists of names page by page: tags, and the catalog (distribution-spec, "Listing Tags").
 *
 * Ends with the whole list or with an error. Servers that refuse a page size are asked for a smaller one, those that cap a
 * page without saying so are asked for the rest, and a page whose starting point was deleted meanwhile makes the reading
 * begin again; what was seen before stays in the list, because a name too many only costs a request.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { guardPages, nextLink, type PageGuard } from '../../http/link-header.ts'
import { hasCode, isRecord } from './answers.ts'
import { RegistryContentError } from './errors.ts'
import type { OciConnection } from './connection.ts'

const pageSizes: readonly (number | undefined)[] = [1000, 100, undefined]
/** Distribution 2.8 gives all tags of a repository at once; a million of the longest are 130 MB. */
const LIST_BYTES_MAX = 256 * 1024 * 1024
const RESTARTS_MAX = 3

export interface NameList {
  /** Below `/v2/`: `team/app/tags/list`. */
  readonly path: string
  readonly field: 'tags' | 'repositories'
  readonly scopes: readonly string[]
}

export type NamesAnswer =
  | { readonly kind: 'names'; readonly names: ReadonlySet<string>; readonly pageSize: number | undefined }
  /** The first page was answered with something else than a list. */
  | { readonly kind: 'refused'; readonly response: HttpResponse }

export async function readNames(
  connection: OciConnection,
  list: NameList,
  options: RunOptions,
): Promise<NamesAnswer> {
  for (const pageSize of pageSizes) {
    const names = new Set<string>()
    for (let restart = 0; restart <= RESTARTS_MAX; restart += 1) {
      const end = await readPages({ connection, list, options, pageSize, names, guard: guardPages() })
      if (end.kind === 'whole') return { kind: 'names', names, pageSize }
      if (end.kind === 'refused') {
        if (pageSize !== undefined && hasCode(end.response, 'PAGINATION_NUMBER_INVALID')) break
        return { kind: 'refused', response: end.response }
      }
      if (end.kind === 'lost' && restart === RESTARTS_MAX)
        throw connection.unexpected(`Reading ${list.path}`, end.response)
    }
  }
  throw new RegistryContentError(connection.name, `${list.path} is refused with every page size`)
}

interface Reading {
  readonly connection: OciConnection
  readonly list: NameList
  readonly options: RunOptions
  readonly pageSize: number | undefined
  readonly names: Set<string>
  readonly guard: PageGuard
}

type PagesEnd =
  | { readonly kind: 'whole' }
  | { readonly kind: 'refused'; readonly response: HttpResponse }
  /** A later page was not there: its starting point is gone. */
  | { readonly kind: 'lost'; readonly response: HttpResponse }

async function readPages(reading: Reading): Promise<PagesEnd> {
  const { connection, list, pageSize, names, guard } = reading
  let url = connection.url(pageSize === undefined ? list.path : `${list.path}?n=${pageSize}`)
  let isFirst = true
  let pages = 0
  for (;;) {
    guard.enter(url)
    const response = await ask(reading, url)
    if (response.status !== 200) {
      if (isFirst) return { kind: 'refused', response }
      if (response.status === 404) return { kind: 'lost', response }
      throw connection.unexpected(`Reading ${list.path}`, response)
    }
    const page = namesIn(connection, list, response)
    for (const name of page) names.add(name)
    pages += 1
    if (pages > pagesMax(names.size)) {
      throw new RegistryContentError(connection.name, `${list.path} goes on in ever more, nearly empty pages`)
    }
    const next = nextLink(response.headers, url)
    if (next.kind === 'none') return (await readSilentRest(reading, page)) ?? { kind: 'whole' }
    url = next.url
    isFirst = false
  }
}

/**
 * Pages are bounded by what they bring: a registry of a million names may give a hundred a page, and one that gives a
 * single new name in every page for ever is broken, or plays with us.
 */
function pagesMax(names: number): number {
  return 500 + names / 10
}

/**
 * Some servers cut a page and do not say so. A page as long as asked, or of a round length, is suspicious: what follows
 * its last name is asked for, until nothing new comes. Servers that know no `last` send the same page and are done.
 */
async function readSilentRest(reading: Reading, lastPage: readonly string[]): Promise<PagesEnd | undefined> {
  const { connection, list, pageSize, names } = reading
  let page = lastPage
  while (isSuspicious(page.length, pageSize)) {
    const query = new URLSearchParams({
      ...(pageSize !== undefined && { n: `${pageSize}` }),
      last: page.at(-1) ?? '',
    })
    const url = connection.url(`${list.path}?${query.toString()}`)
    reading.guard.enter(url)
    const response = await ask(reading, url)
    if (response.status === 400 || response.status === 404) return undefined
    if (response.status !== 200) throw connection.unexpected(`Reading ${list.path}`, response)
    const before = names.size
    page = namesIn(connection, list, response)
    for (const name of page) names.add(name)
    if (names.size === before) return undefined
  }
  return undefined
}

function isSuspicious(length: number, pageSize: number | undefined): boolean {
  return length > 0 && (length === pageSize || length % 50 === 0)
}

function ask({ connection, list, options }: Reading, url: string): Promise<HttpResponse> {
  const headers = { accept: 'application/json' }
  return connection.send(
    { method: 'GET', url, scopes: list.scopes, headers, bodyBytesMax: LIST_BYTES_MAX },
    options,
  )
}

function namesIn(
  connection: OciConnection,
  { field, path }: NameList,
  response: HttpResponse,
): readonly string[] {
  const body = response.json()
  const value = isRecord(body) && (field in body || 'name' in body) ? (body[field] ?? []) : undefined
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
  throw new RegistryContentError(connection.name, `what came for ${path} is not a list of ${field}`)
}
