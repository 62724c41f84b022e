/**
 * Applies a plan: asks again what is in use, reads again what is there, writes down what it is about to take, and only
 * then deletes, line by line, whatever has not moved.
 *
 * What it refuses: an expired plan, a plan over a limit, a registry that another run holds, evidence that did not
 * answer in full. What it never does: go on after the lease is lost, trim a plan, or delete anything whose bytes are
 * not in the journal.
 */
import type { RegistryName } from '../core/image/names.ts'
import type { RunId, RunOutcome } from '../core/journal/entry.ts'
import type { Plan, PlanAction } from '../core/plan/plan.ts'
import { planDocument } from '../core/plan/plan-file.ts'
import type { PolicySet } from '../core/policy/policy.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { Breaker } from './apply-breaker.ts'
import type { ApplyPorts, LineReport } from './apply-ports.ts'
import { applyRepository, type RepositoryRun } from './apply-repository.ts'
import { refuseUnfit, type ApplyLimits } from './apply-fitness.ts'
import { FreshEvidence } from './apply-evidence.ts'
import { settleOpenRuns } from './apply-settle.ts'
import { withLeases, type HeldLeases } from './leases.ts'
import { noting } from './noting.ts'
import type { EvidenceRequest } from './gather-evidence.ts'

export type { ApplyPorts, LineOutcome, LineReport, RegistryPorts } from './apply-ports.ts'

export interface ApplyRequest extends Omit<EvidenceRequest, 'managed'> {
  readonly registries: Parameters<typeof FreshEvidence.create>[0]['registries']
  readonly limits: ApplyLimits
  /** The policies in force, for rules that ask Git: they are asked again. */
  readonly policySet?: PolicySet
  /** Who holds the lease, for whoever is refused: `host:pid`. */
  readonly holder: string
}

export interface ApplyReport {
  /** Undefined when there was nothing to do: then nothing was recorded either. */
  readonly run: RunId | undefined
  readonly lines: readonly LineReport[]
  readonly outcome: RunOutcome
  /** Manifests of the journal of this run, for telling what can be undone. */
  readonly manifestsDeleted: number
  /** What an earlier, interrupted run had left and this one settled. */
  readonly settled: readonly string[]
}

/**
 * Applies a plan.
 *
 * @throws PlanUnfitError, LimitError, LeaseHeldError, EvidenceIncompleteError before anything is deleted
 */
export async function apply(
  plan: Plan,
  request: ApplyRequest,
  ports: ApplyPorts,
  options: RunOptions = {},
): Promise<ApplyReport> {
  refuseUnfit(plan, request.limits, ports.now(), new Set(ports.registries.keys()))
  const registries = await registriesToHold(plan, ports)
  if (registries.length === 0) return nothingToDo([])
  return withLeases(registries, request.holder, ports.leases, options, (leases) =>
    applyLeased(plan, request, ports, leases, options),
  )
}

async function applyLeased(
  plan: Plan,
  request: ApplyRequest,
  ports: ApplyPorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<ApplyReport> {
  const held = { ...options, signal: leases.signal }
  const evidence = await FreshEvidence.create(request, ports, plan, held)
  const settled = await settleOpenRuns(leases.registries, evidence, ports, leases, held)
  if (plan.actions.length === 0) return nothingToDo(settled)
  const startedAt = ports.now()
  const run = ports.newRunId(startedAt)
  await ports.journal.beginRun({
    id: run,
    kind: 'apply',
    startedAt,
    registries: leases.registries,
    plan: JSON.stringify(planDocument(plan)),
    undoOf: undefined,
  })
  const context: RepositoryRun = {
    run,
    plannedAt: plan.now,
    evidence,
    ports,
    leases,
    sequence: counter(),
    breaker: new Breaker(),
  }
  return noting(
    () => whatStands(run),
    async () => {
      const lines = await applyRepositories(plan.actions, context, held)
      const outcome = outcomeOf(lines, options)
      await ports.journal.finishRun(run, outcome, ports.now())
      return { run, lines, outcome, manifestsDeleted: countDeleted(lines), settled }
    },
  )
}

/** For an error that ends a run: what it removed by then, only the journal knows. */
function whatStands(run: RunId): string {
  return `This was run ${run}. What it removed is in the journal, and \`winnow history\` lists it. Once that is put right, run the same command again: it settles what this run had begun, and goes on.\nOr put back what it removed:\n  winnow undo ${run}`
}

/** Those that the plan is about, and those where an interrupted run has left something to settle. */
async function registriesToHold(plan: Plan, ports: ApplyPorts): Promise<readonly RegistryName[]> {
  const open = (await ports.journal.listRuns()).filter((run) => run.outcome === 'open')
  const names = [...plan.actions.map((action) => action.registry), ...open.flatMap((run) => run.registries)]
  return [...new Set(names)].filter((name) => ports.registries.has(name)).toSorted()
}

function nothingToDo(settled: readonly string[]): ApplyReport {
  return { run: undefined, lines: [], outcome: 'done', manifestsDeleted: 0, settled }
}

/** One repository after the other: its lines run in parallel, and the next one is read when its turn comes. */
async function applyRepositories(
  actions: readonly PlanAction[],
  context: RepositoryRun,
  options: RunOptions,
): Promise<readonly LineReport[]> {
  const reports: LineReport[] = []
  for (const group of byRepository(actions)) {
    options.onEvent?.({ kind: 'progress', phase: 'apply', done: reports.length, total: actions.length })
    reports.push(...(await applyRepository(group, context, options)))
  }
  options.onEvent?.({ kind: 'progress', phase: 'apply', done: reports.length, total: actions.length })
  return reports
}

function byRepository(actions: readonly PlanAction[]): readonly (readonly PlanAction[])[] {
  const groups = new Map<string, PlanAction[]>()
  for (const action of actions) {
    const key = `${action.registry} ${action.repository}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [action])
    else group.push(action)
  }
  return [...groups.values()]
}

function outcomeOf(lines: readonly LineReport[], options: RunOptions): RunOutcome {
  const isDone = (line: LineReport): boolean => line.outcome === 'deleted' || line.outcome === 'untagged'
  if (lines.every(isDone)) return 'done'
  if (options.stop?.aborted === true) return 'interrupted'
  return lines.some(isDone) ? 'partly' : 'failed'
}

function countDeleted(lines: readonly LineReport[]): number {
  // The same bytes in two repositories are two manifests; two lines of one may share what goes along.
  const manifests = new Set<string>()
  for (const { action, outcome, alreadyGone } of lines) {
    if (action.kind !== 'delete' || outcome !== 'deleted' || alreadyGone === true) continue
    for (const digest of [action.digest, ...action.with])
      manifests.add(`${action.registry} ${action.repository} ${digest}`)
  }
  return manifests.size
}

/** Sequence numbers of intents: 1, 2, 3 … within a run. */
function counter(): () => number {
  let last = 0
  return () => (last += 1)
}
