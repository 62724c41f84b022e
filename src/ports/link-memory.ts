/**
 * Links from images to commits, kept by Winnow itself for registries that take no records of them. A link is never
 * forgotten: an image that was deleted may come back by an undo, and is then needed by the same commits.
 */
import type { FoundLink } from '../core/git/link-record.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'

export interface LinkMemory {
  /**
   * Remembers links of one repository. One that is known stays as it was told first.
   *
   * @param at when they were told
   * @returns for each, in the same order, whether it is new
   */
  rememberLinks(
    registry: RegistryName,
    repository: RepositoryName,
    links: readonly FoundLink[],
    at: InstantMs,
  ): Promise<readonly boolean[]>
  /** Every link of a registry, in no particular order. */
  rememberedLinks(registry: RegistryName): Promise<readonly RememberedLink[]>
}

export interface RememberedLink extends FoundLink {
  readonly repository: RepositoryName
  readonly at: InstantMs
}
