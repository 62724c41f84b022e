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
import { later, newestTime, plausibleCreated } from '../policy/clocks.ts'
import type { Protect } from '../policy/policy.ts'
import { compareText } from '../policy/rows.ts'
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
  const inUse = inUseReasons(nodes, facts)
  const asked = [
    inUse,
    // What is in use now was seen in use, too; saying so twice helps nobody.
    inUse.length > 0 ? none : seenInUseReasons(nodes, facts),
    youngReasons(node, nodes, facts),
    tagReasons(node, facts),
    lockReasons(nodes, facts),
    elsewhereReasons(node, facts),
  ]
  return asked.every((reasons) => reasons.length === 0) ? none : asked.flat()
}

const none: readonly Reason[] = []

function inUseReasons(nodes: readonly Node[], { graph, inUse }: ProtectionFacts): readonly Reason[] {
  if (inUse.size === 0) return none
  const marks = nodes.flatMap((node) => inUse.get(digestOf(graph, node)) ?? [])
  if (marks.length === 0) return none
  const byWitness = new Map(marks.map((mark) => [`${mark.source} ${mark.where}`, mark]))
  // Sorted, so that the order in which sources answered does not show in the plan.
  const distinct = [...byWitness].toSorted(([a], [b]) => compareText(a, b)).map(([, mark]) => mark)
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
  if (protect.seenInUseWithinMs === 0 || seenInUse.size === 0) return none
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

function youngReasons(
  node: Node,
  nodes: readonly Node[],
  { graph, protect, now }: ProtectionFacts,
): readonly Reason[] {
  if (protect.youngerThanMs === 0) return none
  const newest = newestOf(nodes, graph, now)
  if (newest === undefined || !isDated(node, graph, now)) return undatedIsYoung
  if (now - newest >= protect.youngerThanMs) return none
  const age = formatAge(Math.max(0, now - newest))
  return [{ kind: 'younger-than', text: `${age} old, younger than ${formatDuration(protect.youngerThanMs)}` }]
}

const undatedIsYoung: readonly Reason[] = [
  { kind: 'age-unknown', text: 'no clock tells its age, so it counts as young' },
]

/** An index is dated by its platforms too; what only hangs on an image does not date it. */
function isDated(node: Node, graph: ImageGraph, now: InstantMs): boolean {
  const manifest = graph.manifests[node]
  if (manifest !== undefined && newestTime(manifest, now) !== undefined) return true
  return graph
    .held(node)
    .some((each) => plausibleCreated(graph.manifests[each]?.createdAt, now) !== undefined)
}

function newestOf(nodes: readonly Node[], graph: ImageGraph, now: InstantMs): InstantMs | undefined {
  let newest: InstantMs | undefined
  for (const node of nodes) {
    const manifest = graph.manifests[node]
    if (manifest !== undefined) newest = later(newest, newestTime(manifest, now))
  }
  return newest
}

function tagReasons(node: Node, { graph, protect }: ProtectionFacts): readonly Reason[] {
  const { tags } = protect
  if (tags === undefined) return none
  const [tag] = graph
    .ordinaryTags(node)
    .filter((each) => tags.matches(each.name))
    .toSorted((a, b) => compareText(a.name, b.name))
  return tag === undefined
    ? none
    : [{ kind: 'protected-tag', text: `tag ${tag.name} is protected by protect.tags` }]
}

function lockReasons(nodes: readonly Node[], { graph }: ProtectionFacts): readonly Reason[] {
  return nodes.some((node) => graph.manifests[node]?.locked === true)
    ? [{ kind: 'locked', text: 'immutable or protected in the registry' }]
    : []
}

function elsewhereReasons(node: Node, { graph }: ProtectionFacts): readonly Reason[] {
  return graph.hangsElsewhere(node)
    ? [
        {
          kind: 'needed-by',
          text: 'hangs on a manifest in another repository, or in one that could not be read',
        },
      ]
    : []
}

function digestOf(graph: ImageGraph, node: Node): Digest {
  // Nodes come from this graph, so the fallback names nothing and matches nothing.
  return graph.manifests[node]?.digest ?? ('' as Digest)
}
