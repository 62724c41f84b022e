import { expect, it } from 'vitest'
import type { ImportedPolicy } from './imported-policy.ts'
import { unitedPolicies } from './unite-policies.ts'

function policy(repositories: readonly string[], older = '1d'): ImportedPolicy {
  return {
    name: `clean ${repositories[0] ?? ''}`,
    comments: [],
    repositories,
    unit: 'tag',
    rules: [{ name: 'tags', comments: ['line 1'], delete: { olderThan: older } }],
    unmatched: 'keep',
    unmatchedRemark: 'what no rule names stays',
  }
}

const listsOf = (policies: readonly ImportedPolicy[]): readonly (readonly string[])[] =>
  unitedPolicies(policies).map(({ repositories }) => repositories)

it('makes neighbours one that say the same', () => {
  const [one, ...others] = unitedPolicies([policy(['a']), policy(['b', 'a']), policy(['c'])])
  expect(others).toEqual([])
  expect(one).toMatchObject({ name: 'clean a, b, c', repositories: ['a', 'b', 'c'] })
})

it.each([
  ['something else is said of one', [policy(['a']), policy(['b'], '2d')]],
  ['one stands between them', [policy(['a']), policy(['*'], '2d'), policy(['b'])]],
  ['one takes repositories out', [policy(['a', '!a/b']), policy(['b'])]],
  ['the other takes repositories out', [policy(['a']), policy(['**', '!a'])]],
])('leaves them apart where %s', (_, policies) => {
  expect(listsOf(policies)).toEqual(policies.map(({ repositories }) => repositories))
})

it('does not name all of many', () => {
  const many = Array.from({ length: 30 }, (_, at) => policy([`repository-${at}`]))
  const [one] = unitedPolicies(many)
  expect(one?.name.length).toBeLessThanOrEqual(60)
  expect(one?.repositories).toHaveLength(30)
})
