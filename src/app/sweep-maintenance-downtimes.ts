/**
 * Telling every monitoring before a window, and taking it back afterwards.
 *
 * All are told or none: when one fails, those before it are taken back, and the caller stops nothing. Taking back is best
 * effort, because a downtime ends by itself.
 */
import { OperationalError } from '../core/errors/errors.ts'
import type { BegunDowntime, Downtime, MaintenanceWindow } from '../ports/monitoring.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { DowntimeFailedError } from './sweep-maintenance-errors.ts'
import { reasonOf, type MaintenanceLog } from './sweep-maintenance-log.ts'

export interface DowntimeInForce {
  readonly name: string
  readonly begun: BegunDowntime
}

/** @throws DowntimeFailedError, or the error itself where the configuration is to blame or the run was interrupted */
export async function beginDowntimes(
  window: MaintenanceWindow,
  downtimes: readonly Downtime[],
  log: MaintenanceLog,
  options: RunOptions,
): Promise<readonly DowntimeInForce[]> {
  if (downtimes.length === 0) log.warning('downtime', 'none is configured; no monitoring is told')
  const inForce: DowntimeInForce[] = []
  for (const downtime of downtimes) {
    const step = log.begins('downtime', downtime.name)
    try {
      const begun = await downtime.begin(window, options)
      inForce.push({ name: downtime.name, begun })
      step.done(`${downtime.name}: ${begun.what}${untilText(begun)}`)
    } catch (error) {
      step.failed(`${downtime.name}: ${reasonOf(error)} Nothing is stopped.`)
      await endDowntimes(window, inForce, downtimes, log)
      throw toError(error, window, downtime.name)
    }
  }
  return inForce
}

/** Never throws. */
export async function endDowntimes(
  window: MaintenanceWindow,
  inForce: readonly DowntimeInForce[],
  downtimes: readonly Downtime[],
  log: MaintenanceLog,
): Promise<void> {
  for (const { name, begun } of inForce) {
    const downtime = downtimes.find((each) => each.name === name)
    if (downtime === undefined) {
      log.warning('downtime-end', `${name}: no longer configured, so ${begun.what} is left to run out`)
      continue
    }
    const step = log.begins('downtime-end', name)
    try {
      // Not to be interrupted: it is short, and an alarm that stays switched off is worse than a pause.
      await downtime.end(begun, window)
      step.done(`${name}: ${begun.what}`)
    } catch (error) {
      log.warning(
        'downtime-end',
        `${name}: could not be ended early, and is left to run out${untilText(begun)}: ${reasonOf(error)}`,
      )
    }
  }
}

/** Says which downtimes had ended before the registry was back: somebody may have been woken. */
export function warnOfShortDowntimes(
  inForce: readonly DowntimeInForce[],
  now: number,
  log: MaintenanceLog,
): void {
  for (const { name, begun } of inForce) {
    if (begun.until === undefined || begun.until >= now) continue
    log.warning(
      'window',
      `${name}: the downtime was over before the registry was back; set a longer \`duration\``,
    )
  }
}

function untilText({ until }: BegunDowntime): string {
  return until === undefined ? '' : ` until ${new Date(until).toISOString()}`
}

function toError(error: unknown, window: MaintenanceWindow, name: string): unknown {
  // Those say themselves what to correct, and end with an exit code of their own.
  const isOwn =
    error instanceof OperationalError &&
    (error.category === 'configuration' || error.category === 'interrupted')
  return isOwn ? error : new DowntimeFailedError(window.registry, name, error)
}
