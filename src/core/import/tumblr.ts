/**
 * tumblr/docker-registry-pruner. Each rule selects tags and keeps some of them; the others go, and what one rule deletes
 * is deleted, whatever another keeps. What no rule selects stays.
 */
import { patternOf } from './expressions.ts'
import { escapeGlob } from './globs.ts'
import type { Importer } from './importer.ts'
import type {
  ImportedBlock,
  ImportedConfiguration,
  ImportedDelete,
  ImportedPolicy,
  ImportedRegistry,
  ImportedRule,
} from './imported-policy.ts'
import { writeLength } from './lengths-of-time.ts'
import { partRepositories, type Condition } from './partition.ts'
import type { Reading } from './reading.ts'
import {
  entryOf,
  fileStart,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'
import { tryText } from './try-pattern.ts'

export const tumblrImporter: Importer = {
  system: 'tumblr-docker-registry-pruner',
  aliases: ['tumblr', 'docker-registry-pruner'],
  title: 'a configuration of docker-registry-pruner',
  format: 'yaml',
  source: 'its configuration file',
  recognises: ({ documents: [root] }) => {
    const rules = entryOf(root, 'rules')
    const first = rules?.kind === 'list' ? rules.items[0] : undefined
    return ['keep_versions', 'keep_days', 'keep_recent'].some((key) => entryOf(first, key) !== undefined)
  },
  read: readTumblr,
}

interface PrunerRule {
  readonly conditions: readonly (readonly Condition[])[]
  readonly written: ImportedRule
}

function readTumblr(
  { documents: [root] }: SourceDocument,
  reading: Reading,
): ImportedConfiguration | undefined {
  const file = reading.map(root, fileStart, {
    what: 'a configuration of docker-registry-pruner',
    known: ['registry', 'rules'],
    ignored: ['username', 'password', 'username_file', 'password_file', 'parallel_workers'],
  })
  const list = file && reading.list(entryOf(file, 'rules'), file.place, 'a list of rules')
  if (file === undefined || list === undefined) return undefined
  const rules = list.items.flatMap((item, index) => readRule(item, index, reading) ?? [])
  const parts = partRepositories(rules.flatMap(({ conditions }) => conditions))
  if (parts === undefined) {
    reading.refuse(
      list.place,
      'The rules speak of too many repositories.',
      'Import a part of them at a time.',
    )
    return undefined
  }
  const policies = parts.map(({ repositories, holds }): ImportedPolicy => {
    const own = rules.filter(({ conditions }) => conditions.some(holds))
    return {
      name: repositories[0] === '**' ? 'all repositories' : `pruner ${repositories[0] ?? ''}`.slice(0, 190),
      comments: [],
      repositories,
      unit: 'tag',
      rules: own.map(({ written }) => written),
      unmatched: 'keep',
      unmatchedRemark: 'what no rule selects stays',
    }
  })
  if (rules.length > 0) {
    reading.warn(
      list.place,
      'docker-registry-pruner asks for the oldest form of a manifest (schema 1), in which registries show it no OCI image and no OCI index: there these stay, and take no places. Here the rules speak of them as well. To leave them, put `not: {mediaType: ["application/vnd.oci.*"]}` into each rule, before anything is deleted.',
    )
  }
  return { registries: [registryOf(file, reading)], policies }
}

function registryOf(file: SourceMap, reading: Reading): ImportedRegistry {
  const url = reading.text(entryOf(file, 'registry'))?.replace(/\/$/, '')
  if (url !== undefined && /^https?:\/\/[\w.-]+(?::\d+)?$/.test(url)) {
    return {
      name: url
        .replace(/^https?:\/\//, '')
        .replace(/[^\w.-]/g, '-')
        .slice(0, 63),
      url,
    }
  }
  return {
    name: 'imported',
    url: 'https://registry.example.com',
    remark: 'write the address of the registry',
  }
}

function readRule(value: SourceValue, index: number, reading: Reading): PrunerRule | undefined {
  const rule = reading.map(value, value.place, {
    what: 'a rule',
    known: ['repos', 'labels', 'match_tags', 'ignore_tags', 'keep_versions', 'keep_days', 'keep_recent'],
  })
  if (rule === undefined) return undefined
  const repos = reading.texts(entryOf(rule, 'repos'), { orOne: true }) ?? []
  const deletion = readDeletion(rule, reading)
  const labels = readLabels(rule, reading)
  if (repos.length === 0 && labels.labels === undefined) {
    reading.refuse(
      rule.place,
      'A rule needs `repos` or `labels`: the pruner itself refuses one that speaks of nothing.',
    )
  }
  if (deletion === undefined) return undefined
  const name = repos.length === 0 ? '' : ` of ${repos.join(', ')}`
  return {
    conditions: (repos.length === 0 ? ['**'] : repos.map(escapeGlob)).map((pattern) => [
      { pattern, isNegated: false },
    ]),
    written: {
      name: `${index + 1}: ${deletion.told}`,
      comments: [`line ${rule.place.line}, rule ${index + 1}${name}`.slice(0, 180)],
      match: [{ ...readTags(rule, deletion.isByVersion, reading), ...labels }],
      delete: deletion.criteria,
    },
  }
}

const dayMs = 86_400_000

interface Deletion {
  readonly told: string
  readonly criteria: ImportedDelete
  readonly isByVersion: boolean
}

function readDeletion(rule: SourceMap, reading: Reading): Deletion | undefined {
  const versions = reading.whole(entryOf(rule, 'keep_versions')) ?? 0
  const days = reading.whole(entryOf(rule, 'keep_days'), { max: 36_500 }) ?? 0
  const recent = reading.whole(entryOf(rule, 'keep_recent')) ?? 0
  const given = [versions, days, recent].filter((number) => number > 0)
  if (given.length !== 1) {
    reading.refuse(
      rule.place,
      'A rule needs one of `keep_versions`, `keep_days` and `keep_recent`, with a number above 0.',
    )
    return undefined
  }
  if (versions > 0) {
    return {
      told: `keep ${versions} versions`,
      criteria: { beyondNewest: versions, by: 'semver', countAmong: 'eligible' },
      isByVersion: true,
    }
  }
  if (days > 0) {
    reading.warn(
      entryOf(rule, 'keep_days')?.place,
      'keep_days: docker-registry-pruner goes by the time an image was built; Winnow goes by its upload where the registry tells one, and by the build else. An upload is never before the build, so more is kept.',
    )
    // The pruner counts whole minutes and asks for more than so many: one minute more.
    const older = writeLength(days * dayMs + 60_000)
    return { told: `keep ${days} days`, criteria: { olderThan: older }, isByVersion: false }
  }
  reading.warn(
    entryOf(rule, 'keep_recent')?.place,
    'keep_recent counts by the time of building. A tag of an image whose time of building is unknown, or cannot be true (before 2013), is kept here and takes no place, so more is kept.',
  )
  return {
    told: `keep ${recent} recent`,
    criteria: { beyondNewest: recent, by: 'created', countAmong: 'eligible' },
    isByVersion: false,
  }
}

/**
 * Tags that match some expression and are ignored by none; `latest` is ignored unless the list names it, which then is
 * an expression like any other.
 */
function readTags(rule: SourceMap, isByVersion: boolean, reading: Reading): ImportedBlock {
  const read = (key: string): readonly string[] => {
    const value = entryOf(rule, key)
    return (reading.texts(value, { orOne: true }) ?? []).flatMap((text) => {
      const made =
        value &&
        tryText(text, value.place, reading, (source) =>
          patternOf(source, { dialect: 'go', anchoring: 'search' }),
        )
      return made ?? []
    })
  }
  const matched = read('match_tags')
  const ignored = read('ignore_tags')
  const names = reading.texts(entryOf(rule, 'ignore_tags'), { orOne: true }) ?? []
  const out = [...ignored, ...(names.includes('latest') ? [] : ['latest'])]
  // The pruner reads no version with an underscore or a capital V, takes hexadecimal digits for a commit, and leaves
  // such tags alone.
  const unread = isByVersion ? ['*_*', 'V*', '/[0-9a-f]{4,}/'] : []
  return {
    tags: [
      ...matched.filter((pattern) => pattern !== '*'),
      ...[...out, ...unread].map((pattern) => `!${pattern}`),
    ],
  }
}

function readLabels(rule: SourceMap, reading: Reading): ImportedBlock {
  const value = entryOf(rule, 'labels')
  if (value === undefined || value.kind === 'nothing') return {}
  const map = reading.map(value, value.place, { what: 'labels', known: [], isOpen: true })
  const entries = [...(map?.entries ?? [])].flatMap(([name, { value: label }]) => {
    if (label.kind === 'nothing') {
      reading.refuse(
        label.place,
        `The label ${JSON.stringify(name)} has no value here, and it narrows the rule.`,
      )
    }
    const text = label.kind === 'flag' || label.kind === 'number' ? String(label.value) : reading.text(label)
    return text === undefined ? [] : [[name, escapeGlob(text)] as const]
  })
  return entries.length === 0 ? {} : { labels: Object.fromEntries(entries) }
}
