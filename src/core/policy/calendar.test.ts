import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketsOf, keptByBucket } from './calendar.ts'
import type { Calendar } from './policy.ts'

const at = (text: string): number => Date.parse(text)

describe('names of buckets', () => {
  it.each<{ name: string; calendar: Calendar; zone?: string; at: string; is: string }>([
    { name: 'the hour', calendar: 'hourly', at: '2026-01-31T23:59:59Z', is: '2026-01-31T23' },
    { name: 'the day', calendar: 'daily', at: '2026-01-31T23:59:59Z', is: '2026-01-31' },
    { name: 'the month', calendar: 'monthly', at: '2026-01-31T23:59:59Z', is: '2026-01' },
    { name: 'the year', calendar: 'yearly', at: '2026-01-31T23:59:59Z', is: '2026' },
    {
      name: 'a day begins at midnight of its zone',
      calendar: 'daily',
      zone: 'Europe/Berlin',
      at: '2026-01-30T23:00:00Z',
      is: '2026-01-31',
    },
    {
      name: 'a day ends at midnight of its zone',
      calendar: 'daily',
      zone: 'America/New_York',
      at: '2026-02-01T04:59:59Z',
      is: '2026-01-31',
    },
    {
      name: 'a zone of a quarter of an hour',
      calendar: 'daily',
      zone: 'Asia/Kathmandu',
      at: '2026-01-30T18:15:00Z',
      is: '2026-01-31',
    },
    {
      name: 'summer time moves midnight in Berlin',
      calendar: 'daily',
      zone: 'Europe/Berlin',
      at: '2026-07-01T22:00:00Z',
      is: '2026-07-02',
    },
    {
      name: 'before summer time it has not moved',
      calendar: 'daily',
      zone: 'Europe/Berlin',
      at: '2026-03-28T22:59:59Z',
      is: '2026-03-28',
    },
    {
      name: 'the year of a zone that is ahead',
      calendar: 'yearly',
      zone: 'Europe/Berlin',
      at: '2025-12-31T23:00:00Z',
      is: '2026',
    },
    { name: 'week 47', calendar: 'weekly', at: '2026-11-22T12:00:00Z', is: '2026-W47' },
    { name: 'week 53 of a long year', calendar: 'weekly', at: '2026-12-31T12:00:00Z', is: '2026-W53' },
    { name: 'week 53 reaches into January', calendar: 'weekly', at: '2027-01-03T23:59:59Z', is: '2026-W53' },
    { name: 'week 1 has two digits', calendar: 'weekly', at: '2027-01-04T00:00:00Z', is: '2027-W01' },
    {
      name: 'the end of December may be week 1',
      calendar: 'weekly',
      at: '2025-12-29T00:00:00Z',
      is: '2026-W01',
    },
    { name: 'weeks before 1970', calendar: 'weekly', at: '1969-12-28T12:00:00Z', is: '1969-W52' },
  ])('$name', ({ calendar, zone = 'UTC', at: text, is }) => {
    expect(bucketsOf(calendar, zone).nameOf(at(text))).toBe(is)
  })
})

describe('days on which clocks change', () => {
  it.each([
    {
      name: 'Berlin loses an hour in March',
      zone: 'Europe/Berlin',
      day: '2026-03-29',
      first: '2026-03-28T23:00:00Z',
      hours: 23,
    },
    {
      name: 'Berlin gains one in October',
      zone: 'Europe/Berlin',
      day: '2026-10-25',
      first: '2026-10-24T22:00:00Z',
      hours: 25,
    },
    {
      name: 'New York loses an hour in March',
      zone: 'America/New_York',
      day: '2026-03-08',
      first: '2026-03-08T05:00:00Z',
      hours: 23,
    },
    {
      name: 'New York gains one in November',
      zone: 'America/New_York',
      day: '2026-11-01',
      first: '2026-11-01T04:00:00Z',
      hours: 25,
    },
  ])('$name', ({ zone, day, first, hours }) => {
    const days = bucketsOf('daily', zone)
    const begins = at(first)
    expect(days.nameOf(begins - 1)).not.toBe(day)
    expect(days.nameOf(begins)).toBe(day)
    expect(days.nameOf(begins + hours * 3_600_000 - 1)).toBe(day)
    expect(days.nameOf(begins + hours * 3_600_000)).not.toBe(day)
    expect(days.numberOf(begins)).toBe(days.numberOf(begins + hours * 3_600_000 - 1))
  })
})

