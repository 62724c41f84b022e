/**
 * The names under which the world may know the registries we manage, for finding references in free text and for
 * bringing every reference back to the repository it means.
 */
import type { RegistryName } from '../image/names.ts'

export interface ManagedNames {
  readonly registries: readonly ManagedRegistry[]
  /**
   * The tags that the inventory has for a repository (`registry`, then repository name), for references whose
   * repository and tag stand in two fields of an object. Empty for repositories that are not known.
   */
  readonly tagsOf: (registry: RegistryName, repository: string) => ReadonlySet<string>
}

export interface ManagedRegistry {
  readonly name: RegistryName
  /** `host[:port][/prefix]`, lower-case host, default ports dropped: its own address and all its aliases. */
  readonly prefixes: readonly string[]
}
