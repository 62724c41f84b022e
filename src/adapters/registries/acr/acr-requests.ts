/**
 * Requests to `/acr/v1`, the registry's own API beside `/v2/`, and its lists page by page.
 *
 * A list is whole or an error. What answers otherwise than this API does is no registry of Azure's, and said to be none.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpMethod, HttpResponse } from '../../http/http-types.ts'
import { paginate, type Page } from '../../http/link-header.ts'
import { answeredErrors, hasCode, isRecord } from '../oci/answers.ts'
import type { OciConnection } from '../oci/connection.ts'
import { RegistryContentError } from '../oci/errors.ts'
import { ProductMismatchError } from '../product-api.ts'

export const product = 'Azure Container Registry'
/** The API cuts larger wishes to this. */
export const PAGE_SIZE_MAX = 1000
const PAGES_MAX = 20_000
/** A thousand manifests with their tags and references. */
const PAGE_BYTES_MAX = 64 * 1024 * 1024

export interface AcrList<T> {
  /** Below `/acr/v1/`. */
  readonly path: string
  readonly field: string
  readonly scopes: readonly string[]
  /** Undefined for a row that cannot be understood. */
  readonly parse: (row: unknown) => T | undefined
}

export type AcrListAnswer<T> =
  | { readonly kind: 'rows'; readonly rows: readonly T[] }
  /** The first page was answered with something else than a list. */
  | { readonly kind: 'refused'; readonly response: HttpResponse }

export class AcrRequests {
  readonly connection: OciConnection
  readonly #base: string

  /** @param baseUrl the registry's address */
  constructor(connection: OciConnection, baseUrl: string) {
    this.connection = connection
    this.#base = `${baseUrl.replace(/\/+$/, '')}/acr/v1/`
  }

  /** @param path below `/acr/v1/` */
  ask(
    method: HttpMethod,
    path: string,
    scopes: readonly string[],
    options: RunOptions,
  ): Promise<HttpResponse> {
    return this.#send(method, this.#base + path, scopes, options)
  }

  /** @throws RegistryContentError, ProductMismatchError, RegistryAnswerError for a later page that fails */
  async list<T>(list: AcrList<T>, options: RunOptions): Promise<AcrListAnswer<T>> {
    const rows: T[] = []
    let refusal: HttpResponse | undefined
    let isFirst = true
    const read = async (url: string): Promise<Page<readonly T[]>> => {
      const response = await this.#send('GET', url, list.scopes, options)
      if (response.status !== 200) {
        if (!isFirst) throw this.unexpected(list.path, response)
        refusal = response
        return { headers: new Map(), content: [] }
      }
      isFirst = false
      return this.#page(list, response)
    }
    const first = `${this.#base}${list.path}${list.path.includes('?') ? '&' : '?'}n=${PAGE_SIZE_MAX}`
    for await (const page of paginate(first, read, { pagesMax: PAGES_MAX })) rows.push(...page)
    return refusal === undefined ? { kind: 'rows', rows } : { kind: 'refused', response: refusal }
  }

  /** The error for an answer that this API does not give; one without its form comes from another product. */
  unexpected(path: string, response: HttpResponse): Error {
    const isForeign = [404, 405].includes(response.status) && answeredErrors(response).length === 0
    const { name } = this.connection
    return isForeign
      ? new ProductMismatchError(name, product, `/acr/v1/${path} was answered with ${response.status}`)
      : this.connection.unexpected(`Asking for /acr/v1/${path}`, response)
  }

  notUnderstood(path: string): RegistryContentError {
    const what = `what came for /acr/v1/${path} is not what ${product} sends`
    return new RegistryContentError(this.connection.name, what)
  }

  #page<T>({ path, field, parse }: AcrList<T>, response: HttpResponse): Page<readonly T[]> {
    const body = response.json()
    // An empty list is written as null.
    const given = isRecord(body) && field in body ? (body[field] ?? []) : undefined
    if (!Array.isArray(given)) throw this.notUnderstood(path)
    const content = given.map((row) => {
      const parsed = parse(row)
      if (parsed === undefined) throw this.notUnderstood(path)
      return parsed
    })
    const { headers } = response
    if (content.length === 0) return { headers, content }
    return { headers, content, fingerprint: JSON.stringify([content[0], content.at(-1)]) }
  }

  #send(
    method: HttpMethod,
    url: string,
    scopes: readonly string[],
    options: RunOptions,
  ): Promise<HttpResponse> {
    const headers = { accept: 'application/json' }
    return this.connection.send({ method, url, scopes, headers, bodyBytesMax: PAGE_BYTES_MAX }, options)
  }
}

/** Said in the registry's own words: a bare 404 is anyone's. */
export function isGone(response: HttpResponse): boolean {
  return response.status === 404 && hasCode(response, 'NAME_UNKNOWN', 'MANIFEST_UNKNOWN', 'TAG_UNKNOWN')
}
