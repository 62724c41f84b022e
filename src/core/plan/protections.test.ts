import { describe, expect, it } from 'vitest'
import { attachedTag, dayMs, daysAgo, digest, image, now, tag } from '../../../test/builders/images.ts'
import { inUse } from '../../../test/builders/plans.ts'
import { unprotected } from '../../../test/builders/policies.ts'
import { buildGraph } from '../image/graph.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { compileTagPatterns } from '../policy/compile-patterns.ts'
import type { Reason } from '../policy/reason.ts'
import { protectionsOf, type ProtectionFacts } from './protections.ts'

/** The protections of the first of these manifests. */
function protections(
  manifests: readonly ManifestRecord[],
  given: Partial<Omit<ProtectionFacts, 'graph'>>,
): readonly Reason[] {
  const facts = { protect: unprotected, now, inUse: new Map(), seenInUse: new Map(), ...given }
  return protectionsOf(0, { graph: buildGraph(manifests), ...facts })
}

const kinds = (reasons: readonly Reason[]): readonly string[] => reasons.map(({ kind }) => kind)

const whole = [
  image('root', { tags: ['1'], children: ['platform'] }),
  image('platform'),
  image('sig', { tags: [attachedTag('platform', 'sig')] }),
  image('other', { tags: ['2'] }),
]

describe('in use', () => {
  it.each([
    { name: 'the index itself', label: 'root', is: ['in-use'] },
    { name: 'a platform of it', label: 'platform', is: ['in-use'] },
    { name: 'a signature of a platform', label: 'sig', is: ['in-use'] },
    { name: 'another image', label: 'other', is: [] },
  ])('$name', ({ label, is }) => {
    expect(kinds(protections(whole, { inUse: inUse(label) }))).toEqual(is)
  })

  it('names source and place, and lists no more than five of many witnesses', () => {
    const marks = Array.from({ length: 7 }, (_, i) => ({
      source: 'kubernetes:eu',
      where: `Pod shop/${6 - i}`,
    }))
    const reasons = protections(whole, { inUse: new Map([[digest('root'), marks]]) })
    expect(reasons.map(({ text }) => text)).toEqual([
      'Pod shop/0',
      'Pod shop/1',
      'Pod shop/2',
      'Pod shop/3',
      'Pod shop/4 and 2 more',
    ])
    expect(reasons.every(({ source }) => source === 'kubernetes:eu')).toBe(true)
  })

  it('lists a witness once, however many parts it uses', () => {
    const mark = { source: 's', where: 'Pod shop/a' }
    const both = new Map([digest('root'), digest('platform')].map((each) => [each, [mark]]))
    expect(protections(whole, { inUse: both })).toHaveLength(1)
  })
})

describe('seen in use within 7d', () => {
  const protect = { ...unprotected, seenInUseWithinMs: 7 * dayMs }
  const seen = (label: string, lastSeenAt: number): ProtectionFacts['seenInUse'] =>
    new Map([[digest(label), { lastSeenAt, source: 'kubernetes:eu', where: 'Pod shop/a' }]])

  it.each([
    { name: 'three days ago protects', at: daysAgo(3), is: ['seen-in-use'] },
    { name: 'a millisecond before the seventh day ends protects', at: daysAgo(7) + 1, is: ['seen-in-use'] },
    { name: 'exactly seven days ago does not', at: daysAgo(7), is: [] },
  ])('$name', ({ at, is }) => {
    expect(kinds(protections(whole, { protect, seenInUse: seen('platform', at) }))).toEqual(is)
  })

  it('tells of the last sighting, its source and age', () => {
    const seenInUse = new Map([...seen('root', daysAgo(5)), ...seen('platform', daysAgo(2))])
    expect(protections(whole, { protect, seenInUse })).toEqual([
      { kind: 'seen-in-use', source: 'kubernetes:eu', text: 'Pod shop/a, seen 2d ago (seenInUseWithin: 7d)' },
    ])
  })

  it('says nothing beside what is in use now, nor when it is switched off', () => {
    const seenInUse = seen('root', daysAgo(1))
    expect(kinds(protections(whole, { protect, seenInUse, inUse: inUse('root') }))).toEqual(['in-use'])
    expect(protections(whole, { seenInUse })).toEqual([])
  })
})

