/** Leases among the users of one process; the rules are those of the real ones. */
import type { LeaseStore } from '../../../ports/lease.ts'
import { createLeaseStore } from '../lease-store.ts'
import type { LeaseClock, LeaseRow } from '../lease-table.ts'
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
