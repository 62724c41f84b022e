/** Every repository lies in the part whose conditions are those that hold for it. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { partRepositories } from './partition.ts'

const patterns = ['**', 'k/a', 'k/a{,/**}', 'k/ab{,/**}', 'k/a/b{,/**}', 'k/*', 'k/**b**', 'l/a', '/k\\/a.*/']
const repositories = ['k/a', 'k/ab', 'k/a/b', 'k/ab/c', 'k/a/b/c', 'l/a', 'k/c', 'm']

function isMatch(pattern: string, repository: string): boolean {
  return compileRepositoryPatterns([pattern]).matches(repository)
}

it('finds the part whose conditions hold', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 5 }), (some) => {
      const rules = some.map((pattern) => [{ pattern, isNegated: false }])
      const parts = partRepositories(rules) ?? []
      for (const repository of repositories) {
        const part = parts.find((each) => compileRepositoryPatterns(each.repositories).matches(repository))
        const holding = some.filter((pattern) => isMatch(pattern, repository))
        const told = some.filter((pattern) => part?.holds([{ pattern, isNegated: false }]) === true)
        expect(told, `${repository} among ${some.join(' ')}`).toEqual(holding)
      }
    }),
    { numRuns: 200 },
  )
})

it('needs a part for each of several folders, and none for two that share but a beginning', () => {
  const folders = ['app', 'app-web', 'app-web-api', 'app-db'].map((name) => `k/${name}{,/**}`)
  const parts = partRepositories(folders.map((pattern) => [{ pattern, isNegated: false }]))
  expect(parts?.map((part) => part.repositories)).toEqual(folders.map((folder) => [folder]))
})
