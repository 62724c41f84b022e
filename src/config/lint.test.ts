import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lintConfiguration } from './lint.ts'
import { loadConfiguration } from './load.ts'
import type { RegistryFacts } from './propose.ts'
import { proposeConfiguration } from './propose.ts'

function lint(text: string): readonly string[] {
  const configuration = loadConfiguration({ path: 'winnow.yaml', text, home: '/home/me' })
  return lintConfiguration(configuration).map(
    (each) => `${each.line}:${each.column} ${each.severity} ${each.message}`,
  )
}

const evidence = 'version: 1\nevidence: {references: [{name: a, file: b}]}\n'
const keepAll = '{match: {tags: x}, keep: {all: true}}'
const inPolicy = (rules: readonly string[], unmatched = 'delete'): string =>
  `${evidence}policies:\n  - rules: [\n${rules.map((rule) => `      ${rule}`).join(',\n')}]\n    unmatched: ${unmatched}\n`

describe('what is valid and probably not meant', () => {
  it.each([
    {
      rule: '{match: {tagged: false, tags: [v*]}, keep: {all: true}}',
      says: '6:31 warning This can never match',
    },
    {
      rule: '{match: {tagged: false, semver: "1.x"}, keep: {all: true}}',
      says: '6:31 warning This can never match',
    },
    { rule: '{match: {tags: ["a", "!a"]}, keep: {all: true}}', says: '6:28 warning This takes out all' },
    { rule: '{match: {tags: ["!*"]}, keep: {all: true}}', says: '6:23 warning This takes out all' },
    { rule: '{not: {}, keep: {newest: 1}}', says: '6:8 warning An empty `not` takes every image out' },
    {
      rule: '{except: [{}], keep: {newest: 1}}',
      says: '6:17 warning An empty `except` takes every image out',
    },
    { rule: '{keep: {newest: 0}}', says: '6:8 warning This rule keeps nothing' },
    { rule: '{keep: {within: 0s, newest: 0, combine: any}}', says: '6:8 warning This rule keeps nothing' },
    { rule: '{keep: {within: 7d, newest: 0, combine: all}}', says: '6:8 warning This rule keeps nothing' },
    { rule: '{keep: {daily: 0, weekly: 0}}', says: '6:8 warning This rule keeps nothing' },
    { rule: '{keep: {all: true, newest: 3, combine: any}}', says: '`newest` has no effect' },
    { rule: '{keep: {within: 7d, per: major}}', says: '6:27 warning `per` matters only to counts' },
    { rule: '{keep: {within: 7d, by: semver}}', says: '`by` matters only to counts' },
    { rule: '{keep: {daily: 7, by: name}}', says: 'Calendar keys need times' },
    { rule: '{keep: {newest: 7, timezone: UTC}}', says: 'matters only to the calendar keys' },
    {
      rule: '{match: {tags: x}, delete: {olderThan: 7d, countAmong: eligible}}',
      says: 'only to `beyondNewest`',
    },
    {
      rule: '{match: {tags: x}, delete: {olderThan: 7d, onePageOf: 1000}}',
      says: '`onePageOf` matters only to `beyondNewest`',
    },
    { rule: '{delete: {all: true}}', says: 'This deletes every image' },
    { rule: '{match: {tags: ["^v.*$"]}, keep: {all: true}}', says: '6:23 warning This is read as a glob' },
    { rule: String.raw`{match: {tags: ['v\d+']}, keep: {all: true}}`, says: 'This is read as a glob' },
    { rule: '{match: {tags: [".*"]}, keep: {all: true}}', says: 'This is read as a glob' },
    { rule: '{match: {tags: ["(a|b)-*"]}, keep: {all: true}}', says: 'This is read as a glob' },
    { rule: '{match: {tags: [/^v1/]}, keep: {all: true}}', says: 'must match the whole name' },
    { rule: String.raw`{match: {tags: ['/v1\./']}, keep: {all: true}}`, says: 'must match the whole name' },
    {
      rule: '{not: {state: orphaned-referrer}, keep: {newest: 1}}',
      says: 'Orphaned referrers need no taking out',
    },
    { rule: '{match: {state: orphaned-referrer}, keep: {all: true}}', says: 'need no rule that keeps them' },
    {
      rule: '{match: [{tags: ["a-*"]}, {tags: [b]}], keep: {newest: 1, per: "{1}"}}',
      says: 'captures no "1"',
    },
    { rule: '{name: unmatched, match: {tags: x}, keep: {all: true}}', says: 'Plans call "unmatched"' },
  ])('$rule', ({ rule, says }) => {
    const found = lint(inPolicy([keepAll, rule]))
    expect(
      found.filter((each) => each.includes(says)),
      found.join('\n'),
    ).toHaveLength(1)
  })

  it.each([
    {
      name: 'a delete rule that leaves nothing to unmatched',
      text: inPolicy([keepAll, '{delete: {olderThan: 7d}}']),
      says: 'never reached',
    },
    {
      name: 'nothing is kept',
      text: inPolicy(['{match: {tags: x}, delete: {all: true}}']),
      says: 'No rule keeps anything',
    },
    { name: 'nothing is deleted', text: inPolicy([keepAll], 'keep'), says: 'this policy deletes nothing' },
    {
      name: 'a rule’s name taken',
      text: inPolicy([
        '{name: a, match: {tags: x}, keep: {all: true}}',
        '{name: a, match: {tags: y}, keep: {all: true}}',
      ]),
      says: 'have this name',
    },
    { name: 'an earlier ** policy', text: shadowed("['**']", '[team/a]'), says: 'never reached' },
    { name: 'the same patterns', text: shadowed('[a/*, b/*]', '[b/*]'), says: 'never reached' },
    { name: 'no policies', text: evidence, says: 'nothing is governed' },
    {
      name: 'nobody asked',
      text: inPolicy([keepAll]).replace(/^evidence.*\n/m, ''),
      says: 'Nobody is asked',
    },
    {
      name: 'protection switched off',
      text: `${inPolicy([keepAll])}protect: {youngerThan: 0s}`,
      says: 'switches a protection off',
    },
    {
      name: 'memory switched off',
      text: `${inPolicy([keepAll])}protect: {seenInUseWithin: 0s}`,
      says: 'switches a protection off',
    },
    {
      name: 'share switched off',
      text: `${inPolicy([keepAll])}limits: {maxShare: 100%}`,
      says: 'may delete everything',
    },
    {
      name: 'survivors switched off',
      text: `${inPolicy([keepAll])}limits: {minSurvivors: 0}`,
      says: 'may be emptied',
    },
    {
      name: 'plain http',
      text: `${inPolicy([keepAll])}registries: {a: {url: 'http://x.de', insecure: true}}`,
      says: 'in the clear',
    },
    {
      name: 'insecure without effect',
      text: `${inPolicy([keepAll])}registries: {a: {url: 'https://x.de', insecure: true}}`,
      says: 'no effect here',
    },
    {
      name: 'any certificate',
      text: `${inPolicy([keepAll])}registries: {a: {url: 'https://x.de', tls: {insecureSkipVerify: true}}}`,
      says: 'Any certificate',
    },
    {
      name: 'a sweep without files',
      text: `${inPolicy([keepAll])}registries: {a: {url: 'https://x.de', sweep: {grace: 1h}}}`,
      says: 'needs the registry’s files',
    },
    {
      name: 'no grace',
      text: `${inPolicy([keepAll])}registries: {a: {storage: {layout: oci, filesystem: x}, sweep: {grace: 0s}}}`,
      says: 'not spared by their age',
    },
  ])('$name', ({ text, says }) => {
    const found = lint(text)
    expect(
      found.filter((each) => each.includes(says)),
      found.join('\n'),
    ).toHaveLength(1)
  })
})

