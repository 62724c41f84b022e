/**
 * What a plan frees, to the byte: every config, layer and manifest counted once, and only if nothing that stays refers
 * to it in any repository of the registry, because registries store a blob once for all of them.
 */
import type { Digest } from '../image/digest.ts'
import type { RepositoryName } from '../image/names.ts'
import type { Inventory, ManifestRecord } from '../inventory/inventory.ts'
import { addBlobs, apparentBytes, sum } from './image-bytes.ts'

export interface FreedBytes {
  readonly freed: number
  /** The plain sum over the deleted manifests, shared or not. */
  readonly apparent: number
}

/**
 * Bytes that go when these manifests do.
 *
 * @param going by repository, the manifests that are deleted
 */
export function freedBytes(
  inventory: Inventory,
  going: ReadonlyMap<RepositoryName, ReadonlySet<Digest>>,
): FreedBytes {
  const candidates = new Map<Digest, number>()
  let apparent = 0
  eachManifest(inventory, (manifest, repository) => {
    if (going.get(repository)?.has(manifest.digest) !== true) return
    addBlobs(manifest, candidates)
    apparent += apparentBytes(manifest)
  })
  if (candidates.size === 0) return { freed: 0, apparent }
  eachManifest(inventory, (manifest, repository) => {
    if (going.get(repository)?.has(manifest.digest) === true) return
    candidates.delete(manifest.digest)
    // An index elsewhere may name a child that only this repository links: the registry's sweep marks it all the same.
    for (const child of manifest.children) candidates.delete(child)
    if (manifest.config !== undefined) candidates.delete(manifest.config.digest)
    for (const layer of manifest.layers) candidates.delete(layer.digest)
  })
  return { freed: sum(candidates.values()), apparent }
}

function eachManifest(
  inventory: Inventory,
  visit: (manifest: ManifestRecord, repository: RepositoryName) => void,
): void {
  for (const repository of inventory.repositories) {
    for (const manifest of repository.manifests) visit(manifest, repository.name)
  }
}
