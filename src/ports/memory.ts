/**
 * Winnow's own memory: what was seen in use, when a digest was first listed, what each source said last time, and
 * push and pull events. Losing it costs protection it alone gives (`seenInUseWithin`), never makes anything look old.
 */
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'

export interface Memory {
  /** Remembers that these digests were in use at `at`, and where. */
  rememberInUse(registry: RegistryName, seen: readonly InUseSighting[], at: InstantMs): Promise<void>
  /** Digests seen in use at or after `since`. */
  seenInUse(registry: RegistryName, since: InstantMs): Promise<ReadonlyMap<Digest, RememberedUse>>

  /**
   * Remembers the digests of a complete inventory of a repository. A digest that an earlier complete inventory did not
   * have gets `at` as its first sighting; those of the very first inventory get none.
   */
  rememberListed(
    registry: RegistryName,
    repository: RepositoryName,
    digests: readonly Digest[],
    at: InstantMs,
  ): Promise<void>
  firstSightings(registry: RegistryName, repository: RepositoryName): Promise<ReadonlyMap<Digest, InstantMs>>

  /** The last good answer of a source, for the drop guard; undefined the first time. */
  lastSnapshot(source: string): Promise<SourceSnapshot | undefined>
  rememberSnapshot(source: string, snapshot: SourceSnapshot): Promise<void>

  rememberPushes(registry: RegistryName, events: readonly PushEvent[]): Promise<void>
  recordedPushes(registry: RegistryName, repository: RepositoryName): Promise<ReadonlyMap<Digest, InstantMs>>
}

export interface InUseSighting {
  readonly digest: Digest
  readonly source: string
  readonly where: string
}

export interface RememberedUse {
  readonly lastSeenAt: InstantMs
  readonly source: string
  readonly where: string
}

export interface SourceSnapshot {
  readonly at: InstantMs
  readonly identity: string | undefined
  readonly objects: number
  readonly pods: number | undefined
  readonly references: number
  /** Of a Git repository: commits that images are linked to and references reach, with the reference, `branch main`. */
  readonly reached?: ReadonlyMap<string, string>
}

export interface PushEvent {
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly at: InstantMs
}
