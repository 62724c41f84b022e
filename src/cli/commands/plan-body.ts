import { writeFile } from 'node:fs/promises'
import { LimitError } from '../../app/apply-fitness.ts'
import { planDocument } from '../../core/plan/plan-file.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { makePlan } from '../make-plan.ts'

export const planBody: CommandBody = {
  async run(context) {
    const configuration = await readConfiguration(context)
    const { plan } = await makePlan(configuration, context)
    context.terminal.stdout.write(`${JSON.stringify(planDocument(plan), undefined, 2)}\n`)
    if (plan.limitsBroken.length > 0) throw new LimitError(plan.limitsBroken)
    await savePlan(plan, context)
    return exitOf(plan, context)
  },
}

async function savePlan(plan: Plan, { options }: CommandContext): Promise<void> {
  const path = options.text('out')
  if (path !== undefined) await writeFile(path, `${JSON.stringify(planDocument(plan), undefined, 2)}\n`)
}

function exitOf(plan: Plan, { options }: CommandContext): ExitCode {
  if (!plan.complete) return exitCodes.incomplete
  return options.flag('detailedExitcode') && plan.actions.length > 0 ? exitCodes.hasDeletions : exitCodes.done
}
