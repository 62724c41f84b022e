import { describe, expect, it } from 'vitest'
import {
  attachedTag,
  daysAgo,
  digest,
  image,
  labelOf,
  labelsOf,
  now,
  tag,
} from '../../../test/builders/images.ts'
import { inUse, planOfRules, repository } from '../../../test/builders/plans.ts'
import { keep, rule, tagged } from '../../../test/builders/policies.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import type { Plan } from './plan.ts'
import { plannedTags, recheck, stillNeeded, type RecheckInput } from './recheck.ts'

const keepKept = rule(keep({ kind: 'all' }), { match: tagged('keep') })
const before = [
  image('a', { tags: ['1', '2'], children: ['p'], pushedAt: daysAgo(9) }),
  image('p'),
  image('k', { tags: ['keep'] }),
]
const planOf = (manifests: readonly ManifestRecord[], unit: 'image' | 'tag' = 'image'): Plan =>
  planOfRules(manifests, [keepKept], { policy: { unit } })

/** What is said of each line, by label, when the repository holds `after` now. */
function checked(
  after: readonly ManifestRecord[],
  given: Partial<RecheckInput> = {},
  plan = planOf(before),
): Readonly<Record<string, string>> {
  const checks = recheck({
    actions: plan.actions,
    repository: repository('team/app', after),
    inUse: new Map(),
    heldBack: undefined,
    plannedAt: now,
    ...given,
  })
  return Object.fromEntries(
    checks.map((check) => [
      labelOf(check.action.digest) + (check.action.kind === 'untag' ? `:${check.action.tag}` : ''),
      'text' in check ? `${check.kind}: ${check.text}` : check.kind,
    ]),
  )
}

const [a, p, k] = before as [ManifestRecord, ManifestRecord, ManifestRecord]

describe('a line that deletes', () => {
  it.each<{ name: string; after: readonly ManifestRecord[]; given?: Partial<RecheckInput>; says: string }>([
    { name: 'goes when nothing moved', after: before, says: 'go' },
    { name: 'is gone when the manifest is', after: [p, k], says: 'gone' },
    { name: 'goes when a tag of it is gone already', after: [{ ...a, tags: [tag('1')] }, p, k], says: 'go' },
    {
      name: 'drifts when a tag points elsewhere',
      after: [{ ...a, tags: [tag('1')] }, p, { ...k, tags: [tag('keep'), tag('2')] }],
      says: `drifted: tag 2 now points to ${digest('k')}`,
    },
    {
      name: 'drifts by a tag that moved though the manifest is gone',
      after: [p, { ...k, tags: [tag('2')] }],
      says: `drifted: tag 2 now points to ${digest('k')}`,
    },
    {
      name: 'drifts when it has a new tag',
      after: [{ ...a, tags: [...a.tags, tag('new')] }, p, k],
      says: 'drifted: it has a new tag, new',
    },
    {
      name: 'drifts when it was signed since',
      after: [...before, image('s', { tags: [attachedTag('a', 'sig')] })],
      says: `drifted: ${digest('s')} was attached to it after the plan was made`,
    },
    {
      name: 'drifts when it was pushed again',
      after: [{ ...a, pushedAt: now + 1 }, p, k],
      says: 'drifted: it was pushed again after the plan was made',
    },
    {
      name: 'goes when it was pushed at the very time of the plan',
      after: [{ ...a, pushedAt: now }, p, k],
      says: 'go',
    },
    {
      name: 'drifts when a tag of it was pushed again',
      after: [{ ...a, tags: [tag('1', { pushedAt: now + 1 }), tag('2')] }, p, k],
      says: 'drifted: it was pushed again after the plan was made',
    },
    {
      name: 'drifts when a new index that stays needs it',
      after: [...before, image('i', { tags: ['new'], children: ['a'] })],
      says: 'drifted: new, which stays, needs it',
    },
    {
      name: 'goes though a referrer with a tag of its own came',
      after: [...before, image('r', { tags: ['new'], subject: 'a' })],
      says: 'go',
    },
    {
      name: 'drifts by that referrer where it would be deleted as well',
      after: [...before, image('r', { tags: ['new'], subject: 'a' })],
      given: { deletesReferrers: true },
      says: 'drifted: new, which stays, needs it',
    },
    {
      name: 'goes though a part of it has come to be needed',
      after: [...before, image('i', { tags: ['new'], children: ['p'] })],
      says: 'go',
    },
    {
      name: 'is blocked when the registry has locked a part',
      after: [a, { ...p, locked: true }, k],
      says: 'blocked: the registry has locked it since',
    },
    {
      name: 'is in use when the root is',
      after: before,
      given: { inUse: inUse('a') },
      says: 'in-use: now in use: Pod shop/a (kubernetes:eu)',
    },
    {
      name: 'is in use when a part is',
      after: before,
      given: { inUse: inUse('p') },
      says: 'in-use: now in use: Pod shop/p (kubernetes:eu)',
    },
    { name: 'goes when something else is in use', after: before, given: { inUse: inUse('k') }, says: 'go' },
    {
      name: 'is blocked when evidence holds the repository back',
      after: before,
      given: { heldBack: 'a pod runs it' },
      says: 'blocked: a pod runs it',
    },
    {
      name: 'is blocked when the repository could not be read in full, whatever is gone',
      after: [],
      given: { repository: repository('team/app', [], { complete: false, problems: ['500'] }) },
      says: 'blocked: the repository could not be read in full. 500',
    },
  ])('$name', ({ after, given, says }) => {
    expect(checked(after, given)).toEqual({ a: says })
  })

  it('is spared on either side of a tag that moved between two lines', () => {
    const two = [image('a', { tags: ['1'] }), image('b', { tags: ['2'] }), k]
    const after = [image('a'), image('b', { tags: ['1', '2'] }), k]
    expect(checked(after, {}, planOf(two))).toEqual({
      a: `drifted: tag 1 now points to ${digest('b')}`,
      b: 'drifted: it has a new tag, 1',
    })
  })

  it('is spared when a spared line needs it, and so on down', () => {
    const nested = [
      image('a', { tags: ['a'], children: ['b'] }),
      image('b', { tags: ['b'], children: ['c'] }),
      image('c', { tags: ['c'] }),
      k,
    ]
    expect(checked(nested, {}, planOf(nested))).toEqual({ a: 'go', b: 'go', c: 'go' })
    const after = nested.map((each) => (each.digest === digest('a') ? { ...each, pushedAt: now + 1 } : each))
    expect(checked(after, {}, planOf(nested))).toMatchObject({
      b: 'drifted: a, which stays, needs it',
      c: 'drifted: a, which stays, needs it',
    })
  })
})

