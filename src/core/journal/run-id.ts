/** Names for runs: they sort by time, can be typed, and two runs of one second do not collide. */
import { invariant } from '../errors/invariant.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { RunId } from './entry.ts'

const shape = /^r-\d{8}-\d{6}-[0-9a-f]{4,}$/

/**
 * The id of a run that begins at `now` (UTC), like `r-20261123-184512-7f2a`. `random` is the caller's randomness:
 * four or more lower-case hex digits.
 */
export function newRunId(now: InstantMs, random: string): RunId {
  const [day = '', time = ''] = new Date(now).toISOString().split('T')
  const text = `r-${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${random}`
  invariant(shape.test(text), `${text} is no id for a run`)
  return text as RunId
}

/** The run that `text` names, or undefined when no run is ever named so. */
export function parseRunId(text: string): RunId | undefined {
  return shape.test(text) ? (text as RunId) : undefined
}
