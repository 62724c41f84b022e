/**
 * gcrgc, by its configuration file. Images that were uploaded before the retention period go, tags and all, but for those
 * with a tag that is excluded; only the repositories right below the registry's address are looked at.
 *
 * A command line is refused: its flags were named otherwise in earlier releases. The file has had these names from the
 * first release that read one.
 */
import { isCommand } from './command-flags.ts'
import { patternOf } from './expressions.ts'
import { escapeGlob } from './globs.ts'
import type { Importer } from './importer.ts'
import type { ImportedBlock, ImportedConfiguration, ImportedRule } from './imported-policy.ts'
import { day, lengthMax, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, fileStart, type SourceDocument, type SourceMap } from './source-document.ts'
import { tryText } from './try-pattern.ts'

const known = [
  'registry',
  'repositories',
  'exclude-repositories',
  'date',
  'retention-period',
  'untagged-only',
  'exclude-tags',
  'exclude-tag-pattern',
  'exclude-semver-tags',
  'dry-run',
] as const
type Key = (typeof known)[number]

export const gcrgcImporter: Importer = {
  system: 'gcrgc',
  title: 'a configuration of gcrgc',
  format: 'yaml',
  source: 'the file that gcrgc reads with --config',
  recognises: ({ documents: [root] }) =>
    entryOf(root, 'registry')?.kind === 'text' &&
    known.some((key) => key !== 'registry' && entryOf(root, key) !== undefined),
  read: readGcrgc,
}

function readGcrgc(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  if (isCommand(document, ['gcrgc'])) {
    reading.refuse(
      fileStart,
      'This is a command of gcrgc, whose flags had other meanings in earlier releases.',
      'Write what it says into a file as for `gcrgc --config`, and import that.',
    )
    return undefined
  }
  const [root] = document.documents
  const file = reading.map(root, fileStart, { what: 'a configuration of gcrgc', known, ignored: ['config'] })
  if (file === undefined) return undefined
  refuseConflicts(file, reading)
  const registry = readRegistry(file, reading)
  const rules = readRules(file, reading)
  if (registry === undefined) return undefined
  const { host, path } = registry
  const repositories = repositoriesOf(file, path, reading)
  return {
    registries: [
      { name: host.replace(/[^a-z0-9.-]/g, '-'), url: `https://${host}`, kind: 'artifact-registry' },
    ],
    policies: [
      {
        name: 'gcrgc',
        comments: [],
        repositories,
        unit: 'image',
        rules,
        unmatched: 'keep',
        unmatchedRemark: 'what is excluded, and what is not old enough, stays',
      },
    ],
  }
}

