/**
 * Errors for people: what is wrong, what to do next, a code to look up; all on stderr. A mistake of the user never shows
 * a stack; a bug says that it is one.
 */
import { CommanderError } from 'commander'
import { ConfigurationError } from '../config/diagnostics.ts'
import { OperationalError } from '../core/errors/errors.ts'
import { isOperationalError } from '../core/errors/is-operational.ts'
import { exitCodeOf, exitCodes, type ExitCode } from './exit-codes.ts'
import type { Output, Terminal } from './terminal.ts'

/** The words of the command line do not fit together. */
export class UsageError extends OperationalError {
  readonly code = 'USAGE'
  readonly hint: string
  override readonly category = 'usage'

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** Writes an error to stderr and says with which code to end. */
export function reportError(error: unknown, { stderr, environment }: Terminal): ExitCode {
  if (error instanceof CommanderError) return reportCommander(error, stderr)
  if (error instanceof ConfigurationError) return reportConfiguration(error, stderr)
  if (isOperationalError(error)) {
    write(
      stderr,
      error.message,
      [error.hint, ...error.notes].filter((text) => text !== '').join('\n'),
      error.code,
    )
    return exitCodeOf(error.category)
  }
  const text = error instanceof Error ? error.message : String(error)
  const isDebugging = environment['WINNOW_DEBUG'] === '1'
  const stack = isDebugging && error instanceof Error ? `\n${error.stack ?? ''}` : ''
  write(
    stderr,
    `This is a bug in Winnow: ${text}${stack}`,
    'Please report it. WINNOW_DEBUG=1 shows where it happened.',
    'INTERNAL',
  )
  return exitCodes.error
}

function write({ write: out, colors }: Output, message: string, hint: string, code: string): void {
  out(`${colors.red('error:')} ${message}\n${hint === '' ? '' : `${hint}\n`}${colors.dim(`(${code})`)}\n`)
}

function reportConfiguration(error: ConfigurationError, { write: out, colors }: Output): ExitCode {
  for (const { file, line, column, message, hint, frame } of error.diagnostics) {
    const cure = hint === undefined ? '' : `${hint}\n`
    out(`${colors.bold(`${file}:${line}:${column}`)} ${colors.red('error:')} ${message}\n${frame}\n${cure}\n`)
  }
  const count = error.diagnostics.length
  out(
    `${count === 1 ? '1 mistake' : `${count} mistakes`} in the configuration; nothing was done. ${colors.dim(`(${error.code})`)}\n`,
  )
  return exitCodeOf(error.category)
}

/** Commander ends a run for help and versions too; those are no errors. */
function reportCommander(error: CommanderError, stderr: Output): ExitCode {
  if (error.exitCode === 0) return exitCodes.done
  if (error.code === 'commander.help') return exitCodes.usage
  stderr.write(
    `${error.message.replace(/^error: /, stderr.colors.red('error: '))}\n(winnow --help lists the commands)\n`,
  )
  return exitCodes.usage
}
