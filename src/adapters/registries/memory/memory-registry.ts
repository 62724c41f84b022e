/**
 * A registry in memory, for tests and for trying things out: real bytes, real digests, and the manners of real
 * registries, chosen by options. It passes the same conformance suite as the drivers.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { Capabilities, InstantMs } from '../../../core/inventory/inventory.ts'
import type { MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { ReadableRegistry } from '../../../ports/readable-registry.ts'
import { createMemoryReader } from './memory-reader.ts'
import { createMemoryWriter } from './memory-writer.ts'
import type { MemoryCall, MemoryRegistryState } from './state.ts'
import { RegistryStore, type StoredRepository } from './store.ts'

export interface MemoryRegistryOptions {
  /** @default 'memory' */
  readonly name?: string
  /** @default true */
  readonly deleteByTag?: boolean
  /** @default false */
  readonly protectsChildren?: boolean
  /** @default false */
  readonly listsUntagged?: boolean
  /** Tells upload times. @default false */
  readonly pushTime?: boolean
  /** @default false */
  readonly referrersApi?: boolean
  /** @default 'yes' */
  readonly deletes?: 'yes' | 'disabled' | 'read-only'
  /** The registry's clock, for upload times. @default always the epoch */
  readonly now?: () => InstantMs
  /**
   * Called before anything is done; may throw, wait, or change the registry, as the world does.
   * @default does nothing
   */
  readonly onCall?: (call: MemoryCall) => void | Promise<void>
}

export interface MemoryRegistry {
  readonly reader: ReadableRegistry
  readonly writer: MutableRegistry
  putBlob(repository: RepositoryName, bytes: Uint8Array): Digest
  /** Pushes as a client does; refused when something it refers to is not there. */
  putManifest(repository: RepositoryName, manifest: PushedBytes): Digest
  /** The manifest goes as if someone else had deleted it, whatever protects it. */
  removeManifest(repository: RepositoryName, digest: Digest): void
  removeTag(repository: RepositoryName, tag: TagName): void
  /** What the registry's own collector would do to a blob. */
  removeBlob(repository: RepositoryName, digest: Digest): void
  tags(repository: RepositoryName): ReadonlyMap<TagName, Digest>
  digests(repository: RepositoryName): readonly Digest[]
}

interface PushedBytes {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly tag?: TagName
}

export function createMemoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  const store = new RegistryStore()
  const now = options.now ?? ((): InstantMs => 0)
  const state: MemoryRegistryState = {
    name: (options.name ?? 'memory') as RegistryName,
    store,
    capabilities: capabilitiesOf(options),
    deletes: options.deletes ?? 'yes',
    now,
    onCall: options.onCall ?? ((): void => undefined),
  }
  return {
    reader: createMemoryReader(state),
    writer: createMemoryWriter(state),
    putBlob: (repository, bytes) => store.repository(repository).putBlob(bytes),
    putManifest: (name, manifest) => push(store.repository(name), manifest, now()),
    removeManifest: (repository, digest) => {
      store.repository(repository).remove(digest)
    },
    removeTag: (repository, tag) => {
      store.repository(repository).tags.delete(tag)
    },
    removeBlob: (repository, digest) => {
      store.repository(repository).blobs.delete(digest)
    },
    tags: (repository) =>
      new Map([...store.repository(repository).tags].map(([name, { digest }]) => [name, digest])),
    digests: (repository) => [...store.repository(repository).manifests.keys()].toSorted(),
  }
}

function push(repository: StoredRepository, { bytes, mediaType, tag }: PushedBytes, at: InstantMs): Digest {
  const digest = repository.putManifest(bytes, mediaType, tag, at)
  const facts = repository.manifests.get(digest)?.facts
  const missing = facts === undefined ? [] : repository.missingFor(facts)
  if (missing.length === 0) return digest
  repository.remove(digest)
  throw new Error(`the registry does not have what this manifest refers to: ${missing.join(', ')}`)
}

function capabilitiesOf(options: MemoryRegistryOptions): Capabilities {
  return {
    product: 'memory',
    deleteByTag: options.deleteByTag ?? true,
    deleteRemovesSiblings: true,
    deletes:
      (options.deletes ?? 'yes') === 'yes'
        ? { state: 'yes' }
        : { state: 'no', cure: 'Make it with deletes: yes.' },
    listsUntagged: options.listsUntagged ?? false,
    pushTime: options.pushTime ?? false,
    pullTime: false,
    protectsChildren: options.protectsChildren ?? false,
    referrersApi: options.referrersApi ?? false,
    undo: 'manifest-replay',
    pageSizeMax: undefined,
    rateLimit: undefined,
  }
}
