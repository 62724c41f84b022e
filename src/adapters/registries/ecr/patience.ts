/**
 * Waits where AWS asks for patience. ECR says it with HTTP status 400 and no header (ThrottlingException), so the HTTP
 * client takes it for an answer; here it is repeated with growing pauses, each of them announced. All requests of an
 * account and region count together, so a pause holds up every request of this registry.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import { machineClock } from '../../http/clock.ts'
import { RateLimitedError } from '../../http/http-errors.ts'
import type { HttpClock, HttpResponse } from '../../http/http-types.ts'
import { sleep } from '../../http/repeat.ts'
import { backoffMs } from '../../http/retry-policy.ts'
import { InterruptedError } from '../../../core/errors/errors.ts'

/** AWS refused because there were too many requests; nothing was done. */
export class ThrottledAnswer extends Error {
  readonly url: string
  readonly response: HttpResponse

  constructor(url: string, response: HttpResponse) {
    super('throttled')
    this.url = url
    this.response = response
  }
}

/** With pauses that double up to 15 s, all of them take half a minute to a minute. */
const ATTEMPTS_MAX = 8
const FIRST_PAUSE_MS = 500

export class Patience {
  readonly #clock: HttpClock
  #pausedUntilMs = 0

  /** @param clock @default the machine's */
  constructor(clock: HttpClock = machineClock) {
    this.#clock = clock
  }

  /**
   * Does `work` again after a pause for as long as it ends in a ThrottledAnswer.
   *
   * @throws RateLimitedError when patience ends, InterruptedError when aborted, and what `work` throws
   */
  async wait<T>(work: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#sleepUntil(this.#pausedUntilMs, options)
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof ThrottledAnswer)) throw error
        const { url, response } = error
        if (attempt >= ATTEMPTS_MAX)
          throw new RateLimitedError(url, { ...response, attempts: attempt }, undefined)
        const waitMs = backoffMs(attempt, FIRST_PAUSE_MS, Math.random())
        options.onEvent?.({ kind: 'wait', subject: url, waitMs, reason: 'rate limit (ThrottlingException)' })
        this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.now() + waitMs)
      }
    }
  }

  async #sleepUntil(untilMs: number, { signal }: RunOptions): Promise<void> {
    const waitMs = untilMs - this.#clock.now()
    if (waitMs <= 0) return
    try {
      await sleep(this.#clock, waitMs, signal ?? new AbortController().signal)
    } catch (error) {
      if (signal?.aborted === true) throw new InterruptedError()
      throw error
    }
  }
}