it('numbers weeks from Monday to Sunday', () => {
  const weeks = bucketsOf('weekly', 'UTC')
  const [monday, sunday] = [at('2026-01-26T00:00:00Z'), at('2026-02-01T23:59:59Z')]
  expect(weeks.numberOf(monday)).toBe(weeks.numberOf(sunday))
  expect(weeks.numberOf(sunday + 1000)).toBe(weeks.numberOf(monday) + 1)
  expect(weeks.numberOf(monday - 1)).toBe(weeks.numberOf(monday) - 1)
})

// Two ways to say in which bucket an instant is; a plan shows one and is made by the other.
it.each<Calendar>(['hourly', 'daily', 'weekly', 'monthly', 'yearly'])(
  '%s buckets have one name each',
  (calendar) => {
    fc.assert(
      fc.property(
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati'),
        fc.integer({ min: 0, max: at('2040-01-01T00:00:00Z') }),
        fc.integer({ min: 0, max: 400 * 86_400_000 }),
        (zone, instant, gap) => {
          const buckets = bucketsOf(calendar, zone)
          const isSame = buckets.numberOf(instant) === buckets.numberOf(instant + gap)
          expect(buckets.nameOf(instant) === buckets.nameOf(instant + gap)).toBe(isSame)
        },
      ),
      { numRuns: 60 },
    )
  },
)

describe('keptByBucket, which is restic’s rule', () => {
  const days = bucketsOf('daily', 'UTC')

  it.each([
    { name: 'keeps nothing of nothing', times: [], count: 3, kept: [] },
    { name: 'keeps nothing when none is asked for', times: ['2026-01-31T10:00Z'], count: 0, kept: [] },
    {
      name: 'keeps the newest of each day',
      times: [
        '2026-01-31T10:00Z',
        '2026-01-31T09:00Z',
        '2026-01-30T23:59Z',
        '2026-01-29T01:00Z',
        '2026-01-28T01:00Z',
      ],
      count: 3,
      kept: [0, 2, 3],
    },
    {
      name: 'counts days that hold something, not days of the calendar',
      times: ['2026-01-31T10:00Z', '2025-06-01T10:00Z', '2024-01-01T10:00Z', '2020-01-01T10:00Z'],
      count: 3,
      kept: [0, 1, 2],
    },
    {
      name: 'keeps the very oldest while places are left, though its day is taken',
      times: ['2026-01-31T10:00Z', '2026-01-30T10:00Z', '2026-01-30T09:00Z', '2026-01-30T08:00Z'],
      count: 3,
      kept: [0, 1, 3],
    },
    {
      name: 'does not keep the very oldest when all places are taken',
      times: ['2026-01-31T10:00Z', '2026-01-30T10:00Z', '2026-01-30T09:00Z'],
      count: 2,
      kept: [0, 1],
    },
    { name: 'keeps the only one once', times: ['2026-01-31T10:00Z'], count: 5, kept: [0] },
  ])('$name', ({ times, count, kept }) => {
    expect(keptByBucket(times.map(at), days, count)).toEqual(kept)
  })

  // Asking for more days must never lose one.
  it('keeps at least as much when the count grows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 })),
        fc.integer({ min: 1, max: 9 }),
        (ages, count) => {
          const times = ages.map((age) => at('2026-01-31T10:00Z') - age * 36_000_000).sort((a, b) => b - a)
          const more = new Set(keptByBucket(times, days, count + 1))
          expect(keptByBucket(times, days, count).every((place) => more.has(place))).toBe(true)
        },
      ),
    )
  })
})
