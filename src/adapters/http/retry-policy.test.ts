import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, describeDuration, judge, retryAfterMs } from './retry-policy.ts'

const NOW = Date.UTC(2026, 0, 1)
const headers = (fields: Readonly<Record<string, string>>) => new Map(Object.entries(fields))

describe('judge', () => {
  it.each([
    { name: '429 without a word', status: 429, fields: {}, is: { isRateLimit: true, askedMs: undefined } },
    {
      name: '429 with seconds',
      status: 429,
      fields: { 'retry-after': '7' },
      is: { isRateLimit: true, askedMs: 7000 },
    },
    {
      name: '403 with Retry-After',
      status: 403,
      fields: { 'retry-after': '7' },
      is: { isRateLimit: true, askedMs: 7000 },
    },
    {
      name: '403 with nothing left until a point in time',
      status: 403,
      fields: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 90) },
      is: { isRateLimit: true, askedMs: 90_000 },
    },
    {
      name: '429 with nothing left for some seconds',
      status: 429,
      fields: { 'ratelimit-remaining': '0;w=21600', 'ratelimit-reset': '30' },
      is: { isRateLimit: true, askedMs: 30_000 },
    },
    {
      name: '503 with a wish',
      status: 503,
      fields: { 'retry-after': '2' },
      is: { isRateLimit: false, askedMs: 2000 },
    },
    { name: '500', status: 500, fields: {}, is: { isRateLimit: false, askedMs: undefined } },
  ])('repeats after $name', ({ status, fields, is }) => {
    expect(judge(status, headers(fields), NOW)).toEqual({ kind: 'repeat', ...is })
  })

  it.each([
    { status: 200, fields: { 'x-ratelimit-remaining': '0' } },
    { status: 403, fields: {} },
    { status: 403, fields: { 'x-ratelimit-remaining': '10', 'x-ratelimit-reset': '99' } },
    { status: 404, fields: { 'retry-after': '5' } },
    { status: 501, fields: {} },
    { status: 401, fields: {} },
  ])('takes $status with $fields for final', ({ status, fields }) => {
    expect(judge(status, headers(fields as Record<string, string>), NOW)).toEqual({ kind: 'final' })
  })
})

describe('retryAfterMs', () => {
  it.each([
    { value: '0', ms: 0 },
    { value: ' 12 ', ms: 12_000 },
    { value: '1.5', ms: 1500 },
    { value: new Date(NOW + 45_000).toUTCString(), ms: 45_000 },
    { value: new Date(NOW - 45_000).toUTCString(), ms: 0 },
    { value: String(NOW / 1000 + 20), ms: 20_000 },
    { value: '-5', ms: undefined },
    { value: 'soon', ms: undefined },
    { value: '', ms: undefined },
    { value: '1e9', ms: undefined },
  ])('reads $value', ({ value, ms }) => {
    expect(retryAfterMs(headers({ 'retry-after': value }), NOW)).toBe(ms)
  })
})

describe('backoffMs', () => {
  it('doubles, stays within its bounds, and takes off at most half', () => {
    expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, 500, 0))).toEqual([500, 1000, 2000, 4000])
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const full = backoffMs(attempt, 500, 0)
          const ms = backoffMs(attempt, 500, random)
          expect(full).toBeLessThanOrEqual(15_000)
          expect(ms).toBeGreaterThanOrEqual(full / 2)
          expect(ms).toBeLessThanOrEqual(full)
        },
      ),
    )
  })
})

it.each([
  [1, '1 s'],
  [90_000, '90 s'],
  [600_000, '10 min'],
  [7_200_000, '2 h'],
  [86_400_000 * 3, '3 days'],
  [1e30, 'more than a year'],
])('tells %d ms as %s', (ms, text) => {
  expect(describeDuration(ms)).toBe(text)
})
