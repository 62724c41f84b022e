/**
 * A sweep beside the running registry, or in a maintenance window, as the settings say.
 *
 * The lease of the storage is held around all of it, so that a registry that is out of service for one run is never taken
 * for one that a killed run left behind.
 */
import type { DescriptorCache } from '../ports/descriptor-cache.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { SweepReport } from '../core/sweep/sweep-report.ts'
import {
  recoverMaintenance,
  runInMaintenance,
  type MaintenancePorts,
  type RegistryState,
} from './sweep-maintenance.ts'
import { checkStorage } from './sweep-plan.ts'
import type { SweepPorts, SweepSettings } from './sweep-ports.ts'
import { sweepHeld, withSweepLease } from './sweep.ts'

export interface SweepParts {
  readonly ports: SweepPorts
  readonly times: SweepSettings
  /** What stands in for the registry's memory while the registry is out of service. */
  readonly cacheWhileOut: DescriptorCache
  /** Undefined where nobody said how the registry is stopped and started. */
  readonly maintenance: MaintenancePorts | undefined
}

/** @throws as sweepHeld, runInMaintenance and recoverMaintenance */
export async function applySweepIn(parts: SweepParts, options: RunOptions): Promise<SweepReport> {
  const { ports, times, maintenance } = parts
  const { registry } = ports
  // What cannot be swept at all gets no file of ours, and is no reason to stop a registry. That zot must not be running is
  // seen to inside the window, which stops it.
  if (times.mode === 'online' || ports.layout.layout !== 'zot') await checkStorage(ports, options)
  return withSweepLease(ports, options, async (leases, held) => {
    if (maintenance !== undefined) await recoverMaintenance({ registry }, maintenance, held)
    if (times.mode === 'online' || maintenance === undefined) return sweepHeld(ports, times, leases, held)
    const run = ports.newRunId(ports.now())
    return runInMaintenance(
      { registry, run },
      maintenance,
      (state, working) => {
        const out = whileOut({ ...parts, ports: { ...ports, newRunId: () => run } }, state)
        return sweepHeld(out.ports, out.times, leases, working)
      },
      held,
    )
  })
}

/**
 * Nobody pushes, so the second mark comes at once and what it frees is freed at once. Where something still answers although
 * the registry was stopped, nobody knows that pushes have ended: then only what is set aside is set aside.
 */
function whileOut(
  { ports, times, cacheWhileOut }: SweepParts,
  state: RegistryState,
): Pick<SweepParts, 'ports' | 'times'> {
  if (state === 'answering')
    return { ports: { ...ports, cache: stillAnswering }, times: { ...times, ...noWait } }
  return { ports: { ...ports, cache: cacheWhileOut }, times: { ...times, ...noWait, quarantineMs: 0 } }
}

const noWait = { settleMs: 0, busySettleMs: 0 }

const stillAnswering: DescriptorCache = {
  kind: 'unknown',
  forget: () => Promise.resolve(),
  afterSetAside: () => Promise.resolve(),
  gate: () =>
    Promise.resolve({
      kind: 'closed',
      because: 'the stop command succeeded, but something still answers at the health address',
      cure: 'Check that `stop:` stops the registry, and that `health:` is an address of its own and not of a proxy.',
    }),
}
