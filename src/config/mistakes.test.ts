import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { OperationalError } from '../core/errors/errors.ts'
import type { Diagnostic } from './diagnostics.ts'
import { ConfigurationError, formatDiagnostic, GitRulesUnavailableError } from './diagnostics.ts'
import { loadConfiguration } from './load.ts'

function mistakes(text: string): readonly Diagnostic[] {
  try {
    loadConfiguration({ path: 'winnow.yaml', text, home: '/home/me' })
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.diagnostics
    throw error
  }
}

const inRule = (rule: string, more = ''): string =>
  `version: 1\npolicies:\n  - ${more}rules:\n      - ${rule}\n    unmatched: keep\n`
const inRegistry = (registry: string): string => `version: 1\nregistries:\n  r: ${registry}\n`

describe('each mistake has its place, its reason and a cure', () => {
  it.each([
    { name: 'an empty file', text: '', at: '1:1', says: /empty/ },
    { name: 'nothing but comments', text: '# x', at: '1:1', says: /empty/ },
    { name: 'a list', text: '- 1', at: '1:1', says: /map of keys/ },
    { name: 'two documents', text: 'version: 1\n---\nversion: 1', at: '2:1', says: /second one/ },
    { name: 'a tab for indentation', text: 'protect:\n\tyoungerThan: 1h', at: '2:1', says: /tab/i },
    { name: 'a key written twice', text: 'version: 1\nversion: 1', at: '2:1', says: /twice/ },
    { name: 'a key that is a number', text: 'version: 1\n1: x', at: '2:1', says: /must be text/ },
    { name: 'a key that is a map', text: 'version: 1\n? {a: b}\n: c', at: '2:3', says: /must be text/ },
    {
      name: 'an unquoted !pattern',
      text: 'version: 1\nprotect: {tags: [!a]}',
      at: '2:18',
      says: /quotes.*!team/s,
    },
    {
      name: 'an unquoted *pattern',
      text: 'version: 1\nprotect: {tags: [*a]}',
      at: '2:18',
      says: /quotes.*\*-rc/s,
    },
    { name: 'a merge of no map', text: 'version: 1\nprotect:\n  <<: 3', at: '1:1', says: /aliases/ },
    { name: 'an unknown version', text: 'version: 2', at: '1:10', says: /only value is 1/ },
    { name: 'no version', text: 'limits: {}', at: '1:1', says: /`version` is missing/ },
    { name: '__proto__', text: 'version: 1\n__proto__: {a: 1}', at: '2:1', says: /Unknown key "__proto__"/ },
    { name: 'a misspelt key', text: 'version: 1\nlimit: {}', at: '2:1', says: /Did you mean "limits"/ },
    {
      name: 'a key of another section',
      text: 'version: 1\nlimits: {youngerThan: 1h}',
      at: '2:10',
      says: /belongs under `protect:`/,
    },
    {
      name: 'a key that stands too high',
      text: inRule('{newest: 3, keep: {all: true}}'),
      at: '4:10',
      says: /belongs under `keep:`/,
    },
    {
      name: 'keepLast',
      text: inRule('{keepLast: 3, keep: {all: true}}'),
      at: '4:10',
      says: /keep: \{newest: N\}/,
    },
    {
      name: 'keep_n',
      text: inRule('{keep_n: 3, keep: {all: true}}'),
      at: '4:10',
      says: /keep: \{newest: N\}/,
    },
    {
      name: 'older_than',
      text: inRule('{older_than: 3d, delete: {all: true}}'),
      at: '4:10',
      says: /delete: \{olderThan/,
    },
    {
      name: 'regex',
      text: inRule('{match: {regex: x}, keep: {all: true}}'),
      at: '4:18',
      says: /between slashes/,
    },
    { name: 'an empty section', text: 'version: 1\nlimits:', at: '2:8', says: /has no value/ },
  ])('$name', expectMistake)

  it.each([
    {
      name: 'neither address nor storage',
      text: inRegistry('{kind: auto}'),
      at: '3:3',
      says: /needs `url:` or `storage:`/,
    },
    {
      name: 'http to another machine',
      text: inRegistry('{url: "http://x.de"}'),
      at: '3:12',
      says: /in the clear/,
    },
    { name: 'no scheme', text: inRegistry('{url: x.de}'), at: '3:12', says: /https:\/\// },
    { name: 'another scheme', text: inRegistry('{url: "ftp://x.de"}'), at: '3:12', says: /begins with/ },
    {
      name: 'a misspelt kind',
      text: inRegistry('{url: "https://x.de", kind: harbour}'),
      at: '3:34',
      says: /Did you mean "harbor"/,
    },
    {
      name: 'an alias with a scheme',
      text: inRegistry('{url: "https://x.de", aliases: ["https://y"]}'),
      at: '3:38',
      says: /no scheme/,
    },
    {
      name: 'an alias that is no host',
      text: inRegistry('{url: "https://x.de", aliases: [mirror]}'),
      at: '3:38',
      says: /Docker Hub/,
    },
    {
      name: 'no aliases',
      text: inRegistry('{url: "https://x.de", aliases: []}'),
      at: '3:37',
      says: /empty list/,
    },
    {
      name: 'a password without a user',
      text: inRegistry('{url: "https://x.de", auth: {passwordEnv: P}}'),
      at: '3:28',
      says: /needs a user name/,
    },
    {
      name: 'a token beside a user',
      text: inRegistry('{url: "https://x.de", auth: {tokenEnv: P, username: a}}'),
      at: '3:28',
      says: /Either a token/,
    },
    {
      name: 'a value where a variable’s name belongs',
      text: inRegistry('{url: "https://x.de", auth: {tokenEnv: $P}}'),
      at: '3:45',
      says: /name of an environment/,
    },
    {
      name: 'a certificate without its key',
      text: inRegistry('{url: "https://x.de", tls: {certFile: a}}'),
      at: '3:28',
      says: /need each other/,
    },
    {
      name: 'too many requests at a time',
      text: inRegistry('{url: "https://x.de", concurrency: 1000}'),
      at: '3:41',
      says: /from 1 to 256/,
    },
    {
      name: 'files in two places',
      text: inRegistry('{storage: {layout: oci, filesystem: a, gcs: {bucket: b}}}'),
      at: '3:7',
      says: /in one place/,
    },
    {
      name: 'files nowhere',
      text: inRegistry('{storage: {layout: oci}}'),
      at: '3:7',
      says: /Nothing says where/,
    },
    {
      name: 'maintenance without how',
      text: inRegistry('{url: "https://x.de", sweep: {mode: maintenance}}'),
      at: '3:42',
      says: /needs `maintenance:`/,
    },
    {
      name: 'a stop without a start',
      text: inRegistry('{url: "https://x.de", sweep: {maintenance: {stop: [a]}}}'),
      at: '3:36',
      says: /belong together/,
    },
    {
      name: 'a command for a shell',
      text: inRegistry('{url: "https://x.de", sweep: {maintenance: {stop: a b, start: [c]}}}'),
      at: '3:56',
      says: /must be a list/,
    },
    {
      name: 'a name with blanks',
      text: 'version: 1\nregistries:\n  a b: {url: "https://x.de"}',
      at: '3:3',
      says: /A name holds/,
    },
  ])('registries: $name', expectMistake)

  it.each([
    {
      name: 'helm: false',
      text: 'version: 1\nevidence: {helm: false}',
      at: '2:18',
      says: /\{revisions: false, reason: "…"\}/,
    },
    {
      name: 'no reason',
      text: 'version: 1\nevidence: {helm: {revisions: false}}',
      at: '2:30',
      says: /needs a reason/,
    },
    {
      name: 'a reason for nothing',
      text: 'version: 1\nevidence: {helm: {revisions: 3, reason: x}}',
      at: '2:33',
      says: /only for/,
    },
    {
      name: 'a cluster without a way',
      text: 'version: 1\nevidence: {kubernetes: [{name: a}]}',
      at: '2:25',
      says: /how to reach/,
    },
    {
      name: 'a cluster with two ways',
      text: 'version: 1\nevidence: {kubernetes: [{name: a, dump: b, inCluster: true}]}',
      at: '2:25',
      says: /one way only/,
    },
    {
      name: 'a name taken',
      text: 'version: 1\nevidence: {references: [{name: a, file: b}, {name: a, file: c}]}',
      at: '2:52',
      says: /is taken/,
    },
    {
      name: 'a number for a duration',
      text: 'version: 1\nprotect: {youngerThan: 24}',
      at: '2:24',
      says: /must be text.*24h/s,
    },
    { name: 'months', text: 'version: 1\nprotect: {youngerThan: 1M}', at: '2:24', says: /no fixed length/ },
    {
      name: 'no patterns',
      text: 'version: 1\nprotect: {tags: []}',
      at: '2:17',
      says: /leave the key out to match everything/i,
    },
    {
      name: 'an empty pattern',
      text: 'version: 1\nprotect: {tags: [""]}',
      at: '2:18',
      says: /matches nothing/,
    },
    {
      name: 'a share that may be 1 %',
      text: 'version: 1\nlimits: {maxShare: 1}',
      at: '2:20',
      says: /percentage/,
    },
    {
      name: 'a share above all',
      text: 'version: 1\nlimits: {maxShare: 101%}',
      at: '2:20',
      says: /percentage/,
    },
    {
      name: 'a fraction of an image',
      text: 'version: 1\nlimits: {minSurvivors: 1.5}',
      at: '2:24',
      says: /not a fraction/,
    },
    {
      name: 'fewer than none',
      text: 'version: 1\nlimits: {maxDeletions: -1}',
      at: '2:24',
      says: /0 or more/,
    },
  ])('evidence, protections, limits: $name', expectMistake)

  it.each([
    {
      name: 'no unmatched',
      text: 'version: 1\npolicies:\n  - rules: []',
      at: '3:5',
      says: /`policies\[0\]\.unmatched` is missing/,
    },
    {
      name: 'an unknown registry',
      text: inRule('{keep: {all: true}}', 'registry: x\n    '),
      at: '3:15',
      says: /no registry "x"/,
    },
    {
      name: 'a policy’s name taken',
      text: 'version: 1\npolicies:\n- {name: a, rules: [], unmatched: keep}\n- {name: a, rules: [], unmatched: keep}',
      at: '4:10',
      says: /is taken/,
    },
    {
      name: 'neither keep nor delete',
      text: inRule('{match: {tags: a}}'),
      at: '4:9',
      says: /needs `keep:` or `delete:`/,
    },
    {
      name: 'both keep and delete',
      text: inRule('{keep: {all: true}, delete: {all: true}}'),
      at: '4:9',
      says: /not both/,
    },
    { name: 'an empty keep', text: inRule('{keep: {}}'), at: '4:10', says: /says nothing/ },
    {
      name: 'options without a criterion',
      text: inRule('{delete: {by: name}}'),
      at: '4:10',
      says: /says nothing/,
    },
    {
      name: 'two criteria without combine',
      text: inRule('{keep: {newest: 1, within: 1d}}'),
      at: '4:10',
      says: /combine: any/,
    },
    {
      name: 'calendar and another without combine',
      text: inRule('{keep: {daily: 1, within: 1d}}'),
      at: '4:10',
      says: /combine: any/,
    },
    { name: 'all: false', text: inRule('{keep: {all: false}}'), at: '4:22', says: /only value is true/ },
    { name: 'match: []', text: inRule('{match: [], keep: {all: true}}'), at: '4:17', says: /empty list/ },
    {
      name: 'match without a value',
      text: inRule('{match: , keep: {all: true}}'),
      at: '4:17',
      says: /has no value/,
    },
    {
      name: 'look-around',
      text: inRule('{match: {tags: ["/(?!a)b/"]}, keep: {all: true}}'),
      at: '4:25',
      says: /RE2/,
    },
    {
      name: 'a range that is none',
      text: inRule('{match: {semver: ">>1"}, keep: {all: true}}'),
      at: '4:26',
      says: /npm range/,
    },
    {
      name: 'a size that is none',
      text: inRule('{match: {largerThan: 3x}, keep: {all: true}}'),
      at: '4:30',
      says: /not a size/,
    },
    {
      name: 'an unknown state',
      text: inRule('{match: {state: compleet}, keep: {all: true}}'),
      at: '4:25',
      says: /Did you mean "complete"/,
    },
    {
      name: 'a label that is no text',
      text: inRule('{match: {labels: {a: true}}, keep: {all: true}}'),
      at: '4:30',
      says: /Put quotes/,
    },
    {
      name: 'a capture that nothing makes',
      text: inRule('{match: {tags: ["a-*"]}, keep: {newest: 1, per: "{branch}"}}'),
      at: '4:57',
      says: /captures "branch"/,
    },
    {
      name: 'a group that is not there',
      text: inRule('{match: {tags: ["a-*"]}, keep: {newest: 1, per: "{2}"}}'),
      at: '4:57',
      says: /captures "2"/,
    },
    {
      name: 'braces that do not pair',
      text: inRule('{keep: {newest: 1, per: "{major"}}'),
      at: '4:33',
      says: /not closed/,
    },
    {
      name: 'a place that is no time zone',
      text: inRule('{keep: {daily: 1, timezone: Mars/X}}'),
      at: '4:37',
      says: /time zone/,
    },
    {
      name: 'countAmong in a keep block',
      text: inRule('{keep: {newest: 1, countAmong: matched}}'),
      at: '4:28',
      says: /Unknown key/,
    },
    {
      name: 'count: tags of images',
      text: inRule('{keep: {newest: 1, count: tags}}'),
      at: '4:35',
      says: /needs `unit: tag`/,
    },
    {
      name: 'git with branches and tags',
      text: inRule('{keep: {git: {repository: x, branches: a, tags: b}}}'),
      at: '4:17',
      says: /`branches` or of `tags`/,
    },
    {
      name: 'git limits without combine',
      text: inRule('{keep: {git: {repository: x, branches: a, images: {newest: 1, within: 1d}}}}'),
      at: '4:51',
      says: /two criteria/,
    },
    {
      name: 'an unknown key in git',
      text: inRule('{keep: {git: {repository: x, branch: a}}}'),
      at: '4:38',
      says: /Did you mean "branches"/,
    },
  ])('policies: $name', expectMistake)
})

function expectMistake({ text, at, says }: { text: string; at: string; says: RegExp }): void {
  const found = mistakes(text).map((each) => ({
    at: `${each.line}:${each.column}`,
    text: formatDiagnostic(each),
  }))
  expect(
    found.filter((each) => each.at === at && says.test(each.text)),
    JSON.stringify(found, null, 1),
  ).toHaveLength(1)
}

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

it('refuses Git rules by name, after all other mistakes', () => {
  const rule = '{keep: {git: {repository: ../app, branches: ".*", images: {newest: 2}}}}'
  expect(() => mistakes(inRule(rule))).toThrow(GitRulesUnavailableError)
  expect(() => mistakes(inRule(rule))).toThrow(/winnow\.yaml:4:17 .*not in this version/)
  expect(mistakes(`${inRule(rule)}limit: {}`)).toHaveLength(1)
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
    { numRuns: 150 },
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
