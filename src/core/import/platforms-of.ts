/** Which index a digest is a platform of: what a preview names by its digest alone, people know by the index's tags. */
import type { Inventory, ManifestRecord } from '../inventory/inventory.ts'

/** A manifest as people know it. */
export interface NamedManifest {
  readonly digest: string
  /** None: it is untagged. */
  readonly tags: readonly string[]
}

/** The index that a manifest is a part of. */
export interface PlatformOf extends NamedManifest {
  readonly repository: string
  /** `linux/arm64`, where the inventory tells it. */
  readonly platform?: string
}

export interface Platforms {
  /** Every index that names the digest, in any repository. */
  indexesOf(digest: string): readonly PlatformOf[]
}

export function platformsIn(inventories: readonly Inventory[]): Platforms {
  const found = new Map<string, PlatformOf[]>()
  for (const { name: repository, manifests } of inventories.flatMap((each) => each.repositories)) {
    const platforms = new Map(manifests.map(({ digest, platform }) => [digest, platform]))
    for (const manifest of manifests) {
      for (const child of manifest.children) {
        const platform = platforms.get(child)
        const index = { repository, ...named(manifest), ...(platform !== undefined && { platform }) }
        const others = found.get(child)
        if (others === undefined) found.set(child, [index])
        else others.push(index)
      }
    }
  }
  return { indexesOf: (digest) => found.get(digest) ?? [] }
}

function named({ digest, tags }: ManifestRecord): NamedManifest {
  return { digest, tags: tags.map(({ name }) => name) }
}
