/**
 * Evidence while a plan is applied: gathered again before the first act, and again whenever it has grown old, because
 * a long apply outlives deployments.
 */
import type { Evidence } from '../core/evidence/evidence.ts'
import type { ManagedNames, ManagedRegistry } from '../core/evidence/managed-names.ts'
import { resolveEvidence, type InUseMark, type ResolvedEvidence } from '../core/evidence/resolve-evidence.ts'
import { noGitFacts, type GitFacts } from '../core/git/git-facts.ts'
import { keptByGitNow } from '../core/git/kept-now.ts'
import type { Digest } from '../core/image/digest.ts'
import { buildGraph } from '../core/image/graph.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { RepositoryInventory } from '../core/inventory/inventory.ts'
import { policyFor } from '../core/plan/build-plan.ts'
import type { Plan, PlanAction } from '../core/plan/plan.ts'
import { plannedTags } from '../core/plan/recheck.ts'
import type { PolicySet } from '../core/policy/policy.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { ApplyPorts } from './apply-ports.ts'
import { askGitAgain, noGitPorts } from './ask-git.ts'
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
  /** The policies in force, for rules that ask Git; left out: none of them is asked again. */
  readonly policySet?: PolicySet
}

/** One repository as it is now, with what uses it. */
interface ResolvedNow {
  readonly resolved: ResolvedEvidence
  readonly repository: RepositoryInventory
  /** Images that rules by Git history keep by now. */
  readonly keptByGit: ReadonlyMap<Digest, readonly InUseMark[]>
}

interface Gathered {
  readonly evidence: Evidence
  readonly git: GitFacts
}

type ApplyEvidencePorts = EvidencePorts & Pick<ApplyPorts, 'registries' | 'git'>

export class FreshEvidence {
  readonly #request: EvidenceAgain
  readonly #ports: ApplyEvidencePorts
  readonly #managed: ManagedNames
  /** Sources of the plan that are Git repositories. */
  readonly #gitNames: ReadonlySet<string>
  #current: Gathered
  #renewal: Promise<Gathered> | undefined

  private constructor(
    request: EvidenceAgain,
    ports: ApplyEvidencePorts,
    managed: ManagedNames,
    gitNames: ReadonlySet<string>,
    first: Gathered,
  ) {
    this.#request = request
    this.#ports = ports
    this.#managed = managed
    this.#gitNames = gitNames
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
    const gitNames = new Set(plan?.evidence.flatMap((each) => (each.leftOut ? [] : each.source)))
    const known = new Set(ports.sources.map((source) => source.name))
    const planned = plan?.evidence
      .filter((each) => each.leftOut && known.has(each.source))
      .map((each) => each.source)
    const again = { ...request, leftOut: [...new Set([...request.leftOut, ...(planned ?? [])])] }
    const managed = namesOf(request.registries, plan?.actions ?? [])
    const first = await gatherNow(again, managed, gitNames, ports, options)
    return new FreshEvidence(again, ports, managed, gitNames, first)
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
  ): Promise<ResolvedNow> {
    const { evidence, git } = await this.#fresh(options)
    const readerOf = (name: RegistryName): ReadableRegistry | undefined =>
      this.#ports.registries.get(name)?.reader
    const capabilities = await readerOf(registry)?.capabilities(options)
    const before = [{ registry, takenAt: this.#ports.now(), repositories: [listed], capabilities }]
    const managed = managedNames(this.#request.registries, before)
    const first = resolveEvidence(evidence, before, managed)
    const inventories = await withUnlistedInUse(before, first.missing, readerOf, options)
    const resolved = inventories === before ? first : resolveEvidence(evidence, inventories, managed)
    await rememberUse(resolved, inventories, evidence.takenAt, this.#ports.memory)
    const repository = inventories[0]?.repositories[0] ?? listed
    return { resolved, repository, keptByGit: this.#keptByGit(registry, repository, git) }
  }

  #keptByGit(
    registry: RegistryName,
    { name, manifests }: RepositoryInventory,
    facts: GitFacts,
  ): ResolvedNow['keptByGit'] {
    const { policySet } = this.#request
    const policy = policySet && policyFor(policySet, registry, name)
    if (policy === undefined || facts.histories.size === 0) return new Map()
    const place = { registry, repository: name, graph: buildGraph(manifests) }
    return keptByGitNow(policy, place, policySet?.git ?? [], facts, this.#ports.now())
  }

  /** True when what was resolved earlier may still decide. */
  isFresh(): boolean {
    return this.#ports.now() - this.#current.evidence.takenAt <= evidenceAgeMaxMs
  }

  async #fresh(options: RunOptions): Promise<Gathered> {
    if (this.isFresh()) return this.#current
    this.#renewal ??= gatherNow(this.#request, this.#managed, this.#gitNames, this.#ports, options).finally(
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

async function gatherNow(
  { leftOut, accepted, policySet }: EvidenceAgain,
  managed: ManagedNames,
  gitNames: ReadonlySet<string>,
  ports: ApplyEvidencePorts,
  options: RunOptions,
): Promise<Gathered> {
  const git =
    policySet === undefined
      ? { sources: [], facts: () => noGitFacts }
      : await askGitAgain(policySet, gitNames, ports.git ?? noGitPorts, ports.now())
  const sources = [...ports.sources, ...git.sources]
  const evidence = await gatherEvidence({ managed, leftOut, accepted }, { ...ports, sources }, options)
  return { evidence, git: git.facts() }
}
