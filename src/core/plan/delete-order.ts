/**
 * The order in which an image goes: indexes, then manifests, then what refers to them.
 *
 * Stopping after any step leaves whole images or unreachable garbage. A child that went before its index would leave
 * an index that cannot be pulled; a signature that went before its image would leave an image that admission refuses.
 */
import type { ImageGraph, Node } from '../image/graph.ts'
import type { Digest } from '../image/digest.ts'

/**
 * Orders manifests of one image for deletion.
 *
 * @param nodes what goes along with the root, in any order
 * @returns the same, each after everything it hangs on
 */
export function deleteOrder(graph: ImageGraph, nodes: readonly Node[]): readonly Node[] {
  if (nodes.length < 2) return nodes
  const owned = ownedAmong(graph, nodes)
  const depths = depthsOf(nodes, owned)
  const late = withOwned(
    nodes.filter((node) => isReferrer(graph, node)),
    owned,
  )
  const rank = (node: Node): readonly [number, number, string] => [
    late.has(node) ? 2 : stageOf(graph, node),
    depths.get(node) ?? 0,
    graph.manifests[node]?.digest ?? '',
  ]
  return nodes
    .map((node) => ({ node, rank: rank(node) }))
    .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || (a.rank[2] < b.rank[2] ? -1 : 1))
    .map(({ node }) => node)
}

type Owned = ReadonlyMap<Node, readonly Node[]>

/** By owner, what hangs on it directly, both among `nodes`. */
function ownedAmong(graph: ImageGraph, nodes: readonly Node[]): Owned {
  const going = new Set(nodes)
  const owned = new Map<Node, Node[]>()
  for (const node of nodes) {
    for (const owner of new Set(graph.owners(node))) {
      if (!going.has(owner)) continue
      const others = owned.get(owner)
      if (others === undefined) owned.set(owner, [node])
      else others.push(node)
    }
  }
  return owned
}

/** These nodes and all that hangs on them; one walk for all, because hostile input may chain thousands of referrers. */
function withOwned(from: readonly Node[], owned: Owned): ReadonlySet<Node> {
  const reached = new Set(from)
  // A set visits what is added while it is walked.
  for (const node of reached) for (const each of owned.get(node) ?? []) reached.add(each)
  return reached
}

/**
 * How many owners stand above each node, on the longest way among `nodes`. Owners are taken off layer by layer, without
 * recursion, because hostile input may nest deeper than a call stack.
 */
function depthsOf(nodes: readonly Node[], owned: Owned): ReadonlyMap<Node, number> {
  const waiting = new Map<Node, number>(nodes.map((node) => [node, 0]))
  for (const group of owned.values()) {
    for (const node of group) waiting.set(node, (waiting.get(node) ?? 0) + 1)
  }
  const depths = new Map<Node, number>()
  let layer = nodes.filter((node) => waiting.get(node) === 0)
  for (let depth = 0; layer.length > 0; depth += 1) {
    const next: Node[] = []
    for (const node of layer) {
      depths.set(node, depth)
      for (const each of owned.get(node) ?? []) {
        const left = (waiting.get(each) ?? 0) - 1
        waiting.set(each, left)
        if (left === 0) next.push(each)
      }
    }
    layer = next
  }
  placeCycles(
    nodes.filter((node) => !depths.has(node)),
    owned,
    depths,
  )
  return depths
}

/** Larger knots than this are no accident and no registry's; they are left in the order of their digests. */
const knotMax = 1000

/**
 * Nodes in a cycle, and what hangs on one, come after all others: who reaches more comes first, because an owner
 * reaches whatever it owns and all that this reaches.
 */
function placeCycles(nodes: readonly Node[], owned: Owned, depths: Map<Node, number>): void {
  const deepest = Math.max(0, ...[...new Set(depths.values())]) + 1
  for (const node of nodes) {
    const reach = nodes.length > knotMax ? 0 : withOwned([node], owned).size
    depths.set(node, deepest + nodes.length - reach)
  }
}

/** 0 indexes, 1 manifests; 2 is for referrers and what they hold, which may be an index and its parts again. */
function stageOf(graph: ImageGraph, node: Node): 0 | 1 {
  return (graph.manifests[node]?.children.length ?? 0) > 0 ? 0 : 1
}

function isReferrer(graph: ImageGraph, node: Node): boolean {
  return graph.manifests[node]?.subject !== undefined || graph.attachedTags(node).length > 0
}

/** The digests of nodes, in their order. */
export function digestsOf(graph: ImageGraph, nodes: readonly Node[]): readonly Digest[] {
  return nodes.flatMap((node) => graph.manifests[node]?.digest ?? [])
}
