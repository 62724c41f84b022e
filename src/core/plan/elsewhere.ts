/**
 * Whether a digest is somewhere in a registry, for artifacts whose subject is not in their own repository.
 *
 * While a repository of the registry could not be read in full, nothing is certainly absent: unreadable is not absent,
 * and a signature must not look orphaned because the repository of its image did not answer.
 */
import type { Digest } from '../image/digest.ts'
import type { Inventory } from '../inventory/inventory.ts'

/** Asks once for all; the digests are gathered when somebody first asks. */
export function mayExistIn(inventory: Inventory): (digest: Digest) => boolean {
  const isAnyUnread = inventory.repositories.some((repository) => !repository.complete)
  let digests: Set<Digest> | undefined
  return (digest) => {
    if (isAnyUnread) return true
    digests ??= new Set(
      inventory.repositories.flatMap((each) => each.manifests.map((manifest) => manifest.digest)),
    )
    return digests.has(digest)
  }
}
