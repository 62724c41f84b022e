import { describe, expect, it } from 'vitest'
import {
  attachedTag,
  dayMs,
  daysAgo,
  digest,
  image,
  labelOf,
  now,
  tag,
} from '../../../test/builders/images.ts'
import { inUse, inventory, planInput, prod, repository, resolvedAs } from '../../../test/builders/plans.ts'
import {
  keep,
  policy,
  policySet,
  remove,
  rule,
  tagged,
  unprotected,
} from '../../../test/builders/policies.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { compileTagPatterns } from '../policy/compile-patterns.ts'
import { buildPlan, type PlanInput } from './build-plan.ts'
import { explainImage, type Explanation } from './explain.ts'

const rules = [
  rule(keep({ kind: 'all' }), { name: 'wanted', line: 5, match: tagged('keep') }),
  rule(remove({ kind: 'older-than', ms: 7 * dayMs }), { name: 'old', line: 6 }),
]
const manifests = [
  image('a', { tags: ['keep'], pushedAt: daysAgo(9) }),
  image('b', { tags: ['x'], pushedAt: daysAgo(9), createdAt: 0, children: ['p'], sizeBytes: 1 }),
  image('fresh', { tags: ['y'], pushedAt: daysAgo(2) }),
  image('p', { createdAt: now + 1, platform: 'linux/amd64', sizeBytes: 2 }),
]

function explain(
  label: string,
  given: Partial<PlanInput> = {},
  all: readonly ManifestRecord[] = manifests,
): Explanation {
  const app = repository('team/app', all)
  const input = planInput([app], { policySet: policySet({ policies: [policy({ rules })] }), ...given })
  const explanation = explainImage(input, buildPlan(input), prod, app, digest(label))
  if (explanation === undefined) throw new Error(`no ${label}`)
  return explanation
}

describe('the outcome', () => {
  it.each([
    { name: 'kept', label: 'a', outcome: 'keep' },
    { name: 'deleted', label: 'b', outcome: 'delete' },
    { name: 'a part of an image', label: 'p', outcome: 'part-of' },
  ])('$name', ({ label, outcome }) => {
    expect(explain(label).outcome).toBe(outcome)
  })

  it('is not governed where no policy speaks', () => {
    const nobody = explain('a', { policySet: policySet({ policies: [] }) })
    expect(nobody).toMatchObject({
      outcome: 'not-governed',
      policy: undefined,
      rules: [],
      reasons: [],
      wouldChange: [],
    })
  })

  it('names the images that a part lives and dies with', () => {
    expect(explain('p').partOf).toEqual([{ digest: digest('b'), tags: ['x'] }])
    expect(explain('a').partOf).toEqual([])
  })

  it('is unknown for a digest that the repository does not have', () => {
    const input = planInput(manifests)
    expect(
      explainImage(input, buildPlan(input), prod, repository('team/app', manifests), digest('zz')),
    ).toBeUndefined()
  })
})

it('tells size, parts and state', () => {
  expect(explain('b')).toMatchObject({
    imageBytes: 3,
    manifests: 2,
    state: 'complete',
    policy: { name: 'p', line: 3, unit: 'image' },
  })
  expect(explain('i', {}, [image('i', { children: ['gone'] })]).state).toBe('missing-children')
  expect(explain('s', {}, [image('s', { tags: [attachedTag('gone', 'sig')] })]).state).toBe(
    'orphaned-referrer',
  )
})

describe('the rules', () => {
  it('each say what they say, and why', () => {
    expect(explain('fresh').rules).toEqual([
      { rule: 'wanted', line: 5, kind: 'keep', tag: undefined, says: 'no-match', text: 'does not match' },
      {
        rule: 'old',
        line: 6,
        kind: 'delete',
        tag: undefined,
        says: 'reached',
        text: '2d old, within 7d (old)',
      },
    ])
  })

  it('are asked about every tag under unit: tag', () => {
    const set = policySet({ policies: [policy({ rules, unit: 'tag' })] })
    const traces = explain('m', { policySet: set }, [image('m', { tags: ['keep', 'x'] })]).rules
    expect(traces.map(({ rule: name, tag: of, says }) => [name, of, says])).toEqual([
      ['wanted', 'keep', 'decides'],
      ['old', 'keep', 'reached'],
      ['wanted', 'x', 'no-match'],
      ['old', 'x', 'reached'],
    ])
  })
})

