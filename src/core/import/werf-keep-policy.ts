/**
 * One keep policy of werf as a Git rule. Where werf does something nobody expects, the rule does it, too: an expression
 * between slashes gets anchors and no brackets, and of two limits united by `Or` one that is missing stands for all.
 */
import { compileTagPattern } from '../policy/compile-patterns.ts'
import { hasBareAlternatives, splitAlternatives } from './expressions.ts'
import type { ImportedBlock, ImportedGit, ImportedGitLimit, ImportedRule } from './imported-policy.ts'
import { goLength, lengthMax, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap, type SourceValue } from './source-document.ts'
import { tryPattern } from './try-pattern.ts'

/** What other tools push may be linked to commits, too, and takes no place of an image that werf built. */
const notOfWerf: ImportedBlock = { werf: 'other' }

export function readKeepPolicy(
  value: SourceValue,
  index: number,
  repository: string,
  reading: Reading,
): ImportedRule | undefined {
  const policy = reading.map(value, value.place, {
    what: 'a keep policy',
    known: ['references', 'imagesPerReference'],
  })
  const references =
    policy &&
    reading.map(entryOf(policy, 'references'), policy.place, {
      what: 'references',
      known: ['branch', 'tag', 'limit'],
    })
  if (policy === undefined || references === undefined) return undefined
  const [branch, tag] = [entryOf(references, 'branch'), entryOf(references, 'tag')]
  const pattern = branch ?? tag
  if (pattern === undefined || (branch !== undefined && tag !== undefined)) {
    reading.refuse(references.place, 'A keep policy speaks of `branch` or of `tag`, of one of them.')
    return undefined
  }
  const expression = tryPattern(pattern, reading, referenceExpression)
  if (expression === undefined) {
    if (pattern.kind === 'nothing') reading.refuse(pattern.place, 'The name of the reference is empty.')
    return undefined
  }
  const written = reading.text(pattern) ?? ''
  const limit = readLimit(entryOf(references, 'limit'), { last: undefined }, reading)
  const images = readLimit(entryOf(policy, 'imagesPerReference'), { last: 1 }, reading)
  const kind = branch === undefined ? 'tags' : 'branches'
  return {
    name: `${branch === undefined ? 'tag' : 'branch'} ${written}`,
    comments: [`line ${policy.place.line}, keep policy ${index + 1}`],
    not: [notOfWerf],
    keep: { git: gitOf(repository, kind, expression, limit, images) },
  }
}

/** werf's own policies, for a file that has none (v2.77 and v3.2; its documentation says 2 where the code says 10). */
export function defaultKeepPolicies(repository: string): readonly ImportedRule[] {
  const rule = (name: string, git: Omit<ImportedGit, 'repository'>): ImportedRule => ({
    name,
    comments: [],
    not: [notOfWerf],
    keep: { git: { repository, ...git } },
  })
  const week: Pick<ImportedGitLimit, 'within' | 'combine'> = { within: '168h', combine: 'all' }
  return [
    {
      ...rule('tags', { tags: '.*', references: { newest: 10 }, images: { newest: 1 } }),
      comments: ['The file has no keepPolicies, so these are werf’s own.'],
    },
    rule('branches', { branches: '.*', references: { newest: 10, ...week }, images: { newest: 2, ...week } }),
    rule('main branches', { branches: 'main|master|staging|production', images: { newest: 10 } }),
  ]
}

function gitOf(
  repository: string,
  kind: 'branches' | 'tags',
  expression: string,
  references: ImportedGitLimit | undefined,
  images: ImportedGitLimit | undefined,
): ImportedGit {
  return {
    repository,
    [kind]: expression,
    ...(references !== undefined && { references }),
    ...(images !== undefined && { images }),
  }
}

/** `/expression/` gets `^` and `$` without brackets around it; anything else is a name. */
function referenceExpression(text: string): string {
  const [, source] = /^\/([\s\S]*)\/$/.exec(text) ?? []
  if (source === undefined) return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
  const parts = splitAlternatives(source)
  compileTagPattern(`/${source}/`)
  if (!hasBareAlternatives(source)) return source
  const last = parts.length - 1
  return parts.map((part, at) => alternative(part, at === 0, at === last)).join('|')
}

/** The anchors that werf adds belong to the first and the last; any other that has none of its own matches a part. */
function alternative(part: string, isFirst: boolean, isLast: boolean): string {
  const [, start = '', inner = '', end = ''] = /^(\^?)((?:[^\\]|\\[\s\S])*?)(\$?)$/.exec(part) ?? [
    '',
    '',
    part,
    '',
  ]
  const before = isFirst || start !== '' ? '' : '.*'
  const after = isLast || end !== '' ? '' : '.*'
  return `${before}${inner}${after}`
}

interface Defaults {
  /** How many, when nothing is said; undefined: all. */
  readonly last: number | undefined
}

/** Undefined: no limit. */
function readLimit(
  value: SourceValue | undefined,
  defaults: Defaults,
  reading: Reading,
): ImportedGitLimit | undefined {
  const bare = defaults.last === undefined ? undefined : { newest: defaults.last }
  if (value === undefined || value.kind === 'nothing') return bare
  const limit = reading.map(value, value.place, { what: 'a limit', known: ['last', 'in', 'operator'] })
  if (limit === undefined) return undefined
  const isEither =
    reading.choice(entryOf(limit, 'operator'), ['And', 'Or'], { foldCase: true, orNothing: true }) === 'Or'
  const last = readLast(limit, reading)
  const within = readWithin(limit, reading)
  if (last === undefined && within !== undefined && defaults.last !== undefined) {
    reading.warn(
      value.place,
      '`in` without `last`: werf keeps one image of a reference then; here all of the time are kept, so more is kept.',
    )
  }
  if (last === undefined && within === undefined)
    return entryOf(limit, 'last') === undefined ? bare : undefined
  const newest = last === undefined || last < 0 ? undefined : last
  // An image limit of 0 keeps nothing, whatever the time says; of references, a missing half of `Or` stands for all.
  if (newest === 0 && (defaults.last !== undefined || !isEither)) return { newest: 0 }
  if (isEither && (newest === undefined || within === undefined)) return undefined
  if (newest === undefined) return within === undefined ? undefined : { within }
  return within === undefined ? { newest } : { newest, within, combine: isEither ? 'any' : 'all' }
}

function readLast(limit: SourceMap, reading: Reading): number | undefined {
  const value = entryOf(limit, 'last')
  return value?.kind === 'number' && Number.isInteger(value.value) && value.value < 0
    ? -1
    : reading.whole(value)
}

function readWithin(limit: SourceMap, reading: Reading): string | undefined {
  const value = entryOf(limit, 'in')
  const text = reading.text(value)
  if (value === undefined || text === undefined) return undefined
  const length = goLength(text, { days: false })
  if (length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not a duration.`,
      'werf writes durations as "168h" or "90m".',
    )
    return undefined
  }
  return length >= lengthMax ? undefined : writtenHours(length)
}

/** As people write it in werf.yaml: hours stay hours. */
function writtenHours(ms: number): string {
  const hours = ms / 3_600_000
  return Number.isInteger(hours) && hours > 0 ? `${hours}h` : writeLength(ms)
}
