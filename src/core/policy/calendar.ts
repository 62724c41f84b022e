/**
 * Calendar buckets: the hour, day, ISO week, month or year an instant falls into, in a time zone.
 *
 * The rule over them is restic's (`--keep-daily` and its kin): going from the newest to the oldest, the newest of each
 * bucket is kept until N buckets that hold something have been seen; while places are left, the very oldest is kept
 * too, so that a history which is still filling up keeps its beginning.
 */
import type { InstantMs } from '../inventory/inventory.ts'
import type { Calendar } from './policy.ts'

const hourMs = 3_600_000
const dayMs = 86_400_000

/** The buckets of one calendar in one time zone. */
export interface Buckets {
  /** Numbers the bucket of an instant: equal numbers, same bucket. */
  numberOf(at: InstantMs): number
  /** Names the bucket of an instant: `2026-11-22`, `2026-W47`. */
  nameOf(at: InstantMs): string
}

/** The buckets of a calendar in a time zone (an IANA name). */
export function bucketsOf(calendar: Calendar, timezone: string): Buckets {
  const localTime = localClock(timezone)
  return {
    numberOf: (at) => bucketNumber(calendar, localTime(at)),
    nameOf: (at) => bucketName(calendar, localTime(at)),
  }
}

/** Civil time of a zone, written as if it were UTC. */
function localClock(timezone: string): (at: InstantMs) => number {
  if (timezone === 'UTC' || timezone === 'Etc/UTC') return (at) => at
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (at) => {
    const parts = new Map(format.formatToParts(at).map((part) => [part.type, Number(part.value)]))
    const field = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0
    return Date.UTC(
      field('year'),
      field('month') - 1,
      field('day'),
      field('hour'),
      field('minute'),
      field('second'),
    )
  }
}

function bucketNumber(calendar: Calendar, local: number): number {
  switch (calendar) {
    case 'hourly':
      return Math.floor(local / hourMs)
    case 'daily':
      return Math.floor(local / dayMs)
    case 'weekly':
      // 1970-01-01 was a Thursday; its week began on day -3.
      return Math.floor((Math.floor(local / dayMs) + 3) / 7)
    case 'monthly': {
      const date = new Date(local)
      return date.getUTCFullYear() * 12 + date.getUTCMonth()
    }
    case 'yearly':
      return new Date(local).getUTCFullYear()
  }
}

function bucketName(calendar: Calendar, local: number): string {
  const iso = new Date(local).toISOString()
  switch (calendar) {
    case 'hourly':
      return iso.slice(0, 13)
    case 'daily':
      return iso.slice(0, 10)
    case 'weekly':
      return isoWeek(local)
    case 'monthly':
      return iso.slice(0, 7)
    case 'yearly':
      return iso.slice(0, 4)
  }
}

/** ISO 8601 week: the week belongs to the year that holds its Thursday. */
function isoWeek(local: number): string {
  const day = Math.floor(local / dayMs)
  // 1970-01-01 was a Thursday, so day 0 is weekday 3 counted from Monday.
  const thursday = day - ((((day + 3) % 7) + 7) % 7) + 3
  const year = new Date(thursday * dayMs).getUTCFullYear()
  const firstDay = Math.floor(Date.UTC(year, 0, 1) / dayMs)
  const week = Math.floor((thursday - firstDay) / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

/**
 * Which of these instants the bucket rule keeps.
 *
 * @param newestFirst instants in falling order
 * @returns the places of those it keeps, from 0
 */
export function keptByBucket(
  newestFirst: readonly InstantMs[],
  buckets: Buckets,
  count: number,
): readonly number[] {
  const kept: number[] = []
  let last: number | undefined
  for (const [place, at] of newestFirst.entries()) {
    if (kept.length === count) break
    const bucket = buckets.numberOf(at)
    const isOldest = place === newestFirst.length - 1
    if (bucket === last && !isOldest) continue
    last = bucket
    kept.push(place)
  }
  return kept
}
