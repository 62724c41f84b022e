/**
 * Which commits the images of a repository were built from, by everything that says so.
 *
 * An image has the links of its root and of all that the root reaches: labels of its platforms, provenance beside them,
 * records that hang on it. All that are found unite; nothing that says less ever takes a link away. A text that is no
 * commit id is no link, whoever wrote it.
 */
import type { ImageGraph, Node } from '../image/graph.ts'
import type { ImageLink } from './image-link.ts'
import { linksOfManifests, type LinkSettings, type ManifestLinks } from './manifest-links.ts'

/**
 * The links of every image (root) that has any, by its node; each list sorted by commit, without repetition.
 *
 * It looks at every manifest once. Whoever has no rule that asks Git does not call it.
 */
export function imageLinks(
  graph: ImageGraph,
  settings: LinkSettings = {},
): ReadonlyMap<Node, readonly ImageLink[]> {
  const own = linksOfManifests(graph, settings)
  const links = new Map<Node, readonly ImageLink[]>()
  if (own.size === 0) return links
  for (const image of graph.images) {
    const all = unite([image, ...graph.reachable(image)], own)
    if (all.length > 0) links.set(image, all)
  }
  return links
}

function unite(nodes: readonly Node[], own: ManifestLinks): readonly ImageLink[] {
  if (nodes.length === 1) return sorted(own.get(nodes[0] ?? -1)?.values() ?? [])
  const united = new Map<string, ImageLink>()
  for (const node of nodes) {
    for (const [key, link] of own.get(node) ?? []) united.set(key, link)
  }
  return sorted(united.values())
}

/** By commit, then name, then origin: the order in which a registry lists things does not show. */
function sorted(links: Iterable<ImageLink>): readonly ImageLink[] {
  const order = (link: ImageLink): string => `${link.commit} ${link.imageName ?? ''} ${link.origin}`
  return [...links].sort((a, b) => (order(a) < order(b) ? -1 : 1))
}
