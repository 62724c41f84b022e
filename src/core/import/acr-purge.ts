/**
 * `acr purge`: first tags, then manifests without one. A tag goes that is old, matches, and is not locked, but for the
 * newest few of exactly these; so do manifests without a tag that nothing refers to.
 */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { commandOfTask } from './acr-task.ts'
import { isCommand, readFlags, wholeFlag, type CommandFlags, type FlagValue } from './command-flags.ts'
import { patternOf } from './expressions.ts'
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
import { partRepositories, type Condition } from './partition.ts'
import { listMax, type Reading } from './reading.ts'
import type { SourceDocument } from './source-document.ts'
import { tryText } from './try-pattern.ts'

export const acrPurgeImporter: Importer = {
  system: 'acr-purge',
  aliases: ['acr'],
  title: 'an acr purge command',
  format: 'text',
  source: 'the command of the task, as `az acr task show --name TASK` has it',
  recognises(document) {
    const found = commandOfTask(document.text)
    return 'text' in found && isCommand({ ...document, text: found.text }, ['acr', 'purge'])
  },
  read: readAcrPurge,
}

interface Filter {
  readonly condition: Condition
  /** Of tags. */
  readonly pattern: string
}

function readAcrPurge(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const found = commandOfTask(document.text)
  if ('problem' in found) {
    reading.refuse(found.place, found.problem)
    return undefined
  }
  const flags = readFlags(
    { ...document, text: found.text },
    {
      begin: ['acr', 'purge'],
      values: ['filter', 'ago', 'keep', 'registry'],
      switches: ['untagged', 'untagged-only', 'include-locked', 'dry-run'],
      ignored: ['concurrency', 'repository-page-size', 'username', 'password', 'config'],
      aliases: { r: 'registry', f: 'filter', u: 'username', p: 'password', c: 'config' },
    },
    reading,
  )
  if (flags === undefined) return undefined
  if (flags.all('filter').length > listMax) {
    const count = flags.all('filter').length
    reading.refuse(
      flags.place,
      `Here stand ${count} filters, and at most ${listMax} are imported.`,
      'Import a part of them at a time.',
    )
    return undefined
  }
  const filters = flags.all('filter').flatMap((flag) => readFilter(flag, reading) ?? [])
  const isUntaggedOnly = flags.switch('untagged-only') !== undefined
  const deletion = readDeletion(flags, isUntaggedOnly, reading)
  if (flags.all('filter').length === 0 && !isUntaggedOnly) {
    reading.refuse(flags.place, '`acr purge` needs --filter, or --untagged-only.')
  }
  warnOf(flags, reading)
  const parts = partRepositories(
    filters.length === 0 ? [[everywhere]] : filters.map(({ condition }) => [condition]),
  )
  if (parts === undefined) {
    reading.refuse(flags.place, 'The filters speak of too many sets of repositories that overlap.')
    return undefined
  }
  const policies = parts.map((part) => {
    const own = filters.filter(({ condition }) => part.holds([condition]))
    return policyOf(
      part.repositories,
      filters.length === 0 || own.length > 0 ? own : undefined,
      flags,
      deletion,
    )
  })
  return {
    registries: [registryOf(flags.last('registry')?.text ?? found.registry)],
    // Each manifest without a tag has an age of its own there, one that hangs on another too: none goes that is younger.
    ...(isUntaggedOnly && deletion?.olderThan !== undefined && { youngerThan: deletion.olderThan }),
    policies,
  }
}

const everywhere: Condition = { pattern: '**', isNegated: false }

/** `repository expression:tag expression`, cut at the first colon. Of the first all must match, of the second a part. */
function readFilter({ text, place }: FlagValue, reading: Reading): Filter | undefined {
  const colon = text.indexOf(':')
  if (colon <= 0 || colon === text.length - 1) {
    reading.refuse(place, 'A filter is "repository expression:tag expression".')
    return undefined
  }
  const repository = tryText(text.slice(0, colon), place, reading, repositoryPattern)
  const pattern = tryText(text.slice(colon + 1), place, reading, (source) =>
    patternOf(source, { dialect: 'dotnet', anchoring: 'search' }),
  )
  if (repository === undefined || pattern === undefined) return undefined
  return { condition: { pattern: repository, isNegated: false }, pattern }
}

/** A plain name stays one; in it a dot is nearly always meant as a dot, and the expression is kept all the same. */
function repositoryPattern(source: string): string {
  if (/^[a-z0-9/_-]+$/.test(source)) return source
  if (source === '.*') return '**'
  patternOf(source, { dialect: 'dotnet', anchoring: 'full' })
  const pattern = `/${source}/`
  compileRepositoryPatterns([pattern])
  return pattern
}

