/**
 * One run at a time for each registry. A lease has a fencing token that only rises: who holds an older token has lost
 * the lease, however alive it feels. A lease whose holder died is free again after `ttlMs`.
 */
import type { RunOptions } from './run-options.ts'

export interface LeaseStore {
  /** Takes the lease, waiting up to `waitMs` for a dead holder's to run out; `held` names a live holder. */
  acquire(
    resource: string,
    holder: string,
    timing: LeaseTiming,
    options?: RunOptions,
  ): Promise<Lease | LeaseHeld>
}

export interface LeaseTiming {
  readonly ttlMs: number
  /** Renewed this often while held; well under `ttlMs`. */
  readonly renewMs: number
  readonly waitMs: number
}

export interface LeaseHeld {
  readonly kind: 'held'
  readonly holder: string
  readonly sinceMs: number
}

export interface Lease {
  readonly kind: 'lease'
  readonly token: number
  /** Aborts when the lease could not be renewed in time: whoever acts under it must stop. */
  readonly lost: AbortSignal
  /** False as soon as the time is up by our own monotonic clock, even before a renewal has failed. */
  isHeld(): boolean
  release(): Promise<void>
}
