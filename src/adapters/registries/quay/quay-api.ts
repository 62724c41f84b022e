/**
 * Quay's API v1: paths, pages, and how it says that something is not there.
 *
 * A list is read while the answer says that there is more. Pages have numbers and not the name of the next one, so a page
 * that is not the one asked for, or comes twice, ends the reading with an error.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpRequest, HttpResponse } from '../../http/http-types.ts'
import { guardPages } from '../../http/link-header.ts'
import { isRecord, parsedBody, quotable } from '../oci/answers.ts'
import { RegistryAnswerError } from '../oci/errors.ts'
import { ProductApi, saidByProduct, type ProductApiSettings } from '../product-api.ts'
import type { Pacer } from './pacer.ts'

export const pageSizeMax = 100

export type Row = Readonly<Record<string, unknown>>

export class QuayApi {
  readonly #api: ProductApi
  readonly #pacer: Pacer

  constructor(settings: Omit<ProductApiSettings, 'product'>, pacer: Pacer) {
    this.#api = new ProductApi({ ...settings, product: 'Quay' })
    this.#pacer = pacer
  }

  get name(): ProductApi['name'] {
    return this.#api.name
  }

  /** @param body sent as JSON */
  async send(
    method: HttpRequest['method'],
    path: string,
    options?: RunOptions,
    body?: object,
  ): Promise<HttpResponse> {
    await this.#pacer.turn(options?.signal)
    const headers = { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) }
    const sent = body && { body: JSON.stringify(body), idempotent: true }
    return this.#api.send({ method, url: this.#api.url(path), headers, ...sent }, options)
  }

  /** The object of an answer; undefined when Quay says that it is not there. */
  async read(path: string, options?: RunOptions): Promise<Row | undefined> {
    const response = await this.send('GET', path, options)
    if (saysNotFound(response)) return undefined
    if (response.status !== 200) throw this.unexpected(`GET ${path}`, response)
    const body = this.#api.jsonOf(`GET ${path}`, response)
    if (!isRecord(body)) throw this.#api.mismatch(`GET ${path} was answered with something else`)
    return body
  }

  /** Every tag row of a repository, of the history too where asked; undefined when the repository is not there. */
  async listTags(
    repository: RepositoryName,
    query: string,
    options?: RunOptions,
  ): Promise<readonly Row[] | undefined> {
    const guard = guardPages()
    const rows: Row[] = []
    for (let page = 1; ; page += 1) {
      const path = `${repositoryPath(repository)}/tag/?${query}limit=${pageSizeMax}&page=${page}`
      guard.enter(this.#api.url(path))
      const body = await this.read(path, options)
      if (body === undefined) return undefined
      const { tags, has_additional: hasMore } = body
      if (!Array.isArray(tags) || !tags.every(isRecord) || typeof hasMore !== 'boolean')
        throw this.#api.mismatch(`the tags of ${repository} did not come as a page of tags`)
      if (body['page'] !== undefined && body['page'] !== page)
        throw this.#api.content(`the list of tags of ${repository} answers with another page than ${page}`)
      if (tags.length > 0) guard.sawContent(this.#api.url(path), JSON.stringify(tags))
      rows.push(...tags)
      if (!hasMore) return rows
    }
  }

  /** Every repository of a namespace; undefined when there is no such namespace. */
  async listRepositories(namespace: string, options?: RunOptions): Promise<readonly Row[] | undefined> {
    const guard = guardPages()
    const first = `/repository?namespace=${encodeURIComponent(namespace)}&last_modified=true&repo_kind=image`
    const rows: Row[] = []
    for (let path = first; ;) {
      guard.enter(this.#api.url(path))
      const body = await this.read(path, options)
      if (body === undefined) return undefined
      const { repositories, next_page: next } = body
      if (!Array.isArray(repositories) || !repositories.every(isRecord))
        throw this.#api.mismatch(`the repositories of ${namespace} did not come as a page of repositories`)
      rows.push(...repositories)
      if (next === undefined || next === null || next === '') return rows
      if (typeof next !== 'string')
        throw this.#api.content(`the list of repositories of ${namespace} has no next page that can be read`)
      path = `${first}&next_page=${encodeURIComponent(next)}`
    }
  }

  /** The error for an answer that fits nothing expected. */
  unexpected(what: string, response: HttpResponse): Error {
    const said = saidByQuay(response)
    if (response.status === 401 || response.status === 403 || errorType(response) !== undefined)
      return new RegistryAnswerError(this.name, what, response.status, said)
    // Quay's own 404 says so in JSON, whatever is asked.
    if (response.status === 404) return this.#api.mismatch(`${what} was answered with 404, not in its manner`)
    return this.#api.unexpected(what, response)
  }

  content(what: string): Error {
    return this.#api.content(what)
  }
}

/** `/repository/acme/web`; each part is encoded, the slashes are the path's. */
export function repositoryPath(repository: RepositoryName): string {
  return `/repository/${repository.split('/').map(encodeURIComponent).join('/')}`
}

/** Quay's own 404, not that of a proxy before it. */
export function saysNotFound(response: HttpResponse): boolean {
  return response.status === 404 && errorType(response) === 'not_found'
}

/** `not_found`, `insufficient_scope` and the like; undefined where the answer is not one of Quay's errors. */
export function errorType(response: HttpResponse): string | undefined {
  const body = bodyOf(response)
  const type = body?.['error_type'] ?? body?.['title']
  return typeof type === 'string' ? type : undefined
}

/** What Quay says of a refusal, in one of its shapes. */
export function saidByQuay(response: HttpResponse): string {
  const body = bodyOf(response)
  const said = [body?.['detail'], body?.['error_message'], body?.['message']].find(
    (text) => typeof text === 'string' && text !== '',
  )
  const type = errorType(response)
  if (typeof said !== 'string') return type ?? saidByProduct(response)
  return quotable(type === undefined ? said : `${type}: ${said}`)
}

function bodyOf(response: HttpResponse): Row | undefined {
  const body = parsedBody(response)
  return isRecord(body) ? body : undefined
}
