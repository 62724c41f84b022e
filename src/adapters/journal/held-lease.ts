/**
 * A lease in our hands: renewed by a timer, and given up the moment its time is up by our own clock, whether or not
 * anybody has noticed. The timers keep no process alive.
 */
import { OperationalError } from '../../core/errors/errors.ts'
import type { Lease, LeaseTiming } from '../../ports/lease.ts'
import type { LeaseClock, LeaseTable } from './lease-table.ts'

/** The lease ran out or was taken over, so the run stopped before it could act beside another one. */
class LeaseExpiredError extends OperationalError {
  readonly code = 'LEASE_EXPIRED'
  readonly hint = 'Run the same command again; what was begun is settled by the next run.'

  constructor(resource: string, options: { readonly cause?: unknown } = {}) {
    super(
      `The lease on ${resource} could not be renewed in time, so nothing more is changed under it.`,
      options,
    )
  }
}

export interface HeldLeaseParts {
  readonly table: LeaseTable
  readonly clock: LeaseClock
  readonly resource: string
  readonly timing: LeaseTiming
  readonly token: number
  readonly expiresAt: number
}

export class HeldLease implements Lease {
  readonly kind = 'lease'
  readonly token: number
  readonly #parts: HeldLeaseParts
  readonly #lost = new AbortController()
  #expiresAt: number
  #released = false
  #renewal: NodeJS.Timeout | undefined
  #expiry: NodeJS.Timeout | undefined
  #failure: unknown

  constructor(parts: HeldLeaseParts) {
    this.token = parts.token
    this.#parts = parts
    this.#expiresAt = parts.expiresAt
    this.#schedule()
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  isHeld(): boolean {
    return !this.#released && !this.#lost.signal.aborted && this.#leftMs() > 0
  }

  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    this.#stopTimers()
    await this.#parts.table.change(this.#parts.resource, (row) =>
      // Only what is still ours; the token stays, so that it is never given again.
      row?.token === this.token ? { token: row.token, holding: undefined } : undefined,
    )
  }

  /** Time left, less a margin: we must have stopped before anyone else may begin. */
  #leftMs(): number {
    const marginMs = Math.min(1_000, this.#parts.timing.ttlMs / 10)
    return this.#expiresAt - marginMs - this.#parts.clock.monotonicMs()
  }

  #schedule(afterMs = this.#parts.timing.renewMs): void {
    this.#stopTimers()
    this.#renewal = setTimeout(() => {
      this.#renew().catch((error: unknown) => {
        this.#failure = error
      })
    }, afterMs).unref()
    this.#expiry = setTimeout(
      () => {
        this.#lose()
      },
      Math.max(0, this.#leftMs()),
    ).unref()
  }

  #stopTimers(): void {
    clearTimeout(this.#renewal)
    clearTimeout(this.#expiry)
  }

  async #renew(): Promise<void> {
    // The timers of a process that slept come late and all at once.
    if (!this.isHeld()) {
      this.#lose()
      return
    }
    try {
      const renewed = await this.#writeRenewal()
      if (renewed === undefined) this.#lose()
      else if (!this.#released && !this.#lost.signal.aborted) {
        this.#expiresAt = renewed
        this.#schedule()
      }
    } catch (error) {
      // The state may be busy for a moment; the expiry timer runs on and ends this.
      this.#failure = error
      if (this.isHeld()) this.#schedule(Math.min(this.#parts.timing.renewMs, 500))
    }
  }

  /** The new end of our time, or undefined when the lease is no longer ours. */
  async #writeRenewal(): Promise<number | undefined> {
    const { table, clock, resource, timing } = this.#parts
    // Measured before the writing: time that passes while we wait for the file is not ours.
    const expiresAt = clock.monotonicMs() + timing.ttlMs
    let isOurs = false
    await table.change(resource, (row) => {
      isOurs = row?.token === this.token && row.holding !== undefined && this.isHeld()
      if (!isOurs || row?.holding === undefined) return undefined
      return { token: row.token, holding: { ...row.holding, expiresAt, renewals: row.holding.renewals + 1 } }
    })
    return isOurs ? expiresAt : undefined
  }

  #lose(): void {
    if (this.#released) return
    this.#stopTimers()
    this.#lost.abort(new LeaseExpiredError(this.#parts.resource, { cause: this.#failure }))
  }
}
