/**
 * Lists of GitHub's API, page by page. Pages are asked for by number, so that no link can lead astray; the link in an
 * answer only tells whether there are more, and how many.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import { PagingError } from '../../http/link-header.ts'
import { RegistryContentError } from '../oci/errors.ts'
import type { ApiAnswer, GitHubApi } from './github-api.ts'

/** The most rows that GitHub gives at a time. */
export const pageSizeMax = 100
const PAGES_MAX = 10_000

export interface ApiList {
  /** `GET /user/orgs` */
  readonly route: string
  readonly parameters: Readonly<Record<string, string | number>>
  /** For errors: `the packages of acme`. */
  readonly what: string
}

export interface ApiPage {
  readonly rows: readonly unknown[]
  readonly hasNext: boolean
  /** The number of the last page, where the answer tells it. */
  readonly last: number | undefined
}

export type PageAnswer =
  | { readonly kind: 'page'; readonly page: ApiPage }
  /** Anything but a list. */
  | { readonly kind: 'refused'; readonly answer: ApiAnswer }

export type PagesAnswer =
  | { readonly kind: 'rows'; readonly rows: readonly unknown[] }
  /** The first page was answered with something else than a list. */
  | { readonly kind: 'refused'; readonly answer: ApiAnswer }

/** One page, numbered from 1. */
export async function readPage(
  api: GitHubApi,
  { route, parameters, what }: ApiList,
  number: number,
  options?: RunOptions,
): Promise<PageAnswer> {
  const query = { ...parameters, per_page: pageSizeMax, page: number }
  const answer = await api.send(route, query, options)
  if (answer.status !== 200) return { kind: 'refused', answer }
  if (!Array.isArray(answer.body))
    throw new RegistryContentError(api.name, `what came for ${what} is no list`)
  const links = answer.headers.get('link') ?? ''
  const last = /[?&]page=(\d+)[^<>]*>\s*;\s*rel="last"/.exec(links)?.[1]
  const page = {
    rows: answer.body as readonly unknown[],
    hasNext: /\brel="next"/.test(links),
    last: last === undefined ? undefined : Number(last),
  }
  if (page.last !== undefined && page.last > PAGES_MAX) throw endless(route)
  return { kind: 'page', page }
}

/** All pages, one after the other. @throws RegistryAnswerError when a later one is refused */
export async function readPages(api: GitHubApi, list: ApiList, options?: RunOptions): Promise<PagesAnswer> {
  const rows: unknown[] = []
  for (let number = 1; number <= PAGES_MAX; number += 1) {
    const read = await readPage(api, list, number, options)
    if (read.kind === 'refused') {
      if (number === 1) return read
      throw api.unexpected(`Listing ${list.what}`, read.answer)
    }
    rows.push(...read.page.rows)
    if (!read.page.hasNext) return { kind: 'rows', rows }
  }
  throw endless(list.route)
}

function endless(route: string): PagingError {
  return new PagingError(route, `it has more than ${PAGES_MAX} pages`)
}
