/** What a registry holds, in memory, and the rules by which it lets go of things. */
import type { Digest } from '../../../core/image/digest.ts'
import type { ManifestFacts } from '../../../core/image/manifest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { manifestDigestOf, digestOf } from '../oci/verify-digest.ts'

export interface StoredManifest {
  readonly facts: ManifestFacts
  readonly bytes: Uint8Array
  readonly pushedAt: InstantMs
}

export interface StoredTag {
  readonly digest: Digest
  readonly pushedAt: InstantMs
}

export class StoredRepository {
  readonly manifests = new Map<Digest, StoredManifest>()
  readonly tags = new Map<TagName, StoredTag>()
  readonly blobs = new Map<Digest, Uint8Array>()

  /** Tags that point at a manifest now. */
  tagsOf(digest: Digest): readonly TagName[] {
    return [...this.tags].filter(([, tag]) => tag.digest === digest).map(([name]) => name)
  }

  /** Indexes that name this manifest. */
  indexesOf(digest: Digest): readonly ManifestFacts[] {
    return [...this.manifests.values()]
      .map(({ facts }) => facts)
      .filter(({ children }) => children.some((child) => child.digest === digest))
  }

  referrersOf(digest: Digest): readonly Digest[] {
    return [...this.manifests.values()]
      .filter(({ facts }) => facts.subject === digest)
      .map(({ facts }) => facts.digest)
  }

  /** Blobs and children that a manifest refers to and the repository does not have; a subject may be missing. */
  missingFor({ config, layers, children }: ManifestFacts): readonly Digest[] {
    const blobs = [...(config === undefined ? [] : [config]), ...layers].map(({ digest }) => digest)
    return [
      ...blobs.filter((digest) => !this.blobs.has(digest)),
      ...children.map(({ digest }) => digest).filter((digest) => !this.manifests.has(digest)),
    ]
  }

  putBlob(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes)
    this.blobs.set(digest, bytes)
    return digest
  }

  /** @throws ManifestUnreadableError as the parser does */
  putManifest(
    bytes: Uint8Array,
    mediaType: string,
    tag: TagName | undefined,
    at: InstantMs,
    like?: Digest,
  ): Digest {
    const digest = manifestDigestOf(bytes, like)
    const kept = this.manifests.get(digest)
    const facts = kept?.facts ?? parseManifest(bytes, mediaType, digest)
    this.manifests.set(digest, kept ?? { facts, bytes, pushedAt: at })
    if (tag !== undefined) this.tags.set(tag, { digest, pushedAt: at })
    return digest
  }

  /** A manifest goes with every tag that points at it. */
  remove(digest: Digest): boolean {
    for (const tag of this.tagsOf(digest)) this.tags.delete(tag)
    return this.manifests.delete(digest)
  }
}

export class RegistryStore {
  readonly repositories = new Map<RepositoryName, StoredRepository>()

  repository(name: RepositoryName): StoredRepository {
    const known = this.repositories.get(name)
    if (known !== undefined) return known
    const made = new StoredRepository()
    this.repositories.set(name, made)
    return made
  }
}