describe('a line that untags', () => {
  const mixed = [image('a', { tags: ['keep', 'old'] })]
  it.each<{ name: string; after: readonly ManifestRecord[]; given?: Partial<RecheckInput>; says: string }>([
    { name: 'goes when nothing moved', after: mixed, says: 'go' },
    { name: 'is gone when the tag is', after: [image('a', { tags: ['keep'] })], says: 'gone' },
    { name: 'is gone when the manifest is', after: [], says: 'gone' },
    {
      name: 'drifts when the tag points elsewhere',
      after: [image('b', { tags: ['old'] })],
      says: `drifted: tag old now points to ${digest('b')}`,
    },
    {
      name: 'is in use when the image is',
      after: mixed,
      given: { inUse: inUse('a') },
      says: 'in-use: now in use: Pod shop/a (kubernetes:eu)',
    },
    {
      name: 'goes when the image has a new tag',
      after: [image('a', { tags: ['keep', 'old', 'new'] })],
      says: 'go',
    },
  ])('$name', ({ after, given, says }) => {
    expect(checked(after, given, planOf(mixed, 'tag'))).toEqual({ 'a:old': says })
  })
})

it('plannedTags are those of the root and of what goes along, each with its target', () => {
  const signed = [image('a', { tags: ['1'] }), image('s', { tags: [attachedTag('a', 'sig')] })]
  const [action] = planOf(signed).actions
  expect(action && plannedTags(action)).toEqual([
    { tag: '1', digest: digest('a') },
    { tag: attachedTag('a', 'sig'), digest: digest('s') },
  ])
})

describe('stillNeeded', () => {
  const going = new Set([digest('a')])
  it.each<{
    name: string
    manifests: readonly ManifestRecord[]
    deletesReferrers?: boolean
    needed: readonly string[]
  }>([
    {
      name: 'is the subject of what stays, where referrers are deleted with it',
      manifests: [image('a', { children: ['p'] }), image('p'), image('r', { tags: ['1'], subject: 'p' })],
      deletesReferrers: true,
      needed: ['p', 'r'],
    },
    {
      name: 'is not that subject elsewhere',
      manifests: [image('a', { children: ['p'] }), image('p'), image('r', { tags: ['1'], subject: 'p' })],
      needed: ['r'],
    },
    {
      name: 'is what images that stay are and reach',
      manifests: [image('a', { children: ['p'] }), image('i', { tags: ['1'], children: ['p'] }), image('p')],
      needed: ['i', 'p'],
    },
    { name: 'is nothing of what goes', manifests: [image('a', { children: ['p'] }), image('p')], needed: [] },
    {
      name: 'is what was about to go and has a name again',
      manifests: [image('a', { tags: ['back'], children: ['p'] }), image('p')],
      needed: ['a', 'p'],
    },
  ])('$name', ({ manifests, deletesReferrers, needed }) => {
    const found = stillNeeded(repository('team/app', manifests), going, deletesReferrers)
    expect(labelsOf(found).toSorted()).toEqual(needed)
  })
})

it('checks 20,000 lines in time that grows with their number', { timeout: 10_000 }, () => {
  const many = Array.from({ length: 20_000 }, (_, i) => image(`n${i}`, { tags: [`t${i}`] }))
  const checks = checked(many, {}, planOf(many))
  expect(Object.values(checks).filter((says) => says === 'go')).toHaveLength(many.length)
})
