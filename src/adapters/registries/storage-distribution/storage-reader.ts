/**
 * A CNCF Distribution registry read from its own files, with no registry running.
 *
 * Promises the contract of ports/readable-registry.ts. It reads what the registry would serve: a tag whose manifest is
 * gone is no tag, a blob without its link is no blob. A running registry with a blob descriptor cache may for a while
 * still serve what was removed here.
 */
import { parseManifest, MANIFEST_BYTES_MAX } from '../../../core/image/parse-manifest.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { ReadableBlobStore } from '../../../ports/readable-blob-store.ts'
import type { RawManifest, ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { checkLayout, checkLayoutAt } from './check-layout.ts'
import { findRepositories } from './find-repositories.ts'
import { blobKey, currentLink, layerLink, revisionLink } from './layout.ts'
import { readLink, readVerified, type Source } from './read-content.ts'
import { readRepository } from './read-repository.ts'

interface StorageReaderOptions {
  readonly name: RegistryName
  readonly store: ReadableBlobStore
  readonly cache: ManifestCache
  /** Whether attestations are read for the commits that images were built from. @default false */
  readonly readProvenance?: boolean
  /** The first pause before looking again at a file that is being written; the next one is twice as long. @default 100 */
  readonly retryPauseMs?: number
}

export const RETRY_PAUSE_MS = 100

export function createStorageReader({
  name,
  store,
  cache,
  readProvenance = false,
  retryPauseMs = RETRY_PAUSE_MS,
}: StorageReaderOptions): ReadableRegistry {
  const source: Source = { store, retryPauseMs }
  let done = 0
  return {
    name,
    capabilities: async (options) => {
      await checkLayout(store, options)
      return capabilities
    },
    listRepositories: async (options) => {
      await checkLayout(store, options)
      return findRepositories(store, options)
    },
    readRepository: async (repository, options) => {
      const inventory = await readRepository(source, { cache, readProvenance }, repository, options)
      done += inventory.manifests.length
      options?.onEvent?.({ kind: 'progress', phase: 'manifests', done, note: `${name}/${repository}` })
      return inventory
    },
    resolveTag: async (repository, tag, options) =>
      presentOr(store, repository, options, await resolveTag(source, repository, tag, options)),
    readManifest: async (repository, digest, options) =>
      presentOr(store, repository, options, await readManifest(source, repository, digest, options)),
    hasBlob: async (repository, digest, options) =>
      (await presentOr(store, repository, options, await findBlob(source, repository, digest, options))) !==
      undefined,
  }
}

const capabilities: Capabilities = {
  product: 'CNCF Distribution, its storage',
  deleteByTag: true,
  deleteRemovesSiblings: true,
  // Whether the files may be changed shows when one is.
  deletes: { state: 'unknown' },
  listsUntagged: true,
  pushTime: true,
  pullTime: false,
  protectsChildren: false,
  referrersApi: false,
  undo: 'manifest-replay',
  pageSizeMax: undefined,
  rateLimit: undefined,
}

/** What a tag leads to; undefined also when its manifest is gone, since a pull then says "not found". */
async function resolveTag(
  source: Source,
  repository: RepositoryName,
  tag: TagName,
  options: RunOptions | undefined,
): Promise<Digest | undefined> {
  const link = await readLink(source, currentLink(repository, tag), { mayBeEmpty: false }, options)
  if (link?.target === undefined) return undefined
  const revision = await source.store.stat(revisionLink(repository, link.target), options)
  return revision === undefined ? undefined : link.target
}

async function readManifest(
  source: Source,
  repository: RepositoryName,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<RawManifest | undefined> {
  const link = await readLink(source, revisionLink(repository, digest), { mayBeEmpty: true }, options)
  if (link === undefined) return undefined
  const bytes = await readVerified(
    source,
    digest,
    { alias: link.target, bytesMax: MANIFEST_BYTES_MAX },
    options,
  )
  return bytes && { digest, bytes, mediaType: parseManifest(bytes, undefined, digest).mediaType }
}

/** Where the bytes of a blob lie, if the repository links it and they are there. */
async function findBlob(
  source: Source,
  repository: RepositoryName,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<Digest | undefined> {
  const link = await readLink(source, layerLink(repository, digest), { mayBeEmpty: true }, options)
  if (link === undefined) return undefined
  for (const place of [digest, link.target ?? digest]) {
    if ((await source.store.stat(blobKey(place), options)) !== undefined) return place
  }
  return undefined
}

/** Absent is believed only of a storage that is whole; a volume that went away has nothing either. */
async function presentOr<T>(
  store: ReadableBlobStore,
  repository: RepositoryName,
  options: RunOptions | undefined,
  found: T | undefined,
): Promise<T | undefined> {
  if (found === undefined) await checkLayoutAt(store, repository, options)
  return found
}
