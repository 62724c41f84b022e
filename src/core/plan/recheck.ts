/**
 * The look before the leap: what is still true of a plan's lines in a repository read again just now.
 *
 * A line goes only if nothing about its image moved since the plan: no tag came or changed its target, no new artifact
 * hangs on it, nobody pushed it again, nothing uses it, and nothing that stays reaches it. Tags and manifests that are
 * already gone are no drift: an interrupted run leaves those behind, and the next one goes on from there.
 */
import type { InUseMark } from '../evidence/resolve-evidence.ts'
import type { Digest } from '../image/digest.ts'
import { buildGraph, type ImageGraph, type Node } from '../image/graph.ts'
import type { InstantMs, RepositoryInventory } from '../inventory/inventory.ts'
import { neededBy, type StayingGroup } from './needed.ts'
import type { DeleteAction, PlanAction, UntagAction } from './plan.ts'

export type Recheck =
  | { readonly kind: 'go'; readonly action: PlanAction }
  /** Nothing is left to do. */
  | { readonly kind: 'gone'; readonly action: PlanAction }
  | { readonly kind: 'drifted' | 'in-use' | 'blocked'; readonly action: PlanAction; readonly text: string }

export interface RecheckInput {
  readonly actions: readonly PlanAction[]
  /** Read just now. */
  readonly repository: RepositoryInventory
  readonly inUse: ReadonlyMap<Digest, readonly InUseMark[]>
  /** Set when new evidence holds the whole repository back. */
  readonly heldBack: string | undefined
  /** When the plan was made: whatever was pushed later, the plan did not know. */
  readonly plannedAt: InstantMs
  /** Whether the registry deletes referrers with their subject. @default false */
  readonly deletesReferrers?: boolean
}

/** Re-checks every line of one repository. */
export function recheck(input: RecheckInput): readonly Recheck[] {
  const { repository, actions, heldBack } = input
  const why = repository.complete
    ? heldBack
    : `the repository could not be read in full. ${repository.problems.join(' ')}`
  if (why !== undefined) return actions.map((action) => ({ kind: 'blocked', action, text: why }))
  const graph = buildGraph(repository.manifests)
  const moved = movedTags(actions, graph)
  const checks = actions.map((action) => recheckLine(action, graph, moved, input))
  return spareNeeded(checks, graph, input)
}

/**
 * Every manifest that an image in the repository is or reaches, apart from the images that are about to go.
 *
 * A manifest that is about to go and has a name again is no longer about to go: somebody gave it one.
 */
export function stillNeeded(
  repository: RepositoryInventory,
  going: ReadonlySet<Digest>,
  deletesReferrers: boolean = false,
): ReadonlySet<Digest> {
  const graph = buildGraph(repository.manifests)
  const digestOf = (node: Node): Digest => graph.manifests[node]?.digest ?? ('' as Digest)
  const staying = graph.images.filter(
    (image) => !going.has(digestOf(image)) || graph.ordinaryTags(image).length > 0,
  )
  return new Set([...neededBy(graph, [{ nodes: staying }], deletesReferrers).keys()].map(digestOf))
}

/** By the digest of a line, the stages that stay and do not keep it. */
type Waivers = ReadonlyMap<Digest, readonly Digest[]>

/** What the plan says of stages that are let go although others were built from them. */
function waiversOf(actions: readonly PlanAction[]): Waivers {
  return new Map(
    actions.flatMap((action) =>
      action.kind === 'delete' && action.sourceOf !== undefined ? [[action.digest, action.sourceOf]] : [],
    ),
  )
}

/**
 * A stage lets go of a source only as the plan said: what is in use now needs all it was built from, and so does every
 * stage that the plan did not name.
 */
function stayingGroups(
  graph: ImageGraph,
  staying: readonly Node[],
  waivers: Waivers,
  inUse: ReadonlyMap<Digest, unknown>,
): readonly StayingGroup[] {
  const { werf } = graph
  if (werf === undefined || waivers.size === 0) return [{ nodes: staying }]
  const digestOf = (node: Node): Digest => graph.manifests[node]?.digest ?? ('' as Digest)
  const used = staying.filter((image) =>
    [image, ...graph.reachable(image)].some((node) => inUse.has(digestOf(node))),
  )
  const isWaived = (stage: Node, source: Node): boolean =>
    waivers.get(digestOf(source))?.includes(digestOf(stage)) === true
  const sourcesOf = (stage: Node): readonly Node[] =>
    (werf.sources.all.get(stage) ?? []).filter((source) => !isWaived(stage, source))
  return [{ nodes: used }, { nodes: staying, sourcesOf }]
}

/** Where every tag points now, for the tags that the lines name. */
function movedTags(actions: readonly PlanAction[], graph: ImageGraph): ReadonlyMap<string, Digest> {
  const named = new Set(actions.flatMap((action) => plannedTags(action).map(({ tag }) => tag)))
  const now = new Map<string, Digest>()
  for (const manifest of graph.manifests) {
    for (const tag of manifest.tags) if (named.has(tag.name)) now.set(tag.name, manifest.digest)
  }
  return now
}

/** The tags a line removes, with what each pointed at in the plan. */
export function plannedTags(
  action: PlanAction,
): readonly { readonly tag: string; readonly digest: Digest }[] {
  if (action.kind === 'untag') return [{ tag: action.tag, digest: action.digest }]
  return [...action.tags.map((tag) => ({ tag, digest: action.digest })), ...action.withTags]
}

