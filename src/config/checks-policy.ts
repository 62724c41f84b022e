/** What must hold between the keys of one policy. */
import { captureNames } from '../core/policy/compile-patterns.ts'
import { compileStreamTemplate } from '../core/policy/compile-stream-template.ts'
import { versionPartNames } from '../core/policy/version.ts'
import { checkGitRule } from './checks-git.ts'
import type { Report } from './report.ts'
import { isRecord, wellFormed } from './report.ts'
import { valueAt } from './explain-issues.ts'
import { listOf } from './fields.ts'
import { didYouMean } from './schema-paths.ts'
import type { WrittenMatch } from './schema-policy.ts'
import { deleteSchema, keepSchema, matchSchema } from './schema-policy.ts'
import type { Path } from './yaml-source.ts'

/** Criteria of a keep block; all calendar keys are one. */
export const keepCriteria = ['all', 'newest', 'within', 'pulledWithin', 'git'] as const
export const calendarKeys = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export const deleteCriteria = ['all', 'olderThan', 'beyondNewest', 'notPulledFor'] as const

/** What a policy may speak of. */
export interface PolicySurroundings {
  /** The names that `registry:` may have. */
  readonly registries: readonly string[]
  /** Whether the file lists Git repositories. */
  readonly hasGit: boolean
}

/** Checks one policy, as plain value. */
export function checkPolicy(
  policy: unknown,
  path: Path,
  { registries, hasGit }: PolicySurroundings,
  report: Report,
): void {
  if (!isRecord(policy)) return
  const registry = policy['registry']
  if (typeof registry === 'string' && !registries.includes(registry)) {
    const known = registries.length === 0 ? 'There is none.' : `There are: ${registries.join(', ')}.`
    report([...path, 'registry'], `There is no registry ${JSON.stringify(registry)}.`, known)
  }
  if (policy['emptied'] !== undefined && policy['unit'] !== 'tag') {
    report(
      [...path, 'emptied'],
      '`emptied` needs `unit: tag`.',
      'Under `unit: image` an image goes with all its tags; leave it out.',
    )
  }
  const rules = policy['rules']
  if (!Array.isArray(rules)) return
  rules.forEach((rule: unknown, index) =>
    checkRule(rule, [...path, 'rules', index], { isByTag: policy['unit'] === 'tag', hasGit }, report),
  )
}

function checkRule(
  rule: unknown,
  path: Path,
  { isByTag, hasGit }: { readonly isByTag: boolean; readonly hasGit: boolean },
  report: Report,
): void {
  if (!isRecord(rule)) return
  const effects = (['keep', 'delete'] as const).filter((effect) => Object.hasOwn(rule, effect))
  const isMisspelt = Object.keys(rule).some((key) => didYouMean(key, ['keep', 'delete']) !== undefined)
  if (effects.length > 1 || (effects.length === 0 && !isMisspelt)) {
    report(
      path,
      effects.length === 0
        ? 'A rule needs `keep:` or `delete:`.'
        : 'A rule has `keep:` or `delete:`, not both.',
      effects.length === 0
        ? 'Say what becomes of the images it matches: `keep: {all: true}`.'
        : 'Write two rules.',
    )
  }
  for (const effect of effects) {
    const block = rule[effect]
    if (!isRecord(block)) continue
    checkCriteria(effect, block, [...path, effect], report)
    if (block['count'] === 'tags' && !isByTag) {
      report(
        [...path, effect, 'count'],
        '`count: tags` needs `unit: tag`.',
        'Under `unit: image` images are counted; leave it out.',
      )
    }
    checkGitRule(block['git'], [...path, effect, 'git'], hasGit, report)
    checkPer(effect, rule, path, report)
  }
}

function checkCriteria(
  effect: 'keep' | 'delete',
  block: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): void {
  const names: readonly string[] = effect === 'keep' ? keepCriteria : deleteCriteria
  const given = names.filter((name) => Object.hasOwn(block, name))
  const calendar = effect === 'keep' ? calendarKeys.filter((name) => Object.hasOwn(block, name)) : []
  const criteria = given.length + (calendar.length > 0 ? 1 : 0)
  const known = Object.keys((effect === 'keep' ? keepSchema : deleteSchema).shape)
  // An unknown key is told by itself, and is probably the criterion that is missing.
  if (criteria === 0 && Object.keys(block).every((name) => known.includes(name))) {
    const known = effect === 'keep' ? [...keepCriteria, ...calendarKeys] : deleteCriteria
    report(
      path,
      `\`${effect}:\` says nothing of what to ${effect}.`,
      `Add one of: ${known.join(', ')}.`,
      true,
    )
  } else if (criteria > 1 && !Object.hasOwn(block, 'combine')) {
    report(
      path,
      `\`${[...given, ...calendar].join('`, `')}\` are ${criteria} criteria, and nothing says how they go together.`,
      'Add `combine: any` (one of them is enough) or `combine: all` (all must hold).',
      true,
    )
  }
}

/** A capture that no pattern of the rule makes would put every image into a stream of its own, or none. */
function checkPer(
  effect: 'keep' | 'delete',
  rule: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): void {
  const per = wellFormed(keepSchema.shape.per, valueAt(rule, [effect, 'per']))
  if (per === undefined) return
  const matches = listOf(valueAt(rule, ['match'])).map((match) => wellFormed(matchSchema, match))
  if (matches.some((match) => match === undefined)) return
  const known = [...versionPartNames, ...matches.flatMap((match) => (match ? capturesOf(match) : []))]
  for (const part of compileStreamTemplate(per).parts) {
    if (typeof part === 'string' || known.includes(part.capture)) continue
    report(
      [...path, effect, 'per'],
      `Nothing in the tag patterns of this rule captures "${part.capture}".`,
      String.raw`A wildcard of a glob is {1}, {2} …; a named group of a regular expression is '/(?P<name>.+)-\d+/'. Parts of a version: ${versionPartNames.join(', ')}.`,
    )
  }
}

/** The captures that the tag patterns of a block can make. */
export function capturesOf(match: WrittenMatch): readonly string[] {
  return [match.tags, match.tagsAll, match.tagsEvery]
    .flatMap((patterns) => listOf(patterns))
    .filter((pattern) => !pattern.startsWith('!'))
    .flatMap((pattern) => captureNames(pattern))
}
