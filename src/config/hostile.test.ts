import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { OperationalError } from '../core/errors/errors.ts'
import { ConfigurationError, formatDiagnostic } from './diagnostics.ts'
import { loadConfiguration } from './load.ts'
import { inRegistry, inRule, mistakes } from './testdata/mistakes.ts'

describe('what is legal', () => {
  it.each([
    { name: 'rules: []', text: 'version: 1\npolicies: [{rules: [], unmatched: keep}]' },
    { name: 'http on this machine', text: inRegistry('{url: "http://localhost:5000"}') },
    { name: 'http on [::1]', text: inRegistry('{url: "http://[::1]:5000"}') },
    { name: 'http with insecure', text: inRegistry('{url: "http://x.de", insecure: true}') },
    { name: 'calendar keys without combine', text: inRule('{keep: {hourly: 1, daily: 7, yearly: 1}}') },
    { name: 'a version part as stream', text: inRule('{keep: {newest: 1, per: major}}') },
    { name: 'a wildcard as stream', text: inRule('{match: {tags: ["*-*"]}, keep: {newest: 1, per: "{1}"}}') },
    {
      name: 'a named group as stream',
      text: inRule("{match: {tags: '/(?P<b>.+)-x/'}, keep: {newest: 1, per: b}}"),
    },
    {
      name: 'a reason for leaving Helm out',
      text: 'version: 1\nevidence: {helm: {revisions: false, reason: none}}',
    },
    {
      name: 'a redis cache',
      text: inRegistry('{storage: {layout: oci, filesystem: a, cache: "redis://h:6379"}}'),
    },
  ])('$name', ({ text }) => {
    expect(mistakes(text)).toEqual([])
  })
})

it('tells all mistakes at once, in the order of the file', () => {
  const text =
    'version: 2\nlimits: {maxShare: 2, minSurvivors: x}\npolicies: [{rules: [{keep: {newest: -1}}, {}]}]'
  const found = mistakes(text)
  expect(found.map((each) => each.line)).toEqual([1, 2, 2, 3, 3, 3])
})

it('shows a frame with a caret beneath the place', () => {
  const [first] = mistakes('version: 1\nlimits:\n  maxShares: 3%\n')
  expect(first && formatDiagnostic(first)).toBe(
    [
      'winnow.yaml:3:3 error: Unknown key "maxShares" in `limits`. Did you mean "maxShare"?',
      '  1 | version: 1',
      '  2 | limits:',
      '  3 |   maxShares: 3%',
      '    |   ^^^^^^^^^',
    ].join('\n'),
  )
})

describe('no secret is shown', () => {
  it.each([
    inRegistry('{url: "https://bob:hunter2@x.de"}'),
    inRegistry('{url: "https://hunter2@x.de", kind: z}'),
    inRegistry('{url: "https://x.de", auth: {username: a, password: hunter2}}'),
    inRegistry('{url: "https://x.de", auth: {token: hunter2}, kind: z}'),
    inRegistry('{url: "https://x.de", proxy: "http://a:hunter2@p"}'),
    inRegistry('{url: "https://x.de", auth: {username: a, passwordEnv: "hunter2!"}}'),
    'version: 1\npassword: |\n  x\n  hunter2\nfoo: 3',
    'version: 1\npassword: hunter2\n\tx: [',
    '{"version": 1, "apiKey": "hunter2", "x": 1}',
    'version: 1\ntoken: [hunter2, {a: hunter2}]',
    inRegistry('{storage: {layout: oci, filesystem: a, cache: "redis://:hunter2@h"}}'),
  ])('%j', (text) => {
    const found = mistakes(text)
    expect(found.length).toBeGreaterThan(0)
    expect(JSON.stringify(found)).not.toContain('hunter2')
    expect(new ConfigurationError(found).message).not.toContain('hunter2')
  })

  it('says what to do instead of writing a password', () => {
    const found = mistakes(inRegistry('{url: "https://x.de", auth: {username: a, password: hunter2}}'))
    expect(found).toHaveLength(1)
    expect(found[0]?.hint).toContain('passwordFile')
  })
})

describe('bombs are refused quickly', () => {
  const aliases = [
    'a: &a0 [x]',
    ...Array.from({ length: 11 }, (_, i) => `b${i}: &a${i + 1} [${`*a${i},`.repeat(10)}]`),
  ]
  it.each([
    { name: 'aliases of aliases', text: aliases.join('\n') },
    { name: 'depth', text: '['.repeat(100_000) },
    { name: 'depth that is closed', text: `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}` },
    { name: 'size', text: `#${'x'.repeat(6_000_000)}` },
    { name: 'an alias of itself', text: 'policies: &a [*a]' },
  ])('$name', ({ text }) => {
    const found = mistakes(text)
    expect(found.length).toBeGreaterThan(0)
    expect(found.length).toBeLessThan(20)
  })
})

it('answers every mutation of a configuration with a configuration or a ConfigurationError', () => {
  const whole = JSON.parse(readJson()) as unknown
  const replacement = fc.oneof(
    fc.constantFrom<unknown>(null, [], {}, '', 0, -1, true, 'x', [null], { a: 1 }, '0s', '**', '/(/', {
      __proto__: 1,
    }),
    fc.jsonValue(),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.boolean(), replacement), { minLength: 1, maxLength: 3 }),
      (mutations) => {
        const copy = structuredClone(whole)
        for (const [at, renames, value] of mutations) mutate(copy, at, renames, value)
        try {
          loadConfiguration({ path: 'winnow.yaml', text: stringify(copy), home: '/' })
        } catch (error) {
          expect(error).toBeInstanceOf(OperationalError)
        }
      },
    ),
    { numRuns: 100 },
  )
})

function readJson(): string {
  const text = readFileSync(new URL('testdata/full.yaml', import.meta.url), 'utf8')
  return JSON.stringify(loadConfiguration({ path: 'winnow.yaml', text, home: '/' }).source.value)
}

/** Replaces the value of the `at`-th key in the tree, or gives the key another name. */
function mutate(root: unknown, at: number, renames: boolean, value: unknown): void {
  const places: { readonly owner: Record<string, unknown>; readonly key: string }[] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, each] of Object.entries(node)) {
      places.push({ owner: node as Record<string, unknown>, key })
      walk(each)
    }
  }
  walk(root)
  const place = places[at % Math.max(1, places.length)]
  if (!place) return
  if (renames && !Array.isArray(place.owner)) place.owner[`${place.key}x`] = place.owner[place.key]
  place.owner[place.key] = value
}
