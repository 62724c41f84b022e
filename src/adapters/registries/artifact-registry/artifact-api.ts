/**
 * The REST API of Artifact Registry, for reading: which repositories a project has, how they are set, and every image in
 * one of them, a thousand a page over all names.
 *
 * It says 403 for what one may not see, for a project that does not exist, and where the API is not switched on.
 */
import type { RegistryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../../http/http-types.ts'
import { guardPages } from '../../http/link-header.ts'
import { isRecord, parsedBody, quotable } from '../oci/answers.ts'
import { OciConnection } from '../oci/connection.ts'
import { RegistryAnswerError, RegistryContentError } from '../oci/errors.ts'
import { ProductMismatchError } from '../product-api.ts'
import { PRODUCT } from './read-node.ts'

const PAGE_SIZE = 1000
const PAGE_BYTES_MAX = 64 * 1024 * 1024

export type Row = Readonly<Record<string, unknown>>

export interface ArtifactApiSettings {
  readonly name: RegistryName
  /** Absolute, without `/v1`. */
  readonly base: string
  readonly http: HttpClient
}

export class ArtifactApi {
  readonly name: RegistryName
  readonly #base: string
  readonly #connection: OciConnection

  constructor({ name, base, http }: ArtifactApiSettings) {
    this.name = name
    this.#base = base.replace(/\/+$/, '').replace(/\/v1$/, '')
    this.#connection = new OciConnection({ name, baseUrl: base, http })
  }

  /**
   * One resource; undefined when it is not there.
   *
   * @param path `projects/P/locations/L/repositories/R`
   * @throws RegistryAnswerError, ProductMismatchError, and what the HTTP client throws
   */
  async resource(path: string, options: RunOptions): Promise<Row | undefined> {
    const response = await this.#get(`${this.#base}/v1/${path}`, options)
    const body = bodyOf(response)
    if (response.status === 404 && statusOf(body) === 'NOT_FOUND') return undefined
    return this.#answer(path, response)
  }

  /**
   * Every row of a list, over all its pages.
   *
   * @param path `projects/P/locations/L/repositories/R/dockerImages`
   * @param field the field of the answer that holds the rows
   * @throws as `resource`; PagingError
   */
  async list(path: string, field: string, options: RunOptions): Promise<readonly Row[]> {
    const rows: Row[] = []
    const guard = guardPages()
    const url = new URL(`${this.#base}/v1/${path}`)
    url.searchParams.set('pageSize', String(PAGE_SIZE))
    for (;;) {
      guard.enter(url.href)
      const page = this.#answer(path, await this.#get(url.href, options))
      // Google leaves out an empty list.
      const found = page[field] ?? []
      const next = page['nextPageToken'] ?? ''
      if (!Array.isArray(found) || !found.every(isRecord) || typeof next !== 'string') {
        throw this.content(`what came for ${path} is not a list of ${field}`)
      }
      const isForeign = page[field] === undefined && Object.keys(page).some((key) => key !== 'nextPageToken')
      if (isForeign) throw this.#wrongKind(`${path} was answered with something that has no ${field}`)
      rows.push(...found)
      if (next === '') return rows
      guard.sawContent(url.href, next)
      url.searchParams.set('pageToken', next)
    }
  }

  /** The error for a row that cannot be understood. */
  content(what: string): RegistryContentError {
    return new RegistryContentError(this.name, what)
  }

  #get(url: string, options: RunOptions): Promise<HttpResponse> {
    const headers = { accept: 'application/json' }
    return this.#connection.send({ method: 'GET', url, headers, bodyBytesMax: PAGE_BYTES_MAX }, options)
  }

  #answer(path: string, response: HttpResponse): Row {
    const body = bodyOf(response)
    if (response.status === 200 && body !== undefined) return body
    const said = messageOf(body)
    if (response.status === 200 || (response.status === 404 && said === ''))
      throw this.#wrongKind(`${path} was answered with ${response.status} and nothing that it would send`)
    throw new RegistryAnswerError(this.name, `Asking Google for ${path}`, response.status, said)
  }

  #wrongKind(why: string): ProductMismatchError {
    return new ProductMismatchError(this.name, `the API of ${PRODUCT}`, why)
  }
}

function bodyOf(response: HttpResponse): Row | undefined {
  const body = parsedBody(response)
  return isRecord(body) ? body : undefined
}

function statusOf(body: Row | undefined): unknown {
  return isRecord(body?.['error']) ? body['error']['status'] : undefined
}

function messageOf(body: Row | undefined): string {
  const error = body?.['error']
  const message = isRecord(error) ? error['message'] : undefined
  return typeof message === 'string' ? quotable(message) : ''
}
