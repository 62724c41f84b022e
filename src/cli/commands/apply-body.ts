import { apply } from '../../app/apply.ts'
import { composeApplying } from '../../compose.ts'
import { parsePlanFile } from '../../core/plan/plan-file.ts'
import type { CommandBody } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions, makePlan, readInput } from '../make-plan.ts'

export const applyBody: CommandBody = {
  async run(context) {
    const configuration = await readConfiguration(context)
    const [file] = context.arguments
    const plan =
      file === undefined
        ? (await makePlan(configuration, context)).plan
        : parsePlanFile(await readInput(file), file)
    const world = await composeApplying(configuration, composeOptions(context), context.run)
    try {
      const report = await apply(
        plan,
        {
          registries: world.managed,
          limits: configuration.policySet.limits,
          leftOut: context.options.texts('withoutEvidence'),
          accepted: context.options.texts('accept'),
          holder: world.holder,
        },
        world.applyPorts,
        context.run,
      )
      context.terminal.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
      return report.outcome === 'done' ? exitCodes.done : exitCodes.partly
    } finally {
      await world.close()
    }
  },
}
