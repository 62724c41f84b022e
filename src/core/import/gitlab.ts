/**
 * GitLab container expiration policies, tag by tag: what the delete expression matches and the keep expression does not,
 * but for `latest`, the newest few, and what is not old enough.
 */
import { PatternError } from '../policy/pattern-error.ts'
import { hasBareAlternatives, patternOf, splitAlternatives } from './expressions.ts'
import type { Importer } from './importer.ts'
import {
  unnamedRegistry,
  type ImportedBlock,
  type ImportedConfiguration,
  type ImportedDelete,
  type ImportedNote,
  type ImportedRule,
} from './imported-policy.ts'
import { spokenLength, writeLength } from './lengths-of-time.ts'
import { tryPattern } from './try-pattern.ts'
import type { Reading } from './reading.ts'
import { entryOf, fileStart, type SourceDocument, type SourceMap } from './source-document.ts'

export const gitlabImporter: Importer = {
  system: 'gitlab',
  title: 'a GitLab container expiration policy',
  format: 'json',
  source: 'glab api projects/PROJECT | jq .container_expiration_policy',
  recognises: ({ documents: [root] }) =>
    [
      'name_regex',
      'name_regex_delete',
      'name_regex_keep',
      'older_than',
      'keep_n',
      'container_expiration_policy',
    ].some((key) => entryOf(root, key) !== undefined),
  read: readGitlab,
}

function readGitlab(
  { documents: [root] }: SourceDocument,
  reading: Reading,
): ImportedConfiguration | undefined {
  // The whole reply of the projects API is taken, too.
  const policy = reading.map(entryOf(root, 'container_expiration_policy') ?? root, fileStart, {
    what: 'an expiration policy',
    known: [
      'enabled',
      'name_regex',
      'name_regex_delete',
      'name_regex_keep',
      'keep_n',
      'older_than',
      'keep_latest',
    ],
    ignored: ['cadence', 'next_run_at', 'project_id', 'created_at', 'updated_at'],
  })
  if (policy === undefined) return undefined
  const rules = readRules(policy, reading)
  return {
    registries: [{ ...unnamedRegistry, kind: 'gitlab' }],
    policies: [
      {
        name: 'gitlab',
        comments: [],
        repositories: ['**'],
        repositoriesRemark: 'the policy names none: write the project, as in "group/project/**"',
        unit: 'tag',
        rules,
        unmatched: 'keep',
        unmatchedRemark: 'what does not match the delete expression stays',
      },
    ],
  }
}

function readRules(policy: SourceMap, reading: Reading): readonly (ImportedRule | ImportedNote)[] {
  const isEnabled = reading.flag(entryOf(policy, 'enabled')) ?? true
  const expression = deleteExpression(policy, reading)
  const keeps = keepPatterns(policy, reading)
  const keepsLatest = reading.flag(entryOf(policy, 'keep_latest')) ?? true
  const deletion = readDeletion(policy, reading)
  const pattern = expression && tryPattern(expression.value, reading, (source) => patternOf(source, options))
  if (!isEnabled) {
    reading.warn(
      entryOf(policy, 'enabled')?.place,
      'The policy is switched off (`enabled: false`) and deletes nothing; so does what is imported.',
    )
    return [{ comments: ['`enabled: false`: the policy deletes nothing.'] }]
  }
  if (expression === undefined || pattern === undefined) {
    return [{ comments: ['No delete expression: the policy deletes nothing.'] }]
  }
  if (hasBareAlternatives(expression.text)) {
    reading.warn(
      expression.value.place,
      'GitLab does not put brackets around the alternatives of a delete expression, so some need match only a beginning or an end; here all match whole tags, so more is kept.',
    )
  }
  const lines = [...new Set([expression.value.place.line, ...keeps.lines])].join(', ')
  const match = [
    { tags: [pattern, ...(keepsLatest ? ['!latest'] : []), ...keeps.patterns.map((each) => `!${each}`)] },
  ]
  return [
    ...(deletion.keepYounger === undefined ? [] : [youngRule(deletion.keepYounger, match)]),
    {
      name: 'expiration',
      comments: [`line ${lines}: a tag goes that matches the delete expression and no pattern with "!".`],
      match,
      delete: deletion.criteria,
    },
  ]
}

