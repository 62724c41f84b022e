/**
 * Who goes on next, and what time it is: actors are async functions that wait for a turn before each thing they do to the
 * world, and one of those that wait is drawn at a time. The same draws give the same history.
 *
 * Time passes between turns, never beyond what a request of the registry may take: a request that is under way must end
 * before its deadline, so when it comes close, nobody else goes on.
 */
import type { Random } from '../../oracle/random.ts'

export interface Actor {
  readonly name: string
  /** The time by which what it is doing must have ended. */
  deadline: number | undefined
  /** Gets no turn before this; what a machine that stalls looks like. */
  frozenUntil: number
}

interface Waiting {
  readonly actor: Actor
  readonly from: number
  resolve(): void
  reject(error: unknown): void
}

/** An actor that did something nobody expects. */
export class ActorFailedError extends Error {
  constructor(name: string, cause: unknown) {
    super(`${name}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)
  }
}

const TURNS_MAX = 60_000

export class Scheduler {
  readonly clock: { now: number }
  turns = 0
  /** Who goes on now. */
  current: Actor | undefined
  readonly #random: Random
  readonly #waiting: Waiting[] = []
  /** How often the same actor simply goes on. */
  readonly #stickiness: number
  readonly #failures: ActorFailedError[] = []
  #alive = 0

  constructor(random: Random, clock: { now: number }) {
    this.#random = random
    this.clock = clock
    this.#stickiness = random.pick([0, 0.5, 0.8, 0.95])
  }

  spawn(name: string, live: (actor: Actor) => Promise<void>): Actor {
    const actor: Actor = { name, deadline: undefined, frozenUntil: Number.NEGATIVE_INFINITY }
    this.#alive += 1
    live(actor)
      .catch((error: unknown) => this.#failures.push(new ActorFailedError(name, error)))
      .finally(() => {
        this.#alive -= 1
      })
    return actor
  }

  turn(actor: Actor): Promise<void> {
    return this.sleep(actor, 0)
  }

  sleep(actor: Actor, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ actor, from: this.clock.now + ms, resolve, reject })
    })
  }

  /** Whatever waits of an actor fails; it is dead. */
  kill(actor: Actor, error: unknown): void {
    for (let i = this.#waiting.length - 1; i >= 0; i -= 1) {
      if (this.#waiting[i]?.actor === actor) this.#waiting.splice(i, 1)[0]?.reject(error)
    }
  }

  /** Until every actor has ended. @throws ActorFailedError */
  async run(): Promise<void> {
    while (this.#alive > 0) {
      // All that follows from the last turn has happened when this comes: nobody waits for a real clock.
      await new Promise((resolve) => setImmediate(resolve))
      const [failure] = this.#failures
      if (failure !== undefined) throw failure
      if (this.#waiting.length > 0) this.#next()
      if (this.turns > TURNS_MAX) throw new Error(`nobody came to an end in ${TURNS_MAX} turns`)
    }
    const [failure] = this.#failures
    if (failure !== undefined) throw failure
  }

  #next(): void {
    this.turns += 1
    const ready = this.#waiting.filter((each) => this.#readyAt(each) <= this.clock.now)
    if (ready.length === 0) {
      this.clock.now = Math.min(...this.#waiting.map((each) => this.#readyAt(each)))
      return
    }
    const urgent = this.#passTime()
    const chosen = urgent ?? this.#draw(ready)
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
    this.current = chosen.actor
    chosen.resolve()
  }

  /** Lets time pass; gives back whoever must go on because its time is up. */
  #passTime(): Waiting | undefined {
    const roll = this.#random.next()
    const step = this.#random.between(0, roll < 0.9 ? 40 : roll < 0.985 ? 2500 : 18_000)
    const bound = this.#waiting.filter(({ actor }) => actor.deadline !== undefined)
    const first = bound.toSorted((a, b) => (a.actor.deadline ?? 0) - (b.actor.deadline ?? 0))[0]
    const limit = first?.actor.deadline ?? Number.POSITIVE_INFINITY
    const next = Math.min(this.clock.now + step, limit)
    this.clock.now = Math.max(this.clock.now, next)
    return this.clock.now >= limit && first !== undefined && this.#readyAt(first) <= limit ? first : undefined
  }

  #draw(ready: readonly Waiting[]): Waiting {
    const stays = this.#random.chance(this.#stickiness)
    const same = ready.find(({ actor }) => actor === this.current)
    if (stays && same !== undefined) return same
    const actor = this.#random.pick([...new Set(ready.map((each) => each.actor))])
    return this.#random.pick(ready.filter((each) => each.actor === actor))
  }

  #readyAt({ from, actor }: Waiting): number {
    return Math.max(from, actor.frozenUntil)
  }
}