function readDeletion(
  flags: CommandFlags,
  isUntaggedOnly: boolean,
  reading: Reading,
): ImportedDelete | undefined {
  const ago = flags.last('ago')
  const keep = wholeFlag(flags.last('keep'), reading) ?? 0
  if (ago === undefined && !isUntaggedOnly) reading.refuse(flags.place, '`acr purge` needs --ago.')
  const length = ago === undefined ? undefined : goLength(ago.text, { days: true })
  if (ago !== undefined && length === undefined) {
    reading.refuse(
      ago.place,
      `${JSON.stringify(ago.text)} is not an age.`,
      'Ages are written "30d", "12h30m".',
    )
  }
  if (ago !== undefined && length !== undefined && length > lengthMax) {
    reading.warn(ago.place, '--ago is longer than 100 years: nothing is that old, and nothing is deleted.')
    return undefined
  }
  const older = length === undefined ? {} : { olderThan: writeLength(length) }
  if (keep === 0) return length === undefined ? { all: true } : older
  const combine = length === undefined ? {} : ({ combine: 'all' } as const)
  // The newest of those that could go stay; younger and locked ones do not use up places.
  return { ...older, beyondNewest: keep, ...combine, countAmong: 'eligible' }
}

/**
 * A tag goes by its own time, however young its manifest is. Where the manifest goes with it, the manifest has to be old,
 * too: then its tags are no older than it.
 */
function ofTags(flags: CommandFlags, deletion: ImportedDelete): ImportedDelete {
  return leavesManifests(flags, deletion) && deletion.all !== true ? { ...deletion, by: 'tagged' } : deletion
}

function policyOf(
  repositories: readonly string[],
  filters: readonly Filter[] | undefined,
  flags: CommandFlags,
  deletion: ImportedDelete | undefined,
): ImportedPolicy {
  const isUntaggedOnly = flags.switch('untagged-only') !== undefined
  const asksUntagged = isUntaggedOnly || flags.switch('untagged') !== undefined
  const patterns = [...new Set((filters ?? []).map(({ pattern }) => pattern))]
  const rules: ImportedRule[] = []
  const origin = `line ${flags.place.line}`
  if (deletion !== undefined && filters !== undefined) {
    if (!isUntaggedOnly)
      rules.push(ruleOf('tags', `${origin}: --filter`, tagBlock(patterns), ofTags(flags, deletion)))
    if (asksUntagged) {
      const flag = isUntaggedOnly ? '--untagged-only' : '--untagged'
      rules.push(ruleOf('untagged', `${origin}: ${flag}`, { tagged: false }, deletion))
    }
  }
  return {
    name: repositories[0] === '**' ? 'acr purge' : `acr purge ${repositories[0] ?? ''}`.slice(0, 190),
    comments: deletion === undefined ? ['Nothing is as old as --ago says.'] : [],
    repositories,
    unit: 'tag',
    rules,
    unmatched: 'keep',
    unmatchedRemark: 'what no filter matches stays',
    ...(leavesManifests(flags, deletion) && {
      emptiedRemark: asksUntagged
        ? 'as those without a tag, the newest of them stay: the next run counts them'
        : 'without --untagged a manifest stays when its last tag goes',
    }),
  }
}

/**
 * Whether a manifest stays that loses its last tag. With --untagged it goes in the same run, unless --keep counts it
 * among those without a tag: then the next run decides.
 */
function leavesManifests(flags: CommandFlags, deletion: ImportedDelete | undefined): boolean {
  if (deletion === undefined || flags.switch('untagged-only') !== undefined) return false
  return flags.switch('untagged') === undefined || deletion.beyondNewest !== undefined
}

function ruleOf(
  name: string,
  origin: string,
  block: ImportedBlock | undefined,
  deletion: ImportedDelete,
): ImportedRule {
  return { name, comments: [origin], ...(block !== undefined && { match: [block] }), delete: deletion }
}

function tagBlock(patterns: readonly string[]): ImportedBlock | undefined {
  return patterns.includes('*') ? undefined : { tags: patterns }
}

function warnOf(flags: CommandFlags, reading: Reading): void {
  const warn = (name: string, text: string): void => {
    const flag = flags.switch(name)
    if (flag !== undefined) reading.warn(flag.place, text)
  }
  warn(
    'dry-run',
    '--dry-run: the rules are imported as they act without it; `winnow plan` is the dry run here.',
  )
  warn('include-locked', '--include-locked: Winnow never deletes what is locked, so it is kept.')
  const untagged = flags.switch('untagged')
  if (
    untagged !== undefined &&
    flags.switch('untagged-only') === undefined &&
    (flags.last('keep')?.text ?? '0') === '0'
  ) {
    reading.warn(
      untagged.place,
      '--untagged: a manifest goes with its last tag here, so a tag counts as young as its manifest, and more is kept where manifests change after they were tagged.',
    )
  }
  if (
    untagged !== undefined &&
    flags.switch('untagged-only') === undefined &&
    flags.last('keep') !== undefined
  ) {
    reading.warn(
      untagged.place,
      '--untagged with --keep: a manifest that loses its last tag is counted among those without one in the same run there, and here by the next run, so more is kept until then.',
    )
  }
}

function registryOf(written: string | undefined): ImportedRegistry {
  const name = written?.replace(/^https:\/\//, '').replace(/\/$/, '')
  if (name === undefined || !/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    return {
      name: 'imported',
      url: 'https://registry.example.com',
      kind: 'acr',
      remark: 'write the address of the registry',
    }
  }
  const host = name.includes('.') ? name : `${name.toLowerCase()}.azurecr.io`
  return { name: name.split('.')[0] ?? name, url: `https://${host}`, kind: 'acr' }
}
