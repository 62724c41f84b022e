/**
 * Harbor's API v2.0: paths, pages, and what an answer must look like to be Harbor's.
 *
 * No cookie is ever sent, so Harbor's protection against forged requests has nothing to ask for. A list is read to its end
 * and counted against X-Total-Count; a list that changed while it was read is read again, and never taken for a shorter one.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { paginate } from '../../http/link-header.ts'
import { contentType, hasCode, isRecord, saidIn } from '../oci/answers.ts'
import { OciConnection, type ConnectionSettings } from '../oci/connection.ts'
import { ListUnsettledError } from '../list-unsettled.ts'
import { ProductMismatchError } from '../product-api.ts'

/** Harbor refuses more with 422. */
export const pageSizeMax = 100
const READINGS_MAX = 4
/** A hundred artifacts with their labels, annotations and image configs. */
const PAGE_BYTES_MAX = 64 * 1024 * 1024

export type Row = Readonly<Record<string, unknown>>

export class HarborApi {
  readonly name: ConnectionSettings['name']
  readonly #connection: OciConnection
  readonly #base: string

  /** @param settings `baseUrl` is that of the API, with `/api/v2.0`; `http` sends the credentials unasked */
  constructor(settings: ConnectionSettings) {
    this.name = settings.name
    this.#connection = new OciConnection(settings)
    this.#base = settings.baseUrl
  }

  get(path: string, options?: RunOptions): Promise<HttpResponse> {
    return this.#send('GET', `${this.#base}/${path}`, options)
  }

  delete(path: string, options?: RunOptions): Promise<HttpResponse> {
    return this.#send('DELETE', `${this.#base}/${path}`, options)
  }

  /** Sent once: what it begins must not be begun again because an answer was lost. */
  post(path: string, content: object, options?: RunOptions): Promise<HttpResponse> {
    const headers = { accept: 'application/json', 'content-type': 'application/json' }
    const request = { method: 'POST', url: `${this.#base}/${path}`, headers, idempotent: false } as const
    return this.#connection.send({ ...request, body: JSON.stringify(content) }, options)
  }

  /**
   * Every row of a list, once; undefined when Harbor says that what is listed is not there.
   *
   * @param query without page and page_size
   * @throws ProductMismatchError, ListUnsettledError, RegistryAnswerError, and what paging throws
   */
  async list(path: string, query: string, options?: RunOptions): Promise<readonly Row[] | undefined> {
    for (let reading = 1; ; reading += 1) {
      const rows = new Map<unknown, Row>()
      let total = 0
      let isShrinking = false
      for await (const page of this.#pages(path, query, options)) {
        if (page === undefined) return undefined
        for (const row of page.rows) rows.set(this.#idOf(row, path), row)
        isShrinking ||= page.total < total
        total = page.total
      }
      // Pages shift when something before them is deleted, and a row is passed over; the counts show it.
      if (!isShrinking && rows.size >= total) return [...rows.values()]
      if (reading === READINGS_MAX) throw new ListUnsettledError(this.name, path, rows.size, total)
    }
  }

  /** The error for an answer that fits nothing expected. */
  unexpected(what: string, response: HttpResponse): Error {
    if (contentType(response) === 'text/html' || (response.status === 404 && !saysNotFound(response)))
      return this.notHarbor(`${what} was answered with ${response.status}, not in its manner`)
    return this.#connection.unexpected(what, response)
  }

  notHarbor(why: string): ProductMismatchError {
    return new ProductMismatchError(this.name, 'Harbor', why)
  }

  #pages(path: string, query: string, options?: RunOptions): AsyncGenerator<ListPage | undefined> {
    const first = `${this.#base}/${path}?${query === '' ? '' : `${query}&`}page=1&page_size=${pageSizeMax}`
    return paginate(first, async (url) => {
      const response = await this.#send('GET', url, options)
      if (saysNotFound(response)) return { headers: new Map<string, string>(), content: undefined }
      if (response.status !== 200) throw this.unexpected(`Listing ${path}`, response)
      return { headers: response.headers, content: this.#pageIn(path, response) }
    })
  }

  #pageIn(path: string, response: HttpResponse): ListPage {
    const rows = contentType(response) === 'application/json' ? response.json() : undefined
    const total = response.headers.get('x-total-count') ?? ''
    if (!Array.isArray(rows) || !rows.every(isRecord) || !/^\d+$/.test(total))
      throw this.notHarbor(`what came for ${path} is not a page of a list with its X-Total-Count`)
    return { rows, total: Number(total) }
  }

  #idOf(row: Row, path: string): unknown {
    const id = row['id'] ?? row['project_id']
    if (typeof id !== 'number') throw this.notHarbor(`a row of ${path} has no id`)
    return id
  }

  #send(method: 'GET' | 'DELETE', url: string, options?: RunOptions): Promise<HttpResponse> {
    // Without the header a project that is called 42 would be taken for the one with that id.
    const headers = { accept: 'application/json', 'x-is-resource-name': 'true' }
    return this.#connection.send({ method, url, headers, bodyBytesMax: PAGE_BYTES_MAX }, options)
  }
}

interface ListPage {
  readonly rows: readonly Row[]
  readonly total: number
}

/** Whether Harbor itself says that something is not there; a proxy's page does not count. */
export function saysNotFound(response: HttpResponse): boolean {
  return response.status === 404 && hasCode(response, 'NOT_FOUND')
}

/**
 * `projects/library/repositories/a%252Fb` for `library/a/b`: the project is a segment of its own, and slashes of the rest
 * are encoded twice, because Harbor's router decodes once. Undefined for a name that no repository of Harbor has.
 */
export function repositoryPath(repository: RepositoryName): string | undefined {
  const [, project, rest] = /^([^/]+)\/(.+)$/.exec(repository) ?? []
  if (project === undefined || rest === undefined) return undefined
  return `projects/${encodeURIComponent(project)}/repositories/${encodeURIComponent(encodeURIComponent(rest))}`
}

export function projectOf(repository: RepositoryName): string {
  return repository.split('/', 1)[0] ?? ''
}

/** For messages: `DENIED: …`, or the status alone. */
export function saidOrStatus(response: HttpResponse): string {
  return saidIn(response) || `status ${response.status}`
}
