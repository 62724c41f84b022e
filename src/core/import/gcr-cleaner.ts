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
  ImportedDelete,
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
  if (keep === 0) return [{ ...rule, delete: { olderThan: writeLength(length) } }]
  return length === 0 ? countRules(rule, keep) : [graceWithCount(rule, keep, length, reading, flags)]
}

const indexTypes = { mediaType: ['*.index.*', '*.list.*'] } as const

/**
 * Counted by build like there; what has no build that can be true stays, so nobody's place is taken. Artifact Registry
 * tells no build of an index, and gcr-cleaner orders those by upload: they are counted apart, and take no places.
 */
function countRules(
  rule: Pick<ImportedRule, 'name' | 'comments'> & { readonly match: readonly ImportedBlock[] },
  keep: number,
): readonly ImportedRule[] {
  return [
    {
      ...rule,
      not: [indexTypes],
      delete: { beyondNewest: keep, by: 'created', countAmong: 'eligible' },
    },
    {
      name: 'gcr-cleaner, indexes',
      comments: ['Indexes of platforms have no time of building in the registry: they go by their upload.'],
      match: rule.match.map((block) => ({ ...block, ...indexTypes })),
      delete: { beyondNewest: keep, countAmong: 'eligible' },
    },
  ]
}

/**
 * An age by upload and a count by build in one go is more than one rule can say, and two rules would let young images
 * take places. So the nearest rule is left as a comment, and nothing goes until somebody has looked.
 */
function graceWithCount(
  rule: Pick<ImportedRule, 'name' | 'comments' | 'match'>,
  keep: number,
  graceMs: number,
  reading: Reading,
  flags: CommandFlags,
): ImportedRule {
  reading.warn(
    flags.last('keep')?.place,
    '-keep with -grace: gcr-cleaner measures ages from the upload and counts by the build, which no rule does alike. The nearest rule is there as a comment; until it is switched on, nothing is deleted.',
  )
  const deletion: ImportedDelete = {
    olderThan: writeLength(graceMs),
    beyondNewest: keep,
    combine: 'all',
    countAmong: 'eligible',
  }
  return {
    ...rule,
    comments: [
      ...rule.comments,
      'Off: this counts by upload, and gcr-cleaner by build. Where images are uploaded in the order of their builds, it decides alike: switch it on, and look at the plan.',
    ],
    delete: deletion,
    isOff: true,
  }
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
  const keep = flags.last('keep')
  if (keep !== undefined && keep.text !== '0') {
    reading.warn(
      keep.place,
      '-keep counts by the time of building. An image whose time of building is unknown, or cannot be true (before 2013), goes by its upload there; here it is kept and takes no place. Of indexes of platforms the registry tells no build: they go by their upload, and are counted apart from the others. Both keep more.',
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
