/** Lint of policies: which of them are reached, and what becomes of what no rule speaks of. */
import { listOf } from './fields.ts'
import { lintTagPatterns } from './lint-patterns.ts'
import { lintRule } from './lint-rule.ts'
import type { Report } from './report.ts'
import type { WrittenPolicy, WrittenRule } from './schema-policy.ts'
import type { Path } from './yaml-source.ts'

export function lintPolicies(policies: readonly WrittenPolicy[], report: Report): void {
  policies.forEach((policy, index) => {
    const path = ['policies', index]
    lintReach(policy, policies.slice(0, index), path, report)
    if (policy.repositories !== undefined)
      lintTagPatterns(policy.repositories, [...path, 'repositories'], report)
    lintNames(policy.rules, path, report)
    lintUnmatched(policy, path, report)
    policy.rules.forEach((rule, at) => lintRule(rule, [...path, 'rules', at], report))
  })
}

/** The first policy that matches governs, so what an earlier one covers wholly is never reached. */
function lintReach(
  policy: WrittenPolicy,
  earlier: readonly WrittenPolicy[],
  path: Path,
  report: Report,
): void {
  const at = earlier.findIndex((other) => covers(other, policy))
  if (at === -1) return
  const name = earlier[at]?.name ?? `policy ${at + 1}`
  const message = `This policy is never reached: ${JSON.stringify(name)} stands before it and governs the same repositories.`
  report(path, message, 'The first policy that matches governs; put the narrower one first.', true)
}

function covers(earlier: WrittenPolicy, later: WrittenPolicy): boolean {
  if (earlier.registry !== undefined && earlier.registry !== later.registry) return false
  const first = repositoriesOf(earlier)
  const second = repositoriesOf(later)
  if (first.length === 1 && first[0] === '**') return true
  const isSubset = (one: readonly string[], other: readonly string[]): boolean =>
    one.every((each) => other.includes(each))
  const split = (list: readonly string[], isOut: boolean): readonly string[] =>
    list.filter((pattern) => pattern.startsWith('!') === isOut)
  const included = split(second, false)
  // More patterns and fewer exceptions govern at least as much.
  return (
    included.length > 0 &&
    isSubset(included, split(first, false)) &&
    isSubset(split(first, true), split(second, true))
  )
}

function repositoriesOf(policy: WrittenPolicy): readonly string[] {
  return policy.repositories === undefined ? ['**'] : listOf(policy.repositories)
}

function lintNames(rules: readonly WrittenRule[], path: Path, report: Report): void {
  const seen = new Set<string>()
  rules.forEach(({ name }, index) => {
    if (name === undefined) return
    const at = [...path, 'rules', index, 'name']
    if (seen.has(name))
      report(at, 'Two rules of this policy have this name.', 'Plans tell them apart by line alone.')
    if (name === 'unmatched')
      report(at, 'Plans call "unmatched" what no rule speaks of.', 'Choose another name.')
    seen.add(name)
  })
}

function lintUnmatched(policy: WrittenPolicy, path: Path, report: Report): void {
  const keeps = policy.rules.some((rule) => rule.keep)
  const at = [...path, 'unmatched']
  if (policy.unmatched === 'keep') {
    if (!policy.rules.some((rule) => rule.delete)) {
      report(
        at,
        'No rule deletes and what is left is kept: this policy deletes nothing.',
        'Write `unmatched: delete`, or add a delete rule.',
      )
    }
    return
  }
  const spares = policy.rules.find((rule) => rule.delete && !rule.delete.all && matchesEverything(rule))
  if (spares) {
    report(
      at,
      `This is never reached: the rule ${JSON.stringify(spares.name ?? 'without a match')} matches every image, and spares those it does not delete.`,
      'Narrow that rule with `match:`, or write `unmatched: keep`.',
    )
  } else if (!keeps) {
    report(
      at,
      'No rule keeps anything: all that is not protected goes.',
      'Add a keep rule, or write `unmatched: keep`.',
    )
  }
}

/** Whether nothing narrows the rule. */
function matchesEverything(rule: WrittenRule): boolean {
  const blocks = listOf(rule.match)
  const isOpen = blocks.length === 0 || blocks.some((block) => Object.keys(block).length === 0)
  return isOpen && rule.not === undefined && rule.except === undefined
}
