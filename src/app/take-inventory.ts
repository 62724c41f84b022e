/**
 * Takes the inventory of registries: every repository, read once, in an order that does not depend on the registry.
 *
 * A list of repositories that cannot be read stops everything, because nobody can say what is missing from it. A governed
 * repository that cannot be read stays in the inventory as incomplete, and then loses nothing; one that no policy governs
 * loses nothing anyway, so its failure is told and no more.
 */
import pLimit from 'p-limit'
import { InterruptedError, OperationalError, type ErrorCategory } from '../core/errors/errors.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { Capabilities, InstantMs, Inventory, RepositoryInventory } from '../core/inventory/inventory.ts'
import type { Memory } from '../ports/memory.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'

/** Repositories of one registry read at a time; within each, the driver asks for many things at once. */
const REPOSITORIES_AT_A_TIME = 4

/** The registry could not be read in full, so there is nothing to plan on. */
export class InventoryIncompleteError extends OperationalError {
  readonly code = 'INVENTORY_INCOMPLETE'
  override readonly category: ErrorCategory = 'incomplete'
  readonly hint: string
  readonly registry: RegistryName

  constructor(registry: RegistryName, cause: OperationalError) {
    super(`Could not read what ${registry} holds, so nothing was decided. ${cause.message}`, { cause })
    this.registry = registry
    this.hint = cause.hint
  }
}

/** The time that was given for the run did not suffice to list the repositories. */
export class TimeBudgetError extends OperationalError {
  readonly code = 'TIME_BUDGET'
  override readonly category: ErrorCategory = 'incomplete'
  readonly hint = 'Give it more time with --time-budget, or look why the registry is slow: winnow doctor.'

  constructor(registry: RegistryName) {
    super(
      `The time budget was used up before ${registry} had listed its repositories, so nothing was decided.`,
    )
  }
}

export interface InventoryTarget {
  readonly registry: ReadableRegistry
  /** Whether a policy speaks of this repository. */
  readonly governed: (repository: RepositoryName) => boolean
}

export interface InventoryPorts {
  /** Left out: nothing is remembered, and no image has a push event or a first sighting. */
  readonly memory?: Memory
  readonly now: () => InstantMs
}

/**
 * Reads the targets, one inventory each, sorted by registry; repositories by name, manifests by digest.
 *
 * Remembers the complete listings of governed repositories, so that what turns up later has a first sighting.
 *
 * @throws InventoryIncompleteError when the repositories of a registry cannot be listed, or it stops answering
 * @throws InterruptedError when the run is halted
 */
export async function takeInventory(
  targets: readonly InventoryTarget[],
  ports: InventoryPorts,
  options: RunOptions = {},
): Promise<readonly Inventory[]> {
  const inventories: Inventory[] = []
  for (const target of targets.toSorted((a, b) => compare(a.registry.name, b.registry.name))) {
    inventories.push(await inventoryOf(target, ports, options))
  }
  return inventories
}

async function inventoryOf(
  target: InventoryTarget,
  ports: InventoryPorts,
  options: RunOptions,
): Promise<Inventory> {
  const { registry } = target
  options.onEvent?.({ kind: 'phase', phase: 'inventory', subject: registry.name })
  // Taken before anything is read: whatever is pushed from here on may be missing.
  const takenAt = ports.now()
  try {
    const { names, capabilities } = await listAll(registry, options)
    const repositories = await readAll(target, names, options)
    const remembered: RepositoryInventory[] = []
    for (const repository of repositories) {
      remembered.push(await withMemory(target, repository, takenAt, ports.memory))
    }
    return { registry: registry.name, takenAt, repositories: remembered, capabilities }
  } catch (error) {
    // Only a plain failure means "not read in full"; a limit, a wrong setting or Ctrl-C have exit codes of their own.
    throw error instanceof OperationalError && error.category === 'error'
      ? new InventoryIncompleteError(registry.name, error)
      : error
  }
}