function shadowed(first: string, second: string): string {
  const policy = (repositories: string): string =>
    `  - {repositories: ${repositories}, rules: [${keepAll}], unmatched: delete}\n`
  return `${evidence}policies:\n${policy(first)}${policy(second)}`
}

describe('what lint has nothing against', () => {
  it('the example of the documentation', () => {
    const text = readFileSync(new URL('testdata/full.yaml', import.meta.url), 'utf8')
    expect(lint(text)).toEqual([])
  })

  it.each(['v1.*', 'v[0-9]*', 'release-?', '*.rc', '/v1\\..*/', '/latest/', '/^v.*$/', '!v0.*'])(
    'the pattern %s',
    (pattern) => {
      expect(lint(inPolicy([`{match: {tags: [x, '${pattern}']}, keep: {all: true}}`]))).toEqual([])
    },
  )

  it('a narrower policy before a wider one', () => {
    expect(lint(shadowed('[team/a]', "['**']"))).toEqual([])
    expect(lint(shadowed("['a/*', '!a/b']", "['a/*']"))).toEqual([])
  })
})

describe('what init proposes', () => {
  const streams = { semver: 0, pr: 0, nightly: 0, sha: 0, latest: 0 }
  const facts: RegistryFacts = {
    registryName: 'prod',
    url: 'https://x.de',
    kind: 'auto',
    aliases: [],
    repositories: [],
    kubeContexts: [],
  }
  const all = { semver: 3, pr: 2, nightly: 1, sha: 4, latest: 1 }

  it.each<{ name: string; facts: RegistryFacts }>([
    { name: 'an empty registry', facts },
    {
      name: 'all kinds of tags',
      facts: {
        ...facts,
        repositories: [{ name: 'a/b', tagExamples: ['1.2', 'x'], imageCount: 3, tagStreams: all }],
      },
    },
    {
      name: 'clusters of the same name',
      facts: { ...facts, kubeContexts: ['arn:aws:eks:eu:1:cluster/prod', 'me@prod', '///', 'ünï: #x'] },
    },
    {
      name: 'plain http elsewhere',
      facts: { ...facts, url: 'http://reg.example.com:5000', aliases: ['a.b:5000'] },
    },
    {
      name: 'hostile names',
      facts: {
        ...facts,
        repositories: [
          { name: 'a\nversion: 2', tagExamples: ['x\u2028y: ['], imageCount: 1, tagStreams: streams },
        ],
      },
    },
    {
      name: 'many repositories',
      facts: {
        ...facts,
        repositories: Array.from({ length: 9 }, (_, i) => ({
          name: `r${i}`,
          tagExamples: [],
          imageCount: 1,
          tagStreams: streams,
        })),
      },
    },
    { name: 'a name that YAML would read otherwise', facts: { ...facts, registryName: 'true' } },
  ])('loads as it is: $name', ({ facts: given }) => {
    const text = proposeConfiguration(given)
    const configuration = loadConfiguration({ path: 'winnow.yaml', text, home: '/home/me' })
    expect(configuration.warnings).toEqual([])
    expect([...configuration.registries.keys()]).toEqual([given.registryName])
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./winnow.schema.json')
    // An image that no rule names stays until a person has decided otherwise.
    expect(configuration.policySet.policies[0]?.unmatched).toBe('keep')
  })

  it('works for files without a server', () => {
    const { url: _url, ...rest } = facts
    const text = proposeConfiguration({
      ...rest,
      storage: { layout: 'distribution', filesystem: '/var/lib/my registry' },
    })
    const [registry] = [...loadConfiguration({ path: '/x/winnow.yaml', text }).registries.values()]
    expect(registry?.storage?.store).toEqual({ kind: 'filesystem', path: '/var/lib/my registry' })
  })
})
