/** What the lease rules ask of a store, and what it keeps for them. */
import type { ProcessIdentity } from './process-identity.ts'

export interface LeaseRow {
  readonly token: number
  /** Undefined once released; the row stays for its token. */
  readonly holding: Holding | undefined
}

export interface Holding {
  readonly holder: string
  readonly process: ProcessIdentity
  /** What `expiresAt` is measured by; undefined where processes share no clock. */
  readonly clock: string | undefined
  /** Milliseconds of that clock. */
  readonly expiresAt: number
  readonly ttlMs: number
  /** Rises with every renewal, so that a watcher sees life. */
  readonly renewals: number
  /** Wall-clock time it was taken, for people. */
  readonly sinceMs: number
}

export interface LeaseTable {
  /** Reads the row and replaces it by what `change` answers, as one transaction; `undefined` leaves it as it is. */
  change(resource: string, change: (row: LeaseRow | undefined) => LeaseRow | undefined): Promise<void>
}

export interface LeaseClock {
  /** Never jumps; milliseconds. Shared between processes of one `identity`. */
  monotonicMs(): number
  wallMs(): number
  readonly identity: string | undefined
}
