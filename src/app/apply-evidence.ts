/**
 * Evidence while a plan is applied: gathered again before the first act, and again whenever it has grown old, because
 * a long apply outlives deployments.
 */
import type { Evidence } from '../core/evidence/evidence.ts'
import type { ManagedNames, ManagedRegistry } from '../core/evidence/managed-names.ts'
import { resolveEvidence, type ResolvedEvidence } from '../core/evidence/resolve-evidence.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs, Inventory, RepositoryInventory } from '../core/inventory/inventory.ts'
import type { Plan, PlanAction } from '../core/plan/plan.ts'
import { plannedTags } from '../core/plan/recheck.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { ApplyPorts } from './apply-ports.ts'
import { gatherEvidence, type EvidencePorts } from './gather-evidence.ts'
import { managedNames } from './managed-names.ts'
import { rememberUse } from './plan.ts'
import { withUnlistedInUse } from './unlisted-in-use.ts'

/** Older evidence than this decides no deletion (kubernetes: re-check at delete time). */
const evidenceAgeMaxMs = 10 * 60_000

export interface EvidenceAgain {
  readonly registries: readonly ManagedRegistry[]
  readonly leftOut: readonly string[]
  readonly accepted: readonly string[]
}

type ApplyEvidencePorts = EvidencePorts & Pick<ApplyPorts, 'registries'>

export class FreshEvidence {
  readonly #request: EvidenceAgain
  readonly #ports: ApplyEvidencePorts
  readonly #managed: ManagedNames
  #current: Evidence
  #renewal: Promise<Evidence> | undefined

  private constructor(
    request: EvidenceAgain,
    ports: ApplyEvidencePorts,
    managed: ManagedNames,
    first: Evidence,
  ) {
    this.#request = request
    this.#ports = ports
    this.#managed = managed
    this.#current = first
  }

  /**
   * Gathers evidence for applying a plan. Sources that the plan left out by name stay out: how a plan was made is
   * written in the plan, and applying it goes by that.
   */
  static async create(
    request: EvidenceAgain,
    ports: ApplyEvidencePorts,
    plan: Plan | undefined,
    options: RunOptions,
  ): Promise<FreshEvidence> {
    const known = new Set(ports.sources.map((source) => source.name))
    const planned = plan?.evidence
      .filter((each) => each.leftOut && known.has(each.source))
      .map((each) => each.source)
    const again = { ...request, leftOut: [...new Set([...request.leftOut, ...(planned ?? [])])] }
    const managed = namesOf(request.registries, plan?.actions ?? [])
    return new FreshEvidence(again, ports, managed, await gatherNow(again, managed, ports, options))
  }

  /**
   * Evidence resolved against one repository as it is now; gathered anew when it has grown old. What it shows in use is
   * remembered, as when a plan is made: an image that came into use meanwhile is protected by `seenInUseWithin` too.
   * The repository comes back with what runs of it and is not listed.
   */
  async resolve(
    registry: RegistryName,
    listed: RepositoryInventory,
    options: RunOptions,
  ): Promise<{ readonly resolved: ResolvedEvidence; readonly repository: RepositoryInventory }> {
    const evidence = await this.#fresh(options)
    const before = [inventoryOf(registry, listed, this.#ports.now())]
    const managed = managedNames(this.#request.registries, before)
    const first = resolveEvidence(evidence, before, managed)
    const readerOf = (name: RegistryName): ReadableRegistry | undefined =>
      this.#ports.registries.get(name)?.reader
    const inventories = await withUnlistedInUse(before, first.missing, readerOf, options)
    const resolved = inventories === before ? first : resolveEvidence(evidence, inventories, managed)
    await rememberUse(resolved, inventories, evidence.takenAt, this.#ports.memory)
    return { resolved, repository: inventories[0]?.repositories[0] ?? listed }
  }

  /** True when what was resolved earlier may still decide. */
  isFresh(): boolean {
    return this.#ports.now() - this.#current.takenAt <= evidenceAgeMaxMs
  }

  async #fresh(options: RunOptions): Promise<Evidence> {
    if (this.isFresh()) return this.#current
    this.#renewal ??= gatherNow(this.#request, this.#managed, this.#ports, options).finally(
      () => (this.#renewal = undefined),
    )
    this.#current = await this.#renewal
    return this.#current
  }
}

/** The tags that matter now are those about to go: a mention of one in a field of its own protects it. */
function namesOf(registries: readonly ManagedRegistry[], actions: readonly PlanAction[]): ManagedNames {
  const tags = new Map<string, Set<string>>()
  for (const action of actions) {
    const key = `${action.registry} ${action.repository}`
    const known = tags.get(key) ?? new Set()
    for (const { tag } of plannedTags(action)) known.add(tag)
    tags.set(key, known)
  }
  return { registries, tagsOf: (registry, repository) => tags.get(`${registry} ${repository}`) ?? new Set() }
}

function gatherNow(
  request: EvidenceAgain,
  managed: ManagedNames,
  ports: EvidencePorts,
  options: RunOptions,
): Promise<Evidence> {
  return gatherEvidence({ managed, leftOut: request.leftOut, accepted: request.accepted }, ports, options)
}

function inventoryOf(registry: RegistryName, repository: RepositoryInventory, takenAt: InstantMs): Inventory {
  return { registry, takenAt, repositories: [repository], capabilities: undefined }
}
