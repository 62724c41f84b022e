/**
 * Gathers calls for one thing each into batches: those about the same repository that come within a few milliseconds, up
 * to what a request takes. Each caller gets its own outcome; when a batch fails, each of its callers does.
 *
 * Batches of one repository go one after the other, so that what one has checked the next one cannot have undone.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

export interface GatherRules {
  /** The most that one request takes. */
  readonly batchMax: number
  /** How long a batch waits for company. */
  readonly waitMs: number
}

interface Waiting<Ask, Outcome> {
  readonly ask: Ask
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

interface Group<Ask, Outcome> {
  readonly waiting: Waiting<Ask, Outcome>[]
  readonly options: RunOptions
  readonly timer: ReturnType<typeof setTimeout>
}

/** Answers for every one that was asked, in their order. */
export type SendBatch<Ask, Outcome> = (
  key: string,
  asks: readonly Ask[],
  options: RunOptions,
) => Promise<readonly (Outcome | Error)[]>

export class Gatherer<Ask, Outcome> {
  readonly #rules: GatherRules
  readonly #send: SendBatch<Ask, Outcome>
  readonly #groups = new Map<string, Group<Ask, Outcome>>()
  readonly #last = new Map<string, Promise<void>>()

  constructor(rules: GatherRules, send: SendBatch<Ask, Outcome>) {
    this.#rules = rules
    this.#send = send
  }

  /**
   * @param key calls with the same one may go together
   * @throws InterruptedError when aborted before it is sent, and what the batch throws
   */
  async add(key: string, ask: Ask, options: RunOptions = {}): Promise<Outcome> {
    if (options.signal?.aborted === true) throw new InterruptedError()
    return new Promise((resolve, reject) => {
      const group = this.#groupFor(key, options)
      group.waiting.push({ ask, resolve, reject })
      if (group.waiting.length >= this.#rules.batchMax) this.#close(key, group)
    })
  }

  /** Calls of another run do not go along: one of them may be aborted. */
  #groupFor(key: string, options: RunOptions): Group<Ask, Outcome> {
    const open = this.#groups.get(key)
    if (open !== undefined && open.options.signal === options.signal) return open
    if (open !== undefined) this.#close(key, open)
    const made: Group<Ask, Outcome> = {
      waiting: [],
      options,
      timer: setTimeout(() => {
        this.#close(key, made)
      }, this.#rules.waitMs),
    }
    this.#groups.set(key, made)
    return made
  }

  #close(key: string, group: Group<Ask, Outcome>): void {
    clearTimeout(group.timer)
    if (this.#groups.get(key) === group) this.#groups.delete(key)
    const before = this.#last.get(key) ?? Promise.resolve()
    const turn = before.then(() => this.#settle(key, group))
    this.#last.set(key, turn)
  }

  /** Never rejects: a failure is its callers'. */
  async #settle(key: string, { waiting, options }: Group<Ask, Outcome>): Promise<void> {
    try {
      if (options.signal?.aborted === true) throw new InterruptedError()
      const asks = waiting.map(({ ask }) => ask)
      const outcomes = await this.#send(key, asks, options)
      for (const [i, { resolve, reject }] of waiting.entries()) {
        const outcome = outcomes[i]
        if (outcome === undefined || outcome instanceof Error)
          reject(outcome ?? new TypeError('a batch left one of its callers without an outcome'))
        else resolve(outcome)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
