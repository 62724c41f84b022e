/** Has a registry free its bytes by its own collector: `winnow sweep --registry-collector`. */
import { collect, planCollect } from '../../app/collect.ts'
import { failureOf, type CollectReport } from '../../app/collect-report.ts'
import { formatMaintenanceLine } from '../../app/sweep-maintenance-log.ts'
import { composeCollecting } from '../../compose-collector.ts'
import type { Configuration, RegistrySettings } from '../../config/configuration.ts'
import type { CommandContext } from '../command.ts'
import { composeOptions, UnknownRegistryError } from '../composing.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { UsageError } from '../report-error.ts'
import { collectListing } from '../views/collect-report.ts'
import { writeListing } from '../views/listing.ts'

/** @throws UsageError, NoCollectorError, and after the report is written what it says that went wrong */
export async function runRegistryCollector(context: CommandContext): Promise<ExitCode> {
  refuseOthers(context)
  const settings = chooseRegistry(await readConfiguration(context), context.arguments[0])
  const { globals, options, run, terminal } = context
  const { stderr, stdout } = terminal
  const world = await composeCollecting(
    settings,
    (line) => stderr.write(`${formatMaintenanceLine(line)}\n`),
    composeOptions(context),
    run,
  )
  try {
    const report = options.flag('apply')
      ? await collect(world.ports, run)
      : await planCollect(world.ports, run)
    await writeListing(globals.output, collectListing(report), stdout)
    return endOf(report, context)
  } finally {
    await world.close()
  }
}

function endOf(report: CollectReport, { terminal }: CommandContext): ExitCode {
  if (report.interrupted) {
    const what =
      report.state === 'running'
        ? `${report.product} goes on with it by itself; only the following ended. To follow it again`
        : 'Nothing more was begun. To have the rest done'
    terminal.stderr.write(`${what}:\n  winnow sweep ${report.registry} --registry-collector --apply\n`)
    return exitCodes.interrupted
  }
  const failure = failureOf(report)
  if (failure !== undefined) throw failure
  return exitCodes.done
}

/** Of a sweep of the storage, by the names of commander. */
const others: Readonly<Record<string, string>> = {
  restore: '--restore',
  grace: '--grace',
  quarantine: '--quarantine',
  settle: '--settle',
  every: '--every',
  registryRestarted: '--registry-restarted',
  show: '--show',
}

const otherFlags: Readonly<Record<string, string>> = {
  stopped: '--stopped',
  detailedExitcode: '--detailed-exitcode',
}

function refuseOthers({ options }: CommandContext): void {
  const given = [
    ...Object.entries(others).filter(([name]) => options.text(name) !== undefined),
    ...Object.entries(otherFlags).filter(([name]) => options.flag(name)),
  ].map(([, flag]) => flag)
  if (given.length === 0) return
  throw new UsageError(
    `${given.join(' and ')} ${given.length === 1 ? 'is' : 'are'} for sweeping a storage, and --registry-collector asks the registry itself.`,
    'Leave one of the two out.',
  )
}

/** The registry with this name, or the only one that can be meant. */
function chooseRegistry({ registries }: Configuration, name: string | undefined): RegistrySettings {
  const all = [...registries.values()]
  const settings = name === undefined ? onlyOne(all) : all.find((each) => each.name === name)
  if (settings === undefined) throw new UnknownRegistryError(name ?? '', [...registries.keys()])
  if (settings.url === undefined)
    throw new UsageError(
      `${settings.name} has no url: in the configuration, so there is nobody to ask.`,
      `Its storage can be swept:\n  winnow sweep ${settings.name}`,
    )
  return settings
}

function onlyOne(all: readonly RegistrySettings[]): RegistrySettings {
  const able = all.filter(({ kind }) => kind === 'harbor' || kind === 'nexus')
  const [only, ...more] = all.length === 1 ? all : able
  if (only !== undefined && more.length === 0) return only
  const names = (able.length === 0 ? all : able).map(({ name }) => name)
  throw new UsageError(
    `There are several registries, and --registry-collector asks one: ${names.join(', ')}.`,
    'Name it:\n  winnow sweep NAME --registry-collector',
  )
}
