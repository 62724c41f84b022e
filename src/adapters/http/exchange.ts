/**
 * One request and its answer over one connection, the answer's body collected up to its limit.
 *
 * Speaks to undici by its dispatch interface instead of by streams: answers of registries are small, and a stream for
 * each costs more than all the rest of a request. The promise settles once, whatever comes later on the connection.
 */
import type { Dispatcher } from 'undici'
import { ResponseTooLargeError } from './http-errors.ts'
import { redactUrl } from './redact.ts'

export interface Exchanged {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** As sent: maybe compressed. */
  readonly encoded: Uint8Array
}

export interface ExchangeLimits {
  /** For error texts. */
  readonly url: string
  /** A longer body, announced or sent, is refused. */
  readonly bodyBytesMax: number
  readonly signal: AbortSignal
}

/** @throws ResponseTooLargeError, the signal's reason when it aborts, else what undici fails with */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const collecting = new Collecting(options.method === 'HEAD', limits, resolve, reject)
    dispatcher.dispatch(options, collecting)
  })
}

const empty = new Uint8Array(0)

class Collecting implements Dispatcher.DispatchHandler {
  readonly #isHead: boolean
  readonly #limits: ExchangeLimits
  readonly #resolve: (exchanged: Exchanged) => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: ReadonlyMap<string, string> = new Map()
  readonly #chunks: Uint8Array[] = []
  #length = 0

  constructor(
    isHead: boolean,
    limits: ExchangeLimits,
    resolve: (exchanged: Exchanged) => void,
    reject: (error: unknown) => void,
  ) {
    this.#isHead = isHead
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
    limits.signal.addEventListener('abort', this.#onAbort)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // It may have waited for a connection until nobody wanted it any more.
    if (this.#limits.signal.aborted) this.#onAbort()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // 1xx come before the answer and are none.
    if (status < 200) return
    this.#status = status
    this.#headers = joinHeaders(headers)
    // The length in an answer to HEAD is that of a body which does not come.
    const announced = this.#isHead ? 0 : Number(this.#headers.get('content-length') ?? '0')
    if (announced > this.#limits.bodyBytesMax) this.#refuse()
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.byteLength
    if (this.#length > this.#limits.bodyBytesMax) this.#refuse()
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#release()
    const [only = empty] = this.#chunks
    const encoded = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#length) : only
    this.#resolve({ status: this.#status, headers: this.#headers, encoded })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#release()
    this.#reject(error)
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#limits.signal as { readonly reason: unknown }
    this.#end(reason instanceof Error ? reason : new Error(String(reason)))
  }

  /** Reading on to reuse the connection would read what is refused. */
  #refuse(): void {
    this.#end(new ResponseTooLargeError(redactUrl(this.#limits.url), this.#limits.bodyBytesMax))
  }

  #end(error: Error): void {
    this.#release()
    this.#chunks.length = 0
    this.#reject(error)
    this.#controller?.abort(error)
  }

  #release(): void {
    this.#limits.signal.removeEventListener('abort', this.#onAbort)
  }
}

function joinHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ReadonlyMap<string, string> {
  const joined = new Map<string, string>()
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined)
      joined.set(name.toLowerCase(), typeof value === 'string' ? value : value.join(', '))
  }
  return joined
}