describe('younger than 24h', () => {
  const protect = { ...unprotected, youngerThanMs: dayMs }

  it.each<{ name: string; manifests: readonly ManifestRecord[]; is: readonly string[] }>([
    { name: 'exactly a day old is not young', manifests: [image('a', { pushedAt: daysAgo(1) })], is: [] },
    {
      name: 'a millisecond less is young',
      manifests: [image('a', { pushedAt: daysAgo(1) + 1 })],
      is: ['younger-than'],
    },
    {
      name: 'pushed in the future is young',
      manifests: [image('a', { pushedAt: now + 1 })],
      is: ['younger-than'],
    },
    { name: 'no time at all counts as young', manifests: [image('a')], is: ['age-unknown'] },
    { name: '1970 is no time', manifests: [image('a', { createdAt: 0 })], is: ['age-unknown'] },
    {
      name: 'a creation in the future is no time',
      manifests: [image('a', { createdAt: now + 1 })],
      is: ['age-unknown'],
    },
    {
      name: 'the newest of all its times counts',
      manifests: [image('a', { pushedAt: daysAgo(9), createdAt: daysAgo(0.5) })],
      is: ['younger-than'],
    },
    {
      name: 'a fresh tag counts',
      manifests: [image('a', { pushedAt: daysAgo(9), tags: [tag('1', { pushedAt: daysAgo(0.5) })] })],
      is: ['younger-than'],
    },
    {
      name: 'a fresh signature keeps its image young',
      manifests: [image('a', { pushedAt: daysAgo(9) }), image('s', { subject: 'a', pushedAt: daysAgo(0.5) })],
      is: ['younger-than'],
    },
    {
      name: 'an index is dated by its platforms',
      manifests: [image('a', { children: ['p'] }), image('p', { createdAt: daysAgo(9) })],
      is: [],
    },
    {
      name: 'what hangs on an image does not date it',
      manifests: [image('a'), image('s', { subject: 'a', createdAt: daysAgo(9) })],
      is: ['age-unknown'],
    },
  ])('$name', ({ manifests, is }) => {
    expect(kinds(protections(manifests, { protect }))).toEqual(is)
  })

  it('says how young', () => {
    const [reason] = protections([image('a', { pushedAt: daysAgo(0.125) })], { protect })
    expect(reason?.text).toBe('3h old, younger than 1d')
  })

  it('is switched off by 0s, for undated images too', () => {
    expect(protections([image('a')], {})).toEqual([])
  })
})

describe('tags, locks and neighbours', () => {
  const protect = { ...unprotected, tags: compileTagPatterns(['latest', 'stable-*']) }

  it.each<{ name: string; manifests: readonly ManifestRecord[]; is: readonly Reason[] }>([
    {
      name: 'a protected tag, the first by name',
      manifests: [image('a', { tags: ['x', 'stable-2', 'stable-1'] })],
      is: [{ kind: 'protected-tag', text: 'tag stable-1 is protected by protect.tags' }],
    },
    { name: 'no protected tag', manifests: [image('a', { tags: ['x'] })], is: [] },
    {
      name: 'a lock',
      manifests: [image('a', { locked: true })],
      is: [{ kind: 'locked', text: 'immutable or protected in the registry' }],
    },
    {
      name: 'a lock on a platform',
      manifests: [image('a', { children: ['p'] }), image('p', { locked: true })],
      is: [{ kind: 'locked', text: 'immutable or protected in the registry' }],
    },
  ])('$name', ({ manifests, is }) => {
    expect(protections(manifests, { protect })).toEqual(is)
  })

  it('keeps what hangs on a manifest of another repository', () => {
    const graph = buildGraph([image('s', { subject: 'next-door' })], () => true)
    const facts = { graph, protect: unprotected, now, inUse: new Map(), seenInUse: new Map() }
    expect(kinds(protectionsOf(0, facts))).toEqual(['needed-by'])
  })
})

it('tells every protection that holds', () => {
  const reasons = protections([image('a', { tags: ['latest'], locked: true })], {
    protect: { youngerThanMs: 1, seenInUseWithinMs: 0, tags: compileTagPatterns(['latest']) },
    inUse: inUse('a'),
  })
  expect(kinds(reasons)).toEqual(['in-use', 'age-unknown', 'protected-tag', 'locked'])
})
