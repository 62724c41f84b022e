/** From the words of the command line to a plan: live, or from files. */
import { readFile } from 'node:fs/promises'
import { askGit, noGit, type AskedGit } from '../app/ask-git.ts'
import { planOffline, plan, type Planned, type PlanRequest } from '../app/plan.ts'
import { gatherEvidence } from '../app/gather-evidence.ts'
import { managedNames } from '../app/managed-names.ts'
import {
  composeEvidenceFiles,
  composePlanning,
  composeSources,
  composeState,
  managedRegistriesOf,
  sha256,
} from '../compose.ts'
import { composeGit } from '../compose-git.ts'
import type { Configuration } from '../config/configuration.ts'
import { parseDuration } from '../config/durations.ts'
import { OperationalError } from '../core/errors/errors.ts'
import { asksGit } from '../core/git/git-facts.ts'
import { parseInstant } from '../core/inventory/instant.ts'
import { parseInventoryFile } from '../core/inventory/inventory-file.ts'
import type { InstantMs, Inventory } from '../core/inventory/inventory.ts'
import type { CommandContext } from './command.ts'
import { composeOptions, UnknownRegistryError } from './composing.ts'
import { UsageError } from './report-error.ts'

/** A file named on the command line cannot be read. */
export class InputFileError extends OperationalError {
  readonly code = 'INPUT_FILE_UNREADABLE'
  readonly hint = 'Check the path and the rights of the file.'

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`${path} cannot be read.`, options)
  }
}

/** Makes a plan from live registries and sources, or from the files that the command line names. */
export async function makePlan(
  configuration: Configuration,
  context: CommandContext,
  now?: InstantMs,
): Promise<Planned> {
  const request = planRequest(configuration, context, now)
  const files = context.options.texts('inventory')
  return files.length > 0
    ? planFromFiles(files, configuration, request, context)
    : planLive(configuration, request, context)
}

function planRequest(
  configuration: Configuration,
  { options }: CommandContext,
  now: InstantMs | undefined,
): PlanRequest {
  const validForMs = durationOption('--expires', options.text('expires'))
  const at = now ?? instantOption('--now', options.text('now'))
  return {
    policySet: configuration.policySet,
    policyText: configuration.fingerprintText,
    registries: managedRegistriesOf(configuration),
    leftOut: options.texts('withoutEvidence'),
    accepted: options.texts('accept'),
    ...(validForMs !== undefined && { validForMs }),
    ...(at !== undefined && { now: at }),
  }
}

async function planLive(
  configuration: Configuration,
  request: PlanRequest,
  context: CommandContext,
): Promise<Planned> {
  const world = await composePlanning(configuration, composeOptions(context), context.run)
  try {
    for (const note of world.notes) context.run.onEvent?.({ kind: 'warning', text: note })
    const files = context.options.texts('evidence')
    const sources = files.length > 0 ? await composeEvidenceFiles(files, context.run) : world.ports.sources
    return await plan(request, { ...world.ports, sources }, context.run)
  } finally {
    await world.close()
  }
}

async function planFromFiles(
  files: readonly string[],
  configuration: Configuration,
  request: PlanRequest,
  context: CommandContext,
): Promise<Planned> {
  const now = request.now ?? Date.now()
  const inventories = await readInventories(files, configuration, now)
  const evidenceFiles = context.options.texts('evidence')
  const sources =
    evidenceFiles.length > 0
      ? await composeEvidenceFiles(evidenceFiles, context.run)
      : composeSources(configuration)
  const managed = managedNames(request.registries, inventories)
  const ask = async (git: AskedGit): Promise<Planned> => {
    const evidence = await gatherEvidence(
      { managed, leftOut: request.leftOut, accepted: request.accepted },
      { sources: [...sources, ...git.sources], memory: undefined, now: () => now },
      context.run,
    )
    return planOffline(inventories, evidence, { ...request, now }, sha256, git.facts())
  }
  // Git is no evidence file's business: a policy that asks it says where it lies.
  const isAsked = configuration.policySet.policies.some(asksGit)
  return isAsked ? withGit(configuration, inventories, now, context, ask) : ask(noGit)
}

/** Copies of Git repositories lie in the state, which keeps runs apart that fetch them; nothing else of it is used. */
async function withGit(
  configuration: Configuration,
  inventories: readonly Inventory[],
  now: InstantMs,
  context: CommandContext,
  ask: (git: AskedGit) => Promise<Planned>,
): Promise<Planned> {
  const options = composeOptions(context)
  const state = await composeState(options)
  try {
    const ports = composeGit(configuration, options, state)
    return await ask(await askGit(configuration.policySet, inventories, ports, now))
  } finally {
    await state.close()
  }
}

/** Reads inventory files; each must be of a configured registry, and no two of the same. */
export async function readInventories(
  files: readonly string[],
  configuration: Configuration,
  now: InstantMs,
): Promise<readonly Inventory[]> {
  const inventories: Inventory[] = []
  for (const file of files) {
    const inventory = parseInventoryFile(await readInput(file), { source: file, takenAt: now })
    if (!configuration.registries.has(inventory.registry)) {
      throw new UnknownRegistryError(inventory.registry, [...configuration.registries.keys()])
    }
    if (inventories.some((other) => other.registry === inventory.registry)) {
      throw new UsageError(
        `Two inventory files speak of ${inventory.registry}.`,
        'Give one file for each registry.',
      )
    }
    inventories.push(inventory)
  }
  return inventories
}

/** The text of a file that the command line names. */
export async function readInput(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new InputFileError(path, { cause })
  }
}

/** @throws UsageError unless it is a time, or absent */
export function instantOption(flag: string, text: string | undefined): InstantMs | undefined {
  if (text === undefined || text === 'now') return undefined
  const at = parseInstant(text)
  if (at === undefined) {
    throw new UsageError(`${flag} ${text} is not a time.`, `Write it like ${timeExample(flag)}.`)
  }
  return at
}

function timeExample(flag: string): string {
  return flag === '--at' ? '+30d or 2026-01-31T00:00:00Z' : '2026-01-31T00:00:00Z'
}

/** @throws UsageError */
export function durationOption(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const parsed = parseDuration(text)
  if (!('ms' in parsed))
    throw new UsageError(`${flag} ${text} is not a duration.`, 'Write it like 12h or 7d.')
  return parsed.ms
}
