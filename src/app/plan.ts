/**
 * Makes a plan: inventory first, evidence second, then the policy.
 *
 * Nothing here can delete: it is handed readable registries only, and there is no flag that would make it do more.
 */
import type { Evidence } from '../core/evidence/evidence.ts'
import type { ManagedNames, ManagedRegistry } from '../core/evidence/managed-names.ts'
import { resolveEvidence, type ResolvedEvidence } from '../core/evidence/resolve-evidence.ts'
import { noGitFacts, type GitFacts } from '../core/git/git-facts.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs, Inventory } from '../core/inventory/inventory.ts'
import { buildPlan, policyFor, type PlanInput } from '../core/plan/build-plan.ts'
import { fingerprintsOf, planId, type Hash } from '../core/plan/fingerprints.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { SeenInUse } from '../core/plan/protections.ts'
import type { PolicySet } from '../core/policy/policy.ts'
import type { Memory } from '../ports/memory.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { askGit, noGitPorts, type GitPorts } from './ask-git.ts'
import { gatherEvidence, type EvidencePorts } from './gather-evidence.ts'
import { managedNames } from './managed-names.ts'
import { takeInventory } from './take-inventory.ts'
import { withUnlistedInUse } from './unlisted-in-use.ts'

/** A plan may be applied for a day: long enough for a colleague to read it, short enough to be about today. */
export const planValidForMs = 24 * 3_600_000

export interface PlanRequest {
  readonly policySet: PolicySet
  /** Canonical text of the configuration, for the plan's fingerprint. */
  readonly policyText: string
  /** Under which names the world may know each registry. */
  readonly registries: readonly ManagedRegistry[]
  readonly leftOut: readonly string[]
  readonly accepted: readonly string[]
  /** @default planValidForMs */
  readonly validForMs?: number
  /** The instant to measure ages from; left out: when the inventory was begun. */
  readonly now?: InstantMs
}

export interface PlanPorts extends EvidencePorts {
  readonly readers: readonly ReadableRegistry[]
  /** Left out: no Git repository can be asked, and rules that ask one keep all they reach. */
  readonly git?: GitPorts
  readonly memory: Memory | undefined
  readonly now: () => InstantMs
  readonly hash: Hash
}

/** A plan with everything it was made from, for whoever explains it. */
export interface Planned {
  readonly plan: Plan
  readonly input: PlanInput
}

/**
 * Plans against live registries and sources.
 *
 * @throws EvidenceIncompleteError, InventoryIncompleteError
 */
export async function plan(
  request: PlanRequest,
  ports: PlanPorts,
  options: RunOptions = {},
): Promise<Planned> {
  // Inventory first, evidence second: an image deployed in between is then evidence for a tag we already listed. The
  // other order could miss it.
  const now = request.now ?? ports.now()
  const { memory } = ports
  const targets = governedRegistries(request.policySet, ports.readers)
  const remembering = memory === undefined ? { now: ports.now } : { now: ports.now, memory }
  const listed = await takeInventory(targets, remembering, options)
  const managed = managedNames(request.registries, listed)
  const git = await askGit(request.policySet, listed, ports.git ?? noGitPorts, now)
  const evidence = await gatherEvidence(
    { managed, leftOut: request.leftOut, accepted: request.accepted },
    { ...ports, sources: [...ports.sources, ...git.sources] },
    options,
  )
  const { inventories, resolved } = await resolveWithUnlisted(evidence, listed, managed, ports, options)
  await rememberUse(resolved, inventories, evidence.takenAt, ports.memory)
  const seenInUse = await recallUse(request.policySet, inventories, now, ports.memory)
  const facts = { inventories, evidence, resolved, seenInUse, git: git.facts() }
  return planFrom(facts, { ...request, now }, ports.hash)
}

async function resolveWithUnlisted(
  evidence: Evidence,
  listed: readonly Inventory[],
  managed: ManagedNames,
  { readers }: PlanPorts,
  options: RunOptions,
): Promise<{ readonly inventories: readonly Inventory[]; readonly resolved: ResolvedEvidence }> {
  const resolved = resolveEvidence(evidence, listed, managed)
  const readerOf = (name: RegistryName): ReadableRegistry | undefined =>
    readers.find((reader) => reader.name === name)
  const inventories = await withUnlistedInUse(listed, resolved.missing, readerOf, options)
  return inventories === listed
    ? { inventories, resolved }
    : { inventories, resolved: resolveEvidence(evidence, inventories, managed) }
}

