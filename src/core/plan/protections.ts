/**
 * Protections: reasons to keep that no rule can override.
 *
 * They are asked of the whole image. Something in use anywhere in it (a platform, a signature, the index itself)
 * protects all of it, because taking the rest would break the next pull or the next check at admission.
 */
import type { InUseMark } from '../evidence/resolve-evidence.ts'
import type { Digest } from '../image/digest.ts'
import type { ImageGraph, Node } from '../image/graph.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import { imageTimes, later, newestTime } from '../policy/clocks.ts'
import type { Protect } from '../policy/policy.ts'
import type { Reason } from '../policy/reason.ts'
import { formatAge, formatDuration } from '../policy/rules/ages.ts'

/** What Winnow remembers of an earlier run's evidence. */
export interface SeenInUse {
  readonly lastSeenAt: InstantMs
  readonly source: string
  readonly where: string
}

export interface ProtectionFacts {
  readonly graph: ImageGraph
  readonly protect: Protect
  readonly now: InstantMs
  /** Manifests of this repository that evidence names, by themselves or by their config. */
  readonly inUse: ReadonlyMap<Digest, readonly InUseMark[]>
  /** Digests that earlier evidence named. */
  readonly seenInUse: ReadonlyMap<Digest, SeenInUse>
}

/** More witnesses than this are counted, not listed. */
const witnessesListedMax = 5

/** Every protection that holds for an image; an empty list means rules may decide. */
export function protectionsOf(node: Node, facts: ProtectionFacts): readonly Reason[] {
  const nodes = [node, ...facts.graph.reachable(node)]
  return [
    ...inUseReasons(nodes, facts),
    ...seenInUseReasons(nodes, facts),
    ...youngReasons(node, nodes, facts),
    ...tagReasons(node, facts),
    ...lockReasons(nodes, facts),
    ...elsewhereReasons(node, facts),
  ]
}

function inUseReasons(nodes: readonly Node[], { graph, inUse }: ProtectionFacts): readonly Reason[] {
  if (inUse.size === 0) return []
  const marks = nodes.flatMap((node) => inUse.get(digestOf(graph, node)) ?? [])
  const distinct = [...new Map(marks.map((mark) => [`${mark.source} ${mark.where}`, mark])).values()]
  const listed = distinct.slice(0, witnessesListedMax)
  const more = distinct.length - listed.length
  return listed.map((mark, index) => ({
    kind: 'in-use',
    source: mark.source,
    text: more > 0 && index === listed.length - 1 ? `${mark.where} and ${more} more` : mark.where,
  }))
}

function seenInUseReasons(nodes: readonly Node[], facts: ProtectionFacts): readonly Reason[] {
  const { protect, now, seenInUse, graph } = facts
  if (protect.seenInUseWithinMs === 0 || seenInUse.size === 0) return []
  const sightings = nodes.flatMap((node) => seenInUse.get(digestOf(graph, node)) ?? [])
  const newest = sightings.reduce<SeenInUse | undefined>(
    (a, b) => (a === undefined || b.lastSeenAt > a.lastSeenAt ? b : a),
    undefined,
  )
  if (newest === undefined || now - newest.lastSeenAt >= protect.seenInUseWithinMs) return []
  const age = formatAge(now - newest.lastSeenAt)
  return [
    {
      kind: 'seen-in-use',
      source: newest.source,
      text: `${newest.where}, seen ${age} ago (seenInUseWithin: ${formatDuration(protect.seenInUseWithinMs)})`,
    },
  ]
}

function youngReasons(node: Node, nodes: readonly Node[], { graph, protect, now }: ProtectionFacts): readonly Reason[] {
  if (protect.youngerThanMs === 0) return []
  const manifest = graph.manifests[node]
  if (manifest === undefined) return []
  const held = graph.held(node).flatMap((each) => graph.manifests[each] ?? [])
  const own = imageTimes(manifest, manifest.tags, held, now).pushedAt
  if (own === undefined) {
    return [{ kind: 'age-unknown', text: 'no clock tells its age, so it counts as young' }]
  }
  let newest: InstantMs = own
  for (const each of nodes) {
    const at = graph.manifests[each]
    if (at !== undefined) newest = later(newest, newestTime(at, now)) ?? newest
  }
  if (now - newest >= protect.youngerThanMs) return []
  const age = formatAge(Math.max(0, now - newest))
  return [{ kind: 'younger-than', text: `${age} old, younger than ${formatDuration(protect.youngerThanMs)}` }]
}

function tagReasons(node: Node, { graph, protect }: ProtectionFacts): readonly Reason[] {
  const { tags } = protect
  if (tags === undefined) return []
  const tag = graph.ordinaryTags(node).find((each) => tags.matches(each.name))
  return tag === undefined ? [] : [{ kind: 'protected-tag', text: `tag ${tag.name} is protected by protect.tags` }]
}

function lockReasons(nodes: readonly Node[], { graph }: ProtectionFacts): readonly Reason[] {
  return nodes.some((node) => graph.manifests[node]?.locked === true)
    ? [{ kind: 'locked', text: 'immutable or protected in the registry' }]
    : []
}

function elsewhereReasons(node: Node, { graph }: ProtectionFacts): readonly Reason[] {
  return graph.hangsElsewhere(node)
    ? [{ kind: 'needed-by', text: 'hangs on a manifest in another repository' }]
    : []
}

function digestOf(graph: ImageGraph, node: Node): Digest {
  // Nodes come from this graph, so the fallback names nothing and matches nothing.
  return graph.manifests[node]?.digest ?? ('' as Digest)
}
