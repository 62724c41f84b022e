/**
 * Builds a plan from an inventory, evidence and a policy. Pure: the same inputs give the same plan, byte for byte, in
 * whatever order the registry listed things.
 *
 * What it refuses: it deletes nothing in a repository that no policy governs, that could not be read in full, or that
 * evidence holds back; and a plan over a limit is marked as broken instead of being cut to size.
 */
import type { Evidence } from '../evidence/evidence.ts'
import type { ResolvedEvidence } from '../evidence/resolve-evidence.ts'
import { asksGit, gitViewOf, noGitFacts, type GitFacts, type ImagePlace } from '../git/git-facts.ts'
import type { GitView } from '../git/git-view.ts'
import type { Digest } from '../image/digest.ts'
import { buildGraph, type ImageGraph, type Node } from '../image/graph.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { InstantMs, Inventory, RepositoryInventory } from '../inventory/inventory.ts'
import { evaluatePolicy, type Evaluation } from '../policy/evaluate.ts'
import type { Policy, PolicySet } from '../policy/policy.ts'
import { compareText, type Row } from '../policy/rows.ts'
import { capitalWarnings } from './capital-patterns.ts'
import { deleteOrder, digestsOf } from './delete-order.ts'
import { mayExistIn } from './elsewhere.ts'
import { freedBytes } from './freed-bytes.ts'
import { imageBytes } from './image-bytes.ts'
import { brokenLimits, type RegistryCount, type RepositoryCount } from './limits.ts'
import { planRepository, type Fate } from './plan-repository.ts'
import type { DeleteAction, KeptImage, Plan, PlanAction, UntagAction } from './plan.ts'
import { protectionsOf, type SeenInUse } from './protections.ts'

export interface PlanInput {
  readonly now: InstantMs
  /** How long the plan may be applied. */
  readonly validForMs: number
  readonly policySet: PolicySet
  readonly inventories: readonly Inventory[]
  readonly evidence: Evidence
  readonly resolved: ResolvedEvidence
  /** What Git said; left out where no rule asks. */
  readonly git?: GitFacts
  /** Winnow's own memory, by registry; empty for offline plans. */
  readonly seenInUse: ReadonlyMap<RegistryName, ReadonlyMap<Digest, SeenInUse>>
  readonly fingerprints: Plan['fingerprints']
  readonly id: string
  /** What the stages before have to say. */
  readonly warnings: readonly string[]
}

/** Plans every registry of the input. */
export function buildPlan(input: PlanInput): Plan {
  const inventories = input.inventories.toSorted((a, b) => compareText(a.registry, b.registry))
  const registries = inventories.map((inventory) => planRegistry(inventory, input))
  const actions = registries.flatMap((registry) => registry.actions)
  const kept = registries.flatMap((registry) => registry.kept)
  const deletes = actions.filter((action) => action.kind === 'delete')
  return {
    id: input.id,
    now: input.now,
    expiresAt: input.now + input.validForMs,
    complete: registries.every((registry) => registry.complete),
    fingerprints: input.fingerprints,
    summary: {
      images: deletes.length + kept.length,
      imagesKeep: kept.length,
      imagesDelete: deletes.length,
      manifestsDelete: registries.reduce((total, registry) => total + registry.manifestsDelete, 0),
      tagsRemove: actions.reduce((total, action) => total + tagCount(action), 0),
      bytesFreed: registries.reduce((total, registry) => total + registry.freed, 0),
      bytesApparent: registries.reduce((total, registry) => total + registry.apparent, 0),
    },
    actions,
    kept,
    evidence: input.evidence.sources.toSorted(bySource).map((source) => ({
      source: source.name,
      ...(source.file !== undefined && { file: source.file }),
      complete: source.complete,
      leftOut: source.leftOut,
      identity: source.identity,
      objects: source.objects,
      references: source.references.length + source.digests.length + (source.linked?.references.size ?? 0),
    })),
    warnings: [...input.warnings, ...registries.flatMap((registry) => registry.warnings)],
    limitsBroken: brokenLimits(
      registries.map((registry) => registry.count),
      input.policySet.limits,
    ),
  }
}

