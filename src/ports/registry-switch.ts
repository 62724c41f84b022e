/**
 * Taking a registry out of service and bringing it back: stopped and started, or made read-only and writable again.
 *
 * Contract, beyond the types:
 * - `takeOut` and `bringBack` come to an end by themselves, within a time limit of their own. What went wrong is an
 *   outcome, never an exception: whoever brings a registry back has to go on in every case.
 * - `bringBack` does no harm to a registry that is up.
 * - Aborting `options.signal` ends a command that runs; the outcome is then `failed`.
 */
import type { RunOptions } from './run-options.ts'

export interface RegistrySwitch {
  /** `stop`: away altogether. `read-only`: answers, and takes no pushes. */
  readonly kind: 'stop' | 'read-only'
  /** The commands as a person would type them. */
  readonly outCommand: string
  readonly backCommand: string
  takeOut(options: SwitchOptions): Promise<SwitchOutcome>
  bringBack(options: SwitchOptions): Promise<SwitchOutcome>
  /** Where it is asked whether the registry is well; undefined where nobody said how to find out. */
  readonly health: RegistryHealth | undefined
}

export interface SwitchOptions extends Pick<RunOptions, 'signal'> {
  /** Each line that the command writes, as it comes. */
  readonly onLine?: (line: string) => void
}

export type SwitchOutcome =
  | { readonly kind: 'done' }
  /** `why` goes on after "the command": `ended with exit status 3`. */
  | { readonly kind: 'failed'; readonly why: string }

export interface RegistryHealth {
  /** The address that is asked. */
  readonly url: string
  /** Asks once, and gives up by itself within seconds; whatever goes wrong is an answer too. */
  ask(): Promise<HealthAnswer>
}

export interface HealthAnswer {
  /** It answered 200 or 401. */
  readonly isWell: boolean
  /** What came: `status 503`, `connection refused`. */
  readonly said: string
}
