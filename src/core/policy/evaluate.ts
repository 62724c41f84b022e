/**
 * All rules of a policy over one repository: what each rule says of each row, and what follows before protections
 * and the graph are asked. Precedence is keep, then delete, then spared, then `unmatched`; the order in which rules
 * are written decides nothing.
 */
import type { DecidedBy } from '../plan/plan.ts'
import { evaluateRule, type RuleResult } from './evaluate-rule.ts'
import type { Policy, Rule } from './policy.ts'
import type { Reason } from './reason.ts'
import { rowsOf, type Row, type RowContext } from './rows.ts'
import type { GitView } from '../git/git-view.ts'
import type { ImageGraph } from '../image/graph.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import { stateOf } from './match.ts'

export interface Evaluation {
  readonly policy: Policy
  readonly rows: readonly Row[]
  readonly context: RowContext
  /** In the order rules are written. */
  readonly results: readonly RuleResult[]
  verdict(position: number): Verdict
}

/** What the rules say of a row, protections and the graph aside. */
export type Verdict =
  | { readonly kind: 'keep'; readonly reasons: readonly Reason[] }
  | { readonly kind: 'delete'; readonly reasons: readonly Reason[]; readonly decidedBy: DecidedBy }

/**
 * Evaluates a policy on the images of one repository.
 *
 * @param git what Git said; without it, rules that ask Git keep all that they reach
 */
export function evaluatePolicy(policy: Policy, graph: ImageGraph, now: InstantMs, git?: GitView): Evaluation {
  const context: RowContext = { graph, unit: policy.unit, now, ...(git !== undefined && { git }) }
  const rows = rowsOf(context)
  const results = evaluateRules(policy.rules, rows, context)
  const shared = sharedReasons(policy)
  return {
    policy,
    rows,
    context,
    results,
    verdict: (position) => verdictOf(policy, results, rows, context, position, shared),
  }
}

function evaluateRules(
  rules: readonly Rule[],
  rows: readonly Row[],
  context: RowContext,
): readonly RuleResult[] {
  const first = rules.map((rule) => (countsRemaining(rule) ? undefined : evaluateRule(rule, rows, context)))
  if (!rules.some(countsRemaining)) return first.flatMap((result) => result ?? [])
  const takes = (result: RuleResult | undefined, position: number): boolean =>
    result?.rule.effect.kind === 'delete' && result.says(position) === 'decides'
  const takenByOthers = (position: number): boolean => first.some((result) => takes(result, position))
  const alone = rules.map((rule) =>
    countsRemaining(rule) ? evaluateRule(rule, rows, context, takenByOthers) : undefined,
  )
  return rules.flatMap((rule, index) => {
    const done = first[index]
    if (done !== undefined) return [done]
    const before = alone[index]
    const takenByAny = (position: number): boolean =>
      takenByOthers(position) || alone.some((result, other) => other !== index && takes(result, position))
    const after = evaluateRule(rule, rows, context, takenByAny)
    return before === undefined ? [] : [unitedRemaining(before, after, takenByAny)]
  })
}

function countsRemaining(rule: Rule): boolean {
  return rule.effect.kind === 'delete' && rule.effect.countAmong === 'remaining'
}

/**
 * Several rules that each count what the others leave look at each other. A row is taken when it is beyond the count
 * even with the others' rows out of the way, or when two of them agree on it whichever is asked first. Asking them one
 * after the other, in any order, takes at least as much.
 */
function unitedRemaining(
  before: RuleResult,
  after: RuleResult,
  takenByOther: (position: number) => boolean,
): RuleResult {
  const agreed = (position: number): boolean => before.says(position) === 'decides' && takenByOther(position)
  return {
    rule: after.rule,
    says: (position) => (agreed(position) ? 'decides' : after.says(position)),
    reason: (position) => (agreed(position) ? before : after).reason(position),
  }
}

interface SharedReasons {
  readonly unmatchedKeep: Verdict
  readonly unmatchedDelete: Verdict
}

/** The verdicts of `unmatched` are the same for every image; a million of them share one value. */
function sharedReasons(policy: Policy): SharedReasons {
  const line = policy.unmatchedLine
  return {
    unmatchedKeep: {
      kind: 'keep',
      reasons: [{ kind: 'unmatched', text: 'no rule speaks of it, and unmatched: keep', line }],
    },
    unmatchedDelete: {
      kind: 'delete',
      reasons: [{ kind: 'unmatched', text: 'no rule keeps it', line }],
      decidedBy: { policy: policy.name, rule: 'unmatched', line },
    },
  }
}

function verdictOf(
  policy: Policy,
  results: readonly RuleResult[],
  rows: readonly Row[],
  context: RowContext,
  position: number,
  shared: SharedReasons,
): Verdict {
  const { keeps, takes, spared } = sortBySaying(results, position)
  const row = rows[position]
  const isOrphan = row !== undefined && stateOf(row, context.graph) === 'orphaned-referrer'
  const fallsToUnmatched = spared.length === 0 && !isOrphan && policy.unmatched === 'delete'
  if (keeps.length > 0) {
    return { kind: 'keep', reasons: keeps.flatMap((result) => result.reason(position) ?? []) }
  }
  const taker = takes[0]
  if (taker !== undefined) {
    return {
      kind: 'delete',
      reasons: takes.flatMap((result) => result.reason(position) ?? []),
      decidedBy: decidedBy(policy, taker.rule),
    }
  }
  if (spared.length > 0) {
    return { kind: 'keep', reasons: spared.flatMap((result) => result.reason(position) ?? []) }
  }
  if (isOrphan) return orphanKept
  return fallsToUnmatched ? shared.unmatchedDelete : shared.unmatchedKeep
}

interface Sayings {
  readonly keeps: readonly RuleResult[]
  readonly takes: readonly RuleResult[]
  readonly spared: readonly RuleResult[]
}

const nobody: readonly RuleResult[] = []

/** Asked for every row; most rows are decided by one rule or none, so lists are made only when there is something in. */
function sortBySaying(results: readonly RuleResult[], position: number): Sayings {
  let keeps = nobody
  let takes = nobody
  let spared = nobody
  for (const result of results) {
    const says = result.says(position)
    if (says === 'no-match') continue
    const isKeep = result.rule.effect.kind === 'keep'
    if (says === 'decides' && isKeep) keeps = [...keeps, result]
    else if (says === 'decides') takes = [...takes, result]
    else if (!isKeep) spared = [...spared, result]
  }
  return { keeps, takes, spared }
}

function decidedBy(policy: Policy, rule: Rule): DecidedBy {
  return { policy: policy.name, rule: rule.name, line: rule.line }
}

const orphanKept: Verdict = {
  kind: 'keep',
  reasons: [
    {
      kind: 'orphaned-referrer',
      text: 'what it refers to is gone; only a delete rule with match: {state: orphaned-referrer} reaches it',
    },
  ],
}
