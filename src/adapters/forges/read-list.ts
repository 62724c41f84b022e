/**
 * Reads one list of a forge, page by page, and is not satisfied with less than all of it: a page that is full and names no
 * next one is followed by asking for the next by its number, and what a server counts itself must have come.
 */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/client.ts'
import { guardPages, nextLink } from '../http/link-header.ts'
import type { ForgeDialect, ListedPull } from './forge-dialect.ts'
import { ForgeError } from './forge-errors.ts'

export interface ListReading {
  readonly http: HttpClient
  readonly dialect: ForgeDialect
  /** Of the API, with a slash at its end. */
  readonly base: string
  /** What is read, for messages. */
  readonly subject: string
}

export interface ReadList {
  readonly pulls: readonly ListedPull[]
  /** What the server's clock said as the reading began; undefined where it did not say. */
  readonly beganAt: InstantMs | undefined
}

const bodyBytesMax = 64 * 1024 * 1024
const pagesMax = 5_000

/**
 * @param until of a list in which the one that changed last comes first: nothing that changed before then is wanted
 * @throws ForgeError and the errors of the HTTP client; InterruptedError
 */
export async function readList(
  reading: ListReading,
  path: string,
  until: InstantMs | undefined,
  options: RunOptions,
): Promise<ReadList> {
  const guard = guardPages({ pagesMax })
  const pulls: ListedPull[] = []
  let beganAt: InstantMs | undefined
  let isOrdered = true
  let url: string | undefined = new URL(path, reading.base).href
  for (let page = 1; url !== undefined; page++) {
    guard.enter(url)
    const response = await askFor(url, reading, options)
    const found = parsePage(response, reading)
    if (found.length > 0) guard.sawContent(url, found.map(({ number }) => number).join(' '))
    beganAt ??= dateOf(response)
    isOrdered &&= isNewestFirst([...pulls.slice(-1), ...found])
    pulls.push(...found)
    const isEnough = until !== undefined && isOrdered && found.some(({ updatedAt }) => updatedAt < until)
    if (isEnough) return { pulls, beganAt }
    url = nextPage(response, url, found.length, page, reading.dialect)
    if (url === undefined) requireAll(response, pulls.length, reading)
  }
  return { pulls, beganAt }
}

async function askFor(
  url: string,
  { http, dialect, subject }: ListReading,
  options: RunOptions,
): Promise<HttpResponse> {
  const response = await http.request({ method: 'GET', url, headers: dialect.headers, bodyBytesMax }, options)
  if (response.status === 200) return response
  throw refused(response, subject)
}

function refused({ status, url }: HttpResponse, subject: string): ForgeError {
  const where = new URL(url).host
  switch (status) {
    case 401:
      return new ForgeError(
        `${where} does not accept the credentials for ${subject}.`,
        'Check the token under `forge:`; it may have expired.',
      )
    case 403:
      return new ForgeError(
        `${where} does not allow reading ${subject}.`,
        'Give the token under `forge:` the right to read pull requests.',
      )
    case 404:
      return new ForgeError(
        `${where} knows no ${subject}, or these credentials may not see it.`,
        'Check the address of the repository and of the forge, and that the token may read the project.',
      )
    default:
      return new ForgeError(
        `${where} answered ${subject} with status ${status}.`,
        'Check the address under `forge:`; it must be that of the API.',
      )
  }
}

function parsePage(response: HttpResponse, { dialect, subject }: ListReading): readonly ListedPull[] {
  const body = response.json()
  const pulls = Array.isArray(body) ? body.map((entry) => dialect.parse(entry)) : [undefined]
  const whole = pulls.filter((pull) => pull !== undefined)
  if (whole.length === pulls.length) return whole
  throw new ForgeError(
    `${new URL(response.url).host} told of ${subject} in a form that Winnow does not know.`,
    `Check that \`forge:\` says the right kind; ${dialect.name} is expected.`,
  )
}

function dateOf({ headers }: HttpResponse): InstantMs | undefined {
  const at = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(at) ? undefined : at
}

function isNewestFirst(pulls: readonly ListedPull[]): boolean {
  return pulls.every(({ updatedAt }, at) => at === 0 || (pulls[at - 1]?.updatedAt ?? 0) >= updatedAt)
}

/** By the server's own link; by number, where a full page comes without one (a proxy may have taken it). */
function nextPage(
  { headers, url }: HttpResponse,
  asked: string,
  length: number,
  page: number,
  { pageSize }: ForgeDialect,
): string | undefined {
  const link = nextLink(headers, url)
  if (link.kind === 'next') return link.url
  if (length < pageSize) return undefined
  const next = new URL(asked)
  next.searchParams.set('page', String(page + 1))
  return next.href
}

/** GitLab and Gitea count what a list has in all, where that is not too much work for them. */
function requireAll({ headers, url }: HttpResponse, length: number, { subject }: ListReading): void {
  const total = Number(headers.get('x-total-count') ?? headers.get('x-total') ?? 0)
  if (!(total > length)) return
  throw new ForgeError(
    `${new URL(url).host} has ${total} entries in ${subject} and gave ${length} of them.`,
    'Run the command again; if it happens again, look at what a proxy in between does to Link headers.',
  )
}
