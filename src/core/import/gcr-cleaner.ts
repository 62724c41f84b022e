/**
 * gcr-cleaner. Candidates are old enough and have no tag or one that the filter takes; the newest few of them stay, the
 * rest goes by digest, tags and all.
 */
import { isCommand, readFlags, wholeFlag, type CommandFlags } from './command-flags.ts'
import { patternOf } from './expressions.ts'
import { escapeGlob } from './globs.ts'
import type { Importer } from './importer.ts'
import type {
  ImportedBlock,
  ImportedConfiguration,
  ImportedPolicy,
  ImportedRegistry,
  ImportedRule,
} from './imported-policy.ts'
import { goLength, lengthMax, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import type { SourceDocument } from './source-document.ts'
import { tryText } from './try-pattern.ts'

const begin = ['gcr-cleaner-cli']

export const gcrCleanerImporter: Importer = {
  system: 'gcr-cleaner',
  title: 'a gcr-cleaner-cli command',
  format: 'text',
  source: 'the command of the job that runs gcr-cleaner-cli',
  recognises: (document) => isCommand(document, begin) || isCommand(document, ['gcr-cleaner']),
  read: readGcrCleaner,
}

function readGcrCleaner(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const flags = readFlags(
    document,
    {
      begin: isCommand(document, ['gcr-cleaner']) ? ['gcr-cleaner'] : begin,
      values: ['repo', 'grace', 'keep', 'tag-filter', 'tag-filter-any', 'tag-filter-all'],
      switches: ['recursive', 'dry-run', 'version'],
      ignored: ['token', 'concurrency', 'log-level'],
      oneDash: true,
    },
    reading,
  )
  if (flags === undefined) return undefined
  const repositories = flags.all('repo').flatMap(({ text, place }) =>
    text.split(',').flatMap((name) => {
      const [, host, path] =
        /^(?:https?:\/\/)?([a-z0-9.-]+(?::\d+)?)\/([a-z0-9._/-]+)$/.exec(name.trim()) ?? []
      if (host !== undefined && path !== undefined) return [{ host, path: path.replace(/\/$/, '') }]
      reading.refuse(place, `${JSON.stringify(name)} is not a repository such as gcr.io/project/image.`)
      return []
    }),
  )
  if (flags.all('repo').length === 0) reading.refuse(flags.place, 'The command names no repository (-repo).')
  const rules = readRules(flags, reading)
  warnOf(flags, reading)
  const hosts = [...new Set(repositories.map(({ host }) => host))]
  return {
    registries: hosts.map(registryOf),
    policies: hosts.map((host) =>
      policyOf(
        host,
        hosts.length > 1,
        repositories.filter((each) => each.host === host).map(({ path }) => path),
        flags,
        rules,
      ),
    ),
  }
}

function registryOf(host: string): ImportedRegistry {
  return { name: host.replace(/[^a-z0-9.-]/g, '-'), url: `https://${host}`, kind: 'artifact-registry' }
}

function policyOf(
  host: string,
  isOneOfMany: boolean,
  paths: readonly string[],
  flags: CommandFlags,
  rules: ImportedPolicy['rules'],
): ImportedPolicy {
  const isRecursive = flags.switch('recursive') !== undefined
  return {
    name: isOneOfMany ? `gcr-cleaner ${host}` : 'gcr-cleaner',
    comments: [],
    ...(isOneOfMany && { registry: registryOf(host).name }),
    repositories: paths.flatMap((path) =>
      isRecursive ? [escapeGlob(path), `${escapeGlob(path)}/**`] : [escapeGlob(path)],
    ),
    unit: 'image',
    rules,
    unmatched: 'keep',
    unmatchedRemark: 'what no filter takes stays',
  }
}

function readRules(flags: CommandFlags, reading: Reading): ImportedPolicy['rules'] {
  const match = readMatch(flags, reading)
  const keep = wholeFlag(flags.last('keep'), reading) ?? 0
  const grace = flags.last('grace')
  const length = grace === undefined ? 0 : goLength(grace.text, { days: false })
  if (grace !== undefined && length === undefined) {
    reading.refuse(
      grace.place,
      `${JSON.stringify(grace.text)} is not a duration.`,
      'Durations are written "48h", "90m".',
    )
  }
  if (match === undefined || length === undefined) return []
  if (length > lengthMax) {
    reading.warn(
      grace?.place,
      '-grace is longer than 100 years: nothing is that old, and nothing is deleted.',
    )
    return [
      { comments: [`line ${flags.place.line}: -grace is longer than 100 years, and nothing is that old.`] },
    ]
  }
  const rule = {
    name: 'gcr-cleaner',
    comments: [`line ${flags.place.line}: candidates are taken with all their tags`],
    match,
  }
  return keep === 0
    ? [{ ...rule, delete: { olderThan: writeLength(length) } }]
    : countRules(rule, keep, length)
}

/**
 * Ages go by the upload. Of two images whose builds are known the newer build comes first; an image without one that can
 * be true (an index has none) is set against every other by upload. So the first rule counts builds among those that have
 * one; the second sets those that have none in their place among all. Neither takes what more candidates come after.
 */
function countRules(
  rule: Pick<ImportedRule, 'name' | 'comments' | 'match'>,
  keep: number,
  graceMs: number,
): readonly ImportedRule[] {
  const older = graceMs === 0 ? {} : ({ olderThan: writeLength(graceMs), combine: 'all' } as const)
  const count = { ...older, beyondNewest: keep, countAmong: 'eligible' } as const
  return [
    { ...rule, not: [{ created: 'unknown' }], delete: { ...count, countBy: 'created' } },
    {
      ...rule,
      name: 'gcr-cleaner, no build',
      comments: [
        'What has no time of building that can be true (Jib’s, indexes) takes its place by its upload.',
      ],
      except: [{ created: 'known' }],
      delete: count,
    },
  ]
}

/** Without a filter an image with tags is never a candidate. */
function readMatch(flags: CommandFlags, reading: Reading): readonly ImportedBlock[] | undefined {
  const any = flags.last('tag-filter-any') ?? flags.last('tag-filter')
  const every = flags.last('tag-filter-all')
  if (any !== undefined && every !== undefined && any.text !== '' && every.text !== '') {
    reading.refuse(every.place, 'There can be only one of -tag-filter-any and -tag-filter-all.')
    return undefined
  }
  const untagged: ImportedBlock = { tagged: false }
  const filter = any ?? every
  if (filter === undefined || filter.text === '') return [untagged]
  const pattern = tryText(filter.text, filter.place, reading, (source) =>
    patternOf(source, { dialect: 'go', anchoring: 'search' }),
  )
  if (pattern === undefined) return undefined
  return any === undefined ? [{ tagsAll: [pattern] }, untagged] : [{ tags: [pattern] }, untagged]
}

function warnOf(flags: CommandFlags, reading: Reading): void {
  const dryRun = flags.switch('dry-run')
  if (dryRun !== undefined) {
    reading.warn(
      dryRun.place,
      '-dry-run: the rules are imported as they act without it; `winnow plan` is the dry run here.',
    )
  }
  const grace = flags.last('grace')
  if (grace !== undefined) {
    reading.warn(grace.place, '-grace: at exactly this age gcr-cleaner deletes, and here the image is kept.')
  }
  const keep = flags.last('keep')
  if (keep !== undefined && keep.text !== '0') {
    reading.warn(
      keep.place,
      '-keep: gcr-cleaner sets images that have no time of building, or one before 2013, among the others by their upload. Here they take no places of those that have one, so where both are in a repository more may be kept.',
    )
    reading.warn(
      keep.place,
      '-keep counts the platforms of multi-platform images, which have no tag, as images of their own; Winnow counts whole images, so more is kept.',
    )
  }
  const recursive = flags.switch('recursive')
  if (recursive !== undefined) {
    reading.warn(
      recursive.place,
      '-recursive: only the repository and what lies below it is taken; others whose names merely begin alike are left alone.',
    )
  }
}
