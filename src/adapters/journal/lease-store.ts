/**
 * Leases over any table that can compare and set one row at a time.
 *
 * Promises: a token is never given twice and only rises; two holders never both hold, whatever the wall clock does;
 * a holder that cannot renew in time knows it before anyone else may take over.
 *
 * How a dead holder is told from a slow one, without trusting wall clocks: its process is certainly gone; or its time
 * is up by the monotonic clock both processes share; or we watched its row stand still for the whole of its time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError } from '../../core/errors/errors.ts'
import { invariant } from '../../core/errors/invariant.ts'
import type { LeaseHeld, LeaseStore, LeaseTiming } from '../../ports/lease.ts'
import { HeldLease } from './held-lease.ts'
import type { Holding, LeaseClock, LeaseTable } from './lease-table.ts'
import { isCertainlyDead, type ProcessIdentity } from './process-identity.ts'

const pollMs = 200

export function createLeaseStore(table: LeaseTable, clock: LeaseClock, self: ProcessIdentity): LeaseStore {
  return {
    async acquire(resource, holder, timing, options) {
      invariant(timing.renewMs * 2 <= timing.ttlMs, 'a lease must be renewed at least twice in its time')
      const started = clock.monotonicMs()
      const watch = new Watch()
      for (;;) {
        if (options?.signal?.aborted === true) throw new InterruptedError()
        const attempt = await tryTake(table, resource, { holder, timing, clock, self, watch })
        if (attempt.kind !== 'taken') {
          const waitLeftMs = timing.waitMs - (clock.monotonicMs() - started)
          if (attempt.kind === 'alive' || waitLeftMs <= 0) return heldBy(attempt.holding)
          await pause(Math.min(pollMs, waitLeftMs), options?.signal)
          continue
        }
        return new HeldLease({
          table,
          clock,
          resource,
          timing,
          token: attempt.token,
          expiresAt: attempt.expiresAt,
        })
      }
    },
  }
}

interface Claim {
  readonly holder: string
  readonly timing: LeaseTiming
  readonly clock: LeaseClock
  readonly self: ProcessIdentity
  readonly watch: Watch
}

type Attempt =
  | { readonly kind: 'taken'; readonly token: number; readonly expiresAt: number }
  | { readonly kind: 'alive' | 'unclear'; readonly holding: Holding }

async function tryTake(table: LeaseTable, resource: string, claim: Claim): Promise<Attempt> {
  let attempt: Attempt | undefined
  await table.change(resource, (row) => {
    const holding = row?.holding
    const state = holding === undefined ? 'free' : stateOf(holding, row?.token ?? 0, claim)
    if (holding !== undefined && state !== 'free') {
      attempt = { kind: state, holding }
      return undefined
    }
    const token = (row?.token ?? 0) + 1
    const expiresAt = claim.clock.monotonicMs() + claim.timing.ttlMs
    attempt = { kind: 'taken', token, expiresAt }
    return { token, holding: newHolding(claim, expiresAt) }
  })
  invariant(attempt !== undefined, 'the lease table did not look at its row')
  return attempt
}

function newHolding({ holder, timing, clock, self }: Claim, expiresAt: number): Holding {
  const { identity } = clock
  return {
    holder,
    process: self,
    clock: identity,
    expiresAt,
    ttlMs: timing.ttlMs,
    renewals: 0,
    sinceMs: clock.wallMs(),
  }
}

/** Whether a lease may be taken (`free`), certainly may not (`alive`), or only time will tell. */
function stateOf(
  holding: Holding,
  token: number,
  { clock, self, watch }: Claim,
): 'free' | 'alive' | 'unclear' {
  if (isCertainlyDead(holding.process, self)) return 'free'
  const sharesClock = clock.identity !== undefined && holding.clock === clock.identity
  if (sharesClock && clock.monotonicMs() >= holding.expiresAt) return 'free'
  const stood = watch.look(`${token} ${holding.renewals}`, clock.monotonicMs())
  if (stood.changed) return 'alive'
  if (stood.stillMs >= holding.ttlMs) return 'free'
  // A process in our own table that is there and whose time is not up needs no watching.
  return holding.process.machine === self.machine && sharesClock ? 'alive' : 'unclear'
}

/** Watches whether a row changes, by our own clock. */
class Watch {
  #seen: { readonly stamp: string; readonly since: number } | undefined

  look(stamp: string, now: number): { readonly changed: boolean; readonly stillMs: number } {
    const before = this.#seen
    if (before?.stamp === stamp) return { changed: false, stillMs: now - before.since }
    this.#seen = { stamp, since: now }
    return { changed: before !== undefined, stillMs: 0 }
  }
}

function heldBy({ holder, sinceMs }: Holding): LeaseHeld {
  return { kind: 'held', holder, sinceMs }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch {
    // A timer fails only by being aborted.
    throw new InterruptedError()
  }
}