function bySource(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareText(a.name, b.name)
}

/** The policy that governs a repository: the first whose patterns match it. */
export function policyFor(
  policySet: PolicySet,
  registry: RegistryName,
  repository: RepositoryName,
): Policy | undefined {
  return policySet.policies.find(
    (policy) =>
      (policy.registry === undefined || policy.registry === registry) &&
      policy.repositories.matches(repository),
  )
}

function tagCount(action: PlanAction): number {
  return action.kind === 'untag' ? 1 : action.tags.length + action.withTags.length
}

interface RegistryPlan {
  readonly actions: readonly PlanAction[]
  readonly kept: readonly KeptImage[]
  readonly complete: boolean
  readonly manifestsDelete: number
  readonly freed: number
  readonly apparent: number
  readonly warnings: readonly string[]
  readonly count: RegistryCount
}

function planRegistry(inventory: Inventory, input: PlanInput): RegistryPlan {
  const elsewhere = mayExistIn(inventory)
  const repositories = inventory.repositories
    .toSorted((a, b) => compareText(a.name, b.name))
    .flatMap((repository) => {
      const policy = policyFor(input.policySet, inventory.registry, repository.name)
      return policy === undefined ? [] : [planGoverned(inventory, repository, policy, elsewhere, input)]
    })
  const going = new Map(repositories.map(({ name, lines }) => [name, goingDigests(lines.actions)]))
  const { freed, apparent } = freedBytes(inventory, going)
  const actions = repositories.flatMap(({ lines }) => lines.actions)
  const kept = repositories.flatMap(({ lines }) => lines.kept)
  return {
    actions,
    kept,
    complete: repositories.every(({ complete }) => complete),
    manifestsDelete: [...going.values()].reduce((total, digests) => total + digests.size, 0),
    freed,
    apparent,
    warnings: [
      ...repositories.flatMap(({ warnings }) => warnings),
      ...(actions.length > 0 ? irrevocable(inventory) : []),
      ...unmatchable(inventory, input.policySet),
    ],
    count: {
      registry: inventory.registry,
      governed: repositories.reduce((total, { lines }) => total + lines.images, 0),
      deleted: actions.filter((action) => action.kind === 'delete').length,
      emptied: kept.filter(({ reasons }) => reasons.some(({ kind }) => kind === 'emptied')).length,
      repositories: repositories.map(({ survivors }) => survivors),
    },
  }
}

function irrevocable({ registry, capabilities }: Inventory): readonly string[] {
  if (capabilities?.undo !== 'none') return []
  return [
    `${registry}: what is deleted in ${capabilities.product} cannot be put back; an undo finds its layers gone.`,
  ]
}

function unmatchable(
  { registry, capabilities, repositories }: Inventory,
  policySet: PolicySet,
): readonly string[] {
  if (capabilities?.foldsTagCase !== true) return []
  const policies = repositories.flatMap(({ name }) => policyFor(policySet, registry, name) ?? [])
  return capitalWarnings(registry, new Set(policies), policySet.protect)
}

interface GovernedPlan {
  readonly name: RepositoryName
  readonly complete: boolean
  readonly lines: Lines
  readonly warnings: readonly string[]
  readonly survivors: RepositoryCount
}

function planGoverned(
  inventory: Inventory,
  repository: RepositoryInventory,
  policy: Policy,
  elsewhere: (digest: Digest) => boolean,
  input: PlanInput,
): GovernedPlan {
  const graph = buildGraph(repository.manifests, elsewhere)
  const git = gitOf(input, { registry: inventory.registry, repository: repository.name, graph }, policy)
  const evaluation = evaluatePolicy(policy, graph, input.now, git)
  const { protect } = input.policySet
  const inUse = input.resolved.inUse(inventory.registry, repository.name)
  const seenInUse = input.seenInUse.get(inventory.registry) ?? new Map<Digest, SeenInUse>()
  const facts = { graph, protect, now: input.now, inUse, seenInUse }
  const heldBack = whyHeldBack(inventory.registry, repository, input)
  const fates = planRepository({
    graph,
    evaluation,
    protect,
    heldBack,
    canUntag: inventory.capabilities?.deleteByTag !== false,
    deletesReferrers: inventory.capabilities?.deletesReferrers === true,
    protectionsOf: (node) => protectionsOf(node, facts),
  })
  const lines = linesOf(fates, {
    registry: inventory.registry,
    repository: repository.name,
    graph,
    evaluation,
  })
  return {
    name: repository.name,
    complete: repository.complete,
    lines,
    warnings: [
      ...(heldBack === undefined
        ? remarksOn(inventory.registry, repository)
        : [`${inventory.registry}/${repository.name}: ${heldBack}`]),
      ...untoldByGit(inventory.registry, repository.name, lines.kept),
      ...lines.warnings,
    ],
    survivors: survivorsOf(repository.name, fates, graph),
  }
}

