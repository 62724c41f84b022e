/** Makes a plan, shows it in the format that was asked for, and saves it where it was asked to. */
import { basename } from 'node:path'
import { LimitError } from '../../app/apply-fitness.ts'
import type { Planned } from '../../app/plan.ts'
import { planDocument } from '../../core/plan/plan-file.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { makePlan } from '../make-plan.ts'
import { inChunks, jsonPieces } from '../views/documents.ts'
import { formatDuration } from '../views/format.ts'
import { planSentence } from '../views/plan-human.ts'
import { writePlan } from '../views/write-plan.ts'
import { writeOutputFile } from '../write-output-file.ts'

export const planBody: CommandBody = {
  async run(context) {
    const configuration = await readConfiguration(context)
    const planned = await makePlan(configuration, context)
    await showPlan(planned, context)
    if (planned.plan.limitsBroken.length > 0) throw new LimitError(planned.plan.limitsBroken)
    const path = context.options.text('out')
    if (path !== undefined) {
      await writeOutputFile(path, inChunks(jsonPieces(planDocument(planned.plan))))
      tellHowToApply(planned, path, context)
    }
    return exitOf(planned, context)
  },
}

async function showPlan(planned: Planned, context: CommandContext): Promise<void> {
  const { globals, options, terminal } = context
  await writePlan(planned, {
    format: globals.output,
    output: terminal.stdout,
    configName: basename(globals.config),
    showsAll: options.text('show') === 'all',
  })
  if (globals.output === 'table' || globals.output === 'wide') {
    terminal.stdout.write(`${terminal.stdout.colors.bold(planSentence(planned.plan))} Nothing was changed.\n`)
  }
}

function tellHowToApply({ plan }: Planned, path: string, { globals, terminal }: CommandContext): void {
  if (globals.quiet || plan.actions.length === 0) return
  const validFor = formatDuration(plan.expiresAt - plan.now)
  terminal.stderr.write(`Apply within ${validFor}:  winnow apply ${path}\n`)
}

function exitOf({ plan }: Planned, { options, terminal }: CommandContext): ExitCode {
  if (!plan.complete) {
    const { colors } = terminal.stderr
    terminal.stderr.write(
      `${colors.yellow('warning:')} Not every repository could be read in full; nothing of those is deleted.\n`,
    )
    return exitCodes.incomplete
  }
  return options.flag('detailedExitcode') && plan.actions.length > 0 ? exitCodes.hasDeletions : exitCodes.done
}
