/** Remembers which tags each manifest had when a repository was last read, for whoever changes it next. */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { Capabilities, RepositoryInventory } from '../../../core/inventory/inventory.ts'
import type { ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Surfaces } from './surfaces.ts'

export type SeenTags = ReadonlyMap<Digest, readonly TagName[]>

export class GitLabReader implements ReadableRegistry {
  readonly resolveTag: ReadableRegistry['resolveTag']
  readonly readManifest: ReadableRegistry['readManifest']
  readonly hasBlob: ReadableRegistry['hasBlob']
  readonly listRepositories: ReadableRegistry['listRepositories']
  readonly #reader: ReadableRegistry
  readonly #surfaces: (options?: RunOptions) => Promise<Surfaces>
  readonly #seen = new Map<RepositoryName, SeenTags>()

  constructor(reader: ReadableRegistry, surfaces: (options?: RunOptions) => Promise<Surfaces>) {
    this.#reader = reader
    this.#surfaces = surfaces
    this.resolveTag = reader.resolveTag.bind(reader)
    this.readManifest = reader.readManifest.bind(reader)
    this.hasBlob = reader.hasBlob.bind(reader)
    this.listRepositories = reader.listRepositories.bind(reader)
  }

  get name(): ReadableRegistry['name'] {
    return this.#reader.name
  }

  async capabilities(options?: RunOptions): Promise<Capabilities> {
    const { hasOwnList } = await this.#surfaces(options)
    return { ...(await this.#reader.capabilities(options)), pushTime: hasOwnList }
  }

  async readRepository(name: RepositoryName, options?: RunOptions): Promise<RepositoryInventory> {
    const read = await this.#reader.readRepository(name, options)
    const tags = read.manifests.map(
      (manifest) => [manifest.digest, manifest.tags.map((tag) => tag.name)] as const,
    )
    this.#seen.set(name, new Map(tags))
    return read
  }

  /** The tags of a repository as they were last read, else as they are now. */
  async seenTags(name: RepositoryName, options?: RunOptions): Promise<SeenTags> {
    const seen = this.#seen.get(name)
    if (seen !== undefined) return seen
    await this.readRepository(name, options)
    return this.#seen.get(name) ?? new Map()
  }
}
