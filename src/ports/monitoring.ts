/**
 * Telling a monitoring system that a registry will be away for a while, so that nobody is woken for it.
 *
 * Contract, beyond the types:
 * - `begin` returns only when the other side confirmed that the downtime is in force; everything else throws. Nobody
 *   stops a registry on "probably".
 * - A downtime ends by itself at `until`, whatever becomes of us; `end` only ends it earlier.
 * - `end` needs nothing but what `begin` returned, so another run can end what a killed one began.
 */
import { OperationalError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunOptions } from './run-options.ts'

export interface Downtime {
  /** What it is called in the log and in records, alone in its kind: `icinga2`. */
  readonly name: string
  begin(window: MaintenanceWindow, options?: RunOptions): Promise<BegunDowntime>
  end(begun: BegunDowntime, window: MaintenanceWindow, options?: RunOptions): Promise<void>
}

export interface MaintenanceWindow {
  readonly registry: RegistryName
  /** Which run it belongs to; told to the monitoring. */
  readonly run: string
  readonly beganAt: InstantMs
}

export interface BegunDowntime {
  /** How the monitoring calls it; opaque to us. Empty where it gives no name. */
  readonly id: string
  /** For people: what was silenced, where. Holds no credential. */
  readonly what: string
  /** When it ends by itself; undefined where the other side was not told of an end. */
  readonly until: InstantMs | undefined
}

/** The monitoring answered, and the answer is not that the downtime is in force (or was ended). */
export class MonitoringRefusedError extends OperationalError {
  readonly code = 'MONITORING_REFUSED'
  readonly hint: string

  constructor(message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.hint = hint
  }
}
