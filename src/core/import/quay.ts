/**
 * Quay auto-prune policies, tag by tag. All that apply run, those by age before those by number, and a number counts
 * what is left; a tag that is immutable is neither removed nor counted. No count of Winnow's looks at what other rules
 * leave and passes over what is locked, so what several policies speak of is counted by one of them at most.
 */
import { patternOf, splitAlternatives } from './expressions.ts'
import type { Importer } from './importer.ts'
import {
  unnamedRegistry,
  type ImportedBlock,
  type ImportedConfiguration,
  type ImportedRule,
} from './imported-policy.ts'
import { simpleLength, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import {
  entryOf,
  fileStart,
  type Place,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'
import { tryPattern } from './try-pattern.ts'

export const quayImporter: Importer = {
  system: 'quay',
  title: 'a list of Quay auto-prune policies',
  format: 'json',
  source:
    'curl -H "Authorization: Bearer $TOKEN" https://QUAY/api/v1/repository/NAMESPACE/NAME/autoprunepolicy/',
  recognises: ({ documents: [root] }) => {
    const policies = entryOf(root, 'policies') ?? root
    const first = policies?.kind === 'list' ? policies.items[0] : policies
    return entryOf(first, 'method') !== undefined
  },
  read: readQuay,
}

interface QuayPolicy {
  readonly place: SourceMap['place']
  readonly method: 'number_of_tags' | 'creation_date'
  readonly number: number
  /** Only for `creation_date`. */
  readonly age: string | undefined
  readonly pattern: string | undefined
  /** The same as another engine might read it: what the policy speaks of at most. */
  readonly widest: string | undefined
  readonly isInverted: boolean
}

function readQuay(
  { documents: [root] }: SourceDocument,
  reading: Reading,
): ImportedConfiguration | undefined {
  const values = policiesOf(root, reading)
  if (values === undefined) return undefined
  const policies = values.flatMap((value) => readPolicy(value, reading) ?? [])
  const byAge = policies.filter(({ method }) => method === 'creation_date')
  const byNumber = policies.filter(({ method }) => method === 'number_of_tags')
  return {
    registries: [{ ...unnamedRegistry, kind: 'quay' }],
    policies: [
      {
        name: 'auto-prune',
        comments: [],
        repositories: ['**'],
        repositoriesRemark: 'the policies name none: write the repository or organization, as in "team/**"',
        unit: 'tag',
        rules: policies.map((policy) => toRule(policy, byAge, byNumber, reading)),
        unmatched: 'keep',
        unmatchedRemark: 'what no policy removes stays',
        ...(policies.length > 0 && {
          emptiedRemark: 'Quay removes tags; manifests without one are left to its garbage collection',
        }),
      },
    ],
  }
}

/** A list of them in `policies`, the list alone, or one policy as its own address has it. */
function policiesOf(root: SourceValue | undefined, reading: Reading): readonly SourceValue[] | undefined {
  if (root?.kind === 'list') return root.items
  if (entryOf(root, 'method') !== undefined && root !== undefined) return [root]
  const reply = reading.map(root, fileStart, {
    what: 'a reply with auto-prune policies',
    known: ['policies'],
    ignored: ['has_more', 'next_page'],
  })
  return reply && reading.list(entryOf(reply, 'policies'), reply.place, 'a list of policies')?.items
}

function readPolicy(value: SourceValue, reading: Reading): QuayPolicy | undefined {
  const policy = reading.map(value, value.place, {
    what: 'an auto-prune policy',
    known: ['method', 'value', 'tagPattern', 'tagPatternMatches', 'tag_pattern', 'tag_pattern_matches'],
    ignored: ['uuid', 'created', 'updated', 'namespace', 'repository'],
    orNothing: ['tagPattern', 'tag_pattern', 'tagPatternMatches', 'tag_pattern_matches'],
  })
  if (policy === undefined) return undefined
  const method = reading.choice(entryOf(policy, 'method'), ['number_of_tags', 'creation_date'])
  if (entryOf(policy, 'method') === undefined) reading.refuse(policy.place, 'A policy needs `method`.')
  if (method === undefined) return undefined
  const given = entryOf(policy, 'value')
  if (given === undefined) reading.refuse(policy.place, 'A policy needs `value`.')
  const pattern = entryOf(policy, 'tagPattern') ?? entryOf(policy, 'tag_pattern')
  const isInverted =
    (reading.flag(entryOf(policy, 'tagPatternMatches') ?? entryOf(policy, 'tag_pattern_matches')) ?? true) ===
    false
  const isClear = pattern?.kind !== 'text' || beginsAtStart(pattern.value)
  if (!isClear) warnOfAnchoring(pattern, isInverted, reading)
  const common = {
    place: policy.place,
    method,
    isInverted,
    pattern: readPattern(pattern, isInverted && !isClear ? 'search' : 'start', reading),
    widest: readPattern(pattern, isInverted || isClear ? 'start' : 'search', reading),
  }
  if (method === 'number_of_tags') {
    const number = reading.whole(given, { min: 1, orText: true })
    return number === undefined ? undefined : { ...common, number, age: undefined }
  }
  const age = readAge(given, reading)
  return age === undefined ? undefined : { ...common, number: 0, age }
}

function readAge(value: SourceValue | undefined, reading: Reading): string | undefined {
  const text = reading.text(value)
  if (value === undefined || text === undefined) return undefined
  const length = simpleLength(text, 'smhdw')
  if (length !== undefined) return writeLength(length)
  reading.refuse(
    value.place,
    `${JSON.stringify(text)} is not an age.`,
    'Quay writes ages as "30s", "5m", "12h", "7d", "2w".',
  )
  return undefined
}

/**
 * Databases search for the expression, tests match it from the beginning. What is to match is taken from the
 * beginning, what is to be spared is searched for: both remove less.
 */
function readPattern(
  value: SourceValue | undefined,
  anchoring: 'search' | 'start',
  reading: Reading,
): string | undefined {
  if (value === undefined || reading.text(value) === undefined || reading.text(value) === '') return undefined
  return tryPattern(value, reading, (source) => patternOf(source, { dialect: 'python', anchoring }))
}

/** Whether it makes no difference where in a text the expression is looked for. */
function beginsAtStart(source: string): boolean {
  return source === '' || splitAlternatives(source).every((each) => /^(?:\^|\.\*)/.test(each))
}

function warnOfAnchoring(
  value: Extract<SourceValue, { readonly kind: 'text' }>,
  isInverted: boolean,
  reading: Reading,
): void {
  const told = isInverted ? 'a tag that has it anywhere is spared' : 'the tag must begin with it'
  reading.warn(
    value.place,
    `tagPattern ${JSON.stringify(value.value)}: Quay may look for it anywhere in a tag or at its beginning; here ${told}, so more is kept.`,
  )
}

function toRule(
  policy: QuayPolicy,
  byAge: readonly QuayPolicy[],
  byNumber: readonly QuayPolicy[],
  reading: Reading,
): ImportedRule {
  const { method, number, age, place } = policy
  const index = (method === 'creation_date' ? byAge : byNumber).indexOf(policy)
  const twins = method === 'creation_date' ? byAge.length : byNumber.length
  const match = blockOf(policy)
  const base = {
    name: `${method}${twins > 1 ? ` ${index + 1}` : ''}`,
    ...(match !== undefined && { match: [match] }),
  }
  const origin = `line ${place.line}: ${method}`
  if (age !== undefined) return { ...base, comments: [origin], delete: { olderThan: age } }
  const others = [...byAge, ...byNumber].filter((other) => other !== policy)
  const unclear = others.filter((other) => other.pattern !== other.widest)
  const not = unclear.map((other) => blockOf({ ...other, pattern: other.widest }) ?? {})
  warnOfOthers(place, unclear.length > 0, byNumber.length > 1, reading)
  const told = unclear.length === 0 ? [] : ['`not`: tags that other policies may mean are theirs.']
  return {
    ...base,
    comments: [origin, ...told],
    // Immutable tags are not counted.
    match: [{ ...match, locked: false }],
    ...(not.length > 0 && { not }),
    delete: { beyondNewest: number, ...(others.length > 0 && { countAmong: 'remaining' }) },
  }
}

function warnOfOthers(place: Place, isUnclear: boolean, isOneOfMany: boolean, reading: Reading): void {
  if (isUnclear) {
    reading.warn(
      place,
      'number_of_tags: Quay counts what its other policies leave. Tags that one of those may mean, as it may be read in two ways, are neither counted nor removed by this one here, so more is kept.',
    )
  }
  if (isOneOfMany) {
    reading.warn(
      place,
      'number_of_tags: Quay counts what the policies before have left. Here each counts what the others leave, whatever their order, so more may be kept where they speak of the same tags.',
    )
  }
}

function blockOf({
  pattern,
  isInverted,
}: Pick<QuayPolicy, 'pattern' | 'isInverted'>): ImportedBlock | undefined {
  if (pattern === undefined || (pattern === '*' && !isInverted)) return undefined
  return { tags: [isInverted ? `!${pattern}` : pattern] }
}
