/** Doublestar on repositories: where two stars go past a slash, and where nobody should guess. */
import { expect, it } from 'vitest'
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { repositoryGlobOfDoublestar } from './globs.ts'

it.each([
  ['', 'a/b', true],
  ['**', 'a/b', true],
  ['tools/**', 'tools/a/b', true],
  ['tools**', 'tools/a', false],
  ['**/app', 'a/b/app', true],
  ['{base,tools/**}', 'tools/a/b', true],
  ['{base,tools/**}', 'base', true],
  ['{base,tools/**}', 'base/a', false],
  ['{tools/**,base}/x', 'tools/a/b/x', true],
  ['{a**,b}', 'a/c', false],
  ['{a/**/b,c}', 'a/x/y/b', true],
])('%s on %s: %s', (pattern, repository, isMatch) => {
  expect(compileRepositoryPatterns([repositoryGlobOfDoublestar(pattern)]).matches(repository)).toBe(isMatch)
})

it.each(['{**,a}', '{a/**,b}c', '{**/a,b}'])('%s is refused', (pattern) => {
  expect(() => repositoryGlobOfDoublestar(pattern)).toThrow('edge of an alternative')
})
