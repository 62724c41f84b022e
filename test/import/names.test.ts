/** Names, descriptions and folders as people (and others) write them: what is imported is valid, and says nothing else. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { loadConfiguration } from '../../src/config/load.ts'
import { importText } from './plan-in-process.ts'

/** Text as YAML, JSON, terminals and people trip over it. */
const names: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n',
    '~',
    'null',
    'yes',
    '0x1F',
    '1e3',
    '- a',
    'a: b',
    'a #b',
    '#',
    '# ',
    '{a: b}',
    '[a]',
    '*a',
    '&a',
    '!a',
    '|',
    '>',
    '%TAG',
    '---',
    '...',
    '"',
    "'",
    "a'b",
    '\\',
    '\\n',
    'unmatched',
    'line\nunmatched: delete\nrules: []',
    '\r\n  - {name: x, delete: {all: true}}',
    '\u2028rules: []',
    '\u0085x',
    '\uFEFFx',
    '\u001B[31mred',
    '\u202Eevil',
    'é'.normalize('NFD'),
    '\u{1F40B}'.repeat(200),
    'x'.repeat(5000),
    '__proto__',
    'constructor',
    '<<',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...`:#-'"\\{}[]&*!|>%@\`,? \n\t~ab0`), maxLength: 30 }),
)

const json = (value: unknown): string => JSON.stringify(value)
const step = (action: string, inputs: object): string =>
  stringify({ jobs: { a: { steps: [{ uses: `${action}@v1`, with: inputs }] } } })

/** Where a name stands that has no say in what is deleted. */
const sayingNothing: Readonly<Record<string, (name: string) => string>> = {
  ecr: (name) =>
    json({
      rules: [
        {
          rulePriority: 1,
          description: name,
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 1 },
          action: { type: 'expire' },
        },
      ],
    }),
  gar: (name) =>
    json([{ name, action: { type: 'Delete' }, condition: { tagState: 'any', olderThan: '30d' } }]),
  nexus: (name) => json([{ name, format: 'docker', criteriaLastBlobUpdated: 30 }]),
  werf: (name) => stringify({ project: name, configVersion: 1 }),
}

/** Where it says which repositories, owners or tags are meant. */
const sayingWhich: Readonly<Record<string, (name: string) => string>> = {
  harbor: (name) =>
    json({
      algorithm: 'or',
      rules: [
        {
          action: 'retain',
          template: 'always',
          tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: name }],
          scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: name }] },
        },
      ],
    }),
  zot: (name) =>
    json({
      storage: {
        retention: {
          policies: [{ repositories: [name], keepTags: [{ patterns: [name], pushedWithin: '1h' }] }],
        },
      },
    }),
  gitlab: (name) => json({ enabled: true, name_regex_delete: name, older_than: '7d' }),
  quay: (name) => json({ policies: [{ method: 'number_of_tags', value: 1, tagPattern: name }] }),
  gar: (name) =>
    json([
      {
        name: 'n',
        action: { type: 'Delete' },
        condition: { tagState: 'tagged', tagPrefixes: [name], packageNamePrefixes: [name] },
      },
    ]),
  ecr: (name) =>
    json({
      rules: [
        {
          rulePriority: 1,
          selection: {
            tagStatus: 'tagged',
            tagPatternList: [name],
            countType: 'imageCountMoreThan',
            countNumber: 1,
          },
          action: { type: 'expire' },
        },
      ],
    }),
  'tumblr-docker-registry-pruner': (name) =>
    stringify({ registry: name, rules: [{ repos: [name], labels: { [name]: name }, keep_days: 1 }] }),
  'ghcr-cleanup-action': (name) =>
    step('dataaxiom/ghcr-cleanup-action', { owner: name, package: name, 'exclude-tags': name }),
  snok: (name) =>
    step('snok/container-retention-policy', {
      account: name,
      'image-names': name,
      'cut-off': '1d',
      'image-tags': name,
    }),
  'delete-package-versions': (name) =>
    step('actions/delete-package-versions', { owner: name, 'package-name': name, 'min-versions-to-keep': 1 }),
  'acr-purge': (name) => `acr purge --registry r --ago 1d --filter '${name.replaceAll("'", '')}:.*'\n`,
  'gcr-cleaner': (name) => `gcr-cleaner-cli -repo 'gcr.io/${name.replaceAll("'", '')}'\n`,
  'registry-cli': (name) =>
    `registry.py -r https://r.example.com --delete-all -i '${name.replaceAll("'", '')}'\n`,
  deckschrubber: (name) => `deckschrubber -day 3 -tag '${name.replaceAll("'", '')}'\n`,
}

/** The configuration without its names. */
function nameless(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) => (key === 'name' || key === 'git' ? undefined : each)),
  )
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'IMPORT_REFUSED'
}

describe.each(Object.entries(sayingNothing))('a name in %s', (system, make) => {
  it('changes nothing but names', () => {
    const plain: unknown = nameless(parse(importText(system, make('plain')).yaml))
    fc.assert(
      fc.property(names, (name) => {
        let yaml = ''
        try {
          yaml = importText(system, make(name)).yaml
        } catch (error) {
          if (isRefusal(error)) return
          throw error
        }
        expect(loadConfiguration({ path: 'winnow.yaml', text: yaml }).warnings).toEqual([])
        expect(nameless(parse(yaml)), yaml).toEqual(plain)
      }),
      { numRuns: 150 },
    )
  })
})

describe.each(Object.entries(sayingWhich))('a pattern or repository in %s', (system, make) => {
  it('is refused, or makes a valid configuration that a formatter leaves as it is', () => {
    fc.assert(
      fc.property(names, (name) => {
        let yaml = ''
        try {
          yaml = importText(system, make(name)).yaml
        } catch (error) {
          if (isRefusal(error)) return
          throw error
        }
        const { policySet } = loadConfiguration({ path: 'winnow.yaml', text: yaml })
        const again = loadConfiguration({ path: 'winnow.yaml', text: stringify(parse(yaml)) })
        expect(again.policySet.policies.length).toBe(policySet.policies.length)
        const written = parse(yaml) as { policies: readonly object[] }
        for (const policy of written.policies)
          expect(['keep', 'delete']).toContain((policy as { unmatched: unknown }).unmatched)
        // No line of a foreign text stands by itself.
        expect(yaml).not.toMatch(/^(?:unmatched: delete|rules: \[\])/m)
      }),
      { numRuns: 120 },
    )
  })
})
