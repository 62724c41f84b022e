/** Reads winnow.yaml from where the command line says. */
import { readFile } from 'node:fs/promises'
import type { Configuration } from '../config/configuration.ts'
import { loadConfiguration } from '../config/load.ts'
import { OperationalError } from '../core/errors/errors.ts'
import type { CommandContext } from './command.ts'

/** There is no configuration where one was looked for, or it cannot be read. */
export class ConfigurationMissingError extends OperationalError {
  readonly code = 'CONFIGURATION_MISSING'
  readonly hint = 'Name another file with --config FILE, or write one with:\n  winnow init'
  override readonly category = 'configuration'

  constructor(path: string, options: { readonly cause: unknown }) {
    const isAbsent = (options.cause as NodeJS.ErrnoException).code === 'ENOENT'
    super(isAbsent ? `There is no ${path} here.` : `${path} cannot be read.`, options)
  }
}

/** @throws ConfigurationMissingError, ConfigurationError */
export async function readConfiguration({ globals, terminal, run }: CommandContext): Promise<Configuration> {
  let text: string
  try {
    text = await readFile(globals.config, 'utf8')
  } catch (cause) {
    throw new ConfigurationMissingError(globals.config, { cause })
  }
  const home = terminal.environment['HOME']
  const configuration = loadConfiguration({ path: globals.config, text, ...(home !== undefined && { home }) })
  for (const { message, line } of configuration.warnings) {
    run.onEvent?.({ kind: 'warning', text: `${globals.config}:${line}: ${message}` })
  }
  return configuration
}
