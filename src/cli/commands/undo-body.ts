/** Shows what undoing a run would put back, asks, and puts it back. */
import { planUndo, undo, type UndoReport } from '../../app/undo.ts'
import { composeApplying, composeState, type ApplyingWorld } from '../../compose.ts'
import type { JournalRun } from '../../core/journal/entry.ts'
import type { UndoPlan } from '../../core/journal/undo-plan.ts'
import { agrees, requireConsent } from '../ask.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions } from '../composing.ts'
import { UsageError } from '../report-error.ts'
import { undoSelection } from '../undo-selection.ts'
import { countOf } from '../views/format.ts'
import { writeListing } from '../views/listing.ts'
import { undoListing, undoPlanView } from '../views/undo-report.ts'

export const undoBody: CommandBody = {
  async run(context) {
    requireConsent(context, 'undo')
    const configuration = await readConfiguration(context)
    const { run, plan } = await readUndo(context)
    showPlan(plan, context)
    if (plan.lines.length > 0 && !(await agrees({ text: questionFor(plan) }, context))) {
      context.terminal.stderr.write('Nothing was changed.\n')
      return exitCodes.done
    }
    if (plan.lines.length === 0) return report(nothingDone(run), plan, context)
    const world = await composeApplying(configuration, composeOptions(context), context.run)
    try {
      return await report(await undoIn(world, run, plan, context), plan, context)
    } finally {
      await world.close()
    }
  },
}

interface Undo {
  readonly run: JournalRun
  readonly plan: UndoPlan
}

/** Reads the journal and closes it again: nobody holds a database open while a person thinks. */
async function readUndo(context: CommandContext): Promise<Undo> {
  const [id = '', ...words] = context.arguments
  const state = await composeState(composeOptions(context))
  try {
    const whole = await planUndo(id, {}, state.journal)
    if (words.length === 0) return whole
    const { plan } = await planUndo(id, undoSelection(words, whole.run), state.journal)
    if (plan.lines.length + plan.unrestorable.length === 0) throw nothingCalled(words, id)
    return { run: whole.run, plan }
  } finally {
    await state.close()
  }
}

function nothingCalled(words: readonly string[], id: string): UsageError {
  return new UsageError(
    `${id} removed nothing called ${words.join(', ')}.`,
    'Left out, everything comes back.',
  )
}

function showPlan(plan: UndoPlan, { globals, options, terminal }: CommandContext): void {
  const isHuman = globals.output === 'table' || globals.output === 'wide'
  if (!isHuman && options.flag('yes')) return
  const output = isHuman ? terminal.stdout : terminal.stderr
  output.write(undoPlanView(plan, output))
}

function questionFor({ lines }: UndoPlan): string {
  return `Put back ${countOf(lines.length, 'line')}?`
}

async function undoIn(
  world: ApplyingWorld,
  run: JournalRun,
  plan: UndoPlan,
  context: CommandContext,
): Promise<UndoReport> {
  const { registries, journal, leases, now, newRunId } = world.applyPorts
  return undo(run, plan, world.holder, { registries, journal, leases, now, newRunId }, context.run)
}

type Done = Parameters<typeof undoListing>[0]

/** There was nothing to put back, so there is no run of its own either. */
function nothingDone({ run }: JournalRun): Done {
  return { run: undefined, undone: run.id, lines: [], outcome: 'done' }
}

async function report(done: Done, plan: UndoPlan, { globals, terminal }: CommandContext): Promise<ExitCode> {
  const isHuman = globals.output === 'table' || globals.output === 'wide'
  const listing = undoListing(done, plan.unrestorable, {
    colors: terminal.stdout.colors,
    isWide: globals.output === 'wide',
  })
  if (!isHuman || plan.lines.length > 0) await writeListing(globals.output, listing, terminal.stdout)
  if (done.outcome === 'interrupted') return exitCodes.interrupted
  return done.outcome === 'done' && plan.unrestorable.length === 0 ? exitCodes.done : exitCodes.partly
}
