/**
 * A product's own API beside the distribution API: JSON over HTTP, asked in the name of one registry.
 *
 * Promises: what is not the answer of this product throws, so nothing is ever concluded from a sign-in page or from
 * another product that answers at the same address.
 */
import { OperationalError } from '../../core/errors/errors.ts'
import type { RegistryName } from '../../core/image/names.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../http/http-types.ts'
import { contentType, isRecord, parsedBody, quotable, saidIn } from './oci/answers.ts'
import { OciConnection } from './oci/connection.ts'
import { RegistryAnswerError, RegistryContentError } from './oci/errors.ts'

/** Who answers is not the product that the configuration says. */
export class ProductMismatchError extends OperationalError {
  readonly code = 'PRODUCT_MISMATCH'
  readonly hint: string

  constructor(registry: string, product: string, why: string) {
    super(`${registry} does not look like ${product}: ${why}.`)
    this.hint = `Set kind: of ${registry} to what it is (or kind: auto), or api: {url: …} to where the API of ${product} answers.`
  }
}

export interface ProductApiSettings {
  readonly name: RegistryName
  /** How people call the product. */
  readonly product: string
  /** Absolute, without a slash at its end; the paths of requests follow it. */
  readonly base: string
  readonly http: HttpClient
}

/** A list of many thousand rows is longer than what is read by default. */
const LIST_BYTES_MAX = 256 * 1024 * 1024

export class ProductApi {
  readonly name: RegistryName
  readonly product: string
  readonly #base: string
  readonly #connection: OciConnection

  constructor({ name, product, base, http }: ProductApiSettings) {
    this.name = name
    this.product = product
    this.#base = base
    this.#connection = new OciConnection({ name, baseUrl: base, http })
  }

  /** Absolute URL of a path, which begins with a slash. */
  url(path: string): string {
    return `${this.#base}${path}`
  }

  /** Sends a request; any status is an answer. @throws InterruptedError, RegistryGoneError, and what the HTTP client throws */
  send(request: HttpRequest, options?: RunOptions): Promise<HttpResponse> {
    return this.#connection.send({ bodyBytesMax: LIST_BYTES_MAX, ...request }, options)
  }

  /**
   * The JSON of an answer that must be 200.
   *
   * @throws ProductMismatchError, RegistryAnswerError
   */
  async read(what: string, request: HttpRequest, options?: RunOptions): Promise<unknown> {
    const response = await this.send(request, options)
    if (response.status !== 200) throw this.unexpected(what, response)
    return this.jsonOf(what, response)
  }

  /** The JSON of an answer. @throws ProductMismatchError */
  jsonOf(what: string, response: HttpResponse): unknown {
    try {
      return response.json()
    } catch {
      throw this.mismatch(
        `${what} was answered with ${contentType(response) || 'something'} and not with JSON`,
      )
    }
  }

  /** The error for an answer that fits nothing expected; a foreign 404 is that of another product. */
  unexpected(what: string, response: HttpResponse): OperationalError {
    const said = saidByProduct(response)
    if (response.status === 404 && said === '')
      return this.mismatch(`${what} was answered with 404, so there is no such API`)
    return new RegistryAnswerError(this.name, what, response.status, said)
  }

  mismatch(why: string): ProductMismatchError {
    return new ProductMismatchError(this.name, this.product, why)
  }

  /** The error for a row or field that cannot be understood; nothing may be concluded from the rest either. */
  content(what: string): RegistryContentError {
    return new RegistryContentError(this.name, what)
  }
}

/** What a product says of a refusal, in one of the shapes that are in use: `errors[].message`, `message`, or plain text. */
export function saidByProduct(response: HttpResponse): string {
  const body = parsedBody(response)
  const errors: unknown = isRecord(body) ? body['errors'] : undefined
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  const message = isRecord(first) ? first['message'] : isRecord(body) ? body['message'] : undefined
  return typeof message === 'string' && message !== '' ? quotable(message) : saidIn(response)
}