/**
 * Beside a count an age is a rule of its own: younger tags take places, protected ones do not, and one rule that deletes
 * lets either both take places or neither.
 */
function youngRule({ ms, written, line }: Age, match: readonly ImportedBlock[]): ImportedRule {
  return {
    name: `younger than ${written}`,
    comments: [
      `line ${line}: older_than. Younger tags stay, and take places of keep_n.`,
      `The second is there because GitLab keeps at exactly ${written}, too.`,
    ],
    match,
    keep: { within: writeLength(ms + 1000) },
  }
}

const options = { dialect: 'go', anchoring: 'full' } as const

/** `name_regex` is the older name, and counts only where the newer one is empty. */
function deleteExpression(policy: SourceMap, reading: Reading) {
  for (const key of ['name_regex_delete', 'name_regex']) {
    const value = entryOf(policy, key)
    const text = reading.text(value)
    if (value?.kind === 'text' && text !== undefined && text !== '') return { text, value }
  }
  return undefined
}

/**
 * GitLab writes `\A` before and `\z` behind the expression and no brackets around it: of alternatives, the first is
 * anchored at the beginning and the last at the end, and nothing else is.
 */
function keepPatterns(
  policy: SourceMap,
  reading: Reading,
): { readonly patterns: readonly string[]; readonly lines: readonly number[] } {
  const value = entryOf(policy, 'name_regex_keep')
  const text = reading.text(value)
  if (value?.kind !== 'text' || text === undefined || text === '') return { patterns: [], lines: [] }
  const whole = tryPattern(value, reading, (source) => patternOf(source, options))
  const parts = splitAlternatives(text)
  if (whole === undefined || parts.length === 1)
    return { patterns: whole === undefined ? [] : [whole], lines: [value.place.line] }
  try {
    const patterns = parts.map((part, index) => {
      // No alternatives are left in a part, so anchors beside it need no brackets.
      const plain = (index === 0 ? '^' : '') + part + (index === parts.length - 1 ? '$' : '')
      return patternOf(plain, { dialect: 'go', anchoring: 'search' })
    })
    return { patterns, lines: [value.place.line] }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    reading.refuse(value.place, error.message, error.hint)
    return { patterns: [], lines: [] }
  }
}

interface Age {
  readonly ms: number
  readonly written: string
  readonly line: number
}

interface Deletion {
  readonly criteria: ImportedDelete
  /** Given where tags younger than this take places in the count. */
  readonly keepYounger?: Age
}

function readDeletion(policy: SourceMap, reading: Reading): Deletion {
  const count = reading.whole(entryOf(policy, 'keep_n'), { orText: true }) ?? 0
  const age = readAge(policy, reading)
  if (count === 0) return { criteria: age === undefined ? { all: true } : { olderThan: age.written } }
  const place = entryOf(policy, 'keep_n')?.place
  reading.warn(
    place,
    'keep_n: GitLab takes tags without a known time for the newest, so they use up places; here they, and protected tags, are kept and take none, so more is kept.',
  )
  reading.warn(
    place,
    `keep_n: in a repository of more than 1000 tags GitLab keeps ${count} on each page of 1000, and here ${count} are kept in all, as its documentation says: there more is deleted. Leave such repositories out ("!group/project/name" under \`repositories\`).`,
  )
  return {
    criteria: { beyondNewest: count, countAmong: 'eligible' },
    ...(age !== undefined && { keepYounger: age }),
  }
}

function readAge(policy: SourceMap, reading: Reading): Age | undefined {
  const value = entryOf(policy, 'older_than')
  const text = reading.text(value)
  if (value === undefined || text === undefined || text === '') return undefined
  const length = spokenLength(text)
  if (length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not an age.`,
      'GitLab writes ages as "7d", "14d", "30d", "90d".',
    )
    return undefined
  }
  if (length.isRounded)
    reading.warn(value.place, 'Months are taken as 31 days and years as 366, so more is kept.')
  return { ms: length.ms, written: writeLength(length.ms), line: value.place.line }
}