/** What Git said, for rules that ask; others don't pay for it. */
export function gitOf(
  { policySet, git }: Pick<PlanInput, 'policySet' | 'git'>,
  place: ImagePlace,
  policy: Policy,
): GitView | undefined {
  return asksGit(policy) ? gitViewOf(place, policySet.git, git ?? noGitFacts) : undefined
}

/** More remarks on one repository than this are counted, not listed. */
const remarksListedMax = 3

/** What was odd about a repository that was read in full: a tag that leads nowhere, a config that is gone. */
function remarksOn(registry: RegistryName, { name, problems }: RepositoryInventory): readonly string[] {
  const listed = problems.slice(0, remarksListedMax).map((problem) => `${registry}/${name}: ${problem}`)
  const more = problems.length - listed.length
  return more > 0 ? [...listed, `${registry}/${name}: and ${more} remarks more.`] : listed
}

/** Images that stay because Git could not tell: somebody will wonder why they never go. */
function untoldByGit(
  registry: RegistryName,
  repository: RepositoryName,
  kept: readonly KeptImage[],
): readonly string[] {
  const untold = kept.flatMap(({ reasons }) => reasons.find(({ kind }) => kind === 'kept-git-unknown') ?? [])
  const [first] = untold
  if (first === undefined) return []
  const what =
    untold.length === 1
      ? 'an image is kept because Git cannot tell whether it is needed'
      : `${untold.length} images are kept because Git cannot tell whether they are needed`
  return [`${registry}/${repository}: ${what}: ${first.text}`]
}

function whyHeldBack(
  registry: RegistryName,
  repository: RepositoryInventory,
  input: PlanInput,
): string | undefined {
  if (!repository.complete) {
    const why = repository.problems.length === 0 ? '' : `: ${repository.problems.join(' ')}`
    return `not read in full, so nothing of it is deleted${why}`
  }
  return input.resolved.heldRepositories.get(registry)?.get(repository.name)
}

interface LineContext {
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly graph: ImageGraph
  readonly evaluation: Evaluation
}

interface Lines {
  readonly images: number
  readonly actions: readonly PlanAction[]
  readonly kept: readonly KeptImage[]
  readonly warnings: readonly string[]
}

function linesOf(fates: readonly Fate[], context: LineContext): Lines {
  const actions: PlanAction[] = []
  const kept: KeptImage[] = []
  for (const fate of fates) {
    if (fate.kind === 'delete') {
      actions.push(deleteLine(fate, context))
      continue
    }
    kept.push(keptLine(fate, context))
    for (const each of fate.untag) actions.push(untagLine(each, fate.node, context))
  }
  const warnings: string[] = []
  for (const action of actions) {
    if (action.kind === 'untag' || action.notRestorable === undefined) continue
    const image = `${context.registry}/${context.repository}@${action.digest}`
    warnings.push(`${image} could not be put back: ${action.notRestorable}`)
  }
  return { images: fates.length, actions, kept, warnings }
}

function clockOf({ times }: Row): KeptImage['clock'] {
  const { pushedAt, pushedBy } = times
  return pushedAt === undefined || pushedBy === undefined ? undefined : { kind: pushedBy, at: pushedAt }
}

const nothing: readonly never[] = []

