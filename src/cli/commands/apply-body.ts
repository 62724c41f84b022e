/** Applies a saved plan, or makes one, shows it and asks; then tells what became of every line. */
import { basename } from 'node:path'
import { apply, type ApplyReport } from '../../app/apply.ts'
import { gitSourceName } from '../../app/ask-git.ts'
import { refuseUnfit } from '../../app/apply-fitness.ts'
import { composeApplying, composeEvidenceFiles } from '../../compose.ts'
import type { Configuration } from '../../config/configuration.ts'
import type { PlanInput } from '../../core/plan/build-plan.ts'
import { parsePlanFile } from '../../core/plan/plan-file.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { OperationalError } from '../../core/errors/errors.ts'
import type { EvidenceSource } from '../../ports/evidence-source.ts'
import { agrees, commandLine, requireConsent, type Question } from '../ask.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions } from '../composing.ts'
import { makePlan, readInput } from '../make-plan.ts'
import { applyListing } from '../views/apply-report.ts'
import { countOf } from '../views/format.ts'
import { writeListing } from '../views/listing.ts'
import { planSentence } from '../views/plan-human.ts'
import { writePlan } from '../views/write-plan.ts'

/** From here on a yes is not enough: the name of the registry has to be typed. */
const typedAboveImages = 20
const typedAboveShare = 0.1

interface PlanToApply {
  readonly plan: Plan
  /** Left out for a plan from a file. */
  readonly input?: PlanInput
}

export const applyBody: CommandBody = {
  async run(context) {
    requireConsent(context, 'apply')
    const configuration = await readConfiguration(context)
    const planned = await planToApply(configuration, context)
    const { plan } = planned
    await showPlan(planned, context)
    refuseUnfit(plan, configuration.policySet.limits, Date.now(), new Set(configuration.registries.keys()))
    if (plan.actions.length > 0 && !(await agrees(questionFor(plan), context))) {
      context.terminal.stderr.write('Nothing was changed.\n')
      return exitCodes.done
    }
    const report = await applyPlan(plan, configuration, context)
    await showReport(report, plan, context)
    return exitOf(report, plan)
  },
}

async function planToApply(configuration: Configuration, context: CommandContext): Promise<PlanToApply> {
  const [file] = context.arguments
  return file === undefined
    ? makePlan(configuration, context)
    : { plan: parsePlanFile(await readInput(file), file) }
}

/** What is about to be applied is shown wherever somebody is asked, and in the log of a run that made its own plan. */
async function showPlan(planned: PlanToApply, context: CommandContext): Promise<void> {
  const { globals, options, terminal } = context
  const isHuman = globals.output === 'table' || globals.output === 'wide'
  if (options.flag('yes') && (!isHuman || planned.input === undefined)) return
  const output = isHuman ? terminal.stdout : terminal.stderr
  await writePlan(planned, {
    format: globals.output === 'wide' ? 'wide' : 'table',
    output,
    configName: basename(globals.config),
    showsAll: options.text('show') === 'all',
  })
  output.write(`${output.colors.bold(planSentence(planned.plan))}\n`)
}

function questionFor({ actions, summary }: Plan): Question {
  const registries = [...new Set(actions.map(({ registry }) => registry))]
  const share = summary.images === 0 ? 0 : summary.imagesDelete / summary.images
  const what = `${countOf(summary.imagesDelete, 'image')} (${(share * 100).toFixed(1)} %)`
  const text = `Delete ${what} from ${registries.join(', ')}?`
  const isLarge = summary.imagesDelete > typedAboveImages || share > typedAboveShare
  return isLarge ? { text, typed: registries.join(', ') } : { text }
}

