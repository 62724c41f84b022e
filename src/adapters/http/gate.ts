/**
 * Lets through as many requests at a time as concurrency.ts allows, in the order they came.
 *
 * A place is held only while a request is on the wire, not while it pauses before a repetition.
 */
import type { Concurrency, RequestOutcome } from './concurrency.ts'
import { afterOutcome, startConcurrency } from './concurrency.ts'

interface Waiting {
  readonly enter: () => void
}

export class Gate {
  #state: Concurrency
  #inFlight = 0
  readonly #queue = new Set<Waiting>()

  constructor(limitMax: number) {
    this.#state = startConcurrency(limitMax)
  }

  get limit(): number {
    return this.#state.limit
  }

  /** Resolves when there is a place; each entry needs one `leave`. Rejects with the signal's reason when it aborts. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#inFlight < this.#state.limit) {
      this.#inFlight += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        enter: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      const onAbort = () => {
        this.#queue.delete(waiting)
        reject(asError(signal.reason))
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#queue.add(waiting)
    })
  }

  leave(outcome: RequestOutcome): void {
    this.#state = afterOutcome(this.#state, outcome)
    this.#inFlight -= 1
    for (const waiting of this.#queue) {
      if (this.#inFlight >= this.#state.limit) return
      this.#queue.delete(waiting)
      this.#inFlight += 1
      waiting.enter()
    }
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
