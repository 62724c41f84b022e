/**
 * Lets the vendor's library send by Winnow's own HTTP client, so that its limits, proxies, certificates, repetitions and
 * announcements hold for AWS too. The library signs; the signature goes to the origin it was made for and no other.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClient, HttpMethod, HttpResponse } from '../../http/http-types.ts'

/** What the library asks to be sent; the few fields of it that are needed. */
export interface SignedRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number | undefined
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>> | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What goes along with one call, through the library and past it. */
export interface Sending {
  readonly run?: RunOptions | undefined
  readonly abortSignal?: unknown
  /** Whether sending it twice does no harm. @default true */
  readonly isRepeatable?: boolean
  /** Told of the answer before the library makes anything of it. */
  readonly onAnswer?: (response: HttpResponse) => void
}

export interface LibraryResponse {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body: Uint8Array
}

/** A page of a thousand rows, or a hundred manifests, is longer than other answers. */
const BODY_BYTES_MAX = 64 * 1024 * 1024

export class OwnHttpHandler {
  readonly metadata: { readonly handlerProtocol: string } = { handlerProtocol: 'http/1.1' }
  readonly #open: (origin: string) => HttpClient
  readonly #clients = new Map<string, HttpClient>()

  /** @param open makes the client of an origin; whoever makes it closes it */
  constructor(open: (origin: string) => HttpClient) {
    this.#open = open
  }

  /** @throws what the HTTP client throws */
  async handle(
    request: SignedRequest,
    sending: Sending = {},
  ): Promise<{ readonly response: LibraryResponse }> {
    const url = urlOf(request)
    const sent = {
      method: request.method as HttpMethod,
      url: url.href,
      headers: headersOf(request),
      ...(hasBytes(request.body) && { body: request.body }),
      bodyBytesMax: BODY_BYTES_MAX,
      idempotent: sending.isRepeatable ?? true,
    }
    const signal = sending.abortSignal instanceof AbortSignal ? { signal: sending.abortSignal } : {}
    const response = await this.#client(url.origin).request(sent, sending.run ?? signal)
    sending.onAnswer?.(response)
    const { status: statusCode, headers, body } = response
    return { response: { statusCode, headers: Object.fromEntries(headers), body } }
  }

  #client(origin: string): HttpClient {
    const known = this.#clients.get(origin)
    if (known !== undefined) return known
    const made = this.#open(origin)
    this.#clients.set(origin, made)
    return made
  }

  /** The library may be configured over its handler; there is nothing to configure here. */
  updateHttpClientConfig(): void {
    // Winnow's own configuration holds.
  }

  httpHandlerConfigs(): Record<string, never> {
    return {}
  }
}

function urlOf({ protocol, hostname, port, path, query = {} }: SignedRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  for (const [name, value] of Object.entries(query)) {
    const values: readonly string[] = typeof value === 'string' ? [value] : (value ?? [''])
    for (const each of values) url.searchParams.append(name, each)
  }
  return url
}

/** Its user agent is not signed, and ours is the true one. */
function headersOf({ headers }: SignedRequest): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'user-agent'))
}

function hasBytes(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array
}
