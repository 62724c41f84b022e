/**
 * GitLab container expiration policies, tag by tag: what the delete expression matches and the keep expression does not,
 * but for `latest`, the newest few, and what is not old enough.
 */
import { hasBareAlternatives, patternOf } from './expressions.ts'
import { readDeletion, type Age } from './gitlab-deletion.ts'
import { deleteExpression, gitlabPattern, keepPatterns } from './gitlab-tags.ts'
import type { Importer } from './importer.ts'
import {
  isRule,
  unnamedRegistry,
  type ImportedBlock,
  type ImportedConfiguration,
  type ImportedDelete,
  type ImportedNote,
  type ImportedRule,
} from './imported-policy.ts'
import { writeLength } from './lengths-of-time.ts'
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
        ...(rules.some(isRule) && {
          emptiedRemark: 'GitLab removes tags; manifests without one are left to its garbage collection',
        }),
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
  const pattern =
    expression && tryPattern(expression.value, reading, (source) => patternOf(source, gitlabPattern))
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
      comments: [
        `line ${lines}: a tag goes that matches the delete expression and no pattern with "!".`,
        ...(deletion.criteria.onePageOf === undefined ? [] : [onePage(deletion.criteria.onePageOf)]),
      ],
      match,
      delete: deletion.criteria,
    },
    ...(deletion.whereUndated === undefined ? [] : [undatedRule(deletion.whereUndated, match)]),
  ]
}

/** GitLab takes tags without a time for the newest, so what is beyond the newest of the old ones is beyond its count, too. */
function undatedRule(deletion: ImportedDelete, match: readonly ImportedBlock[]): ImportedRule {
  return {
    name: 'expiration where times are missing',
    comments: [
      'Where GitLab does not know when some tag was set, the rule above deletes nothing; this one counts the old ones.',
    ],
    match,
    delete: deletion,
  }
}

function onePage(tags: number): string {
  return `keep_n: GitLab counts in pages of ${tags} tags. In a larger repository nothing goes; take out \`onePageOf\` to keep so many of all its tags.`
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
