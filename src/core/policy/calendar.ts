/**
 * Calendar buckets: the hour, day, ISO week, month or year an instant falls into, in a time zone.
 *
 * The rule over them is restic's (`--keep-daily` and its kin): going from the newest to the oldest, the newest of each
 * bucket is kept until N buckets that hold something have been seen; while places are left, the very oldest is kept
 * too, so that a history which is still filling up keeps its beginning.
 */
import type { InstantMs } from '../inventory/inventory.ts'
import type { Calendar } from './policy.ts'

const dayMs = 86_400_000

/** Names the bucket of an instant: equal names, same bucket. */
export type Bucketer = (at: InstantMs) => string

/** The naming of buckets of one calendar in a time zone (an IANA name). */
export function bucketer(calendar: Calendar, timezone: string): Bucketer {
  const localTime = localClock(timezone)
  return (at) => bucketName(calendar, localTime(at))
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
    return Date.UTC(field('year'), field('month') - 1, field('day'), field('hour'), field('minute'), field('second'))
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
  return `${year}-W${Math.floor((thursday - firstDay) / 7) + 1}`
}

/**
 * Which of these instants the bucket rule keeps.
 *
 * @param newestFirst instants in falling order
 * @returns for each instant the name of the bucket it is kept for, or undefined
 */
export function keptByBucket(newestFirst: readonly InstantMs[], bucketOf: Bucketer, count: number): readonly (string | undefined)[] {
  let left = count
  let last: string | undefined
  return newestFirst.map((at, place) => {
    if (left === 0) return undefined
    const bucket = bucketOf(at)
    const isOldest = place === newestFirst.length - 1
    if (bucket === last && !isOldest) return undefined
    last = bucket
    left -= 1
    return bucket
  })
}