/** Written out, not spread, and empty lists shared: there is a line for every image of a registry. */
function deleteLine(fate: Extract<Fate, { readonly kind: 'delete' }>, context: LineContext): DeleteAction {
  const { graph } = context
  const { row, node } = fate
  const along = deleteOrder(graph, fate.along)
  return {
    kind: 'delete',
    registry: context.registry,
    repository: context.repository,
    digest: row.manifest.digest,
    sizeBytes: row.manifest.sizeBytes,
    imageBytes: imageBytes(graph, node),
    clock: clockOf(row),
    reasons: fate.reasons,
    decidedBy: fate.decidedBy,
    tags: sortedTags(graph, node),
    with: along.length === 0 ? nothing : digestsOf(graph, along),
    withTags: along.length === 0 ? nothing : along.flatMap((each) => tagsWithDigest(graph, each)),
    ...(fate.sourceOf !== undefined && { sourceOf: digestsOf(graph, fate.sourceOf) }),
    notRestorable: whyNotRestorable(graph, node, fate.along),
  }
}

function tagsWithDigest(graph: ImageGraph, node: Node): DeleteAction['withTags'] {
  const digest = graph.manifests[node]?.digest
  return digest === undefined ? nothing : sortedTags(graph, node).map((tag) => ({ tag, digest }))
}

function untagLine(
  fate: Extract<Fate, { readonly kind: 'keep' }>['untag'][number],
  node: Node,
  { registry, repository, graph }: LineContext,
): UntagAction {
  return {
    kind: 'untag',
    registry,
    repository,
    digest: fate.row.manifest.digest,
    sizeBytes: fate.row.manifest.sizeBytes,
    imageBytes: imageBytes(graph, node),
    clock: clockOf(fate.row),
    tag: fate.tag,
    reasons: fate.reasons,
    decidedBy: fate.decidedBy,
  }
}

function keptLine(
  { row, node, reasons, otherwise }: Extract<Fate, { readonly kind: 'keep' }>,
  context: LineContext,
): KeptImage {
  return {
    registry: context.registry,
    repository: context.repository,
    digest: row.manifest.digest,
    reasons,
    sizeBytes: row.manifest.sizeBytes,
    imageBytes: imageBytes(context.graph, node),
    clock: clockOf(row),
    tags: sortedTags(context.graph, node),
    otherwise,
  }
}

/** All tags, attached ones too: deleting a digest takes every one of them. */
function sortedTags(graph: ImageGraph, node: Node): readonly TagName[] {
  const tags = graph.manifests[node]?.tags ?? nothing
  if (tags.length === 0) return nothing
  const names = tags.map((tag) => tag.name)
  return names.length < 2 ? names : names.sort(compareText)
}

function whyNotRestorable(graph: ImageGraph, node: Node, along: readonly Node[]): string | undefined {
  const missing = graph.missingChildren(node)
  if (missing.length > 0) {
    return `its index names ${missing.toSorted(compareText).join(', ')}, which the repository does not have.`
  }
  const hasAll = (each: Node): boolean => graph.manifests[each]?.missingBlobs === undefined
  if (hasAll(node) && along.every(hasAll)) return undefined
  const blobs = [node, ...along]
    .flatMap((each) => graph.manifests[each]?.missingBlobs ?? [])
    .toSorted(compareText)
  return blobs.length > 0 ? `the registry no longer has ${blobs.join(', ')}.` : undefined
}

function goingDigests(actions: readonly PlanAction[]): ReadonlySet<Digest> {
  const digests = new Set<Digest>()
  for (const action of actions) {
    if (action.kind !== 'delete') continue
    digests.add(action.digest)
    for (const digest of action.with) digests.add(digest)
  }
  return digests
}

function survivorsOf(repository: RepositoryName, fates: readonly Fate[], graph: ImageGraph): RepositoryCount {
  const tagged = fates.filter((fate) => graph.ordinaryTags(fate.node).length > 0)
  const after = tagged.filter(
    (fate) => fate.kind === 'keep' && graph.ordinaryTags(fate.node).length > fate.untag.length,
  )
  return { repository, taggedBefore: tagged.length, taggedAfter: after.length }
}
