/** Exit codes, and which error ends with which. docs/errors.md lists them. */
import type { ErrorCategory } from '../core/errors/errors.ts'

export const exitCodes = {
  done: 0,
  error: 1,
  /** Only with `--detailed-exitcode`. */
  hasDeletions: 2,
  configuration: 3,
  partly: 4,
  limit: 5,
  incomplete: 6,
  usage: 64,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const byCategory: Readonly<Record<ErrorCategory, ExitCode>> = {
  error: exitCodes.error,
  configuration: exitCodes.configuration,
  limit: exitCodes.limit,
  incomplete: exitCodes.incomplete,
  usage: exitCodes.usage,
  interrupted: exitCodes.interrupted,
}

export function exitCodeOf(category: ErrorCategory): ExitCode {
  return byCategory[category]
}