/** Plans from an inventory and evidence that are at hand: files, or another stage's. There is no memory. */
export function planOffline(
  inventories: readonly Inventory[],
  evidence: Evidence,
  request: PlanRequest & { readonly now: InstantMs },
  hash: Hash,
  git: GitFacts = noGitFacts,
): Planned {
  const managed = managedNames(request.registries, inventories)
  const resolved = resolveEvidence(evidence, inventories, managed)
  return planFrom({ inventories, evidence, resolved, seenInUse: new Map(), git }, request, hash)
}

type PlanFacts = Required<Pick<PlanInput, 'inventories' | 'evidence' | 'resolved' | 'seenInUse' | 'git'>>

function planFrom(
  { inventories, evidence, resolved, seenInUse, git }: PlanFacts,
  request: PlanRequest & { readonly now: InstantMs },
  hash: Hash,
): Planned {
  const histories = git.histories.values()
  const fingerprints = fingerprintsOf(request.policyText, inventories, evidence, histories, hash)
  const input: PlanInput = {
    now: request.now,
    validForMs: request.validForMs ?? planValidForMs,
    policySet: request.policySet,
    inventories,
    evidence,
    resolved,
    seenInUse,
    git,
    fingerprints,
    id: planId(fingerprints, request.now, hash),
    warnings: warningsOf(evidence, resolved, inventories),
  }
  return { plan: buildPlan(input), input }
}

function governedRegistries(
  policySet: PolicySet,
  readers: readonly ReadableRegistry[],
): Parameters<typeof takeInventory>[0] {
  return readers.map((registry) => ({
    registry,
    governed: (repository) => policyFor(policySet, registry.name, repository) !== undefined,
  }))
}

/** Every digest that evidence names is remembered, so that it stays protected for `seenInUseWithin`. */
export async function rememberUse(
  resolved: ResolvedEvidence,
  inventories: readonly Inventory[],
  at: InstantMs,
  memory: Memory | undefined,
): Promise<void> {
  if (memory === undefined) return
  for (const inventory of inventories) {
    const sightings = inventory.repositories.flatMap((repository) =>
      [...resolved.inUse(inventory.registry, repository.name)].flatMap(([digest, marks]) => {
        const [mark] = marks
        return mark === undefined ? [] : [{ digest, source: mark.source, where: mark.where }]
      }),
    )
    await memory.rememberInUse(inventory.registry, sightings, at)
  }
}

async function recallUse(
  policySet: PolicySet,
  inventories: readonly Inventory[],
  now: InstantMs,
  memory: Memory | undefined,
): Promise<PlanInput['seenInUse']> {
  const seen = new Map<RegistryName, ReadonlyMap<Digest, SeenInUse>>()
  const { seenInUseWithinMs } = policySet.protect
  if (memory === undefined || seenInUseWithinMs === 0) return seen
  for (const { registry } of inventories)
    seen.set(registry, await memory.seenInUse(registry, now - seenInUseWithinMs))
  return seen
}

function warningsOf(
  evidence: Evidence,
  resolved: ResolvedEvidence,
  inventories: readonly Inventory[],
): readonly string[] {
  const nobody =
    evidence.sources.length === 0 ? ['No evidence is configured: nothing was asked what is in use.'] : []
  const told = evidence.sources.flatMap((source) =>
    source.problems.flatMap((problem) =>
      problem.severity === 'warning' ? [`${source.name}: ${problem.text}`] : [],
    ),
  )
  const missing = resolved.missing.map(
    ({ registry, repository, tag, digest, mark }) =>
      `${mark.where} (${mark.source}) uses ${registry}/${repository}${tag === undefined ? '' : `:${tag}`}` +
      `${digest === undefined ? '' : `@${digest}`}, which the registry does not have.`,
  )
  const cannot = inventories.flatMap(({ registry, capabilities }) =>
    capabilities?.deletes.state === 'no'
      ? [
          `${registry} (${capabilities.product}) does not delete now. ${capabilities.deletes.cure ?? ''}`.trim(),
        ]
      : [],
  )
  return [...nobody, ...told, ...[...new Set(missing)].toSorted(), ...cannot]
}
