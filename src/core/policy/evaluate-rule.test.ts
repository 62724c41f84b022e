import { describe, expect, it } from 'vitest'
import { attachedTag, dayMs, daysAgo, image, pushedDaysAgo, tag } from '../../../test/builders/images.ts'
import { keep, remove, rule, tagged, type RuleGiven } from '../../../test/builders/policies.ts'
import { decidedBy, reasonFor, rowsThat } from '../../../test/builders/verdicts.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import type { DeleteEffect, KeepCriterion, DeleteCriterion, Rule } from './policy.ts'

const aged = pushedDaysAgo({ a: 1, b: 7, c: 9, d: 20, u: undefined })
const week = 7 * dayMs

describe('each keep criterion', () => {
  it.each<{
    name: string
    criterion: KeepCriterion
    manifests?: readonly ManifestRecord[]
    keeps: readonly string[]
  }>([
    { name: 'all', criterion: { kind: 'all' }, keeps: ['a', 'b', 'c', 'd', 'u'] },
    {
      name: 'newest: 2, and the undated, which takes no place',
      criterion: { kind: 'newest', count: 2 },
      keeps: ['a', 'b', 'u'],
    },
    { name: 'newest: 0 keeps what cannot be ordered', criterion: { kind: 'newest', count: 0 }, keeps: ['u'] },
    {
      name: 'within: 7d, not at exactly 7d, and the undated',
      criterion: { kind: 'within', ms: week },
      keeps: ['a', 'u'],
    },
    {
      name: 'pulledWithin: 7d, and what was never known to be pulled',
      criterion: { kind: 'pulled-within', ms: week },
      manifests: [image('a', { pulledAt: daysAgo(6) }), image('b', { pulledAt: daysAgo(7) }), image('c')],
      keeps: ['a', 'c'],
    },
    { name: 'calendar', criterion: { kind: 'calendar', counts: { weekly: 2 } }, keeps: ['a', 'b', 'u'] },
  ])('$name', ({ criterion, manifests = aged, keeps }) => {
    expect(decidedBy(rule(keep(criterion)), manifests)).toEqual(keeps)
  })
})

describe('each delete criterion', () => {
  it.each<{
    name: string
    criterion: DeleteCriterion
    manifests?: readonly ManifestRecord[]
    takes: readonly string[]
  }>([
    { name: 'all, the undated too', criterion: { kind: 'all' }, takes: ['a', 'b', 'c', 'd', 'u'] },
    {
      name: 'olderThan: 7d, not at exactly 7d, never the undated',
      criterion: { kind: 'older-than', ms: week },
      takes: ['c', 'd'],
    },
    {
      name: 'beyondNewest: 2, never the undated',
      criterion: { kind: 'beyond-newest', count: 2 },
      takes: ['c', 'd'],
    },
    {
      name: 'beyondNewest: 0 takes what can be ordered',
      criterion: { kind: 'beyond-newest', count: 0 },
      takes: ['a', 'b', 'c', 'd'],
    },
    {
      name: 'notPulledFor: 7d, never what was not known to be pulled',
      criterion: { kind: 'not-pulled-for', ms: week },
      manifests: [image('a', { pulledAt: daysAgo(8) }), image('b', { pulledAt: daysAgo(7) }), image('c')],
      takes: ['a'],
    },
  ])('$name', ({ criterion, manifests = aged, takes }) => {
    expect(decidedBy(rule(remove(criterion)), manifests)).toEqual(takes)
  })
})

describe('two criteria in one rule', () => {
  const criteria: readonly KeepCriterion[] = [
    { kind: 'newest', count: 1 },
    { kind: 'within', ms: 8 * dayMs },
  ]
  it.each([
    { combine: 'any' as const, keeps: ['a', 'b', 'u'] },
    { combine: 'all' as const, keeps: ['a', 'u'] },
  ])('combine: $combine', ({ combine, keeps }) => {
    expect(decidedBy(rule(keep(criteria, { combine })), aged)).toEqual(keeps)
  })

  const taking: readonly DeleteCriterion[] = [
    { kind: 'beyond-newest', count: 1 },
    { kind: 'older-than', ms: 8 * dayMs },
  ]
  it.each([
    { combine: 'any' as const, takes: ['b', 'c', 'd'] },
    { combine: 'all' as const, takes: ['c', 'd'] },
  ])('combine: $combine, to delete', ({ combine, takes }) => {
    expect(decidedBy(rule(remove(taking, { combine })), aged)).toEqual(takes)
  })
})

