/**
 * Harbor tag retention. It says what to retain; every other artifact of a repository that some rule speaks of goes, and
 * a repository that no rule speaks of is left alone. So rules become keep rules, and what is left is deleted.
 */
import type { Importer } from './importer.ts'
import {
  unnamedRegistry,
  type ImportedConfiguration,
  type ImportedNote,
  type ImportedPolicy,
  type ImportedRule,
} from './imported-policy.ts'
import { harborKeep } from './harbor-templates.ts'
import { readRepositorySelectors, readTagSelectors } from './harbor-selectors.ts'
import { partRepositories, type Condition, type Part } from './partition.ts'
import type { Reading } from './reading.ts'
import { entryOf, fileStart, type SourceDocument, type SourceValue } from './source-document.ts'

export const harborImporter: Importer = {
  system: 'harbor',
  title: 'a Harbor tag retention policy',
  format: 'json',
  source: 'curl -u USER https://HARBOR/api/v2.0/retentions/ID',
  recognises: ({ documents: [root] }) => {
    const rules = entryOf(root, 'rules')
    const first = rules?.kind === 'list' ? rules.items[0] : undefined
    return entryOf(root, 'algorithm') !== undefined || entryOf(first, 'scope_selectors') !== undefined
  },
  read: readHarbor,
}

interface HarborRule {
  readonly conditions: readonly Condition[]
  readonly written: ImportedRule | ImportedNote
}

function readHarbor(
  { documents: [root] }: SourceDocument,
  reading: Reading,
): ImportedConfiguration | undefined {
  const policy = reading.map(root, fileStart, {
    what: 'a retention policy',
    known: ['algorithm', 'rules', 'scope'],
    ignored: ['id', 'trigger', 'creation_time', 'update_time'],
  })
  if (policy === undefined) return undefined
  reading.choice(entryOf(policy, 'algorithm'), ['or'], { orNothing: true })
  const scope = entryOf(policy, 'scope')
  if (scope !== undefined) reading.choice(entryOf(scope, 'level'), ['project'], { orNothing: true })
  const list = reading.list(entryOf(policy, 'rules'), policy.place, 'a list of rules')
  if (list === undefined) return undefined
  const rules = list.items.flatMap((item, index) => readRule(item, index, reading) ?? [])
  const parts = partRepositories(rules.map(({ conditions }) => conditions))
  if (parts === undefined) {
    reading.refuse(
      list.place,
      'The rules speak of too many sets of repositories that overlap.',
      'Write rules for fewer of them.',
    )
    return undefined
  }
  if (rules.length > 0) {
    reading.warn(
      undefined,
      'The policy is of one project, and the file does not name it: put it in front of each of `repositories`, as in "library/**", before anything is deleted.',
    )
  }
  return {
    registries: [{ ...unnamedRegistry, kind: 'harbor' }],
    policies:
      parts.length === 0 ? [nothingDeleted] : parts.map((part) => policyOf(part, rules, parts.length)),
  }
}

const nothingDeleted: ImportedPolicy = {
  name: 'retention',
  comments: [],
  repositories: ['**'],
  unit: 'image',
  rules: [
    { comments: ['No rule is on that speaks of any repository, and without one Harbor deletes nothing.'] },
  ],
  unmatched: 'keep',
  unmatchedRemark: 'Harbor leaves alone what no rule speaks of',
}

function policyOf(part: Part, rules: readonly HarborRule[], count: number): ImportedPolicy {
  const own = rules.filter(({ conditions }) => part.holds(conditions))
  const isSpokenOf = own.length > 0
  return {
    name: count === 1 ? 'retention' : `retention of ${part.repositories[0] ?? ''}`.slice(0, 190),
    comments: [],
    repositories: part.repositories,
    ...(part.repositories[0] === '**' && { repositoriesRemark: 'write the project in front: "library/**"' }),
    unit: 'image',
    rules: own.map(({ written }) => written),
    unmatched: isSpokenOf ? 'delete' : 'keep',
    unmatchedRemark: isSpokenOf
      ? 'Harbor deletes what no rule retains'
      : 'Harbor leaves alone what no rule speaks of',
  }
}

function readRule(value: SourceValue, index: number, reading: Reading): HarborRule | undefined {
  const rule = reading.map(value, value.place, {
    what: 'a rule',
    known: ['disabled', 'action', 'template', 'params', 'tag_selectors', 'scope_selectors'],
    orNothing: ['disabled', 'params'],
    ignored: ['id', 'priority', 'repositories'],
  })
  if (rule === undefined) return undefined
  // A rule that is off is dropped before anything else: it does not put its repositories under retention.
  const isOff = reading.flag(entryOf(rule, 'disabled')) === true
  reading.choice(entryOf(rule, 'action'), ['retain'])
  const keep = harborKeep(rule, reading)
  const selected = readTagSelectors(entryOf(rule, 'tag_selectors'), rule, reading)
  const conditions = readRepositorySelectors(entryOf(rule, 'scope_selectors'), rule, reading)
  if (keep === undefined || selected === undefined || conditions === undefined || isOff) return undefined
  const origin = `line ${rule.place.line}, rule ${index + 1}: ${keep.told}`
  if (keep.criteria === undefined) {
    return {
      conditions,
      written: { comments: [origin, 'It retains nothing, and puts its repositories under retention.'] },
    }
  }
  return {
    conditions,
    written: {
      name: `${index + 1} ${keep.told}`,
      comments: [origin, ...keep.remarks],
      ...selected,
      keep: keep.criteria,
    },
  }
}
