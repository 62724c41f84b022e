/** Every repository lies in the part whose conditions are those that hold for it. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { canMeet, partRepositories } from './partition.ts'

const patterns = [
  '**',
  'k/a',
  'k/a{,/**}',
  'k/ab{,/**}',
  'k/a/b{,/**}',
  'k/*',
  'k/**b**',
  'l/a',
  '/k\\/a.*/',
  '/k\\/a|m/',
  '*/a/**',
  '*/c',
  '**/b{,/**}',
]
const repositories = ['k/a', 'k/ab', 'k/a/b', 'k/ab/c', 'k/a/b/c', 'l/a', 'k/c', 'm']

function isMatch(pattern: string, repository: string): boolean {
  return compileRepositoryPatterns([pattern]).matches(repository)
}

it('finds the part whose conditions hold', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 6 }), (some) => {
      const rules = some.map((pattern) => [{ pattern, isNegated: false }])
      const parts = partRepositories(rules) ?? []
      for (const repository of repositories) {
        const part = parts.find((each) => compileRepositoryPatterns(each.repositories).matches(repository))
        const holding = some.filter((pattern) => isMatch(pattern, repository))
        const told = some.filter((pattern) => part?.holds([{ pattern, isNegated: false }]) === true)
        expect(told, `${repository} among ${some.join(' ')}`).toEqual(holding)
      }
    }),
    { numRuns: 120 },
  )
})

it('needs a part for each of several folders, and none for two that share but a beginning', () => {
  const folders = ['app', 'app-web', 'app-web-api', 'app-db'].map((name) => `k/${name}{,/**}`)
  const parts = partRepositories(folders.map((pattern) => [{ pattern, isNegated: false }]))
  expect(parts?.map((part) => part.repositories)).toEqual(folders.map((folder) => [folder]))
})

it.each([
  { patterns: ['repo', '/repo|web/'], parts: [['/repo|web/', '!repo'], ['repo']] },
  { patterns: ['/repo|web/', 'repo'], parts: [['/repo|web/', '!repo'], ['repo']] },
  { patterns: ['*/web/**', '*/app'], parts: [['*/web/**'], ['*/app']] },
  { patterns: ['a/**', 'a/b/**'], parts: [['a/**', '!a/b/**'], ['a/**']] },
  { patterns: ['a/b{,/**}', 'a{,/**}'], parts: [['a{,/**}', '!a/b{,/**}'], ['a/b{,/**}']] },
  { patterns: ['*/**/x', '*'], parts: [['*/**/x'], ['*']] },
])('makes no part that can never be asked of $patterns', ({ patterns: some, parts }) => {
  const made = partRepositories(some.map((pattern) => [{ pattern, isNegated: false }]))
  expect(made?.map((part) => part.repositories)).toEqual(parts)
})

it.each([
  { repository: 'a', patterns: ['a/**', 'a{,/**}'], holding: ['a{,/**}'] },
  { repository: 'a/b', patterns: ['a/**/b', '*/*'], holding: ['a/**/b', '*/*'] },
  { repository: 'a/b', patterns: ['a/**/b', 'a/*b'], holding: ['a/**/b', 'a/*b'] },
  { repository: 'a/b', patterns: ['a/b', '*/b', '/a\\/b|c/'], holding: ['a/b', '*/b', '/a\\/b|c/'] },
])('finds $holding for $repository', ({ repository, patterns: some, holding }) => {
  expect(some.filter((pattern) => isMatch(pattern, repository))).toEqual(holding)
  const parts = partRepositories(some.map((pattern) => [{ pattern, isNegated: false }])) ?? []
  const part = parts.find((each) => compileRepositoryPatterns(each.repositories).matches(repository))
  expect(some.filter((pattern) => part?.holds([{ pattern, isNegated: false }]) === true)).toEqual(holding)
})

it('parts that a name lies in can meet', () => {
  const segment = fc.constantFrom('a', 'ab', 'b', '*', 'a*', '*b', '?', '**', 'a**', '{a,b}', '[ab]')
  const glob = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '{,/**}'))
    .map(([segments, end]) => `${segments.join('/')}${end}`)
  const name = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join('/'))
  fc.assert(
    fc.property(fc.uniqueArray(glob, { minLength: 2, maxLength: 4 }), name, (globs, repository) => {
      const holding = globs.filter((pattern) => isMatch(pattern, repository))
      for (const one of holding) for (const other of holding) expect(canMeet(one, other)).toBe(true)
      const parts = partRepositories(globs.map((pattern) => [{ pattern, isNegated: false }])) ?? []
      const part = parts.find((each) => compileRepositoryPatterns(each.repositories).matches(repository))
      const told = globs.filter((pattern) => part?.holds([{ pattern, isNegated: false }]) === true)
      expect(told, `${repository} among ${globs.join(' ')}`).toEqual(holding)
    }),
    { numRuns: 800 },
  )
})
