/** What a reading of one repository works with, and what it has found so far. */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { ManifestFacts } from '../../../core/image/manifest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quotable } from './answers.ts'
import type { OciConnection } from './connection.ts'
import type { KnownManifest, KnownTag, RegistryListing } from './listing.ts'
import { RegistryGoneError } from './errors.ts'

export interface RepositoryReading {
  readonly connection: OciConnection
  readonly repository: RepositoryName
  readonly cache: ManifestCache
  readonly concurrency: number
  readonly options: RunOptions
  /** Whether statements about builds are read. */
  readonly readProvenance: boolean
  /** Whether configs are read even of images whose upload time the registry tells. */
  readonly readConfigs: boolean
  readonly hasReferrersApi: () => Promise<boolean>
  /** What the registry's own API lists, in place of the tag list and a question for each tag. */
  readonly listing?: RegistryListing | undefined
  /** Told how many more tags and manifests were read. */
  readonly onRead: (count: number) => void
}

/** What was found so far. */
export class Findings {
  readonly tags = new Map<Digest, TagName[]>()
  readonly facts = new Map<Digest, ManifestFacts>()
  /** What the registry's own listing tells of manifests and of tags, beyond their names. */
  readonly knownManifests = new Map<Digest, KnownManifest>()
  readonly knownTags = new Map<TagName, KnownTag>()
  /** The listing shows every manifest, so referrers need not be asked for. */
  isExhaustive = false
  /** Asked for and certainly not there. */
  readonly gone = new Set<Digest>()
  readonly unreadable = new Set<Digest>()
  readonly #problems = new Set<string>()
  #complete = true

  /** Notes that a tag points at a manifest. */
  tag(digest: Digest, tag: TagName): void {
    const siblings = this.tags.get(digest)
    if (siblings === undefined) this.tags.set(digest, [tag])
    else if (!siblings.includes(tag)) siblings.push(tag)
  }

  /** Something could not be read: the repository may not lose anything. */
  fail(what: string, error: unknown): void {
    if (!(error instanceof OperationalError)) throw error
    // Neither is about this one thing: the run is over, or the registry is.
    if (error instanceof InterruptedError || error instanceof RegistryGoneError) throw error
    this.fault(quotable(`${what}: ${error.message}`))
  }

  /** As `fail`, where no error tells of it. */
  fault(text: string): void {
    this.#complete = false
    this.#problems.add(text)
  }

  remark(text: string): void {
    this.#problems.add(text)
  }

  isKnown(digest: Digest): boolean {
    return this.facts.has(digest) || this.gone.has(digest) || this.unreadable.has(digest)
  }

  get complete(): boolean {
    return this.#complete
  }

  /** In order of their text, so that the same registry tells them alike. */
  get problems(): readonly string[] {
    return [...this.#problems].toSorted()
  }
}
