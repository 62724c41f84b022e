/** Calendar counts: `daily: 7, weekly: 4` and their kin, each counted for itself, over every stream. */
import { bucketsOf, keptByBucket } from '../calendar.ts'
import { clockOf, orderOf, streamsOf } from '../streams.ts'
import type { Calendar, Counting, KeepCriterion, Rule } from '../policy.ts'
import type { Row, RowContext } from '../rows.ts'

type CalendarCriterion = Extract<KeepCriterion, { readonly kind: 'calendar' }>

export interface BucketKeeps {
  /** By row: what it is kept for, `daily 2026-11-22`. */
  readonly kept: ReadonlyMap<number, string>
  /** Rows without a time: kept, and in no bucket. */
  readonly unknown: ReadonlySet<number>
}

export function keptInCalendar(
  rule: Rule,
  counting: Counting,
  criterion: CalendarCriterion,
  rows: readonly Row[],
  positions: readonly number[],
  context: RowContext,
): BucketKeeps {
  // Buckets are of time, whatever else the rule orders by.
  const { streams, unknown } = streamsOf(
    rule,
    { ...counting, countBy: clockOf({ by: orderOf(counting) }) },
    rows,
    positions,
    context,
  )
  const kept = new Map<number, string>()
  for (const contenders of streams.values()) {
    const times = contenders.map((contender) => Number(contender.value))
    for (const [calendar, count] of Object.entries(criterion.counts) as [Calendar, number][]) {
      const buckets = bucketsOf(calendar, counting.timezone)
      for (const place of keptByBucket(times, buckets, count)) {
        const name = `${calendar} ${buckets.nameOf(times[place] ?? 0)}`
        for (const row of contenders[place]?.rows ?? []) if (!kept.has(row)) kept.set(row, name)
      }
    }
  }
  return { kept, unknown }
}
