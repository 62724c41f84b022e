/** A registry that commands take out of service and bring back. */
import type { RegistryHealth, RegistrySwitch } from '../../ports/registry-switch.ts'
import { defaultCommandLimits, runCommand, type CommandLimits } from './run-command.ts'

export interface CommandSwitchSettings {
  readonly kind: RegistrySwitch['kind']
  /** Words, no shell. */
  readonly out: readonly string[]
  readonly back: readonly string[]
  readonly health: RegistryHealth | undefined
  /** @default 5 min, then 10 s from SIGTERM to SIGKILL */
  readonly limits?: CommandLimits
}

export function createCommandSwitch(settings: CommandSwitchSettings): RegistrySwitch {
  const { kind, out, back, health, limits = defaultCommandLimits } = settings
  return {
    kind,
    outCommand: commandText(out),
    backCommand: commandText(back),
    takeOut: (options) => runCommand(out, limits, options),
    bringBack: (options) => runCommand(back, limits, options),
    health,
  }
}

/** Words as a person would type them into a shell. */
export function commandText(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')
}
