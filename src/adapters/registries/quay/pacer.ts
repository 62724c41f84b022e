/** Lets requests begin no faster than so many milliseconds apart: Quay's public service answers faster ones with 429. */
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError } from '../../../core/errors/errors.ts'

export class Pacer {
  readonly #apartMs: number
  #nextAt = 0

  /** @param apartMs 0 lets everything begin at once */
  constructor(apartMs: number) {
    this.#apartMs = apartMs
  }

  /** Resolves when the next request may begin. @throws InterruptedError when `signal` aborts */
  async turn(signal: AbortSignal | undefined): Promise<void> {
    const now = performance.now()
    const at = Math.max(now, this.#nextAt)
    this.#nextAt = at + this.#apartMs
    if (at <= now) return
    try {
      await sleep(at - now, undefined, { ...(signal && { signal }) })
    } catch {
      // Only an abort ends a pause early.
      throw new InterruptedError()
    }
  }
}
