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
  const going = new Set(nodes)
  const depth = new Map<Node, number>()
  const depthOf = (node: Node, path: ReadonlySet<Node>): number => {
    const known = depth.get(node)
    if (known !== undefined) return known
    // A cycle has no first; the walk stops where it would begin again.
    if (path.has(node)) return 0
    const onPath = new Set([...path, node])
    const above = graph.owners(node).filter((owner) => going.has(owner))
    const own = above.length === 0 ? 0 : 1 + Math.max(...above.map((owner) => depthOf(owner, onPath)))
    depth.set(node, own)
    return own
  }
  const late = new Set(
    nodes.filter((node) => isReferrer(graph, node)).flatMap((node) => [node, ...graph.reachable(node)]),
  )
  const rank = (node: Node): readonly [number, number, string] => [
    late.has(node) ? 2 : stageOf(graph, node),
    depthOf(node, new Set()),
    graph.manifests[node]?.digest ?? '',
  ]
  return nodes
    .map((node) => ({ node, rank: rank(node) }))
    .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || (a.rank[2] < b.rank[2] ? -1 : 1))
    .map(({ node }) => node)
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
