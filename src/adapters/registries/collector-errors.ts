/** Why a registry's own collector cannot be asked to run, and which failures of following one may pass. */
import { OperationalError } from '../../core/errors/errors.ts'
import {
  HttpTimeoutError,
  RateLimitedError,
  ServerFailedError,
  UnreachableError,
} from '../http/http-errors.ts'
import { RegistryGoneError } from './oci/errors.ts'

/** The registry does not let us start its collector, or it must not be started just now. */
export class CollectorRefusedError extends OperationalError {
  readonly code = 'COLLECTOR_REFUSED'
  readonly hint: string

  constructor(registry: string, why: string, hint: string) {
    super(`${registry}: ${why}.`)
    this.hint = hint
  }
}

/** What the error says, where the registry may answer again; undefined where waiting cures nothing. */
export function passingTrouble(error: unknown): string | undefined {
  const passes =
    error instanceof UnreachableError ||
    error instanceof HttpTimeoutError ||
    error instanceof ServerFailedError ||
    error instanceof RateLimitedError ||
    error instanceof RegistryGoneError
  return passes ? error.message.replace(/\.$/, '') : undefined
}
