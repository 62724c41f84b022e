/**
 * Who needs whom: what stays because something else stays. A kept image needs what it reaches; a stage of werf's needs
 * besides the stages it was built from, and while any stage stays, werf's records on the repository stay.
 *
 * Needing goes one way. What is needed is not in use because its keeper is, and lends its own reasons to nobody. Some
 * registries delete referrers with their subject: there, what stays needs its subject too, or it would go with it.
 */
import type { ImageGraph, Node } from '../image/graph.ts'
import type { WerfRepository } from '../werf/werf-repository.ts'

/** Images that stay, and which of their sources each stage among what they need keeps. */
export interface StayingGroup {
  /** In an order that does not depend on the registry: of several keepers the first is named. */
  readonly nodes: Iterable<Node>
  /** @default all that a stage was built from */
  readonly sourcesOf?: (stage: Node) => readonly Node[]
}

/**
 * By each node that stays or is needed, who needs it: itself where it stays by itself.
 *
 * @param groups those that need more first: what they need is not looked at again for the groups after them
 * @param deletesReferrers whether the registry deletes referrers with their subject
 */
export function neededBy(
  graph: ImageGraph,
  groups: readonly StayingGroup[],
  deletesReferrers: boolean = false,
): ReadonlyMap<Node, Node> {
  const needed = new Map<Node, Node>()
  for (const { nodes, sourcesOf } of groups) {
    for (const node of nodes) {
      // A child or referrer with a tag of its own may stay while what it hangs on goes: then it is no company.
      needed.set(node, node)
      addReachable(graph, node, node, needed)
    }
    const { werf } = graph
    const sources = sourcesOf ?? ((stage: Node) => werf?.sources.all.get(stage) ?? nothing)
    do if (werf !== undefined) addWerf(graph, werf, sources, needed)
    while (
      // A subject that stays may be a stage that others were built from.
      deletesReferrers &&
      addSubjects(graph, needed)
    )
  }
  return needed
}

const nothing: readonly never[] = []

/** Adds the subjects of all that is needed, with what they reach; answers whether there were any. */
function addSubjects(graph: ImageGraph, needed: Map<Node, Node>): boolean {
  const before = needed.size
  // The loop comes to what it adds, so subjects of subjects are among them.
  for (const [node, keeper] of needed) {
    const subject = graph.manifests[node]?.subject
    const above = subject === undefined ? undefined : graph.nodeOf(subject)
    if (above === undefined || needed.has(above)) continue
    needed.set(above, keeper)
    addReachable(graph, above, keeper, needed)
  }
  return needed.size > before
}

/** Layer by layer, each in the order of digests: which of several stages is named as the keeper is the same every time. */
function addWerf(
  graph: ImageGraph,
  { stages, records }: WerfRepository,
  sourcesOf: (stage: Node) => readonly Node[],
  needed: Map<Node, Node>,
): void {
  let layer: readonly Node[] = inOrderOfDigests(graph, needed.keys()).filter((node) => stages.has(node))
  const [anyStage] = layer
  if (anyStage !== undefined) {
    for (const record of records) {
      if (!needed.has(record)) needed.set(record, anyStage)
      addReachable(graph, record, record, needed)
    }
  }
  while (layer.length > 0) {
    const next = new Set<Node>()
    for (const stage of layer) {
      for (const source of sourcesOf(stage)) {
        if (needed.has(source)) continue
        needed.set(source, stage)
        for (const node of [source, ...addReachable(graph, source, source, needed)]) {
          if (stages.has(node)) next.add(node)
        }
      }
    }
    layer = inOrderOfDigests(graph, next)
  }
}

/** Answers with what was not needed before. */
function addReachable(graph: ImageGraph, from: Node, keeper: Node, needed: Map<Node, Node>): readonly Node[] {
  const fresh = graph.reachable(from).filter((node) => !needed.has(node))
  for (const node of fresh) needed.set(node, keeper)
  return fresh
}

function inOrderOfDigests(graph: ImageGraph, nodes: Iterable<Node>): readonly Node[] {
  const digest = (node: Node): string => graph.manifests[node]?.digest ?? ''
  return [...nodes].sort((a, b) => (digest(a) < digest(b) ? -1 : 1))
}
