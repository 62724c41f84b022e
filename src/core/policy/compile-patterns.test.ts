import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  captureNames,
  compileRepositoryPatterns,
  compileTagPattern,
  compileTagPatterns,
} from './compile-patterns.ts'
import { PatternError } from './pattern-error.ts'

describe('patterns on tags', () => {
  it.each([
    {
      name: 'a text matches itself alone',
      pattern: 'latest',
      yes: ['latest'],
      no: ['latest2', 'alatest', 'LATEST', ''],
    },
    {
      name: 'an asterisk stands for any run, also none',
      pattern: 'v*',
      yes: ['v', 'v1', 'v/1'],
      no: ['av', ''],
    },
    { name: 'an asterisk can stand first', pattern: '*-rc', yes: ['-rc', '1-rc'], no: ['-rc1', 'rc'] },
    { name: 'an asterisk can stand between', pattern: 'a*a', yes: ['aa', 'aba'], no: ['a', 'ab'] },
    { name: 'an asterisk alone matches everything', pattern: '*', yes: ['', 'x', 'a/b', 'a\nb'], no: [] },
    { name: 'two asterisks are one on tags', pattern: 'a**', yes: ['a', 'ab/c'], no: ['b'] },
    { name: 'several asterisks', pattern: '*-*-*', yes: ['--', 'a-b-c', 'a-b-c-d'], no: ['a-b'] },
    { name: 'a question mark is one character', pattern: 'v?', yes: ['v1', 'v😀'], no: ['v', 'v12'] },
    { name: 'a class', pattern: 'v[0-9a]', yes: ['v0', 'va'], no: ['vb', 'v', 'v00'] },
    { name: 'a negated class', pattern: 'v[!0-9]', yes: ['va'], no: ['v1', 'v'] },
    { name: 'a class with ] first and - last', pattern: '[]a-]', yes: [']', 'a', '-'], no: ['b'] },
    {
      name: 'alternatives, nested ones too',
      pattern: '{a,b{1,2}}-*',
      yes: ['a-', 'b1-x'],
      no: ['b-', 'b12-'],
    },
    { name: 'a dot is a dot', pattern: '1.2?', yes: ['1.23'], no: ['1x23'] },
    {
      name: 'what regular expressions know means itself',
      pattern: 'a+(b)|^c$?',
      yes: ['a+(b)|^c$x'],
      no: ['aab'],
    },
    { name: 'a backslash takes the meaning away', pattern: String.raw`\*\!?`, yes: ['*!x'], no: ['ab!x'] },
    {
      name: 'an expression between slashes is anchored',
      pattern: '/1|2/',
      yes: ['1', '2'],
      no: ['12', '21', 'x1'],
    },
    { name: 'an expression can ignore case', pattern: '/rc/i', yes: ['RC'], no: ['rcx'] },
    { name: 'anchors of its own do no harm', pattern: '/^v.*$/', yes: ['v', 'v1'], no: ['av'] },
    { name: 'slashes can stand inside', pattern: '/a/b/', yes: ['a/b'], no: ['a'] },
    { name: 'an empty glob matches the empty text', pattern: '', yes: [''], no: ['a'] },
  ])('$name: $pattern', ({ pattern, yes, no }) => {
    const compiled = compileTagPattern(pattern)
    expect(yes.filter((text) => !compiled.matches(text))).toEqual([])
    expect(no.filter((text) => compiled.matches(text))).toEqual([])
  })

  it.each([
    { pattern: 'pr-*', text: 'pr-12', captured: { '1': '12' } },
    { pattern: '*-*', text: 'a-b-c', captured: { '1': 'a-b', '2': 'c' } },
    { pattern: 'v?.[0-9]', text: 'v1.2', captured: { '1': '1', '2': '2' } },
    { pattern: 'latest', text: 'latest', captured: {} },
    {
      pattern: String.raw`/(?P<branch>.+)-(\d+)/`,
      text: 'main-7',
      captured: { '1': 'main', '2': '7', branch: 'main' },
    },
    { pattern: '/(?<n>a)|b/', text: 'b', captured: {} },
    { pattern: 'pr-*', text: 'mr-12', captured: undefined },
  ])('$pattern captures from $text', ({ pattern, text, captured }) => {
    expect(compileTagPattern(pattern).captures(text)).toEqual(captured)
  })

  it('names what it captures', () => {
    expect(captureNames('!{a,b}-*-?')).toEqual(['1', '2'])
    expect(captureNames('/(?P<x>a)(b)/')).toEqual(['1', '2', 'x'])
  })

  it.each([
    { pattern: '/a(?=b)/', reason: 'Look-around' },
    { pattern: '/a(?!b)/', reason: 'Look-around' },
    { pattern: '/(?<!a)b/', reason: 'Look-around' },
    { pattern: String.raw`/(a)\1/`, reason: 'Back-references' },
    { pattern: '/[/', reason: 'missing closing' },
    { pattern: '/a{2000}/', reason: 'repeat count' },
    { pattern: '/a/g', reason: 'flag' },
    { pattern: '/a', reason: 'closing one' },
    { pattern: '//', reason: 'empty' },
    { pattern: '[a', reason: 'bracket is not closed' },
    { pattern: '{a,b', reason: 'brace is not closed' },
    { pattern: '[b-a]', reason: 'backwards' },
    { pattern: '[[:alpha:]]', reason: 'Named classes' },
    { pattern: 'a\\', reason: 'backslash' },
    { pattern: '!a', reason: 'exclamation' },
    { pattern: '{'.repeat(20), reason: 'nested' },
    { pattern: 'a'.repeat(1001), reason: 'longer' },
  ])('refuses $pattern and says why', ({ pattern, reason }) => {
    expect(() => compileTagPattern(pattern)).toThrow(PatternError)
    expect(() => compileTagPattern(pattern)).toThrow(reason)
  })
})

