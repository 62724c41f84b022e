/** What asking a registry's own collector needs of the world. */
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { LeaseStore } from '../ports/lease.ts'
import type { RegistryCollector } from '../ports/registry-collector.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { MaintenanceLog } from './sweep-maintenance-log.ts'

export interface CollectPorts {
  readonly registry: RegistryName
  readonly collector: RegistryCollector
  readonly leases: LeaseStore
  /** `host:pid`, for whoever finds our lease. */
  readonly holder: string
  readonly log: MaintenanceLog
  readonly now: () => InstantMs
  /** Milliseconds on a clock that nobody sets, for limits. */
  readonly elapsed: () => number
  /** Ends early when the run is to stop. @throws InterruptedError when it is aborted */
  readonly sleep: (ms: number, options: RunOptions) => Promise<void>
}
