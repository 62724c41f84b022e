import { describe, expect, it } from 'vitest'
import { dayMs, hourMs, now } from '../../../../test/builders/images.ts'
import { formatAge, formatDuration, isOlderThan, isWithin } from './ages.ts'

describe('a duration of seven days', () => {
  const week = 7 * dayMs

  it.each([
    { name: 'a millisecond younger is within it', at: now - week + 1, within: true, older: false },
    { name: 'exactly as old is neither within it nor older', at: now - week, within: false, older: false },
    { name: 'a millisecond older is older', at: now - week - 1, within: false, older: true },
    { name: 'the future is within it', at: now + week, within: true, older: false },
    { name: '1970 is older, where a clock says so', at: 0, within: false, older: true },
    { name: 'the undated is within it and never older', at: undefined, within: true, older: false },
  ])('$name', ({ at, within, older }) => {
    expect([isWithin(at, week, now), isOlderThan(at, week, now)]).toEqual([within, older])
  })
})

describe('a duration of nothing', () => {
  it.each([
    { name: 'now is neither within it nor older', at: now, within: false, older: false },
    { name: 'a millisecond ago is older', at: now - 1, within: false, older: true },
    { name: 'the undated is still kept', at: undefined, within: true, older: false },
  ])('$name', ({ at, within, older }) => {
    expect([isWithin(at, 0, now), isOlderThan(at, 0, now)]).toEqual([within, older])
  })
})

it.each([
  [0, '0s'],
  [-5, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [hourMs - 1, '59m'],
  [hourMs, '1h'],
  [dayMs - 1, '23h'],
  [dayMs, '1d'],
  [41.9 * dayMs, '41d'],
])('an age of %d ms is said as %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text)
})

it.each([
  [0, '0s'],
  [90_000, '90s'],
  [15 * 60_000, '15m'],
  [24 * hourMs, '1d'],
  [36 * hourMs, '36h'],
  [42 * dayMs, '42d'],
])('a duration of %d ms is written as %s, exactly', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
