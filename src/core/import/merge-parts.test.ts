/** Parts that are joined govern the repositories that they governed before, and no others. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import type { ImportedPolicy } from './imported-policy.ts'
import { mergeParts } from './merge-parts.ts'
import { partRepositories } from './partition.ts'

const patterns = ['k/**', 'k/a', 'k/a*', 'k/{**}/x', 'k/b/**', 'k/**b**']
const repositories = ['k/a', 'k/ab', 'k/b/a', 'k/b/x', 'k/a/x', 'k/c', 'k/ab/x', 'other']

function policyOf(names: readonly string[], comment: string): ImportedPolicy {
  return {
    name: comment,
    comments: [],
    repositories: names,
    unit: 'tag',
    rules: [{ comments: [comment] }],
    unmatched: 'keep',
    unmatchedRemark: '',
  }
}

/** What the policy says that governs a repository. */
function ruling(policies: readonly ImportedPolicy[], repository: string): unknown {
  return policies.find((policy) => compileRepositoryPatterns(policy.repositories).matches(repository))?.rules
}

it('changes for no repository what is said of it', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom('one', 'two'), { minLength: 16, maxLength: 16 }),
      (some, comments) => {
        const conditions = some.map((pattern) => [{ pattern, isNegated: false }])
        const parts = partRepositories(conditions) ?? []
        const policies = parts.map((part, at) => policyOf(part.repositories, comments[at % 16] ?? ''))
        const merged = mergeParts(policies)
        for (const repository of repositories)
          expect(ruling(merged, repository), repository).toEqual(ruling(policies, repository))
        expect(merged.length).toBeLessThanOrEqual(policies.length)
      },
    ),
    { numRuns: 200 },
  )
})

it('joins what was parted for nothing', () => {
  const parts = [
    policyOf(['k/**', '!k/a', '!k/**b**'], 'one'),
    policyOf(['k/a', '!k/**b**'], 'two'),
    policyOf(['k/**b**', '!k/a'], 'two'),
    policyOf(['k/a'], 'two'),
  ]
  expect(mergeParts(parts).map((policy) => policy.repositories)).toEqual([
    ['k/**', '!k/a', '!k/**b**'],
    ['k/a', 'k/**b**'],
  ])
})
