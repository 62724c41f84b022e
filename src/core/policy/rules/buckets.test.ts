import { describe, expect, it } from 'vitest'
import { image, labelOf, tag } from '../../../../test/builders/images.ts'
import { keep, rule, tagged } from '../../../../test/builders/policies.ts'
import { contextOf, decidedBy } from '../../../../test/builders/verdicts.ts'
import type { Calendar } from '../policy.ts'
import { rowsOf } from '../rows.ts'
import { keptInCalendar } from './buckets.ts'

const at = (text: string): number => Date.parse(text)
const images = (times: Readonly<Record<string, string>>): ReturnType<typeof image>[] =>
  Object.entries(times).map(([label, time]) => image(label, { tags: [label], pushedAt: at(time) }))

const history = images({
  a: '2026-01-31T10:00Z',
  b: '2026-01-31T09:00Z',
  c: '2026-01-30T10:00Z',
  d: '2026-01-25T23:00Z',
  e: '2026-01-01T10:00Z',
  f: '2025-12-31T23:30Z',
})

function calendar(
  counts: Partial<Record<Calendar, number>>,
  given: Parameters<typeof keep>[1] = {},
): ReturnType<typeof rule> {
  return rule(keep({ kind: 'calendar', counts }, given))
}

describe('calendar counts', () => {
  it.each<{
    name: string
    counts: Partial<Record<Calendar, number>>
    zone?: string
    kept: readonly string[]
  }>([
    { name: 'hourly', counts: { hourly: 2 }, kept: ['a', 'b'] },
    { name: 'daily', counts: { daily: 2 }, kept: ['a', 'c'] },
    { name: 'weekly', counts: { weekly: 2 }, kept: ['a', 'd'] },
    { name: 'monthly', counts: { monthly: 2 }, kept: ['a', 'f'] },
    { name: 'yearly, of which there are fewer: the oldest is kept', counts: { yearly: 3 }, kept: ['a', 'f'] },
    { name: 'each count for itself', counts: { daily: 2, monthly: 2 }, kept: ['a', 'c', 'f'] },
    {
      name: 'in a zone where the year began earlier',
      counts: { yearly: 1, monthly: 2 },
      zone: 'Europe/Berlin',
      kept: ['a', 'f'],
    },
    { name: 'in UTC the last day of December is another month', counts: { monthly: 3 }, kept: ['a', 'f'] },
  ])('$name', ({ counts, zone = 'UTC', kept }) => {
    expect(decidedBy(calendar(counts, { timezone: zone }), history)).toEqual(kept)
  })

  it('keeps an undated image, which takes no place', () => {
    expect(decidedBy(calendar({ daily: 1 }), [image('u', { tags: ['u'] }), ...history])).toEqual(['a', 'u'])
  })

  it('counts every stream for itself', () => {
    const two = [
      ...images({ 'web-1': '2026-01-31T10:00Z', 'web-2': '2026-01-31T09:00Z' }),
      ...images({ 'api-1': '2026-01-31T08:00Z', 'api-2': '2026-01-31T07:00Z' }),
    ]
    const perName = rule(keep({ kind: 'calendar', counts: { daily: 1 } }, { per: '{1}' }), {
      match: tagged('*-*'),
    })
    expect(decidedBy(perName, two)).toEqual(['api-1', 'web-1'])
  })

  it('reads the clock the rule is ordered by, and pushed where the order is no clock', () => {
    const two = [
      image('a', { tags: ['1.0.0'], pushedAt: at('2026-01-31T10:00Z'), createdAt: at('2026-01-01T10:00Z') }),
      image('b', { tags: ['2.0.0'], pushedAt: at('2026-01-31T09:00Z'), createdAt: at('2026-01-31T08:00Z') }),
    ]
    expect(decidedBy(calendar({ daily: 1 }, { by: 'created' }), two)).toEqual(['b'])
    expect(decidedBy(calendar({ daily: 1 }, { by: 'semver' }), two)).toEqual(['a'])
  })

  it('counts tags under unit: tag, and images where it is told to', () => {
    const manifests = [
      image('a', {
        tags: [
          tag('x', { pushedAt: at('2026-01-31T10:00Z') }),
          tag('y', { pushedAt: at('2026-01-30T10:00Z') }),
        ],
      }),
      image('b', { tags: [tag('z', { pushedAt: at('2026-01-29T10:00Z') })] }),
    ]
    expect(decidedBy(calendar({ daily: 2 }), manifests, 'tag')).toEqual(['a:x', 'a:y'])
    expect(decidedBy(calendar({ daily: 2 }, { count: 'images' }), manifests, 'tag')).toEqual([
      'a:x',
      'a:y',
      'b:z',
    ])
  })

  it('names the bucket for which each is kept', () => {
    const context = contextOf(history)
    const rows = rowsOf(context)
    const effect = keep({ kind: 'all' })
    const criterion = { kind: 'calendar' as const, counts: { daily: 2, weekly: 2 } }
    const { kept } = keptInCalendar(rule(effect), effect, criterion, rows, [...rows.keys()], context)
    const named = [...kept].map(([row, name]) => [labelOf(rows[row]?.manifest.digest ?? ''), name])
    expect(Object.fromEntries(named)).toEqual({
      a: 'daily 2026-01-31',
      c: 'daily 2026-01-30',
      d: 'weekly 2026-W04',
    })
  })
})
