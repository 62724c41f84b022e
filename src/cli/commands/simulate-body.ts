/** The plan at another time. Its expiry is its own time, so that nobody applies a plan about a day that has not come. */
import { basename } from 'node:path'
import type { CommandBody } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { parseDuration } from '../../config/durations.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import { readConfiguration } from '../load-configuration.ts'
import { instantOption, makePlan } from '../make-plan.ts'
import { UsageError } from '../report-error.ts'
import { formatMoment, plain } from '../views/format.ts'
import { planSentence } from '../views/plan-human.ts'
import { writePlan } from '../views/write-plan.ts'

const defaultAt = '+30d'

export const simulateBody: CommandBody = {
  async run(context) {
    const { globals, options, terminal } = context
    const at = simulatedTime(options.text('at') ?? defaultAt, Date.now())
    const configuration = await readConfiguration(context)
    const made = await makePlan(configuration, context, at)
    // A plan for another day must not be applied on this one.
    const planned = { ...made, plan: { ...made.plan, expiresAt: made.plan.now } }
    const { plan } = planned
    await writePlan(planned, {
      format: globals.output,
      output: terminal.stdout,
      configName: basename(globals.config),
      showsAll: options.text('show') === 'all',
    })
    if (globals.output === 'table' || globals.output === 'wide') {
      const { colors } = terminal.stdout
      for (const { text } of plan.limitsBroken) {
        terminal.stdout.write(`${colors.yellow('limit:')} ${plain(text)}\n`)
      }
      terminal.stdout.write(`At ${formatMoment(at)} UTC, if nothing changes until then:\n`)
      terminal.stdout.write(`${colors.bold(planSentence(plan))} Nothing was changed.\n`)
    }
    if (!plan.complete) return exitCodes.incomplete
    return options.flag('detailedExitcode') && plan.actions.length > 0
      ? exitCodes.hasDeletions
      : exitCodes.done
  },
}

/** @throws UsageError for what is neither a duration with a plus sign nor a time */
function simulatedTime(text: string, now: InstantMs): InstantMs {
  if (!text.startsWith('+')) return instantOption('--at', text) ?? now
  const parsed = parseDuration(text.slice(1))
  if ('ms' in parsed) return now + parsed.ms
  throw new UsageError(
    `--at ${text} is no time: ${parsed.problem}`,
    'Write it like +30d or 2026-01-31T00:00:00Z.',
  )
}
