/** Plans a sweep, does it, does it again and again, or puts back what one set aside. */
import { planSweep } from '../../app/sweep-plan.ts'
import { restoreSwept } from '../../app/sweep-restore.ts'
import { formatMaintenanceLine, type MaintenanceLine } from '../../app/sweep-maintenance-log.ts'
import { applySweepIn } from '../../app/sweep-window.ts'
import { composeSweepPlan, type SweepOverrides } from '../../compose-sweep-plan.ts'
import type { SweepWorld } from '../../compose-sweep.ts'
import type { Configuration, RegistrySettings } from '../../config/configuration.ts'
import { parseDuration } from '../../config/durations.ts'
import { OperationalError } from '../../core/errors/errors.ts'
import { parseDigest } from '../../core/image/digest.ts'
import { parseRunId } from '../../core/journal/run-id.ts'
import { parseInstant } from '../../core/inventory/instant.ts'
import type { SweepReport } from '../../core/sweep/sweep-report.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodeOf, exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions, UnknownRegistryError } from '../composing.ts'
import { reportError, UsageError } from '../report-error.ts'
import { writeSweepReport } from '../views/sweep-report.ts'

export const sweepBody: CommandBody = {
  async run(context) {
    const { options } = context
    if (options.flag('registryCollector'))
      return (await import('./sweep-collector.ts')).runRegistryCollector(context)
    const restore = options.text('restore')
    if (restore !== undefined && (options.flag('apply') || options.text('every') !== undefined)) {
      throw new UsageError('--restore stands alone: it acts at once.', 'Leave --apply and --every out.')
    }
    if (restore !== undefined && parseRunId(restore) === undefined && parseDigest(restore) === undefined) {
      throw new UsageError(
        `--restore ${JSON.stringify(restore.slice(0, 100))} is neither a run nor a digest.`,
        'Write a run, such as r-20260131-045110-7f2a, or a whole digest: sha256: and 64 hex digits. `winnow history` lists the runs.',
      )
    }
    const settings = chooseRegistry(await readConfiguration(context), context.arguments[0])
    const overrides = readOverrides(context)
    if (restore !== undefined) return restoreOnce(restore, settings, overrides, context)
    const everyMs = duration(context, 'every')
    if (everyMs === 0) {
      throw new UsageError(
        '--every 0s would sweep without a pause.',
        'Give it a time to wait between two runs, such as --every 1h, or leave it out to sweep once.',
      )
    }
    // A service whose --apply was forgotten would show plans for ever, and free nothing.
    if (everyMs !== undefined && !options.flag('apply')) {
      throw new UsageError(
        '--every without --apply would make the same plan again and again, and sweep nothing.',
        'Add --apply, or leave --every out to see the plan once.',
      )
    }
    if (everyMs === undefined) return sweepOnce(settings, overrides, context)
    return sweepAgainAndAgain(everyMs, settings, overrides, context)
  },
}

/** The registry with this name, or the only one that has storage. */
function chooseRegistry({ registries }: Configuration, name: string | undefined): RegistrySettings {
  const swept = [...registries.values()].filter(({ storage }) => storage !== undefined)
  if (name === undefined) {
    const [only, ...others] = swept
    if (only !== undefined && others.length === 0) return only
    throw new UsageError(
      only === undefined
        ? 'No registry in the configuration has storage:, so there is nothing to sweep.'
        : `Several registries have storage: ${swept.map(({ name: each }) => each).join(', ')}.`,
      only === undefined
        ? 'Give a registry its storage: (the folder or bucket it keeps its files in). A registry with url: alone frees its bytes itself; Harbor and Nexus are asked to by --registry-collector.'
        : 'Name one:\n  winnow sweep NAME',
    )
  }
  const settings = [...registries.values()].find((each) => each.name === name)
  if (settings === undefined) throw new UnknownRegistryError(name, [...registries.keys()])
  if (settings.storage === undefined) {
    throw new UsageError(
      `${name} has no storage: in the configuration, so its bytes are out of reach.`,
      'Give it storage: (the folder or bucket it keeps its files in), or let the registry free its bytes itself.',
    )
  }
  return settings
}

function readOverrides(context: CommandContext): SweepOverrides {
  const restarted = context.options.text('registryRestarted')
  const restartedAt = restarted === undefined ? undefined : parseInstant(restarted)
  if (restarted !== undefined && restartedAt === undefined) {
    throw new UsageError(
      `--registry-restarted ${restarted} is no time.`,
      'Write RFC 3339, such as 2026-01-31T04:51:00Z.',
    )
  }
  if (restartedAt !== undefined && restartedAt > Date.now()) {
    throw new UsageError(
      `--registry-restarted ${restarted} is in the future.`,
      'Write when every process of the registry was last started. What is freed has to be set aside before that.',
    )
  }
  return {
    graceMs: duration(context, 'grace'),
    quarantineMs: duration(context, 'quarantine'),
    settleMs: duration(context, 'settle'),
    toldStopped: context.options.flag('stopped'),
    restartedAt,
  }
}