it('tells every known time, and why one does not count', () => {
  const all = [
    image('a', {
      pushedAt: 1,
      recordedAt: 3,
      createdAt: 0,
      firstSeenAt: 5,
      pulledAt: 6,
      children: ['p'],
      tags: [tag('t', { pushedAt: 2, pulledAt: 7 })],
    }),
    image('p', { createdAt: now + 1, platform: 'linux/amd64' }),
  ]
  expect(explain('a', {}, all).times).toEqual([
    { what: 'pushed', at: 1, ignored: undefined },
    { what: 'tag t pushed', at: 2, ignored: undefined },
    { what: 'push event', at: 3, ignored: undefined },
    { what: 'created', at: 0, ignored: 'it is before Docker existed; builders write such dates' },
    { what: 'created (linux/amd64)', at: now + 1, ignored: 'it lies in the future' },
    { what: 'first listed by Winnow', at: 5, ignored: undefined },
    { what: 'pulled', at: 6, ignored: undefined },
    { what: 'tag t pulled', at: 7, ignored: undefined },
  ])
})

describe('what would change it', () => {
  const bare = policySet({ policies: [policy()] })
  const young = { ...unprotected, youngerThanMs: 30 * dayMs }
  const named = { ...unprotected, tags: compileTagPatterns(['x']) }
  it.each<{
    name: string
    label: string
    given?: Partial<PlanInput>
    all?: readonly ManifestRecord[]
    tells: string
  }>([
    { name: 'a deleted image', label: 'b', tells: 'Any of these would keep it' },
    {
      name: 'an image in use',
      label: 'b',
      given: { resolved: resolvedAs(inUse('b')) },
      tells: 'once nothing uses it any more',
    },
    {
      name: 'a young image',
      label: 'b',
      given: { policySet: { ...bare, protect: young } },
      tells: 'older than protect.youngerThan',
    },
    {
      name: 'an undated image',
      label: 'u',
      given: { policySet: { ...bare, protect: young } },
      all: [image('u')],
      tells: 'some clock tells its age',
    },
    {
      name: 'a protected tag',
      label: 'b',
      given: { policySet: { ...bare, protect: named } },
      tells: 'protect.tags no longer names',
    },
    {
      name: 'a locked image',
      label: 'l',
      all: [image('l', { locked: true })],
      given: { policySet: bare },
      tells: 'no longer locks',
    },
    { name: 'a spared image', label: 'fresh', tells: 'once the delete rule that reaches it' },
    { name: 'an orphan', label: 's', all: [image('s', { subject: 'gone' })], tells: 'orphaned-referrer' },
    {
      name: 'an image seen in use',
      label: 'b',
      given: {
        policySet: { ...bare, protect: { ...unprotected, seenInUseWithinMs: 7 * dayMs } },
        seenInUse: new Map([
          [prod, new Map([[digest('b'), { lastSeenAt: daysAgo(1), source: 's', where: 'w' }]])],
        ]),
      },
      tells: 'since it was last seen in use',
    },
    {
      name: 'a needed image',
      label: 'c',
      given: { policySet: policySet({ policies: [policy({ rules: rules.slice(0, 1) })] }) },
      all: [image('i', { tags: ['keep'], children: ['c'] }), image('c', { tags: ['t'] })],
      tells: 'once the image that needs it is gone',
    },
    {
      name: 'an image of an incomplete repository',
      label: 'b',
      given: { inventories: [inventory([repository('team/app', manifests, { complete: false })])] },
      tells: 'once its repository can be read in full',
    },
  ])('$name', ({ label, given, all, tells }) => {
    expect(explain(label, given, all).wouldChange.join(' ')).toContain(tells)
  })

  it('names what would delete a protected image', () => {
    expect(explain('b', { resolved: resolvedAs(inUse('b')) }).wouldChange.at(-1)).toBe(
      'Without these reasons old (line 6) would delete it.',
    )
  })
})

it('counts a subject in another repository as there', () => {
  const sigs = repository('sigs', [image('s', { subject: 'a' })])
  const input = planInput([repository('team/app', [image('a', { tags: ['1'] })]), sigs])
  const explanation = explainImage(input, buildPlan(input), prod, sigs, digest('s'))
  expect([explanation && labelOf(explanation.digest), explanation?.state]).toEqual(['s', 'complete'])
})