function recheckLine(
  action: PlanAction,
  graph: ImageGraph,
  tagsNow: ReadonlyMap<string, Digest>,
  input: RecheckInput,
): Recheck {
  const moved = plannedTags(action).find(({ tag, digest }) => (tagsNow.get(tag) ?? digest) !== digest)
  if (moved !== undefined) {
    return { kind: 'drifted', action, text: `tag ${moved.tag} now points to ${tagsNow.get(moved.tag) ?? ''}` }
  }
  const node = graph.nodeOf(action.digest)
  if (node === undefined) return { kind: 'gone', action }
  if (action.kind === 'untag') return recheckUntag(action, node, graph, tagsNow, input)
  return recheckDelete(action, node, graph, input)
}

function recheckUntag(
  action: UntagAction,
  node: Node,
  graph: ImageGraph,
  tagsNow: ReadonlyMap<string, Digest>,
  input: RecheckInput,
): Recheck {
  if (!tagsNow.has(action.tag)) return { kind: 'gone', action }
  const mark = markIn([node, ...graph.reachable(node)], graph, input)
  return mark === undefined ? { kind: 'go', action } : { kind: 'in-use', action, text: mark }
}

function recheckDelete(action: DeleteAction, node: Node, graph: ImageGraph, input: RecheckInput): Recheck {
  const manifest = graph.manifests[node]
  const extra = manifest?.tags.find((tag) => !action.tags.includes(tag.name))
  if (extra !== undefined) return { kind: 'drifted', action, text: `it has a new tag, ${extra.name}` }
  const nodes = [node, ...graph.reachable(node)]
  const mark = markIn(nodes, graph, input)
  if (mark !== undefined) return { kind: 'in-use', action, text: mark }
  const times = [manifest?.pushedAt, ...(manifest?.tags.map((tag) => tag.pushedAt) ?? [])]
  if (times.some((at) => at !== undefined && at > input.plannedAt)) {
    return { kind: 'drifted', action, text: 'it was pushed again after the plan was made' }
  }
  const locked = nodes.some((each) => graph.manifests[each]?.locked === true)
  return locked
    ? { kind: 'blocked', action, text: 'the registry has locked it since' }
    : { kind: 'go', action }
}

function markIn(nodes: readonly Node[], graph: ImageGraph, { inUse }: RecheckInput): string | undefined {
  if (inUse.size === 0) return undefined
  for (const node of nodes) {
    const [mark] = inUse.get(graph.manifests[node]?.digest ?? ('' as Digest)) ?? []
    if (mark !== undefined) return `now in use: ${mark.where} (${mark.source})`
  }
  return undefined
}

/**
 * Spares every line whose image something that stays reaches, and every line with company the plan did not know; a
 * spared image stays itself, so the question is asked again until nothing changes.
 */
function spareNeeded(checks: readonly Recheck[], graph: ImageGraph, input: RecheckInput): readonly Recheck[] {
  const known = new Set(
    checks.flatMap(({ action }) => (action.kind === 'delete' ? [action.digest, ...action.with] : [])),
  )
  const images = new Set(graph.images)
  let current = checks.map((check) => spareNewCompany(check, graph, images, known))
  for (;;) {
    const going = new Set(current.flatMap((check) => (isDeleting(check) ? [check.action.digest] : [])))
    const needed = neededByOthers(graph, going, input)
    const next = current.map((check): Recheck => {
      const keeper = isDeleting(check) ? needed.get(check.action.digest) : undefined
      return keeper === undefined
        ? check
        : { kind: 'drifted', action: check.action, text: `${keeper}, which stays, needs it` }
    })
    if (next.every((check, index) => check.kind === current[index]?.kind)) return next
    current = next
  }
}

function isDeleting(check: Recheck): boolean {
  return check.kind === 'go' && check.action.kind === 'delete'
}

function spareNewCompany(
  check: Recheck,
  graph: ImageGraph,
  images: ReadonlySet<Node>,
  known: ReadonlySet<Digest>,
): Recheck {
  if (!isDeleting(check)) return check
  const node = graph.nodeOf(check.action.digest)
  const stranger = (node === undefined ? [] : graph.reachable(node)).find((each) => {
    const digest = graph.manifests[each]?.digest
    // What has a tag of its own is an image of its own; it stays by itself.
    return (
      digest !== undefined &&
      !known.has(digest) &&
      !images.has(each) &&
      !isNeededElsewhere(graph, each, known)
    )
  })
  if (stranger === undefined) return check
  return {
    kind: 'drifted',
    action: check.action,
    text: `${graph.manifests[stranger]?.digest ?? ''} was attached to it after the plan was made`,
  }
}

/** A part that an image outside the plan needs is no new company: the plan left it out because it stays. */
function isNeededElsewhere(graph: ImageGraph, node: Node, known: ReadonlySet<Digest>): boolean {
  return graph.imagesAbove(node).some((image) => !known.has(graph.manifests[image]?.digest ?? ('' as Digest)))
}

/** Names of what stays, by the manifests it needs; what only stays by itself is left out. */
function neededByOthers(
  graph: ImageGraph,
  going: ReadonlySet<Digest>,
  { actions, inUse, deletesReferrers = false }: RecheckInput,
): ReadonlyMap<Digest, string> {
  const digestOf = (node: Node): Digest => graph.manifests[node]?.digest ?? ('' as Digest)
  const staying = graph.images.filter((image) => !going.has(digestOf(image)))
  const needed = new Map<Digest, string>()
  const groups = stayingGroups(graph, staying, waiversOf(actions), inUse)
  for (const [node, keeper] of neededBy(graph, groups, deletesReferrers)) {
    if (node === keeper) continue
    needed.set(digestOf(node), graph.manifests[keeper]?.tags[0]?.name ?? digestOf(keeper))
  }
  return needed
}
