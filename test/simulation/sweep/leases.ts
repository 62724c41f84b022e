/** Leases by the simulation's clock: who lives renews, who died or stands still loses it when its time is up. */
import type { Lease, LeaseHeld, LeaseStore } from '../../../src/ports/lease.ts'
import type { Collector } from './collector.ts'
import type { Scheduler } from './scheduler.ts'

interface Holding {
  readonly collector: Collector
  readonly lost: AbortController
  /** When it was last renewed by somebody who no longer can. */
  renewedAt: number | undefined
}

const POLL_MS = 1000

export class SimulatedLeases {
  token = 0
  readonly #scheduler: Scheduler
  #holding: Holding | undefined

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  of(collector: Collector, taken: (token: number) => void): LeaseStore {
    return {
      acquire: async (_resource, _holder, { ttlMs, waitMs }) => {
        const until = this.#scheduler.clock.now + waitMs
        for (;;) {
          await collector.act(async () => undefined, POLL_MS)
          const holding = this.#holding
          if (holding === undefined || this.#isOver(holding, ttlMs)) {
            const lease = this.#take(collector)
            taken(lease.token)
            return lease
          }
          if (this.#isAlive(holding) || this.#scheduler.clock.now >= until) return heldBy(holding)
        }
      },
    }
  }

  died(collector: Collector): void {
    if (this.#holding?.collector === collector) this.#holding.renewedAt ??= this.#scheduler.clock.now
  }

  /** Stands still for a while; whoever renewed it last finds it lost when that was too long. */
  stall(collector: Collector, ms: number, ttlMs: number): void {
    const { now } = this.#scheduler.clock
    const holding = this.#holding
    collector.actor.frozenUntil = now + ms
    if (holding?.collector !== collector) return
    if (ms < ttlMs - 1000) return
    holding.renewedAt = now
    holding.lost.abort(new Error('the lease is lost'))
  }

  /** As if nobody held it. */
  giveUp(): void {
    this.#holding = undefined
  }

  #take(collector: Collector): Lease {
    this.token += 1
    const { token } = this
    const holding: Holding = { collector, lost: new AbortController(), renewedAt: undefined }
    this.#holding = holding
    return {
      kind: 'lease',
      token,
      lost: holding.lost.signal,
      isHeld: () => !holding.lost.signal.aborted,
      release: async () => {
        if (this.#holding === holding && !collector.isDead) this.#holding = undefined
      },
    }
  }

  #isAlive({ renewedAt }: Holding): boolean {
    return renewedAt === undefined
  }

  #isOver({ renewedAt }: Holding, ttlMs: number): boolean {
    return renewedAt !== undefined && this.#scheduler.clock.now - renewedAt >= ttlMs
  }
}

function heldBy({ collector }: Holding): LeaseHeld {
  return { kind: 'held', holder: collector.actor.name, sinceMs: 0 }
}
