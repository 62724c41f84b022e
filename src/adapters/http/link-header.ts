/**
 * Follows pages by Link header (RFC 8288) without ever leaving the registry, and without ever going in circles.
 *
 * Refuses: a next page on another scheme, host or port, a page that was read before, and more pages than allowed.
 * Each of them ends the reading with an error, because a list that merely stops looks like a complete one.
 */
import { OperationalError } from '../../core/errors/errors.ts'
import { redactUrl } from './redact.ts'

export type NextLink = { readonly kind: 'none' } | { readonly kind: 'next'; readonly url: string }

/** The next page leads somewhere Winnow must not go, so the list is not complete. */
export class LinkRefusedError extends OperationalError {
  readonly code = 'LINK_REFUSED'
  readonly hint =
    'Make the registry answer with links to the address it was asked under (behind a proxy, its external URL is set wrongly).'

  constructor(requestUrl: string, why: string) {
    super(`The list at ${redactUrl(requestUrl)} cannot be read to its end: ${why}.`)
  }
}

/** The server's pages go in circles, or do not end. */
export class PagingError extends OperationalError {
  readonly code = 'PAGING_ENDLESS'
  readonly hint =
    'The server does not page correctly; update it, or report it to its maker. Nothing was decided from this list.'

  constructor(url: string, why: string) {
    super(`The list at ${redactUrl(url)} does not end: ${why}.`)
  }
}

/**
 * The next page that an answer names.
 *
 * @param headers lower-case names; several Link headers joined by commas
 * @param requestUrl absolute URL the page was asked under; relative links are resolved against it
 * @throws LinkRefusedError when the link leads to another origin or cannot be read
 */
export function nextLink(headers: ReadonlyMap<string, string>, requestUrl: string): NextLink {
  const header = headers.get('link')
  if (header === undefined) return { kind: 'none' }
  const target = parseLinks(header).find((link) => link.rels.includes('next'))?.target
  if (target === undefined) return { kind: 'none' }
  if (!URL.canParse(target, requestUrl))
    throw new LinkRefusedError(requestUrl, 'its link to the next page is no URL')
  const request = new URL(requestUrl)
  const next = new URL(target, request)
  if (next.origin !== request.origin) {
    throw new LinkRefusedError(
      requestUrl,
      `its next page is said to be at ${next.origin}, another address than ${request.origin}`,
    )
  }
  next.username = ''
  next.password = ''
  next.hash = ''
  return { kind: 'next', url: next.href }
}

interface Link {
  readonly target: string
  readonly rels: readonly string[]
}

const LINK = /<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)\s*(?:,|$)/g
const PARAMETER = /;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/g

function parseLinks(header: string): readonly Link[] {
  return [...header.matchAll(LINK)].map((match) => {
    const relation = [...(match[2] ?? '').matchAll(PARAMETER)].find((p) => p[1]?.toLowerCase() === 'rel')
    const rels = (relation?.[2] ?? relation?.[3] ?? '').toLowerCase().split(/\s+/)
    return { target: match[1] ?? '', rels }
  })
}

export interface PageGuardOptions {
  /** @default 100 000 */
  readonly pagesMax?: number
}

export interface PageGuard {
  /**
   * To be called before each page is asked for.
   *
   * @throws PagingError when this URL was asked before, or there were too many pages
   */
  enter(url: string): void
  /**
   * To be called with what a page held (its first and last name are enough), where a page must not repeat.
   *
   * @throws PagingError when a page with the same content was read before
   */
  sawContent(url: string, fingerprint: string): void
  readonly pages: number
}

const PAGES_MAX = 100_000

/** Watches one list being read page by page; finds circles of any length. */
export function guardPages(options: PageGuardOptions = {}): PageGuard {
  const pagesMax = options.pagesMax ?? PAGES_MAX
  const urls = new Set<string>()
  const contents = new Set<string>()
  return {
    enter: (url) => {
      if (urls.has(url)) throw new PagingError(url, 'its pages lead back to one already read')
      if (urls.size >= pagesMax) throw new PagingError(url, `it has more than ${pagesMax} pages`)
      urls.add(url)
    },
    sawContent: (url, fingerprint) => {
      if (contents.has(fingerprint)) throw new PagingError(url, 'the same page came twice')
      contents.add(fingerprint)
    },
    get pages() {
      return urls.size
    },
  }
}

/** One page as read: where it was asked, its headers, and what it held. */
export interface Page<T> {
  readonly headers: ReadonlyMap<string, string>
  readonly content: T
  /** Tells pages apart, where a server that ignores paging would send the same one for ever. */
  readonly fingerprint?: string
}

/**
 * Reads all pages, following Link headers from `firstUrl`; yields each page's content.
 *
 * @throws LinkRefusedError, PagingError
 */
export async function* paginate<T>(
  firstUrl: string,
  read: (url: string) => Promise<Page<T>>,
  options: PageGuardOptions = {},
): AsyncGenerator<T, void, undefined> {
  const guard = guardPages(options)
  let next: NextLink = { kind: 'next', url: firstUrl }
  while (next.kind === 'next') {
    const url: string = next.url
    guard.enter(url)
    const page: Page<T> = await read(url)
    if (page.fingerprint !== undefined) guard.sawContent(url, page.fingerprint)
    yield page.content
    next = nextLink(page.headers, url)
  }
}
