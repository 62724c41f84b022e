/** One signal for a call: it aborts when the user does, when the client closes, or when the call's time is up. */
import { setMaxListeners } from 'node:events'
import { InterruptedError } from '../../core/errors/errors.ts'
import { HttpTimeoutError } from './http-errors.ts'
import { describeDuration } from './retry-policy.ts'

export interface Deadline {
  /** Its reason is what the call throws: InterruptedError or HttpTimeoutError. */
  readonly signal: AbortSignal
  /** Starts the time; later calls change nothing. Waiting for a place in the queue is not the server's doing. */
  start(): void
  close(): void
}

export function openDeadline(
  subject: () => string,
  totalMs: number,
  outer: readonly (AbortSignal | undefined)[],
): Deadline {
  const controller = new AbortController()
  const interrupt = () => {
    controller.abort(new InterruptedError())
  }
  for (const signal of outer) {
    if (signal === undefined) continue
    if (signal.aborted) interrupt()
    // One signal stops hundreds of requests, each of which takes its listener away again: no leak to warn of.
    setMaxListeners(0, signal)
    signal.addEventListener('abort', interrupt, { once: true })
  }
  let timer: NodeJS.Timeout | undefined
  return {
    signal: controller.signal,
    start: () => {
      timer ??= setTimeout(() => {
        controller.abort(
          new HttpTimeoutError(subject(), `no whole answer within ${describeDuration(totalMs)}`),
        )
      }, totalMs)
    },
    close: () => {
      clearTimeout(timer)
      for (const signal of outer) signal?.removeEventListener('abort', interrupt)
    },
  }
}

/** What `work` gives, or the signal's reason as soon as it aborts; the work itself goes on for others. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason instanceof Error ? signal.reason : new InterruptedError())
    }
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort)
    })
  })
}