/** Without the list nobody can say what is missing, so a budget that ends here leaves nothing. */
async function listAll(
  registry: ReadableRegistry,
  options: RunOptions,
): Promise<{ readonly names: readonly RepositoryName[]; readonly capabilities: Capabilities }> {
  try {
    const within = withBudget(options)
    const names = [...new Set(await registry.listRepositories(within))].toSorted(compare)
    return { names, capabilities: await registry.capabilities(within) }
  } catch (error) {
    throw isBudgetSpent(error, options) ? new TimeBudgetError(registry.name) : error
  }
}

async function readAll(
  target: InventoryTarget,
  names: readonly RepositoryName[],
  options: RunOptions,
): Promise<readonly RepositoryInventory[]> {
  const limit = pLimit(REPOSITORIES_AT_A_TIME)
  // The first failure ends the inventory; what else is being read need not be read to its end.
  const failed = new AbortController()
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])])
  let done = 0
  let failure: { readonly error: unknown } | undefined
  const read = async (name: RepositoryName): Promise<readonly RepositoryInventory[]> => {
    if (failure !== undefined) return []
    try {
      const repository = await readOne(target, name, { ...options, signal })
      done += 1
      options.onEvent?.({ kind: 'progress', phase: 'inventory', done, total: names.length, note: name })
      return [repository]
    } catch (error) {
      failure ??= { error }
      failed.abort()
      return []
    }
  }
  const repositories = await Promise.all(names.map((name) => limit(read, name)))
  if (failure !== undefined) throw failure.error
  return repositories.flat()
}

async function readOne(
  { registry, governed }: InventoryTarget,
  name: RepositoryName,
  options: RunOptions,
): Promise<RepositoryInventory> {
  if (options.stop?.aborted === true) throw new InterruptedError()
  if (options.budget?.aborted === true) return unread(name)
  try {
    const repository = await registry.readRepository(name, withBudget(options))
    const manifests = repository.manifests.toSorted((a, b) => compare(a.digest, b.digest))
    return { ...repository, problems: repository.problems.toSorted(compare), manifests }
  } catch (error) {
    if (isBudgetSpent(error, options)) return unread(name)
    if (governed(name) || !(error instanceof OperationalError) || error.category === 'interrupted')
      throw error
    return { name, complete: false, problems: [error.message], manifests: [] }
  }
}

function unread(name: RepositoryName): RepositoryInventory {
  const problem = 'It was not read to its end, because the time budget was used up. The next run is faster.'
  return { name, complete: false, problems: [problem], manifests: [] }
}

/** Reading has no effect that would have to be finished, so it ends when the time does. */
function withBudget(options: RunOptions): RunOptions {
  const { budget, signal } = options
  if (budget === undefined) return options
  return { ...options, signal: signal === undefined ? budget : AbortSignal.any([signal, budget]) }
}

function isBudgetSpent(error: unknown, { budget, signal, stop }: RunOptions): boolean {
  const isHalted = signal?.aborted === true || stop?.aborted === true
  return error instanceof InterruptedError && budget?.aborted === true && !isHalted
}

/** Adds what Winnow itself remembers: pushes it was told of, and when it first saw what earlier listings did not have. */
async function withMemory(
  { registry, governed }: InventoryTarget,
  repository: RepositoryInventory,
  at: InstantMs,
  memory: Memory | undefined,
): Promise<RepositoryInventory> {
  const { name, complete, manifests } = repository
  if (memory === undefined || !governed(name)) return repository
  // An incomplete listing is not remembered: what it lacks would look new the next time, or old for want of a sighting.
  if (complete)
    await memory.rememberListed(
      registry.name,
      name,
      manifests.map(({ digest }) => digest),
      at,
    )
  const [sightings, pushes] = [
    await memory.firstSightings(registry.name, name),
    await memory.recordedPushes(registry.name, name),
  ]
  if (sightings.size === 0 && pushes.size === 0) return repository
  return {
    ...repository,
    manifests: manifests.map((manifest) => ({
      ...manifest,
      recordedAt: pushes.get(manifest.digest) ?? manifest.recordedAt,
      firstSeenAt: sightings.get(manifest.digest) ?? manifest.firstSeenAt,
    })),
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