describe('whom a rule reaches', () => {
  const names = pushedDaysAgo({ 'pr-1': 1, 'pr-2': 2, 'pr-3': 3, v1: 4 })
  const newest = keep({ kind: 'newest', count: 1 })
  it.each<{ name: string; given: RuleGiven; decides: readonly string[]; reaches: readonly string[] }>([
    { name: 'everyone without a match', given: {}, decides: ['pr-1'], reaches: ['pr-2', 'pr-3', 'v1'] },
    {
      name: 'those that match',
      given: { match: tagged('pr-*') },
      decides: ['pr-1'],
      reaches: ['pr-2', 'pr-3'],
    },
    {
      name: 'those that match any of several blocks',
      given: { match: [tagged('v*'), tagged('pr-3')] },
      decides: ['pr-3'],
      reaches: ['v1'],
    },
    {
      name: 'not those taken out before counting: the next one has the place',
      given: { not: tagged('pr-1') },
      decides: ['pr-2'],
      reaches: ['pr-3', 'v1'],
    },
    {
      name: 'but without effect those taken out after counting: the place stays theirs',
      given: { except: tagged('pr-1') },
      decides: [],
      reaches: ['pr-1', 'pr-2', 'pr-3', 'v1'],
    },
    {
      name: 'nobody that any of several not blocks names',
      given: { not: [tagged('pr-1'), tagged('pr-2')] },
      decides: ['pr-3'],
      reaches: ['v1'],
    },
  ])('$name', ({ given, decides, reaches }) => {
    expect(rowsThat('decides', rule(newest, given), names)).toEqual(decides)
    expect(rowsThat('reached', rule(newest, given), names)).toEqual(reaches)
  })

  const odd = [
    image('a', { tags: ['1'] }),
    image('orphan', { subject: 'gone' }),
    image('untagged'),
    image('sig', { tags: [attachedTag('gone', 'sig')] }),
  ]

  it('is no orphaned referrer, unless its state is named', () => {
    expect(decidedBy(rule(remove({ kind: 'all' })), odd)).toEqual(['a', 'untagged'])
    expect(decidedBy(rule(remove({ kind: 'all' }), { match: { tagged: false } }), odd)).toEqual(['untagged'])
    const named = { match: { state: ['orphaned-referrer' as const] } }
    expect(decidedBy(rule(remove({ kind: 'all' }), named), odd)).toEqual(['orphan', 'sig'])
  })

  it('is no image without tags under unit: tag, unless tagged: false is asked for', () => {
    expect(decidedBy(rule(remove({ kind: 'all' })), odd, 'tag')).toEqual(['a:1'])
    expect(decidedBy(rule(remove({ kind: 'all' }), { match: { tagged: false } }), odd, 'tag')).toEqual([
      'untagged',
    ])
  })
})

describe('countAmong', () => {
  const taking = (countAmong: DeleteEffect['countAmong'], ...more: readonly DeleteCriterion[]): Rule =>
    rule(remove([{ kind: 'beyond-newest', count: 1 }, ...more], { countAmong, combine: 'all' }))

  it('matched counts everyone that matches', () => {
    expect(decidedBy(taking('matched', { kind: 'older-than', ms: 5 * dayMs }), aged)).toEqual(['b', 'c', 'd'])
  })

  it('eligible counts those that pass the other criteria', () => {
    expect(decidedBy(taking('eligible', { kind: 'older-than', ms: 5 * dayMs }), aged)).toEqual(['c', 'd'])
  })

  it('eligible counts nobody that is locked', () => {
    const locked = [image('a', { pushedAt: daysAgo(1), locked: true }), ...pushedDaysAgo({ b: 2, c: 3 })]
    expect(decidedBy(taking('eligible'), locked)).toEqual(['c'])
    expect(decidedBy(taking('matched'), locked)).toEqual(['b', 'c'])
  })
})

describe('onePageOf', () => {
  const beyond = (onePageOf: number): Rule =>
    rule(remove({ kind: 'beyond-newest', count: 1 }, { onePageOf }), { not: tagged('keep') })
  const three = [
    image('a', { tags: [tag('x', { pushedAt: daysAgo(1) }), tag('y', { pushedAt: daysAgo(2) })] }),
    image('b', { tags: [tag('keep', { pushedAt: daysAgo(3) })] }),
  ]

  it('deletes as usual in a repository of so many tags', () => {
    expect(decidedBy(beyond(3), three, 'tag')).toEqual(['a:y'])
  })

  it('deletes nothing in a larger one, whatever of it is counted', () => {
    expect(decidedBy(beyond(2), three, 'tag')).toEqual([])
  })

  it('deletes nothing where something that is counted has no place', () => {
    const undated = image('u', { tags: ['z'] })
    expect(decidedBy(beyond(9), [...three, undated], 'tag')).toEqual([])
    const spared = image('u', { tags: ['keep'] })
    expect(decidedBy(beyond(9), [...three, spared], 'tag')).toEqual(['a:y'])
  })
})

it('counts distinct images under unit: tag only where it is told to', () => {
  const manifests = [
    image('a', { tags: [tag('x', { pushedAt: daysAgo(1) }), tag('y', { pushedAt: daysAgo(2) })] }),
    image('b', { tags: [tag('z', { pushedAt: daysAgo(3) })] }),
  ]
  expect(decidedBy(rule(keep({ kind: 'newest', count: 2 })), manifests, 'tag')).toEqual(['a:x', 'a:y'])
  const images = keep({ kind: 'newest', count: 2 }, { count: 'images' })
  expect(decidedBy(rule(images), manifests, 'tag')).toEqual(['a:x', 'a:y', 'b:z'])
})

