/**
 * What a registry showed us, once. Everything later stages know of a registry is in here; nothing in here was
 * guessed. A time is undefined when the registry does not tell it, which later stages read as "unknown", never
 * as "old".
 */
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type InstantMs = number

export interface Inventory {
  readonly registry: RegistryName
  /** When the reading began: whatever was pushed later is not in it. */
  readonly takenAt: InstantMs
  readonly repositories: readonly RepositoryInventory[]
  /** What the driver says the registry can do; undefined for an inventory read from a file. */
  readonly capabilities: Capabilities | undefined
}

export interface RepositoryInventory {
  readonly name: RepositoryName
  /** False when anything in it could not be read: then nothing of it may be deleted. */
  readonly complete: boolean
  /** Why it is not complete; also remarks on a complete one (a child that does not exist). */
  readonly problems: readonly string[]
  readonly manifests: readonly ManifestRecord[]
}

export interface TagRecord {
  readonly name: TagName
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
}

export interface BlobReference {
  readonly digest: Digest
  readonly sizeBytes: number
}

export interface ManifestRecord {
  readonly digest: Digest
  readonly mediaType: string | undefined
  /** The size of the manifest itself. */
  readonly sizeBytes: number | undefined
  readonly tags: readonly TagRecord[]
  /** As written in the config; implausible dates are sorted out where a clock is read, not here. */
  readonly createdAt: InstantMs | undefined
  /** The registry's own upload time. */
  readonly pushedAt: InstantMs | undefined
  /** When it first had it, where `pushedAt` may be of a later change and the registry tells both. */
  readonly uploadedAt?: InstantMs
  readonly pulledAt: InstantMs | undefined
  /** The newest push event Winnow received for it. */
  readonly recordedAt: InstantMs | undefined
  /** When Winnow first listed it, if an earlier complete inventory did not have it. */
  readonly firstSeenAt: InstantMs | undefined
  /** Manifests and indexes an index names; layers that BuildKit's cache puts there are in `layers`. */
  readonly children: readonly Digest[]
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  /** `os/architecture[/variant]`. */
  readonly platform: string | undefined
  readonly config: BlobReference | undefined
  readonly layers: readonly BlobReference[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Git commits it was built from. */
  readonly commits: readonly string[]
  /** Immutable or protected in the registry: never deleted. */
  readonly locked: boolean
  /** Blobs it names that are certainly gone: it could not be put back. Only where the reader came to know. */
  readonly missingBlobs?: readonly Digest[]
}

/** What a registry can do; the planner adapts to it and says so in the plan (DESIGN: drivers). */
export interface Capabilities {
  /** How the driver names what it talks to: `CNCF Distribution 2.8`. */
  readonly product: string
  /** One tag can be removed while its manifest and sibling tags stay. */
  readonly deleteByTag: boolean
  /** Deleting a digest removes every tag that points at it. */
  readonly deleteRemovesSiblings: boolean
  /** `unknown` until something is deleted; a cure goes with every `no`. */
  readonly deletes: { readonly state: 'yes' | 'no' | 'unknown'; readonly cure?: string }
  readonly listsUntagged: boolean
  readonly pushTime: boolean
  readonly pullTime: boolean
  /** The registry itself refuses to delete a child of an index that stays. */
  readonly protectsChildren: boolean
  /** Deleting a manifest deletes everything that names it as its subject, even what has a tag of its own. @default false */
  readonly deletesReferrers?: boolean
  /** A manifest that lost its tags is deleted, and given out by its digest until the registry collects it. @default false */
  readonly collectsUntagged?: boolean
  /** Tags are stored and listed in lower case, and found in any spelling: `app:RC-1` is `app:rc-1`. @default false */
  readonly foldsTagCase?: boolean
  /** The registry answers the OCI 1.1 referrers API. */
  readonly referrersApi: boolean
  /** How a deletion can be taken back: from the saved manifest while the blobs remain, from the registry's bin, or not. */
  readonly undo: 'manifest-replay' | 'bin' | 'none'
  /** Who frees the bytes of what was deleted; left out where nobody does but a sweep of the storage. */
  readonly freesBytes?: 'by-itself' | 'by-its-collector'
  readonly pageSizeMax: number | undefined
  /** Documented limits, for people: `100 requests a minute`. */
  readonly rateLimit: string | undefined
}
