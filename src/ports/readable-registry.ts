/**
 * Reading a registry. Every driver implements this, and passes test/conformance/registry.ts.
 *
 * Contract, beyond the types:
 * - Absent and unreadable are told apart: `undefined` means the registry said "not there"; every other failure throws
 *   or makes the repository `complete: false`. No method returns a shorter list than the truth.
 * - Cancelling (`options.signal`) throws InterruptedError.
 * - Nothing here changes the registry in a way that anyone could notice, save counters of pulls where a registry
 *   counts reads (the driver says so in its page of the documentation).
 */
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../core/image/names.ts'
import type { Capabilities, RepositoryInventory } from '../core/inventory/inventory.ts'
import type { RunOptions } from './run-options.ts'

export interface ReadableRegistry {
  readonly name: RegistryName
  /** Finds out what the registry is and can do, with the fewest harmless requests; the answer is remembered. */
  capabilities(options?: RunOptions): Promise<Capabilities>
  /** Every repository, in no particular order, none twice. */
  listRepositories(options?: RunOptions): Promise<readonly RepositoryName[]>
  /**
   * Everything known of one repository: tags, manifests down to every child, referrers, times.
   * A repository that vanished or holds nothing is an empty, complete one. A manifest that cannot be read makes
   * it incomplete and names the problem; a tag or child that is certainly gone does not (it is a remark).
   */
  readRepository(name: RepositoryName, options?: RunOptions): Promise<RepositoryInventory>
  /** What a tag points to now, past every cache of ours; undefined when the tag is certainly not there. */
  resolveTag(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<Digest | undefined>
  /** The exact bytes of a manifest, checked against the digest; undefined when it is certainly not there. */
  readManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<RawManifest | undefined>
  /** Whether a blob is there to be pulled. */
  hasBlob(repository: RepositoryName, digest: Digest, options?: RunOptions): Promise<boolean>
}

export interface RawManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}
