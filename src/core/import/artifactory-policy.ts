/**
 * One policy of artifactory-cleanup. What its rules ask of Artifactory must all hold; what they do afterwards with the
 * answer they do in their order, and each leaves the next fewer files to delete.
 *
 * A rule for Docker names the file that all of them look at, `manifest.json`, and makes it the folder it lies in, which is
 * a tag. A policy without such a rule speaks of files, and which of those are images is not said.
 */
import { joinMasks } from './aql-masks.ts'
import { placeRules, ruleKinds, type RuleKind } from './artifactory-rule-kinds.ts'
import { startSelection, type ImageSelection, type SelectionDraft } from './artifactory-selection.ts'
import type { Key } from './artifactory-keys.ts'
import type { Reading } from './reading.ts'
import { entryOf, type Place, type SourceValue } from './source-document.ts'

export interface CleanupPolicy {
  readonly place: Place
  readonly name: string
  /** Where its files lie; none: nowhere. */
  readonly keys: readonly Key[]
  /** Undefined where no rule is for Docker. */
  readonly images: ImageSelection | undefined
  /** It takes all that is older than some age, and nothing else. */
  readonly isOldestEnd: boolean
}

/** Undefined, and a finding, where it cannot be read. */
export function readCleanupPolicy(value: SourceValue, reading: Reading): CleanupPolicy | undefined {
  const policy = reading.map(value, value.place, { what: 'a policy', known: ['name', 'rules'] })
  if (policy === undefined) return undefined
  const name = reading.text(entryOf(policy, 'name'))
  if (name === undefined) reading.refuse(policy.place, 'A policy needs `name`.')
  const list = reading.list(entryOf(policy, 'rules'), policy.place, 'a list of rules')
  if (name === undefined || list === undefined) return undefined
  const rules = list.items.map((rule) => ({ rule, name: nameOf(rule) }))
  const isForDocker = rules.some((rule) => isDocker(rule.name))
  const draft = startSelection()
  for (const each of rules) {
    if (isForDocker || placeRules.includes(each.name)) readRule(each.rule, each.name, draft, name, reading)
    draft.isMapped ||= isDocker(each.name)
  }
  return {
    place: policy.place,
    name,
    keys: draft.keys,
    images: isForDocker ? { ...draft, excludes: joinMasks(draft.excludes) } : undefined,
    isOldestEnd: rules.every((rule) => [...placeRules, 'DeleteOlderThan'].includes(rule.name)),
  }
}

function nameOf(rule: SourceValue): string {
  const name = entryOf(rule, 'rule')
  return name?.kind === 'text' ? name.value : ''
}

function isDocker(name: string): boolean {
  return ruleKinds.get(name)?.isForDocker === true
}

function readRule(
  value: SourceValue,
  name: string,
  draft: SelectionDraft,
  policy: string,
  reading: Reading,
): void {
  const kind = ruleKinds.get(name)
  const isOpen = kind === undefined || 'refusal' in kind.taken
  const known = ['rule', ...(kind?.keys ?? [])]
  const rule = reading.map(value, value.place, { what: name === '' ? 'a rule' : name, known, isOpen })
  if (rule === undefined) return
  const place = entryOf(rule, 'rule')?.place ?? rule.place
  if (kind !== undefined && 'read' in kind.taken)
    kind.taken.read(rule, draft, { name, place, policy, reading })
  else refuseRule(name, kind, place, reading)
}

function refuseRule(name: string, kind: RuleKind | undefined, place: Place, reading: Reading): void {
  if (name === '') return reading.refuse(place, 'A rule needs `rule`.')
  if (kind === undefined) {
    const message = `The rule ${JSON.stringify(name)} is not known here, and it bears on what is deleted.`
    return reading.refuse(
      place,
      message,
      'Rules of your own (--load-rules) are programs; write them by hand.',
    )
  }
  const why = 'refusal' in kind.taken ? kind.taken.refusal : ''
  reading.refuse(
    place,
    `${name} cannot be taken over: ${why}`,
    'Take the policy out and import the others, or write its rule by hand: docs/policies.md.',
  )
}
