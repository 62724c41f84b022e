import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Configuration } from './configuration.ts'
import { loadConfiguration } from './load.ts'

const full = readFileSync(new URL('testdata/full.yaml', import.meta.url), 'utf8')

function load(text: string): Configuration {
  return loadConfiguration({ path: '/etc/winnow/winnow.yaml', text, home: '/home/me' })
}

/** Functions left out and patterns as written: what a person can compare. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  if ('source' in value && 'matches' in value) return value.source
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => typeof each !== 'function' && each !== undefined)
      .map(([key, each]) => [key, plain(each)]),
  )
}

describe('a whole configuration', () => {
  const configuration = load(full)

  it('becomes the policies the core reads', () => {
    expect(plain(configuration.policySet)).toMatchSnapshot()
  })

  it('becomes settings with absolute paths and defaults', () => {
    expect(
      plain({ registries: configuration.registries, evidence: configuration.evidence }),
    ).toMatchSnapshot()
  })

  it('knows the lines of policies, rules and unmatched', () => {
    const [services, second] = configuration.policySet.policies
    expect(services).toMatchObject({ name: 'services', line: 38, unmatchedLine: 47 })
    expect(services?.rules.map((rule) => rule.line)).toEqual([43, 44, 45, 46])
    expect(second).toMatchObject({ name: 'policy 2', line: 48, unmatchedLine: 54 })
    expect(second?.rules[0]).toMatchObject({ name: 'rule 1', line: 50 })
  })

  it('fills in what is left out', () => {
    const { policySet, evidence } = load('version: 1')
    expect(policySet.protect).toEqual({
      youngerThanMs: 86_400_000,
      seenInUseWithinMs: 604_800_000,
      tags: undefined,
    })
    expect(policySet.limits).toEqual({ maxDeletions: 500, maxShare: 0.3, minSurvivors: 1 })
    expect(evidence).toEqual({ kubernetes: [], helm: { kind: 'all' }, references: [] })
  })

  it('keeps how long a request may take, however short the quarantine', () => {
    const sweeps = [...configuration.registries.values()].map((registry) => registry.sweep.settleMs)
    expect(sweeps).toEqual([600_000, 600_000])
  })
})

describe('policies', () => {
  const policy = (rest: string): Configuration =>
    load(`version: 1\npolicies: [{rules: [], unmatched: keep, ${rest}}]`)

  it('governs everything when repositories are left out', () => {
    const [first] = policy('name: a').policySet.policies
    expect(first?.repositories.matches('a/b/c')).toBe(true)
    expect(first?.registry).toBeUndefined()
  })

  it.each([
    { name: 'tags under unit: tag', unit: 'tag', keep: 'newest: 1', count: 'tags' },
    {
      name: 'images under unit: tag when asked',
      unit: 'tag',
      keep: 'newest: 1, count: images',
      count: 'images',
    },
    { name: 'images under unit: image', unit: 'image', keep: 'newest: 1', count: 'images' },
  ])('counts $name', ({ unit, keep, count }) => {
    const text = `version: 1\npolicies: [{unit: ${unit}, rules: [{keep: {${keep}}}], unmatched: keep}]`
    expect(load(text).policySet.policies[0]?.rules[0]?.effect.count).toBe(count)
  })

  it.each([
    { written: '30%', share: 0.3 },
    { written: '0.3', share: 0.3 },
    { written: '100%', share: 1 },
    { written: '0', share: 0 },
    { written: '12.5%', share: 0.125 },
  ])('reads maxShare: $written', ({ written, share }) => {
    expect(load(`version: 1\nlimits: {maxShare: ${written}}`).policySet.limits.maxShare).toBe(share)
  })

  it.each(['{}', '[{}]'])('reads match: %s as everything', (match) => {
    const text = `version: 1\npolicies: [{rules: [{match: ${match}, keep: {all: true}}], unmatched: keep}]`
    expect(load(text).policySet.policies[0]?.rules[0]?.match).toEqual([{}])
  })
})

describe('forms of the file', () => {
  it('takes JSON, tabs included', () => {
    expect(load('{"version": 1,\n\t"limits": {"maxDeletions": 3}}').policySet.limits.maxDeletions).toBe(3)
  })

  it('takes anchors and merges', () => {
    const text = [
      'version: 1',
      'policies:',
      '  - &base',
      '    name: a',
      '    rules: [&rule {keep: {newest: 3}}]',
      '    unmatched: delete',
      '  - <<: *base',
      '    name: b',
      '    rules: [*rule]',
    ].join('\n')
    const [a, b] = load(text).policySet.policies
    expect(b).toMatchObject({ name: 'b', unmatched: 'delete', line: 7, unmatchedLine: 6 })
    expect(b?.rules[0]?.effect).toEqual(a?.rules[0]?.effect)
  })

  it('takes a byte order mark and CRLF', () => {
    expect(load('\uFEFFversion: 1\r\nlimits:\r\n  maxDeletions: 3\r\n').policySet.limits.maxDeletions).toBe(3)
  })
})

describe('the fingerprint', () => {
  const base = load(full).fingerprintText

  it.each([
    { name: 'a comment', text: `# new\n${full}`, same: true },
    { name: 'where a credential lies', text: full.replace('/run/secrets/registry', '/run/x'), same: true },
    { name: 'a default written out', text: full.replace('    unit: image\n', ''), same: true },
    { name: 'a number', text: full.replace('newest: 10', 'newest: 11'), same: false },
    { name: 'a pattern', text: full.replace("'pr-*'", "'mr-*'"), same: false },
    { name: 'unmatched', text: full.replace('unmatched: delete', 'unmatched: keep'), same: false },
    { name: 'an alias', text: full.replace('mirror.example', 'mirror2.example'), same: false },
    { name: 'a cluster', text: full.replace('name: here', 'name: there'), same: false },
    { name: 'a protection', text: full.replace('youngerThan: 24h', 'youngerThan: 23h'), same: false },
  ])('changes with what bears on decisions: $name', ({ text, same }) => {
    expect(text).not.toBe(full)
    expect(load(text).fingerprintText === base).toBe(same)
  })
})