function duration({ options }: CommandContext, name: string): number | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  const parsed = parseDuration(text)
  if ('ms' in parsed) return parsed.ms
  throw new UsageError(`--${name} ${text}: ${parsed.problem}`, parsed.hint)
}

async function sweepOnce(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  context: CommandContext,
): Promise<ExitCode> {
  const isApplying = context.options.flag('apply')
  const haste = warningsOfHaste(settings, overrides)
  for (const text of haste) context.run.onEvent?.({ kind: 'warning', text })
  const swept = isApplying
    ? await applyOnce(settings, overrides, context)
    : await planOnce(settings, overrides, context)
  const report = { ...swept, warnings: [...haste, ...swept.warnings] }
  await writeSweepReport(report, context)
  return exitCodeFor(report, context)
}

/** Zeros that are allowed, and that a push which is under way may pay for. */
function warningsOfHaste(
  { sweep }: RegistrySettings,
  { graceMs, quarantineMs, settleMs, toldStopped }: SweepOverrides,
): readonly string[] {
  const waits = (settleMs ?? sweep.settleMs) > 0 || (quarantineMs ?? sweep.quarantineMs) > 0
  return [
    ...((graceMs ?? sweep.graceMs) === 0
      ? [
          'With a grace of 0s only what is linked is safe: a push that takes a while may have to send its layers again.',
        ]
      : []),
    ...(!waits && !toldStopped && sweep.mode === 'online'
      ? [
          'With a settle and a quarantine of 0s nothing waits for a push that is under way: what it needs may be freed, and its image broken. Say so only where nobody pushes.',
        ]
      : []),
  ]
}

async function planOnce(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  context: CommandContext,
): Promise<SweepReport> {
  const world = await composeSweepPlan(settings, overrides, composeOptions(context))
  try {
    return await planSweep(world.ports, world.times, context.run)
  } finally {
    await world.close()
  }
}

async function applyOnce(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  context: CommandContext,
): Promise<SweepReport> {
  const world = await composeWorld(settings, overrides, context)
  try {
    return await applySweepIn(world, context.run)
  } finally {
    await world.close()
  }
}

async function composeWorld(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  context: CommandContext,
): Promise<SweepWorld> {
  const { stderr } = context.terminal
  const onLine = (line: MaintenanceLine): void => {
    stderr.write(`${formatMaintenanceLine(line)}\n`)
  }
  const { composeSweep } = await import('../../compose-sweep.ts')
  return composeSweep(settings, overrides, onLine, composeOptions(context))
}

function exitCodeFor(report: SweepReport, { options, run }: CommandContext): ExitCode {
  if (report.applied) {
    if (run.stop?.aborted === true) return exitCodes.interrupted
    return report.complete ? exitCodes.done : exitCodes.incomplete
  }
  const { setAside, restored, freed, linksRemoved, repositoriesRemoved, uploadsRemoved } = report.summary
  const acts = setAside + restored + freed + linksRemoved + repositoriesRemoved + uploadsRemoved
  return options.flag('detailedExitcode') && acts > 0 ? exitCodes.hasDeletions : exitCodes.done
}

/**
 * Sweeps until it is told to stop. A run that fails is told of, and the next one comes all the same: what stood in its way
 * (another sweep, a storage that could not be read) may be over by then.
 */
async function sweepAgainAndAgain(
  everyMs: number,
  settings: RegistrySettings,
  overrides: SweepOverrides,
  context: CommandContext,
): Promise<ExitCode> {
  const { stop, signal } = context.run
  for (;;) {
    try {
      await sweepOnce(settings, overrides, context)
    } catch (error) {
      if (!(error instanceof OperationalError) || isHopeless(error)) throw error
      reportError(error, context.terminal)
    }
    if (stop?.aborted === true || signal?.aborted === true) return exitCodes.interrupted
    await sleepUntilStopped(everyMs, context)
    if (context.run.stop?.aborted === true) return exitCodes.interrupted
  }
}

/** Errors that waiting does not cure. */
function isHopeless(error: OperationalError): boolean {
  const code = exitCodeOf(error.category)
  return code === exitCodes.configuration || code === exitCodes.usage || code === exitCodes.interrupted
}

async function sleepUntilStopped(ms: number, { run }: CommandContext): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    for (const halt of [run.stop, run.signal]) {
      halt?.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }
  })
}

async function restoreOnce(
  asked: string,
  settings: RegistrySettings,
  overrides: SweepOverrides,
  context: CommandContext,
): Promise<ExitCode> {
  const world = await composeWorld(settings, overrides, context)
  try {
    const { report, notRestored } = await restoreSwept(asked, world.ports, world.times, context.run)
    for (const { digest, why } of notRestored)
      context.terminal.stderr.write(`${digest} was not put back: ${why}.\n`)
    await writeSweepReport(report, context)
    return notRestored.length === 0 ? exitCodes.done : exitCodes.partly
  } finally {
    await world.close()
  }
}
