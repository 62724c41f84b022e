/** Expressions of other tools as whole-text ones: they match what they matched, and read as a person would write them. */
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { expect, it } from 'vitest'
import { compileTagPattern } from '../policy/compile-patterns.ts'
import { PatternError } from '../policy/pattern-error.ts'
import { patternOf, wholeTextOf, type Anchoring } from './expressions.ts'

it.each([
  ['^(beta|old)$', 'search', '/beta|old/'],
  ['^(?:beta|old)$', 'search', '/beta|old/'],
  ['^(beta|old)', 'search', '/(beta|old).*/'],
  ['(beta|old)$', 'search', '/.*(beta|old)/'],
  ['(beta|old)', 'search', '/.*(beta|old).*/'],
  ['beta|old', 'search', '/.*(?:beta|old).*/'],
  ['^beta|old$', 'search', '/.*(?:^beta|old$).*/'],
  ['^[^v].*$', 'search', '/[^v].*/'],
  ['^(?:v)', 'search', '/(?:v).*/'],
  ['(a)|(b)', 'full', '/(a)|(b)/'],
  ['^(a)(b)$', 'search', '/(a)(b)/'],
  ['^(a|b)$', 'full', '/a|b/'],
  ['^v', 'search', 'v*'],
  ['^*v', 'search', '/.*^*v.*/'],
  [String.raw`^a\$`, 'search', String.raw`/a\$.*/`],
  ['(?i)^v', 'search', '/.*(?i)^v.*/'],
  ['(?i)beta|old', 'search', '/.*(?:(?i)beta|old).*/'],
] as const)('%s (%s) becomes %s', (source, anchoring, pattern) => {
  expect(patternOf(source, { dialect: 'go', anchoring })).toBe(pattern)
})

it('puts no brackets around an expression on repositories that has a beginning', () => {
  expect(wholeTextOf('^team/', 'search')).toBe('team/.*')
})

it('matches what the expression matches', () => {
  const atom = fc.constantFrom(
    ...['a', 'b', '.', '[^a]', '[b$^]', '\\$', '\\^', '\\.', '^', '$', '.*', 'a*', '(?i)', '(?i:A)', '|', ''],
    ...['\\Qa\\E', '\\Qb', '\\\\', '\\b', '(?:^a|b)', '(b$|a)', '(a)', '(|b)', '[)]', '[(]', '(?m)', '(?U)'],
  )
  const group = fc
    .tuple(fc.constantFrom('(', '(?:', ''), fc.array(atom, { maxLength: 4 }))
    .map(([open, atoms]) => `${open}${atoms.join('')}${open === '' ? '' : ')'}`)
  const source = fc
    .tuple(
      fc.constantFrom('', '^', '^', '^^'),
      fc.array(group, { minLength: 1, maxLength: 2 }),
      fc.constantFrom('', '$', '$', '*', '+', '$$'),
    )
    .map(([start, groups, end]) => `${start}${groups.join('')}${end}`)
  const texts = fc.array(fc.stringMatching(/^[abA$^.|\\()Q]{0,4}$/), { minLength: 1, maxLength: 12 })
  const anchoring = fc.constantFrom<Anchoring>('search', 'start', 'full')
  fc.assert(
    fc.property(source, anchoring, texts, (expression, how, some) => {
      const made = tried(() => patternOf(expression, { dialect: 'go', anchoring: how }))
      if (made === undefined) return
      const compiled = compileTagPattern(made)
      for (const text of some) {
        expect(compiled.matches(text), `${expression} (${how}) as ${made} on ${text}`).toBe(
          isMatch(expression, how, text),
        )
      }
    }),
    { numRuns: 3000 },
  )
})

function isMatch(expression: string, anchoring: Anchoring, text: string): boolean {
  const matcher = RE2JS.compile(expression).matcher(text)
  return anchoring === 'full'
    ? matcher.matches()
    : anchoring === 'start'
      ? matcher.lookingAt()
      : matcher.find()
}

function tried(make: () => string): string | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof PatternError) return undefined
    throw error
  }
}
