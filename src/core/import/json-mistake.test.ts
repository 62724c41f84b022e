import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findJsonMistake } from './json-mistake.ts'

describe('what is no JSON', () => {
  it.each([
    ['{"a": [1, 2', 11, 'The file ends too early: "[" of line 1 is not closed.'],
    ['{\n"a": {"b":\n\n', 12, 'The file ends too early: "{" of line 2 is not closed.'],
    [
      '{\n"a": "b',
      9,
      'The file ends too early: a text in double quotes (line 2) and "{" of line 1 are not closed.',
    ],
    ['{"a": "b\\', 9, 'ends too early'],
    ['{"a": "b\\u00', 12, 'ends too early'],
    ['{"a": tru', 9, 'ends too early'],
    ['{"a": 1.', 8, 'ends too early'],
    ['{"a"', 4, 'ends too early'],
    ['"a', 2, 'The file ends too early: a text in double quotes (line 1) is not closed.'],
    ['', 0, 'The file ends too early: a value is still to come.'],
    ['{"a": 1,}', 8, 'here a key in double quotes is expected'],
    ['[1,]', 3, 'here a value is expected'],
    ['[1 2]', 3, 'here a comma or "]" is expected'],
    ['{"a" 1}', 5, 'here a colon is expected'],
    ['{a: 1}', 1, 'here a key in double quotes or "}" is expected'],
    ["{'a': 1}", 1, 'here a key in double quotes or "}" is expected'],
    ['[1}', 2, 'here a comma or "]" is expected'],
    ['[]]', 2, 'here the end of the file is expected'],
    ['{}\n{}', 3, 'here the end of the file is expected'],
    ['[01]', 1, 'here a value or "]" is expected'],
    ['// why\n{}', 0, 'here a value is expected'],
    ['["a\nb"]', 1, 'not closed in its line'],
    ['["\\d", "x"]', 2, 'no escape that JSON knows'],
  ])('%j', (text, at, message) => {
    expect(findJsonMistake(text)).toEqual({
      at,
      message: expect.stringContaining(message) as string,
      hint: expect.stringMatching(/\.$/) as string,
    })
  })

  it('is told without quoting it', () => {
    const { message = '', hint = '' } = findJsonMistake('{"token": s3cret}') ?? {}
    expect(message + hint).not.toContain('s3cret')
  })
})

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

it('finds a mistake just where JSON.parse does', () => {
  const written = fc.json().map((text) => JSON.stringify(JSON.parse(text), undefined, 1))
  const broken = fc.tuple(
    written,
    fc.nat(),
    fc.constantFrom('', ',', '}', ']', '"', ':', '1', '\\', '\n', 'x', '.'),
  )
  fc.assert(
    fc.property(broken, ([text, seed, put]) => {
      const at = seed % (text.length + 1)
      const changed = text.slice(0, at) + put + text.slice(at + 1)
      expect(findJsonMistake(changed) === undefined, changed).toBe(parses(changed))
    }),
    { numRuns: 2000 },
  )
})

it('tells every beginning of a document as one that ends too early', () => {
  const documents = fc.json().map((text) => `{"rules": ${text}}`)
  fc.assert(
    fc.property(documents, fc.nat(), (text, seed) => {
      const cut = text.slice(0, seed % text.length)
      expect(findJsonMistake(cut)?.message, cut).toContain('ends too early')
    }),
    { numRuns: 1000 },
  )
})
