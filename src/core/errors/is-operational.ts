/** Tells errors of the world from bugs. */
import { OperationalError } from './errors.ts'

export function isOperationalError(error: unknown): error is OperationalError {
  return error instanceof OperationalError
}