async function applyPlan(
  plan: Plan,
  configuration: Configuration,
  context: CommandContext,
): Promise<ApplyReport> {
  const world = await composeApplying(configuration, composeOptions(context), context.run)
  try {
    const sources = await sourcesToAsk(plan, world.ports.sources, context)
    const git = [...(world.applyPorts.git?.readers.keys() ?? [])].map(gitSourceName)
    const known = new Set([...sources.map(({ name }) => name), ...git])
    refuseUnasked(plan, known, context)
    return await apply(
      plan,
      {
        registries: world.managed,
        limits: configuration.policySet.limits,
        policySet: configuration.policySet,
        leftOut: context.options.texts('withoutEvidence').filter((name) => isKnown(name, known)),
        accepted: context.options.texts('accept'),
        holder: world.holder,
      },
      { ...world.applyPorts, sources },
      context.run,
    )
  } finally {
    await world.close()
  }
}

/**
 * Files given on the command line are all the evidence there is; else the files that the plan was made with are read
 * again, beside the configured sources it went by; else all configured sources are asked.
 */
async function sourcesToAsk(
  plan: Plan,
  configured: readonly EvidenceSource[],
  { options, run }: CommandContext,
): Promise<readonly EvidenceSource[]> {
  const given = options.texts('evidence')
  if (given.length > 0) return composeEvidenceFiles(given, run)
  const recorded = [...new Set(plan.evidence.flatMap(({ file }) => file ?? []))]
  if (recorded.length === 0) return configured
  const planned = new Set(plan.evidence.flatMap(({ source, file }) => (file === undefined ? source : [])))
  const others = configured.filter(({ name }) => planned.has(name))
  return [...(await composeEvidenceFiles(recorded, run)), ...others]
}

/**
 * A source that the plan went by and that nobody can ask again might by now name what the plan deletes.
 *
 * @throws EvidenceIncompleteError
 */
function refuseUnasked(plan: Plan, known: ReadonlySet<string>, { options }: CommandContext): void {
  const leftOut = options.texts('withoutEvidence')
  const unasked = plan.evidence.filter(
    ({ source, leftOut: wasLeftOut }) =>
      !wasLeftOut && !known.has(source) && !leftOut.some((name) => isKnown(name, new Set([source]))),
  )
  if (unasked.length > 0) throw new SourceNotAskedError(unasked.map(({ source }) => source))
}

/** `lab` names every source of that name, `kubernetes:lab` only the one. */
function isKnown(name: string, sources: ReadonlySet<string>): boolean {
  return [...sources].some((source) => source === name || source.slice(source.indexOf(':') + 1) === name)
}

/** The plan went by evidence that cannot be asked for again here, so nobody knows what is in use now. */
export class SourceNotAskedError extends OperationalError {
  readonly code = 'SOURCE_NOT_ASKED'
  readonly hint: string
  override readonly category = 'incomplete'

  constructor(sources: readonly string[]) {
    super(`The plan goes by ${sources.join(', ')}, which cannot be asked again here. Nothing was deleted.`)
    const without = sources.map((source) => `  --without-evidence=${source}`).join('\n')
    this.hint = `Give its file with --evidence FILE, or go on without it on purpose:\n${without}`
  }
}

async function showReport(report: ApplyReport, plan: Plan, context: CommandContext): Promise<void> {
  const { globals, terminal, run } = context
  for (const text of report.settled) run.onEvent?.({ kind: 'warning', text })
  const isHuman = globals.output === 'table' || globals.output === 'wide'
  if (report.run === undefined && isHuman) {
    terminal.stdout.write('Nothing to do.\n')
    return
  }
  const listing = applyListing(report, plan, {
    colors: terminal.stdout.colors,
    isWide: globals.output === 'wide',
    undoLine: commandLine(context, `undo ${report.run ?? ''}`),
  })
  await writeListing(globals.output, listing, terminal.stdout)
}

function exitOf(report: ApplyReport, plan: Plan): ExitCode {
  if (report.outcome === 'interrupted') return exitCodes.interrupted
  if (report.outcome !== 'done') return exitCodes.partly
  return plan.complete ? exitCodes.done : exitCodes.incomplete
}
