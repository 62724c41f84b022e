/**
 * What a sweep reads of a registry's storage: which blobs are stored, and what links say is needed. One layout is one way
 * to arrange files; it may lie on any store.
 *
 * Contract, beyond the types:
 * - Order matters and is the caller's: blobs are listed before links are read, so that what a push adds in between is no
 *   candidate. Everything that a call names was read after the call began.
 * - A link that is gone when it is opened was removed, and is left out. Every other failure throws, and so does whatever
 *   nobody can follow (a symbolic link, a link file that names no digest): the run ends, because what it would have
 *   marked is unknown.
 * - What is handed to a planner may take for granted what was found before, and that a layer's link says what its path says
 *   where that blob is stored. What is handed to a run that acts looks at everything, each time.
 * - Digests travel packed: their bytes, one after the other, 32 (sha256) or 64 (sha512) each.
 * - Nothing here changes the store.
 */
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { DigestAlgorithm } from '../core/sweep/reference-record.ts'
import type { RunOptions } from './run-options.ts'

export interface ReadableLayout {
  /** Where it is, for people. */
  readonly place: string
  readonly layout: LayoutKind
  /**
   * Whether this is what it was said to be, whole, and may be swept.
   *
   * `takenAway` is asked where blobs are missing: what sweeps took from the storage may be all there was.
   *
   * @throws an OperationalError that says why not, and what to use instead
   */
  check(options?: RunOptions, takenAway?: () => Promise<TakenAway>): Promise<void>
  /** The folders that keep blobs of their own: one in all for Distribution and Trow, one a repository for OCI layouts. */
  pools(options?: RunOptions): AsyncIterable<BlobPool>
}

/** What sweeps have set aside, freed since or not, as far as the storage's own journal goes back. */
export interface TakenAway {
  readonly isAnything: boolean
  has(blob: Digest): boolean
}

export type LayoutKind = 'distribution' | 'oci' | 'zot' | 'trow'

/** Blobs that may name each other, and the links that say which are needed. */
export interface BlobPool {
  /** Its folder within the storage; '' where there is one pool. */
  readonly name: string
  /** Every stored blob. What looks like none is left alone and told of as a warning. */
  listBlobs(visit: (blobs: StoredBlobs) => void, options?: RunOptions): Promise<void>
  readLinks(visit: (links: RepositoryLinks) => void, options?: RunOptions): Promise<void>
  /**
   * What these manifests refer to, their bytes checked against their digests.
   *
   * @throws when one is there and cannot be read, or is not what its digest says after a few looks
   */
  readReferences(manifests: PackedDigests, options?: RunOptions): Promise<ReferencesRead>
  /** The same for bytes that were set aside. @throws as readReferences */
  referencesIn(manifest: Digest, bytes: Uint8Array): Uint8Array
  /** Size and time of stored blobs as they are now; NaN where one is gone. */
  blobFacts(blobs: PackedDigests, options?: RunOptions): Promise<BlobFacts>
  /** Times of layer links as they are now; NaN where one is gone. */
  linkTimes(links: readonly LayerLink[], options?: RunOptions): Promise<Float64Array>
  /** Where a blob lies, and under which name it is kept when it is set aside. */
  fileOf(blob: Digest): BlobFile
  /** The file that links a layer to a repository. */
  layerLinkKey(link: LayerLink): string
}

export interface PackedDigests {
  readonly algorithm: DigestAlgorithm
  readonly bytes: Uint8Array
}

export interface StoredBlobs extends PackedDigests {
  /** Where the listing tells them, one for each digest. */
  readonly facts?: BlobFacts
}

export interface BlobFacts {
  readonly sizes: Float64Array
  /** Modification times, milliseconds. */
  readonly times: Float64Array
}

/** All that the links of one repository say. */
export interface RepositoryLinks {
  readonly repository: string
  /** Manifests that are linked: what the path of a link says, and what its content says; targets of tags. */
  readonly roots: readonly PackedDigests[]
  /** Layer links by the digest of their path. */
  readonly layers: readonly PackedDigests[]
  /** Times of `layers`, in the same order, where the listing tells them. */
  readonly layerTimes?: readonly Float64Array[]
  /** Links whose content names another digest than their path: when the one is needed, so is the other. */
  readonly aliases: readonly LinkAlias[]
  /** Folders of manifests that were deleted. */
  readonly deletedManifests: readonly PackedDigests[]
  readonly uploads: readonly UploadFolder[]
  /** Only where no manifest is linked and no tag is left: what the folder still holds. */
  readonly remains?: RepositoryRemains
}

export interface LinkAlias {
  readonly path: Digest
  readonly target: Digest
  readonly modifiedAt: InstantMs
}

export interface UploadFolder {
  readonly folder: string
  /** Every file of it. */
  readonly keys: readonly string[]
  /** Time of the newest file, or of the folder when it has none. */
  readonly newestAt: InstantMs
}

export interface RepositoryRemains {
  readonly folder: string
  /** Every file in it, those of uploads and nested repositories left out. */
  readonly keys: readonly string[]
  /** Time of the newest file or folder of it, uploads left out. */
  readonly newestAt: InstantMs
  /** Whether other repositories lie in its folder. */
  readonly holdsOthers: boolean
}

export interface LayerLink {
  readonly repository: string
  readonly digest: Digest
}

export interface BlobFile {
  readonly key: string
  readonly asideName: string
}

export interface ReferencesRead {
  /** Records as core/sweep/reference-record.ts packs them, in any order. */
  readonly records: Uint8Array
  /** Manifests whose bytes are not stored. */
  readonly absent: Uint8Array
}
