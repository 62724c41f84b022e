/**
 * Recording links in the files of a CNCF Distribution registry, with or without the registry running. It has no referrers
 * API, so the lists under fallback tags are kept here too.
 */
import { parseDigest } from '../../../core/image/digest.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../../core/image/names.ts'
import { StorageWriteError, type MutableBlobStore } from '../../../ports/mutable-blob-store.ts'
import type { LinkableRegistry, LinkBlob } from '../../../ports/mutable-link-registry.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RawManifest, ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { checkLayoutAt } from './check-layout.ts'
import { blobKey, tagsFolder } from './layout.ts'
import { isContentOf } from './read-content.ts'

interface StorageLinkOptions {
  readonly reader: ReadableRegistry
  readonly writer: MutableRegistry
  /** The same files that `reader` and `writer` work on. */
  readonly store: MutableBlobStore
}

export function createStorageLinkRegistry({ reader, writer, store }: StorageLinkOptions): LinkableRegistry {
  const read = async (
    repository: RepositoryName,
    reference: string,
    options: RunOptions | undefined,
  ): Promise<RawManifest | undefined> => {
    const digest =
      parseDigest(reference) ?? (await reader.resolveTag(repository, reference as TagName, options))
    return digest && reader.readManifest(repository, digest, options)
  }
  return {
    name: writer.name,
    describe: async (repository, reference, options) => {
      const manifest = await read(repository, reference, options)
      if (manifest === undefined) return undefined
      const { mediaType, digest, bytes } = manifest
      return { mediaType, digest, sizeBytes: bytes.length }
    },
    readTagged: read,
    listTags: async (repository, options) => {
      const entries = (await store.list(tagsFolder(repository), options)) ?? []
      return new Set(entries.flatMap(({ name }) => parseTagName(name) ?? []))
    },
    listReferrers: async () => undefined,
    putBlob: async (repository, blob, options) => {
      await checkLayoutAt(store, repository, options)
      return putBlob(store, blob, options)
    },
    putManifest: async (repository, manifest, tag, options) => ({
      outcome: await writer.putManifest(repository, manifest, tag, options),
      isSubjectKept: false,
    }),
  }
}

/** The bytes alone: the manifest that refers to them brings the link. */
async function putBlob(
  store: MutableBlobStore,
  { digest, bytes }: LinkBlob,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  try {
    const present = await store.read(blobKey(digest), bytes.length, options)
    if (present !== undefined && isContentOf(digest, present.bytes)) return { kind: 'done' }
    await store.write(blobKey(digest), bytes, options)
    return { kind: 'done' }
  } catch (error) {
    if (!(error instanceof StorageWriteError) || error.obstacle === 'other') throw error
    return { kind: 'refused', reason: error.obstacle, text: `${error.message} ${error.hint}` }
  }
}
