/**
 * One registry's conversation: addresses, scopes, and the decision when to stop asking a registry that is not there.
 *
 * The HTTP client repeats what may be repeated. What still fails counts here; after several failures in a row every
 * further request fails at once, so that a thousand repositories of a dead registry do not take a thousand waits. A
 * connection is made for one run; the next run asks afresh.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import { manifestTypes } from '../../../core/image/media-types.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import {
  HttpTimeoutError,
  RateLimitedError,
  ServerFailedError,
  UnreachableError,
} from '../../http/http-errors.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/http-types.ts'
import { saidIn } from './answers.ts'
import { RegistryAnswerError, RegistryContentError, RegistryGoneError } from './errors.ts'

/** A connection that fails says more about the registry than a request it could not answer. */
const UNREACHABLE_WEIGHT = 4
const FAILED_WEIGHT = 1
const WEIGHT_MAX = 32

/** All manifest types, so that no registry converts a manifest or hides one it thinks we cannot read. */
export const acceptManifests = [...manifestTypes, '*/*;q=0.1'].join(', ')

export interface ConnectionSettings {
  /** Its key in winnow.yaml, for messages. */
  readonly name: RegistryName
  /** Scheme, host and port, with a path where the registry lives below one; `/v2/` follows it. */
  readonly baseUrl: string
  readonly http: HttpClient
}

export class OciConnection {
  readonly name: RegistryName
  readonly #base: string
  readonly #http: HttpClient
  /** Failures since the last answer, weighed. */
  #failures = 0

  constructor({ name, baseUrl, http }: ConnectionSettings) {
    this.name = name
    this.#base = baseUrl.replace(/\/+$/, '')
    this.#http = http
  }

  /** Absolute URL of a path below `/v2/`. */
  url(path: string): string {
    return `${this.#base}/v2/${path}`
  }

  /**
   * Sends a request; any status is an answer.
   *
   * @throws InterruptedError when aborted, RegistryGoneError, and what the HTTP client throws
   */
  async send(request: HttpRequest, options: RunOptions = {}): Promise<HttpResponse> {
    // `stop` is the caller's to heed between steps: what began, a deletion above all, is finished.
    if (options.signal?.aborted === true) throw new InterruptedError()
    if (this.#failures >= WEIGHT_MAX) throw new RegistryGoneError(this.name)
    try {
      const response = await this.#http.request(request, options)
      this.#failures = 0
      return response
    } catch (cause) {
      if (cause instanceof InterruptedError) throw cause
      this.#failures += weightOf(cause)
      throw this.#failures >= WEIGHT_MAX ? new RegistryGoneError(this.name, { cause }) : cause
    }
  }

  get(path: string, scopes: readonly string[], accept: string, options?: RunOptions): Promise<HttpResponse> {
    return this.send({ method: 'GET', url: this.url(path), scopes, headers: { accept } }, options)
  }

  head(path: string, scopes: readonly string[], accept: string, options?: RunOptions): Promise<HttpResponse> {
    // A thousand tags must not cost a thousand connections. A blob may hold any bytes, a manifest is JSON.
    const keepsConnection = path.includes('/manifests/')
    return this.send(
      { method: 'HEAD', url: this.url(path), scopes, headers: { accept }, keepsConnection },
      options,
    )
  }

  /** The error for a name in a tag list that is no tag: a list that holds such things cannot be trusted to be whole. */
  notATag(repository: RepositoryName, name: string): RegistryContentError {
    return new RegistryContentError(
      this.name,
      `the list of tags of ${repository} holds ${name}, which is no tag`,
    )
  }

  /** The error for an answer that fits nothing expected. */
  unexpected(what: string, response: HttpResponse): RegistryAnswerError {
    return new RegistryAnswerError(this.name, what, response.status, saidIn(response))
  }
}

function weightOf(error: unknown): number {
  if (error instanceof UnreachableError || error instanceof HttpTimeoutError) return UNREACHABLE_WEIGHT
  return error instanceof ServerFailedError || error instanceof RateLimitedError ? FAILED_WEIGHT : 0
}

export const catalogScopes: readonly string[] = ['registry:catalog:*']

export function pullScopes(repository: RepositoryName): readonly string[] {
  return [`repository:${repository}:pull`]
}

export function pushScopes(repository: RepositoryName): readonly string[] {
  return [`repository:${repository}:pull,push`]
}

export function deleteScopes(repository: RepositoryName): readonly string[] {
  return [`repository:${repository}:pull,delete`]
}
