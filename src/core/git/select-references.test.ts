import { expect, it } from 'vitest'
import { dayMs, daysAgo, now } from '../../../test/builders/images.ts'
import { compileTagPattern } from '../policy/compile-patterns.ts'
import type { GitCriterion } from '../policy/policy.ts'
import type { GitReference } from './git-history.ts'
import { selectReferences } from './select-references.ts'

function criterion(given: Partial<GitCriterion> = {}): GitCriterion {
  return {
    kind: 'git',
    repository: 'app',
    of: 'branch',
    pattern: compileTagPattern('/.*/'),
    references: { combine: 'any' },
    images: { combine: 'any' },
    graceMs: 0,
    ...given,
  }
}

function reference(name: string, days: number, given: Partial<GitReference> = {}): GitReference {
  return { kind: 'branch', name, commit: 0, datedAt: daysAgo(days), ...given }
}

function selected(references: readonly GitReference[], given: Partial<GitCriterion>): readonly string[] {
  return selectReferences(references, criterion(given), now).map(
    ({ reference: { name }, rank }) => `${name} ${rank}`,
  )
}

it('ranks by date, and by name where dates are equal', () => {
  const references = [reference('b', 1), reference('old', 9), reference('a', 1)]
  expect(selected(references, {})).toEqual(['a 1', 'b 2', 'old 3'])
})

it('computes each half of a limit over all that match, and then joins them', () => {
  const references = [reference('a', 1), reference('b', 2), reference('c', 3), reference('d', 9)]
  const limit = { newest: 2, withinMs: 5 * dayMs }
  expect(selected(references, { references: { ...limit, combine: 'all' } })).toEqual(['a 1', 'b 2'])
  expect(selected(references, { references: { ...limit, combine: 'any' } })).toEqual(['a 1', 'b 2', 'c 3'])
})

it('is strict about a time: at exactly that age a reference is not within it', () => {
  const limits = { withinMs: 3 * dayMs, combine: 'any' } as const
  expect(selected([reference('a', 3)], { references: limits })).toEqual([])
})

it('counts a pull request once, however many references it has', () => {
  const pull = (name: string, days: number): GitReference => reference(name, days, { kind: 'pull-request' })
  const references = [pull('7', 3), pull('7', 1), pull('8', 2), pull('9', 4)]
  expect(selected(references, { of: 'pull-request', references: { newest: 2, combine: 'any' } })).toEqual([
    '7 1',
    '8 2',
    '7 1',
  ])
})

it('counts a closed pull request until the grace has passed', () => {
  const closed = (name: string, days: number): GitReference =>
    reference(name, 1, { kind: 'pull-request', closedAt: daysAgo(days) })
  const references = [closed('1', 2), closed('2', 4), reference('3', 1, { kind: 'pull-request' })]
  expect(selected(references, { of: 'pull-request', graceMs: 3 * dayMs })).toEqual(['1 1', '3 2'])
  expect(selected(references, { of: 'pull-request' })).toEqual(['3 1'])
})
