import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attachedTag, dayMs, image, labelOf, now, pushedDaysAgo } from '../../../test/builders/images.ts'
import { keep, policy, remove, rule, tagged } from '../../../test/builders/policies.ts'
import { buildGraph } from '../image/graph.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { evaluatePolicy, type Verdict } from './evaluate.ts'
import type { Policy, Rule } from './policy.ts'

const keepAll = rule(keep({ kind: 'all' }), { name: 'k' })
const deleteAll = rule(remove({ kind: 'all' }), { name: 'd', line: 12 })
const deleteOld = rule(remove({ kind: 'older-than', ms: 7 * dayMs }), { name: 'old' })
const keepNew = rule(keep({ kind: 'within', ms: dayMs }), { name: 'fresh' })

function verdicts(of: Policy, manifests: readonly ManifestRecord[]): ReadonlyMap<string, Verdict> {
  const evaluation = evaluatePolicy(of, buildGraph(manifests), now)
  return new Map(
    evaluation.rows.map((row, position) => [labelOf(row.manifest.digest), evaluation.verdict(position)]),
  )
}

const three = pushedDaysAgo({ a: 3 })

function verdictOf(rules: readonly Rule[], unmatched: Policy['unmatched'] = 'delete'): Verdict | undefined {
  return verdicts(policy({ rules, unmatched }), three).get('a')
}

describe('precedence: keep, then delete, then spared, then unmatched', () => {
  it.each<{
    name: string
    rules: readonly Rule[]
    unmatched?: Policy['unmatched']
    kind: string
    why: string
    by?: string
  }>([
    {
      name: 'no rule speaks: deleted by unmatched',
      rules: [],
      kind: 'delete',
      why: 'unmatched',
      by: 'unmatched',
    },
    {
      name: 'no rule speaks: kept by unmatched',
      rules: [],
      unmatched: 'keep',
      kind: 'keep',
      why: 'unmatched',
    },
    {
      name: 'a keep rule wins over a delete rule',
      rules: [deleteAll, keepAll],
      kind: 'keep',
      why: 'kept-all',
    },
    {
      name: 'a delete rule wins over unmatched: keep',
      rules: [deleteAll],
      unmatched: 'keep',
      kind: 'delete',
      why: 'deleted-all',
      by: 'd',
    },
    {
      name: 'a delete rule that reaches it without deleting spares it from unmatched',
      rules: [deleteOld],
      kind: 'keep',
      why: 'spared',
    },
    {
      name: 'but not from another delete rule',
      rules: [deleteOld, deleteAll],
      kind: 'delete',
      why: 'deleted-all',
      by: 'd',
    },
    {
      name: 'a keep rule that matches without keeping says nothing',
      rules: [keepNew],
      kind: 'delete',
      why: 'unmatched',
      by: 'unmatched',
    },
    {
      name: 'a rule that does not match says nothing',
      rules: [rule(keep({ kind: 'all' }), { match: tagged('x') })],
      kind: 'delete',
      why: 'unmatched',
      by: 'unmatched',
    },
  ])('$name', ({ rules, unmatched, kind, why, by }) => {
    for (const order of [rules, rules.toReversed()]) {
      const verdict = verdictOf(order, unmatched)
      expect([verdict?.kind, verdict?.reasons[0]?.kind]).toEqual([kind, why])
      expect(verdict?.kind === 'delete' ? verdict.decidedBy.rule : undefined).toBe(by)
    }
  })

  it('tells every rule that keeps or takes', () => {
    const reasons = verdictOf([
      keepAll,
      rule(keep({ kind: 'newest', count: 1 }), { name: 'n' }),
      deleteAll,
    ])?.reasons
    expect(reasons?.map(({ rule: name }) => name)).toEqual(['k', 'n'])
  })
})

describe('an orphaned referrer', () => {
  const orphan = [image('s', { tags: [attachedTag('gone', 'sig')] })]
  const named = rule(remove({ kind: 'all' }), { match: { state: ['orphaned-referrer'] } })

  it.each([
    { name: 'is not reached by unmatched', rules: [], why: 'orphaned-referrer', kind: 'keep' },
    {
      name: 'is not reached by a delete rule for everything',
      rules: [deleteAll],
      why: 'orphaned-referrer',
      kind: 'keep',
    },
    { name: 'goes by a rule that names its state', rules: [named], why: 'deleted-all', kind: 'delete' },
  ])('$name', ({ rules, why, kind }) => {
    const verdict = verdicts(policy({ rules }), orphan).get('s')
    expect([verdict?.kind, verdict?.reasons[0]?.kind]).toEqual([kind, why])
  })
})

describe('countAmong: remaining', () => {
  const remaining = (name: string, count: number, ...patterns: readonly string[]): Rule =>
    rule(remove({ kind: 'beyond-newest', count }, { countAmong: 'remaining' }), {
      name,
      ...(patterns.length > 0 && { match: tagged(...patterns) }),
    })
  const taken = (rules: readonly Rule[]): readonly string[] =>
    [...verdicts(policy({ rules, unmatched: 'keep' }), pushedDaysAgo({ a: 1, b: 2, c: 3, d: 4 }))]
      .filter(([, { kind }]) => kind === 'delete')
      .map(([label]) => label)

  it('counts what no other delete rule takes', () => {
    const first = rule(remove({ kind: 'all' }), { match: tagged('a') })
    expect(taken([remaining('r', 2), first])).toEqual(['a', 'd'])
    expect(taken([first, remaining('r', 2)])).toEqual(['a', 'd'])
  })

  it('counts everything when it is alone', () => {
    expect(taken([remaining('r', 2)])).toEqual(['c', 'd'])
  })

  it('is the same in either order for two such rules', () => {
    const rules = [remaining('x', 1), remaining('y', 2, 'b', 'c', 'd')]
    expect(taken(rules)).toEqual(taken(rules.toReversed()))
  })

  it('takes what two such rules agree on', () => {
    expect(taken([remaining('x', 1), remaining('y', 1)])).toEqual(['b', 'c', 'd'])
  })
})

// The one promise a nervous operator relies on: another keep rule never deletes more.
it('deletes no more with one more keep rule', () => {
  const someRule = fc.constantFrom(
    keepNew,
    deleteOld,
    deleteAll,
    rule(keep({ kind: 'newest', count: 2 })),
    rule(remove({ kind: 'beyond-newest', count: 1 }), { match: tagged('a', 'b') }),
    rule(remove({ kind: 'beyond-newest', count: 1 }, { countAmong: 'remaining' })),
  )
  const someKeep = fc.constantFrom(
    keepNew,
    rule(keep({ kind: 'newest', count: 1 })),
    rule(keep({ kind: 'all' }), { match: tagged('b') }),
  )
  const some = pushedDaysAgo({ a: 1, b: 3, c: 9, d: 40, u: undefined })
  const deleted = (rules: readonly Rule[]): readonly string[] =>
    [...verdicts(policy({ rules }), some)].filter(([, { kind }]) => kind === 'delete').map(([label]) => label)
  fc.assert(
    fc.property(fc.array(someRule, { maxLength: 4 }), someKeep, (rules, more) => {
      expect(deleted(rules)).toEqual(expect.arrayContaining([...deleted([...rules, more])]))
    }),
  )
})
