/** The clock leases are measured by: the machine's monotonic one, the same for all its processes. */
import type { LeaseClock } from './lease-table.ts'
import { clockIdentity } from './process-identity.ts'

export function monotonicClock(): LeaseClock {
  return {
    // Since the machine's start, unlike performance.now(), which counts from the start of each process.
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    wallMs: () => Date.now(),
    identity: clockIdentity(),
  }
}
