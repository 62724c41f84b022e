/** Leases among the users of one process; the rules are those of the real ones. */
import type { LeaseStore } from '../../../ports/lease.ts'
import { createLeaseStore, type LeaseClock, type LeaseRow } from '../lease-store.ts'
import { monotonicClock } from '../monotonic-clock.ts'
import { thisProcess } from '../process-identity.ts'

export function createMemoryLeaseStore(options: { readonly clock?: LeaseClock } = {}): LeaseStore {
  const rows = new Map<string, LeaseRow>()
  const table = {
    async change(
      resource: string,
      change: (row: LeaseRow | undefined) => LeaseRow | undefined,
    ): Promise<void> {
      const next = change(rows.get(resource))
      if (next !== undefined) rows.set(resource, next)
    },
  }
  return createLeaseStore(table, options.clock ?? monotonicClock(), thisProcess())
}
