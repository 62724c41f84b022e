/**
 * Why the keep rules that reached an image did not keep it. The plan says "no rule keeps it"; for the few lines a
 * person looks at, the rule that came closest says more.
 */
import { buildGraph } from '../../core/image/graph.ts'
import { policyFor, type PlanInput } from '../../core/plan/build-plan.ts'
import { evaluatePolicy, type Evaluation } from '../../core/policy/evaluate.ts'
import type { PlanLine } from './plan-lines.ts'

/** Evaluating a repository a second time for the sake of ten lines is not worth it above this. */
const manifestsMax = 20_000

export type NearMiss = (line: PlanLine) => string | undefined

/** Answers from the input that the plan was made from; a plan from a file has none, and nothing is known then. */
export function nearMisses(input: PlanInput | undefined): NearMiss {
  if (input === undefined) return () => undefined
  const evaluations = new Map<string, Evaluation | undefined>()
  return (line) => {
    if (line.kind !== 'delete' || line.decidedBy?.rule !== 'unmatched') return undefined
    const key = `${line.registry} ${line.repository}`
    if (!evaluations.has(key)) evaluations.set(key, evaluate(input, line))
    const evaluation = evaluations.get(key)
    return evaluation === undefined ? undefined : closest(evaluation, line)
  }
}

function evaluate(input: PlanInput, { registry, repository }: PlanLine): Evaluation | undefined {
  const inventory = input.inventories.find((each) => each.registry === registry)
  const found = inventory?.repositories.find((each) => each.name === repository)
  if (inventory === undefined || found === undefined || found.manifests.length > manifestsMax)
    return undefined
  const policy = policyFor(input.policySet, inventory.registry, found.name)
  return policy === undefined ? undefined : evaluatePolicy(policy, buildGraph(found.manifests), input.now)
}

function closest({ rows, results }: Evaluation, { digest }: PlanLine): string | undefined {
  const position = rows.findIndex((row) => row.manifest.digest === digest)
  const near = results.find(
    (result) => result.rule.effect.kind === 'keep' && position !== -1 && result.says(position) === 'reached',
  )
  return near?.reason(position)?.text
}