describe('lists of patterns', () => {
  it.each([
    { name: 'one of several', list: ['a', 'b*'], yes: ['a', 'bc'], no: ['c'] },
    {
      name: 'what is taken out stays out, wherever it stands',
      list: ['!v0*', 'v*'],
      yes: ['v1'],
      no: ['v0', 'v0.1', 'a'],
    },
    { name: 'nothing but exceptions lets in the rest', list: ['!v0*'], yes: ['v1', 'a'], no: ['v0'] },
    { name: 'an empty list matches nothing', list: [], yes: [], no: ['', 'a'] },
    { name: 'an expression can be taken out', list: ['*', '!/v\\d/'], yes: ['v', 'v12'], no: ['v1'] },
  ])('$name', ({ list, yes, no }) => {
    const patterns = compileTagPatterns(list)
    expect(yes.filter((text) => !patterns.matches(text) || !patterns.captures(text))).toEqual([])
    expect(no.filter((text) => patterns.matches(text) || patterns.captures(text))).toEqual([])
  })

  it('keeps sources as written', () => {
    const { include, exclude } = compileTagPatterns(['a*', '!b'])
    expect([...include, ...exclude].map((pattern) => pattern.source)).toEqual(['a*', '!b'])
  })
})

describe('patterns on repositories', () => {
  it.each([
    { list: ['team/*'], yes: ['team/a'], no: ['team/a/b', 'team', 'teams/a'] },
    { list: ['team/**'], yes: ['team/a', 'team/a/b'], no: ['team', 'teamx/a'] },
    { list: ['team*/app'], yes: ['team/app', 'team2/app'], no: ['team/x/app'] },
    { list: ['**/app'], yes: ['app', 'a/app', 'a/b/app'], no: ['myapp', 'a/myapp', 'app/a'] },
    { list: ['a/**/b'], yes: ['a/b', 'a/x/b', 'a/x/y/b'], no: ['ab', 'a/xb'] },
    { list: ['**'], yes: ['a', 'a/b'], no: [] },
    { list: ['*'], yes: ['a'], no: ['a/b'] },
    { list: ['te?m/[!x]*'], yes: ['team/a'], no: ['te/m/a', 'team/xa'] },
    { list: ['a[!b]c'], yes: ['axc'], no: ['a/c', 'abc'] },
    {
      list: ['team/**', '!team/base', '!**/tmp'],
      yes: ['team/a', 'team/base/x'],
      no: ['team/base', 'team/x/tmp'],
    },
    { list: ['/team/(a|b)/'], yes: ['team/a'], no: ['team/c', 'x/team/a'] },
  ])('$list', ({ list, yes, no }) => {
    const patterns = compileRepositoryPatterns(list)
    expect(yes.filter((text) => !patterns.matches(text))).toEqual([])
    expect(no.filter((text) => patterns.matches(text))).toEqual([])
  })
})

/** Matches globs of literals, `*`, `?`, `{a,b}` by trying everything; slow and plain. */
function naive(glob: string, text: string): boolean {
  if (glob === '') return text === ''
  const [first = ''] = glob
  const rest = glob.slice(1)
  if (first === '*') return naive(rest, text) || (text !== '' && naive(glob, text.slice(1)))
  if (first === '{') {
    const close = glob.indexOf('}')
    return glob
      .slice(1, close)
      .split(',')
      .some((branch) => naive(branch + glob.slice(close + 1), text))
  }
  return text !== '' && (first === '?' || first === text[0]) && naive(rest, text.slice(1))
}

describe('promises', () => {
  const piece = fc.constantFrom('a', 'b', '-', '.', '*', '?', '{a,b}', '{a*,-,}')
  const glob = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(''))
  const text = fc
    .array(fc.constantFrom('a', 'b', '-', '.'), { maxLength: 8 })
    .map((characters) => characters.join(''))

  it('matches as a naive matcher does', () => {
    fc.assert(
      fc.property(glob, text, (pattern, name) => {
        expect(compileTagPattern(pattern).matches(name)).toBe(naive(pattern, name))
      }),
      { numRuns: 700 },
    )
  })

  it('captures exactly when it matches', () => {
    fc.assert(
      fc.property(glob, text, (pattern, name) => {
        const compiled = compileTagPattern(pattern)
        expect(compiled.captures(name) !== undefined).toBe(compiled.matches(name))
      }),
    )
  })

  it('compiles anything or refuses it with a PatternError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'/!*?[]{}()|\\^$.+-a,1i:=<>') }), (source) => {
        try {
          compileTagPattern(source).matches('a1')
        } catch (error) {
          expect(error).toBeInstanceOf(PatternError)
        }
      }),
      { numRuns: 700 },
    )
  })

  // A backtracking engine needs longer than the universe for each of these.
  it.each(['/(a+)+b/', '/(a|a)*b/', '/(.*)*x/', `${'*a'.repeat(30)}*b`, `${'{a,aa}'.repeat(40)}b`])(
    'matches the hostile pattern %s in linear time',
    (pattern) => {
      expect(compileTagPattern(pattern).matches('a'.repeat(20_000))).toBe(false)
    },
  )
})
