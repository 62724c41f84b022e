/**
 * What Winnow needs to know of a manifest or an image config, distilled from its bytes.
 *
 * Types here; `parse-manifest.ts` reads the bytes. Facts are immutable, keyed by digest, and cached for ever.
 */
import type { BlobReference, InstantMs } from '../inventory/inventory.ts'
import type { Digest } from './digest.ts'
import type { SpelledDigests } from './spelled-digests.ts'
import type { StatementReference } from './statements.ts'

export interface ManifestFacts {
  readonly digest: Digest
  readonly mediaType: string
  readonly sizeBytes: number
  /** Manifests and indexes an index names (media type says so, or is left out); in the order written. */
  readonly children: readonly ChildReference[]
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly config: BlobReference | undefined
  /** Media type of the config: tells images, charts and other artifacts apart. */
  readonly configMediaType: string | undefined
  readonly layers: readonly BlobReference[]
  /** Layers that say how something was built, or may say it. */
  readonly statements: readonly StatementReference[]
  readonly annotations: Readonly<Record<string, string>>
  /** Only Docker schema 1 dates itself in the manifest. */
  readonly createdAt: InstantMs | undefined
  /** Only where the media type is one that nobody knows: whatever it spells may be needed. */
  readonly spelled?: SpelledDigests
}

export interface ChildReference {
  readonly digest: Digest
  readonly platform: string | undefined
  /** BuildKit writes attestations as children; they are no platform. */
  readonly isAttestation: boolean
}

export interface ConfigFacts {
  readonly digest: Digest
  readonly createdAt: InstantMs | undefined
  readonly platform: string | undefined
  readonly labels: Readonly<Record<string, string>>
}

/** What a statement about a build says (git/provenance.ts). */
export interface StatementFacts {
  readonly digest: Digest
  /** Full ids, sorted; none when it names no source, or is no statement at all. */
  readonly commits: readonly string[]
}
