/**
 * Puts back what a run removed: the same manifests, byte for byte, and their tags, children before parents.
 *
 * An undo is a plan first, shown like any other, and a run of its own, in the journal like any other. It never takes
 * anything away: a tag that has been given to another image since stays where it is, and the line says so. What the
 * registry can no longer hold, because the bytes beneath are gone, is named exactly.
 */
import { OperationalError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { JournalRun, RunId, RunOutcome, RunRecord } from '../core/journal/entry.ts'
import { buildUndoPlan, type UndoPlan, type UndoSelection } from '../core/journal/undo-plan.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import type { LeaseStore } from '../ports/lease.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { RegistryPorts } from './apply-ports.ts'
import { withLeases, type HeldLeases } from './leases.ts'
import { noting } from './noting.ts'
import { Restorer, type UndoLineReport } from './undo-restorer.ts'

export type { UndoLineReport, UndoOutcome } from './undo-restorer.ts'

export interface UndoPorts {
  readonly registries: ReadonlyMap<RegistryName, RegistryPorts>
  readonly journal: JournalStore
  readonly leases: LeaseStore
  readonly now: () => InstantMs
  readonly newRunId: (at: InstantMs) => RunId
}

export interface UndoReport {
  /** The undo's own run. */
  readonly run: RunId
  readonly undone: RunId
  readonly lines: readonly UndoLineReport[]
  readonly outcome: RunOutcome
}

/** The journal has no run of that name. */
export class UnknownRunError extends OperationalError {
  readonly code = 'UNKNOWN_RUN'
  readonly hint = 'The runs are listed by:\n  winnow history'
  override readonly category = 'usage'

  constructor(id: string) {
    super(`There is no run called ${id} in the journal of this state directory.`)
  }
}

/** A sweep is taken back by a restore, from its journal in the storage it swept; and that by the next sweep. */
export class SweepNotUndoneError extends OperationalError {
  readonly code = 'UNDO_OF_SWEEP'
  readonly hint: string
  override readonly category = 'usage'

  constructor({ id, kind, registries }: Pick<RunRecord, 'id' | 'kind' | 'registries'>) {
    super(
      kind === 'restore'
        ? `${id} put back what a sweep had set aside, which undo does not take back.`
        : `${id} was a sweep, which undo does not take back.`,
    )
    this.hint =
      kind === 'restore'
        ? 'The next sweep sets aside again what nothing needs.'
        : `What it set aside is put back by:\n  winnow sweep ${registries.join(' ')} --restore ${id}`
  }
}

/**
 * What undoing a run, or the selected part of it, would put back.
 *
 * @throws UnknownRunError
 */
export async function planUndo(
  id: string,
  selection: UndoSelection,
  journal: JournalStore,
): Promise<{ readonly run: JournalRun; readonly plan: UndoPlan }> {
  const run = await journal.readRun(id as RunId)
  if (run === undefined) throw new UnknownRunError(id)
  if (run.run.kind === 'sweep' || run.run.kind === 'restore') throw new SweepNotUndoneError(run.run)
  return { run, plan: buildUndoPlan(run, selection) }
}

/**
 * Puts back the lines of an undo plan.
 *
 * @throws LeaseHeldError when a live run holds one of the registries
 */
export async function undo(
  run: JournalRun,
  plan: UndoPlan,
  holder: string,
  ports: UndoPorts,
  options: RunOptions = {},
): Promise<UndoReport> {
  const registries = [...new Set(plan.lines.map((line) => line.registry))].toSorted()
  return withLeases(registries, holder, ports.leases, options, (leases) =>
    undoLeased(run, plan, ports, leases, { ...options, signal: leases.signal }),
  )
}

async function undoLeased(
  run: JournalRun,
  plan: UndoPlan,
  ports: UndoPorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<UndoReport> {
  const startedAt = ports.now()
  const id = ports.newRunId(startedAt)
  await ports.journal.beginRun({
    id,
    kind: 'undo',
    startedAt,
    registries: leases.registries,
    plan: JSON.stringify({ schemaVersion: 'undo/v1', run: run.run.id, lines: plan.lines }),
    undoOf: run.run.id,
  })
  let sequence = 0
  const restorer = new Restorer(
    { ...ports, run: id, saved: run.saved, leases, sequence: () => (sequence += 1) },
    options,
  )
  return noting(
    () =>
      `This was run ${id}, which put back what ${run.run.id} had removed. Once that is put right, go on from there:\n  winnow undo ${run.run.id}`,
    () => restoreLines(id, run, plan, { ports, restorer, options }),
  )
}

interface Restoring {
  readonly ports: UndoPorts
  readonly restorer: Restorer
  readonly options: RunOptions
}

async function restoreLines(
  id: RunId,
  run: JournalRun,
  plan: UndoPlan,
  { ports, restorer, options }: Restoring,
): Promise<UndoReport> {
  const lines: UndoLineReport[] = []
  // One after the other: a parent is refused while a child of it is not back yet.
  for (const line of plan.lines) {
    lines.push(await restorer.restore(line))
    options.onEvent?.({ kind: 'progress', phase: 'undo', done: lines.length, total: plan.lines.length })
  }
  const outcome = outcomeOf(lines, options)
  await ports.journal.finishRun(id, outcome, ports.now())
  return { run: id, undone: run.run.id, lines, outcome }
}

function outcomeOf(lines: readonly UndoLineReport[], options: RunOptions): RunOutcome {
  const isBack = (line: UndoLineReport): boolean => line.outcome === 'restored' || line.outcome === 'present'
  if (lines.every(isBack)) return 'done'
  if (options.stop?.aborted === true) return 'interrupted'
  return lines.some(isBack) ? 'partly' : 'failed'
}
