/** What rules say, by label or by tag, for tests that ask about rules and nothing else. */
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import { evaluateRule, type RuleResult, type RuleSays } from '../../src/core/policy/evaluate-rule.ts'
import type { Policy, Rule } from '../../src/core/policy/policy.ts'
import type { Reason } from '../../src/core/policy/reason.ts'
import { rowsOf, type Row, type RowContext } from '../../src/core/policy/rows.ts'
import { labelOf, now } from './images.ts'

export interface Asked {
  readonly rows: readonly Row[]
  readonly result: RuleResult
}

export function contextOf(manifests: readonly ManifestRecord[], unit: Policy['unit'] = 'image'): RowContext {
  return { graph: buildGraph(manifests), unit, now }
}

export function ask(rule: Rule, manifests: readonly ManifestRecord[], unit: Policy['unit'] = 'image'): Asked {
  const context = contextOf(manifests, unit)
  const rows = rowsOf(context)
  return { rows, result: evaluateRule(rule, rows, context) }
}

/** `a`, or `a:1.0` where tags are rows. */
export function nameOf(row: Row, unit: Policy['unit']): string {
  const label = labelOf(row.manifest.digest)
  const [tag] = row.tags
  return unit === 'tag' && tag !== undefined ? `${label}:${tag.name}` : label
}

/** The rows of which the rule says this. */
export function rowsThat(
  says: RuleSays,
  rule: Rule,
  manifests: readonly ManifestRecord[],
  unit: Policy['unit'] = 'image',
): readonly string[] {
  const { rows, result } = ask(rule, manifests, unit)
  return rows.flatMap((row, position) => (result.says(position) === says ? [nameOf(row, unit)] : []))
}

/** The rows that the rule keeps or takes. */
export function decidedBy(
  rule: Rule,
  manifests: readonly ManifestRecord[],
  unit: Policy['unit'] = 'image',
): readonly string[] {
  return rowsThat('decides', rule, manifests, unit)
}

export function reasonFor(
  rule: Rule,
  manifests: readonly ManifestRecord[],
  label: string,
): Reason | undefined {
  const { rows, result } = ask(rule, manifests)
  return result.reason(rows.findIndex((row) => labelOf(row.manifest.digest) === label))
}
