/** What ends a maintenance window other than well; each says whether the registry is up. */
import { OperationalError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import { reasonOf } from './sweep-maintenance-log.ts'

/** The monitoring was not told, so nothing was touched. */
export class DowntimeFailedError extends OperationalError {
  readonly code = 'DOWNTIME_FAILED'
  readonly hint: string

  constructor(registry: RegistryName, monitoring: string, cause: unknown) {
    super(
      `${monitoring} could not be told of the maintenance of ${registry}, so nothing was stopped: ${reasonOf(cause)}`,
      { cause },
    )
    const cure = cause instanceof OperationalError ? `${cause.hint}\n` : ''
    this.hint = `${cure}Or take ${monitoring} out of \`downtime:\`, if nobody needs to be told.`
  }
}

/** The way out failed; the registry was brought back and is up. */
export class StopFailedError extends OperationalError {
  readonly code = 'MAINTENANCE_STOP_FAILED'
  readonly hint: string

  constructor(registry: RegistryName, command: string, why: string) {
    super(`${registry} could not be taken out of service: the command ${why}. Nothing was swept.`)
    this.hint = `The registry was brought back. Find out why this fails, as the user that Winnow runs as:\n${command}`
  }
}

/** The registry is out of service, and no attempt to bring it back worked. */
export class StartFailedError extends OperationalError {
  readonly code = 'MAINTENANCE_START_FAILED'
  readonly hint: string

  constructor(
    registry: RegistryName,
    at: {
      readonly command: string
      readonly attempts: number
      readonly why: string
      readonly before: unknown
    },
  ) {
    super(
      `${registry} IS OUT OF SERVICE. It could not be brought back in ${at.attempts} attempts; in the last one the command ${at.why}.${earlier(at.before)}`,
      { cause: at.before },
    )
    this.hint = `Bring it back by hand, now:\n${at.command}\nThe next \`winnow sweep --apply\` tries it too, before anything else.`
  }
}

/** The registry was started, and does not answer as it should. */
export class UnhealthyError extends OperationalError {
  readonly code = 'MAINTENANCE_UNHEALTHY'
  readonly hint: string

  constructor(
    registry: RegistryName,
    at: {
      readonly command: string
      readonly url: string
      readonly waited: string
      readonly said: string
      readonly before: unknown
    },
  ) {
    super(
      `${registry} IS NOT WELL. It was brought back, and after ${at.waited} it still does not answer 200 or 401 at ${at.url}: ${at.said}.${earlier(at.before)}`,
      { cause: at.before },
    )
    this.hint = `Look into the registry's own log. What was run to bring it back:\n${at.command}\nDowntimes were left to run out; until then the monitoring may be silent about it.`
  }
}

/** A registry that is down is the first thing to tell; what had gone wrong before it must not be lost. */
function earlier(before: unknown): string {
  return before === undefined ? '' : ` Before that: ${reasonOf(before)}`
}
