/**
 * Asks Docker Hub's API: lists by page number, single repositories, the removal of a tag.
 *
 * Pages are numbered, so a list from which something goes while it is read skips rows. Each list is counted against the
 * number that comes with it, and read again where rows are missing.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { PagingError } from '../../http/link-header.ts'
import { isRecord } from '../oci/answers.ts'
import { ListUnsettledError } from '../list-unsettled.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'

export const PAGE_SIZE_MAX = 100
const PAGES_MAX = 20_000
const READINGS_MAX = 4

export interface HubList<T> {
  readonly what: string
  /** Below `/v2`, with a slash at its beginning. */
  readonly path: string
  readonly parse: (row: unknown) => T | undefined
  readonly keyOf: (row: T) => string
}

export class HubApi {
  readonly product: ProductApi

  constructor(product: ProductApi) {
    this.product = product
  }

  /**
   * Every row of a list; undefined when the API says that there is no such thing, or none that this login may see.
   *
   * @throws ListUnsettledError, PagingError, and the errors of ProductApi
   */
  async list<T>(list: HubList<T>, options: RunOptions): Promise<readonly T[] | undefined> {
    let rows = new Map<string, T>()
    let total = 0
    for (let reading = 1; reading <= READINGS_MAX; reading += 1) {
      rows = new Map()
      const read = await this.#readPages(list, rows, options)
      if (read === undefined) return undefined
      total = read
      if (rows.size >= total) return [...rows.values()]
    }
    throw new ListUnsettledError(this.product.name, list.what, rows.size, total)
  }

  /** A repository's own page; undefined when there is none, or none that this login may see. */
  async repository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const what = `Asking for ${repository}`
    const response = await this.#get(`/namespaces/${pathOf(repository)}`, options)
    if (isAbsent(response)) return undefined
    if (response.status !== 200) throw this.unexpected(what, response)
    const body = this.product.jsonOf(what, response)
    if (!isRecord(body) || typeof body['name'] !== 'string')
      throw this.product.mismatch(`${what} was answered with something that is no repository`)
    return body
  }

  /** Removes one name; not in the reference, and what Docker's own tools use. */
  removeTag(repository: RepositoryName, tag: string, options?: RunOptions): Promise<HttpResponse> {
    // The slash at the end is part of it. Safe: only this name goes; the manifest stays, without it.
    const url = this.product.url(`/repositories/${repository}/tags/${tag}/`)
    return this.product.send({ method: 'DELETE', url }, options)
  }

  /** The error for an answer that fits nothing expected; a 404 in other words than the API's is another product's. */
  unexpected(what: string, response: HttpResponse): Error {
    return response.status === 404 && ownWords(response) === undefined
      ? this.product.mismatch(`${what} was answered with 404, so there is no such API`)
      : this.product.unexpected(what, response)
  }

  /** Fills `rows`; answers with how many there should be, or undefined when there is no such list. */
  async #readPages<T>(
    { what, path, parse, keyOf }: HubList<T>,
    rows: Map<string, T>,
    options: RunOptions,
  ): Promise<number | undefined> {
    let total = 0
    for (let page = 1; ; page += 1) {
      if (page > PAGES_MAX)
        throw new PagingError(this.product.url(path), `it has more than ${PAGES_MAX} pages`)
      const response = await this.#get(`${path}?page=${page}&page_size=${PAGE_SIZE_MAX}`, options)
      if (page === 1 && isAbsent(response)) return undefined
      // The list has become shorter than its pages; what is missing shows by the count.
      if (page > 1 && isAbsent(response)) return total
      if (response.status !== 200) throw this.unexpected(what, response)
      const body = this.product.jsonOf(what, response)
      const { count, results, hasNext } = this.#pageIn(what, body)
      for (const row of results) {
        const parsed = parse(row)
        if (parsed === undefined) throw this.product.content(`a row of ${what} cannot be understood`)
        rows.set(keyOf(parsed), parsed)
      }
      total = count
      if (!hasNext || results.length === 0) return total
    }
  }

  #pageIn(
    what: string,
    body: unknown,
  ): { readonly count: number; readonly results: readonly unknown[]; readonly hasNext: boolean } {
    const { count, results, next } = isRecord(body) ? body : {}
    if (!Number.isSafeInteger(count) || !Array.isArray(results) || next === undefined)
      throw this.product.mismatch(`${what} was answered with something that is no page of a list`)
    return { count: count as number, results, hasNext: next !== null }
  }

  #get(path: string, options: RunOptions): Promise<HttpResponse> {
    const headers = { accept: 'application/json' }
    return this.product.send({ method: 'GET', url: this.product.url(path), headers }, options)
  }
}

/** `acme/web` as the API's paths have it: `acme/repositories/web`. */
export function pathOf(repository: RepositoryName): string {
  const slash = repository.indexOf('/')
  return `${repository.slice(0, slash)}/repositories/${repository.slice(slash + 1)}`
}

/** In the API's own words: a bare 404, or one in other words, is anyone's. */
export function isAbsent(response: HttpResponse): boolean {
  return response.status === 404 && ownWords(response) !== undefined
}

/** What it says of a refusal. */
export function saidByHub(response: HttpResponse): string {
  return ownWords(response) ?? saidByProduct(response)
}

/** `message`, `detail` or `text` of a JSON object. */
function ownWords(response: HttpResponse): string | undefined {
  try {
    const body = response.json()
    const { message, detail, text } = isRecord(body) ? body : {}
    return [message, detail, text].find((each) => typeof each === 'string' && each !== '') as
      string | undefined
  } catch {
    // The status says that it failed; the body would only have explained it.
    return undefined
  }
}
