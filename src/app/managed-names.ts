/** The names of the registries we manage, with the tags their inventories have. */
import type { ManagedNames, ManagedRegistry } from '../core/evidence/managed-names.ts'
import type { Inventory } from '../core/inventory/inventory.ts'

const noTags: ReadonlySet<string> = new Set()

/** Joins configured names to what the inventories hold; tags are looked up when a reference is found without one. */
export function managedNames(
  registries: readonly ManagedRegistry[],
  inventories: readonly Inventory[],
): ManagedNames {
  const tags = new Map<string, ReadonlySet<string>>()
  const key = (registry: string, repository: string): string => `${registry} ${repository}`
  const repositories = new Map(
    inventories.flatMap((inventory) =>
      inventory.repositories.map(
        (repository) => [key(inventory.registry, repository.name), repository] as const,
      ),
    ),
  )
  return {
    registries,
    tagsOf(registry, repository) {
      const at = key(registry, repository)
      const known = tags.get(at)
      if (known !== undefined) return known
      const manifests = repositories.get(at)?.manifests
      if (manifests === undefined) return noTags
      const found = new Set(manifests.flatMap((manifest) => manifest.tags.map((tag): string => tag.name)))
      tags.set(at, found)
      return found
    },
  }
}