describe('reasons', () => {
  const older: DeleteCriterion = { kind: 'older-than', ms: week }
  it.each<{ name: string; of: Rule; label: string; kind: string | undefined; text: string | undefined }>([
    {
      name: 'all',
      of: rule(keep({ kind: 'all' })),
      label: 'a',
      kind: 'kept-all',
      text: 'kept by rule (keep)',
    },
    {
      name: 'a place',
      of: rule(keep({ kind: 'newest', count: 2 })),
      label: 'b',
      kind: 'kept-newest',
      text: '2nd newest of 4 by pushed, 2 kept (keep)',
    },
    {
      name: 'no order',
      of: rule(keep({ kind: 'newest', count: 2 })),
      label: 'u',
      kind: 'kept-order-unknown',
      text: 'its place by pushed is unknown (keep)',
    },
    {
      name: 'an age',
      of: rule(keep({ kind: 'within', ms: week })),
      label: 'a',
      kind: 'kept-within',
      text: '1d old, within 7d (keep)',
    },
    {
      name: 'no age',
      of: rule(keep({ kind: 'within', ms: week })),
      label: 'u',
      kind: 'kept-order-unknown',
      text: 'its time is unknown (keep)',
    },
    {
      name: 'a bucket',
      of: rule(keep({ kind: 'calendar', counts: { daily: 9 } })),
      label: 'a',
      kind: 'kept-calendar',
      text: 'daily 2026-01-30 (keep)',
    },
    {
      name: 'past an age',
      of: rule(remove(older), { name: 'old' }),
      label: 'c',
      kind: 'deleted-older-than',
      text: '9d old, past 7d (old)',
    },
    {
      name: 'exactly an age spares',
      of: rule(remove(older)),
      label: 'b',
      kind: 'spared',
      text: 'exactly 7d old (delete)',
    },
    {
      name: 'no age spares',
      of: rule(remove(older)),
      label: 'u',
      kind: 'spared',
      text: 'its time is unknown (delete)',
    },
    {
      name: 'beyond the last place',
      of: rule(remove({ kind: 'beyond-newest', count: 3 })),
      label: 'd',
      kind: 'deleted-beyond-newest',
      text: '4th newest of 4 by pushed, 3 kept (delete)',
    },
    {
      name: 'deleted by all',
      of: rule(remove({ kind: 'all' })),
      label: 'a',
      kind: 'deleted-all',
      text: 'taken by rule (delete)',
    },
    {
      name: 'both criteria, when all must hold',
      of: rule(remove([older, { kind: 'beyond-newest', count: 1 }], { combine: 'all' })),
      label: 'c',
      kind: 'deleted-older-than',
      text: '9d old, past 7d and 3rd newest of 4 by pushed, 1 kept (delete)',
    },
    {
      name: 'the criterion that holds, when any may',
      of: rule(
        keep(
          [
            { kind: 'newest', count: 1 },
            { kind: 'within', ms: 8 * dayMs },
          ],
          { combine: 'any' },
        ),
      ),
      label: 'b',
      kind: 'kept-within',
      text: '7d old, within 8d (keep)',
    },
    {
      name: 'nothing, where the rule does not reach',
      of: rule(keep({ kind: 'all' }), { match: tagged('x') }),
      label: 'a',
      kind: undefined,
      text: undefined,
    },
  ])('$name', ({ of, label, kind, text }) => {
    const reason = reasonFor(of, aged, label)
    expect([reason?.kind, reason?.text]).toEqual([kind, text])
    expect([reason?.rule, reason?.line]).toEqual(kind === undefined ? [undefined, undefined] : [of.name, 7])
  })

  it('tells the pulls that decide', () => {
    const pulled = [image('a', { pulledAt: daysAgo(3) })]
    const kept = reasonFor(rule(keep({ kind: 'pulled-within', ms: week })), pulled, 'a')
    const taken = reasonFor(rule(remove({ kind: 'not-pulled-for', ms: dayMs })), pulled, 'a')
    expect([kept?.kind, taken?.kind]).toEqual(['kept-pulled-within', 'deleted-not-pulled-for'])
    expect([kept?.text, taken?.text]).toEqual(['3d old, within 7d (keep)', '3d old, past 1d (delete)'])
  })

  it('names the stream', () => {
    const versions = [image('a', { tags: ['1.2.3'] })]
    const perMinor = rule(keep({ kind: 'newest', count: 5 }, { by: 'semver', per: '{major}.{minor}' }))
    expect(reasonFor(perMinor, versions, 'a')?.text).toBe('1st newest of 1 by semver in 1.2, 5 kept (keep)')
  })
})
