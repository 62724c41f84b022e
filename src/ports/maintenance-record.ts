/**
 * The note that a registry is out of service, kept beside the registry's files while it is.
 *
 * It is for the case in which nobody of ours is left to bring the registry back: the process was killed, or the machine
 * fell. Whoever comes next finds it.
 *
 * Contract, beyond the types:
 * - `begin` returns only when the note would survive a power cut.
 * - A note that is there and cannot be understood is still a note: `read` answers with what it could make of it.
 * - `clear` does no harm where there is none.
 */
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { BegunDowntime } from './monitoring.ts'
import type { RunOptions } from './run-options.ts'

export interface MaintenanceRecord {
  begin(note: MaintenanceNote, options?: RunOptions): Promise<void>
  read(options?: RunOptions): Promise<MaintenanceNote | undefined>
  clear(options?: RunOptions): Promise<void>
}

export interface MaintenanceNote {
  readonly registry: string
  readonly run: string
  /** Undefined where the note could not be understood. */
  readonly beganAt: InstantMs | undefined
  /**
   * What a person would type to bring it back, for messages alone. It is never run: what lies in a storage is written by
   * whoever may write there.
   */
  readonly backCommand: string
  /** What is in force, by the name of the monitoring. */
  readonly downtimes: readonly { readonly name: string; readonly begun: BegunDowntime }[]
}
