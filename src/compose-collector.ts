/**
 * Composes what asking a registry's own collector needs: the collector, which its driver makes, and the lease of the
 * registry, which is the one that apply takes.
 */
import { hostname } from 'node:os'
import { NoCollectorError } from './adapters/registries/collector-elsewhere.ts'
import { monotonicClock } from './adapters/journal/monotonic-clock.ts'
import { openState, type State } from './adapters/journal/open-state.ts'
import type { CollectPorts } from './app/collect-ports.ts'
import { maintenanceLog, type MaintenanceLine } from './app/sweep-maintenance-log.ts'
import { stateDirectoryOf, type ComposeOptions } from './compose-options.ts'
import { sleep } from './compose-sleep.ts'
import { composeRegistry, type RegistryPart } from './compose.ts'
import type { RegistrySettings } from './config/configuration.ts'
import { invariant } from './core/errors/invariant.ts'
import type { RunOptions } from './ports/run-options.ts'

export interface CollectingWorld {
  readonly ports: CollectPorts
  close(): Promise<void>
}

/** Nothing of its content is read, so nothing is wanted of it. */
const wanted = { repositories: [], readProvenance: false, readConfigs: false } as const

/**
 * @param settings of a registry with an address: the collector is asked there, whatever storage is configured
 * @throws NoCollectorError, and what composing a registry throws
 */
export async function composeCollecting(
  settings: RegistrySettings,
  onLine: (line: MaintenanceLine) => void,
  options: ComposeOptions,
  runOptions: RunOptions,
): Promise<CollectingWorld> {
  const state = await openState(stateDirectoryOf(options))
  try {
    const part = await composeRegistry(
      { ...settings, storage: undefined },
      wanted,
      state,
      options,
      runOptions,
    )
    try {
      return { ports: portsOver(settings, part, state, onLine), close: () => closeBoth(part, state) }
    } catch (error) {
      await part.http?.close()
      throw error
    }
  } catch (error) {
    await state.close()
    throw error
  }
}

function portsOver(
  { name }: RegistrySettings,
  { createCollector, driver }: RegistryPart,
  { leases }: State,
  onLine: (line: MaintenanceLine) => void,
): CollectPorts {
  invariant(driver !== undefined, `${name} was opened by its storage`)
  if (createCollector === undefined) throw new NoCollectorError(name, driver.product, driver.kind)
  const machine = monotonicClock()
  const clock = { now: () => machine.wallMs(), elapsed: () => machine.monotonicMs() }
  const log = maintenanceLog({ ...clock, sleep: (ms) => sleep(ms, {}) }, onLine)
  const holder = `${hostname()}:${process.pid}`
  return { registry: name, collector: createCollector(), leases, holder, log, ...clock, sleep }
}

async function closeBoth({ http }: RegistryPart, state: State): Promise<void> {
  await http?.close()
  await state.close()
}
