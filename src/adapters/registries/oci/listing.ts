/**
 * What a registry's own API lists, where it has one that tells more than the distribution specification: untagged
 * manifests, times, locks. A driver gives a listing to the OCI reader, which does the rest: it reads the manifests that the
 * cache does not have, follows children and subjects, and builds the inventory.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

/**
 * Contract, beyond the types: a method answers in full or throws; a tag whose digest could not be found out is given without
 * one. A page that fails, or a row that cannot be understood, is
 * an OperationalError, or a problem of the repository; never a shorter list.
 */
export interface RegistryListing {
  /** Every repository, in place of the catalog; left out where `/v2/_catalog` does it. */
  listRepositories?(options: RunOptions): Promise<Iterable<string>>
  /** Everything listed of one repository; undefined when it is certainly not there. */
  readRepository(repository: RepositoryName, options: RunOptions): Promise<ListedRepository | undefined>
  /**
   * Manifests by digest, many with one request, each checked against its digest; left out where each costs a request of
   * its own. What it does not answer is asked for one by one.
   */
  readManifests?(
    repository: RepositoryName,
    digests: readonly Digest[],
    options: RunOptions,
  ): Promise<readonly RawManifest[]>
  /**
   * One manifest, checked against its digest, in place of a GET; undefined when it is certainly not there. For registries
   * that count a GET as a pull.
   */
  readManifest?(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<RawManifest | undefined>
  /** What a tag points to now, in place of a HEAD; undefined when it is certainly not there. */
  resolveTag?(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<Digest | undefined>
}

export interface ListedRepository {
  readonly tags: readonly KnownTag[]
  /** Manifests of which the listing tells something; those of tags too, where it does. */
  readonly manifests: readonly KnownManifest[]
  /** Every manifest is among them, tagged or not: then nobody is asked for referrers. */
  readonly isExhaustive: boolean
  /** Why the repository is not complete. */
  readonly problems?: readonly string[]
}

export interface KnownTag {
  readonly name: string
  /** Undefined where the listing does not tell: then each tag is asked for. */
  readonly digest: Digest | undefined
  readonly pushedAt?: InstantMs | undefined
  readonly pulledAt?: InstantMs | undefined
  /** Immutable or protected: neither the name nor what it names is ever deleted. @default false */
  readonly isLocked?: boolean
}

export interface KnownManifest {
  readonly digest: Digest
  readonly pushedAt?: InstantMs | undefined
  /** When the registry first had it, where `pushedAt` may be of a later change. */
  readonly uploadedAt?: InstantMs | undefined
  readonly pulledAt?: InstantMs | undefined
  /** @default false */
  readonly isLocked?: boolean
  /** What the registry hangs it on, where neither the manifest nor a tag of it says so. */
  readonly subject?: Digest | undefined
  /** Labels that the registry itself gives it, beside those of the image. */
  readonly labels?: Readonly<Record<string, string>>
}