function readRegistry(
  file: SourceMap,
  reading: Reading,
): { readonly host: string; readonly path: string } | undefined {
  const value = entryOf(file, 'registry')
  const text = reading.text(value)
  const [, host, path] =
    /^([a-z0-9.-]+\.[a-z]+(?::\d+)?)\/([a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?)$/.exec(text ?? '') ?? []
  if (host !== undefined && path !== undefined) return { host, path }
  const told = text === undefined ? 'The file needs `registry`' : `${JSON.stringify(text)} is no registry`
  reading.refuse(value?.place ?? file.place, `${told}, such as gcr.io/project.`)
  return undefined
}

/** One level: `*` stops at a slash. */
function repositoriesOf(file: SourceMap, path: string, reading: Reading): readonly string[] {
  const names = readNames(file, 'repositories', reading)
  const below = `${escapeGlob(path)}/`
  if (names.length === 0) {
    const excluded = readNames(file, 'exclude-repositories', reading)
    return [`${below}*`, ...excluded.map((name) => `!${below}${escapeGlob(name)}`)]
  }
  const deep = names.find((name) => name.includes('/'))
  if (deep !== undefined) {
    reading.refuse(
      entryOf(file, 'repositories')?.place ?? file.place,
      `${JSON.stringify(deep)} does not lie right below the registry, and gcrgc does not find it.`,
      `Write registry: …/${deep.split('/').slice(0, -1).join('/')} in a file of its own, or leave the name out.`,
    )
  }
  return names.map((name) => below + escapeGlob(name))
}

/** A list, or one text of several words, as its reader has it. */
function readNames(file: SourceMap, key: Key, reading: Reading): readonly string[] {
  const value = entryOf(file, key)
  const texts = reading.texts(value, { orOne: true }) ?? []
  return value?.kind === 'text' ? texts.flatMap((text) => text.split(/\s+/).filter(Boolean)) : texts
}

/** What gcrgc refuses itself, and what no rule can say. */
function refuseConflicts(file: SourceMap, reading: Reading): void {
  const isGiven = (key: Key): boolean =>
    readNames(file, key, reading).length > 0 && entryOf(file, key) !== undefined
  const date = entryOf(file, 'date')
  if (date !== undefined && date.kind !== 'nothing' && !(date.kind === 'text' && date.value === '')) {
    reading.refuse(
      date.place,
      '`date` is one day, and rules measure ages: a rule that says the same today takes more tomorrow.',
      'Write `retention-period` instead.',
    )
  }
  if (isGiven('repositories') && isGiven('exclude-repositories')) {
    const place = entryOf(file, 'exclude-repositories')?.place ?? file.place
    reading.refuse(place, '`repositories` and `exclude-repositories` exclude each other; gcrgc refuses that.')
  }
  const isUntaggedOnly = reading.flag(entryOf(file, 'untagged-only')) === true
  const isSemver = reading.flag(entryOf(file, 'exclude-semver-tags')) === true
  if (isUntaggedOnly && (isGiven('exclude-tags') || isGiven('exclude-tag-pattern') || isSemver)) {
    const place = entryOf(file, 'untagged-only')?.place ?? file.place
    reading.refuse(place, '`untagged-only` has no tags to exclude; gcrgc refuses that.')
  }
  const dryRun = entryOf(file, 'dry-run')
  if (reading.flag(dryRun) === true) {
    reading.warn(
      dryRun?.place,
      'dry-run is on: the rules are imported as they act when it is off; `winnow plan` is the dry run here.',
    )
  }
}

function readRules(file: SourceMap, reading: Reading): readonly ImportedRule[] {
  const value = entryOf(file, 'retention-period')
  const text = reading.text(value) ?? ''
  const length = text === '' ? undefined : lengthOf(text)
  if (value !== undefined && text !== '' && length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not a duration that is known here.`,
      'Write it as "30d", "1w" or "5 hours 30 min".',
    )
  }
  if (length !== undefined && length > lengthMax) {
    reading.warn(value?.place, 'retention-period is longer than 100 years, and nothing is deleted.')
    return []
  }
  const excluded = readExcluded(file, reading)
  const isUntaggedOnly = reading.flag(entryOf(file, 'untagged-only')) === true
  return [
    {
      name: isUntaggedOnly ? 'untagged images' : 'images',
      comments: [`line ${value?.place.line ?? file.place.line}: with all their tags, unless one is excluded`],
      ...(isUntaggedOnly && { match: [{ tagged: false }] }),
      ...(excluded.length > 0 && { not: excluded }),
      // Uploaded before this moment, where there is no period.
      delete: { olderThan: writeLength(length ?? 0) },
    },
  ]
}

/** One tag is enough to spare an image. */
function readExcluded(file: SourceMap, reading: Reading): readonly ImportedBlock[] {
  const names = readNames(file, 'exclude-tags', reading).filter((name) => name !== '')
  const place = entryOf(file, 'exclude-tag-pattern')?.place ?? file.place
  const patterns = readNames(file, 'exclude-tag-pattern', reading).flatMap(
    (text) =>
      tryText(text, place, reading, (source) => patternOf(source, { dialect: 'go', anchoring: 'search' })) ??
      [],
  )
  const isSemver = reading.flag(entryOf(file, 'exclude-semver-tags')) === true
  const tags = [...names.map(escapeGlob), ...patterns, ...(isSemver ? [semverTag] : [])]
  return tags.length === 0 ? [] : [{ tags }]
}

const number = String.raw`(?:0|[1-9]\d*)`
const identifier = String.raw`(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`
/** A version as semver.org has it, with a `v` before it or without; no tag can hold the `+` of a build. */
const semverTag = String.raw`/[vV]?${number}\.${number}\.${number}(?:-${identifier}(?:\.${identifier})*)?/`

const unitNames: readonly (readonly [number, string])[] = [
  [1e-6, 'ns'],
  [1e-3, 'us'],
  [1, 'ms'],
  [1000, 's sec second seconds'],
  [60_000, 'm min minute minutes'],
  [3_600_000, 'h hour hours'],
  [day, 'd day days'],
  [7 * day, 'w week weeks'],
]
const units: ReadonlyMap<string, number> = new Map(
  unitNames.flatMap(([size, names]) => names.split(' ').map((name) => [name, size] as const)),
)

/** `30 days`, `1w`, `5 hour 6 min`, in milliseconds. What is taken off again (`7d-1h`) is not known here. */
function lengthOf(text: string): number | undefined {
  const parts = [...text.matchAll(/\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)\s*/gy)]
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text
  const sizes = parts.map(([, count = '', unit = '']) => Number(count) * (units.get(unit) ?? Number.NaN))
  const sum = sizes.reduce((all, size) => all + size, 0)
  return isWhole && Number.isFinite(sum) ? sum : undefined
}
