/** From the words of the command line to what a composition is given. */
import { resolve } from 'node:path'
import type { ComposeOptions } from '../compose-options.ts'
import { OperationalError } from '../core/errors/errors.ts'
import type { CommandContext } from './command.ts'
import { version } from './version.ts'

/** Somebody speaks of a registry that the configuration does not have. */
export class UnknownRegistryError extends OperationalError {
  readonly code = 'UNKNOWN_REGISTRY'
  readonly hint: string
  override readonly category = 'configuration'

  constructor(name: string, known: readonly string[]) {
    super(`There is no registry called ${name} in the configuration.`)
    this.hint = `The configured registries are:\n  ${known.join('\n  ')}`
  }
}

export function composeOptions({ globals, terminal }: CommandContext): ComposeOptions {
  // An absolute path: the embedded database guards its files by their full names.
  const stateDirectory = globals.state === undefined ? undefined : resolve(globals.state)
  return { stateDirectory, environment: terminal.environment, version }
}
