/**
 * Takes throw-away manifests out of what a reader tells: a tag that points to one has been removed, and only its deletion
 * is left to do. Whoever changes the repository next is told of them.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { Capabilities, RepositoryInventory } from '../../../core/inventory/inventory.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RawManifest, ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { throwAwayTag } from './throw-away.ts'

/** Throw-aways that dead runs left, with the tag that each was made for. */
export class LeftThrowAways {
  readonly #found = new Map<RepositoryName, ReadonlyMap<Digest, string>>()

  note(repository: RepositoryName, found: ReadonlyMap<Digest, string>): void {
    this.#found.set(repository, found)
  }

  /** Each is given out once. */
  take(repository: RepositoryName): ReadonlyMap<Digest, string> {
    const found = this.#found.get(repository) ?? new Map<Digest, string>()
    this.#found.delete(repository)
    return found
  }
}

export class HidingReader implements ReadableRegistry {
  readonly #reader: ReadableRegistry
  readonly #cache: ManifestCache
  readonly #left: LeftThrowAways

  constructor(reader: ReadableRegistry, cache: ManifestCache, left: LeftThrowAways) {
    this.#reader = reader
    this.#cache = cache
    this.#left = left
  }

  get name(): ReadableRegistry['name'] {
    return this.#reader.name
  }

  capabilities(options?: RunOptions): Promise<Capabilities> {
    return this.#reader.capabilities(options)
  }

  listRepositories(options?: RunOptions): Promise<readonly RepositoryName[]> {
    return this.#reader.listRepositories(options)
  }

  async readRepository(name: RepositoryName, options?: RunOptions): Promise<RepositoryInventory> {
    const read = await this.#reader.readRepository(name, options)
    const found = new Map(
      read.manifests.flatMap((manifest) => {
        const tag = throwAwayTag(manifest)
        return tag === undefined ? [] : [[manifest.digest, tag] as const]
      }),
    )
    this.#left.note(name, found)
    return found.size === 0
      ? read
      : { ...read, manifests: read.manifests.filter(({ digest }) => !found.has(digest)) }
  }

  /** Costs a request more for a manifest that was never read before: only its bytes tell what it is. */
  async resolveTag(
    repository: RepositoryName,
    tag: TagName,
    options?: RunOptions,
  ): Promise<Digest | undefined> {
    const digest = await this.#reader.resolveTag(repository, tag, options)
    if (digest === undefined) return undefined
    const known = (await this.#cache.manifests([digest])).get(digest)
    if (known !== undefined) return throwAwayTag(known) === undefined ? digest : undefined
    const manifest = await this.#reader.readManifest(repository, digest, options)
    if (manifest === undefined) return undefined
    const facts = parseManifest(manifest.bytes, manifest.mediaType, digest)
    await this.#cache.putManifests([facts])
    return throwAwayTag(facts) === undefined ? digest : undefined
  }

  readManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<RawManifest | undefined> {
    return this.#reader.readManifest(repository, digest, options)
  }

  hasBlob(repository: RepositoryName, digest: Digest, options?: RunOptions): Promise<boolean> {
    return this.#reader.hasBlob(repository, digest, options)
  }
}
