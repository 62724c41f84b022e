/** Matchers as Alertmanager reads them; test/maintenance asks a real one about the same texts. */
import { describe, expect, it } from 'vitest'
import { parseMatcher, refuseMatcher } from './alert-matcher.ts'
import { expectMistake, inRegistry, mistakes } from './testdata/mistakes.ts'

const is = { isEqual: true, isRegex: false }

it.each([
  ['job="registry"', { name: 'job', value: 'registry', ...is }],
  ['job=registry', { name: 'job', value: 'registry', ...is }],
  [' job = "a b" ', { name: 'job', value: 'a b', ...is }],
  ['severity!="page"', { name: 'severity', value: 'page', isEqual: false, isRegex: false }],
  [
    'instance=~"registry.*:5000"',
    { name: 'instance', value: 'registry.*:5000', isEqual: true, isRegex: true },
  ],
  ['instance!~"db|web"', { name: 'instance', value: 'db|web', isEqual: false, isRegex: true }],
  [String.raw`summary="a \"b\" \\ \n c"`, { name: 'summary', value: 'a "b" \\ \n c', ...is }],
  [String.raw`path=~"\\d+"`, { name: 'path', value: String.raw`\d+`, isEqual: true, isRegex: true }],
  ['job=""', { name: 'job', value: '', ...is }],
])('%s', (text, parsed) => {
  expect(parseMatcher(text)).toEqual(parsed)
  expect(refuseMatcher(text)).toBeUndefined()
})

describe('what is no matcher is refused where it stands', () => {
  const withMatcher = (matcher: string): string =>
    inRegistry(
      `{url: 'https://r', sweep: {maintenance: {stop: [a], start: [b], downtime: {alertmanager: {url: 'http://am:9093', duration: 15m, matchers: [${matcher}]}}}}}`,
    )

  it.each([
    { matcher: "'job'", says: /name of a label, an operator/ },
    { matcher: '\'="registry"\'', says: /name of a label, an operator/ },
    { matcher: "'job=\"registry'", says: /quotes/ },
    { matcher: '\'job="a"b"\'', says: /quotes/ },
    { matcher: '\'job=~"("\'', says: /regular expression/ },
    { matcher: '\'job=~"(?=x)"\'', says: /regular expression/ },
  ])('$matcher', ({ matcher, says }) => {
    const text = withMatcher(matcher)
    const column = text.split('\n')[2]!.indexOf('matchers: [') + 'matchers: ['.length + 1
    expectMistake({ text, at: `3:${column}`, says })
  })

  it('takes a good one', () => {
    expect(mistakes(withMatcher(`'job="registry"'`))).toEqual([])
  })
})
