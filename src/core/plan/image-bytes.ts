/** Sizes of images. A size that is not known counts as nothing: totals are then lower bounds. */
import type { ImageGraph, Node } from '../image/graph.ts'
import type { Digest } from '../image/digest.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'

/** Bytes of every manifest, config and layer of an image, each counted once. */
export function imageBytes(graph: ImageGraph, node: Node): number {
  const manifest = graph.manifests[node]
  if (manifest === undefined) return 0
  const below = graph.reachable(node)
  // A manifest may name a layer twice; with one layer or none there is nothing to count twice, and no map to make.
  if (below.length === 0 && manifest.layers.length < 2) return apparentBytes(manifest)
  const sizes = new Map<Digest, number>()
  for (const each of [node, ...below]) addBlobs(graph.manifests[each], sizes)
  return sum(sizes.values())
}

/** Bytes of one manifest with its config and layers, as if nothing were shared. */
export function apparentBytes(manifest: ManifestRecord): number {
  let bytes = (manifest.sizeBytes ?? 0) + (manifest.config?.sizeBytes ?? 0)
  for (const layer of manifest.layers) bytes += layer.sizeBytes
  return bytes
}

/** Adds the manifest itself, its config and its layers to `sizes`. */
export function addBlobs(manifest: ManifestRecord | undefined, sizes: Map<Digest, number>): void {
  if (manifest === undefined) return
  sizes.set(manifest.digest, manifest.sizeBytes ?? 0)
  if (manifest.config !== undefined) sizes.set(manifest.config.digest, manifest.config.sizeBytes)
  for (const layer of manifest.layers) sizes.set(layer.digest, layer.sizeBytes)
}

export function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const each of numbers) total += each
  return total
}
