/**
 * Whether each layout of a storage is whole and keeps its own blobs. `skopeo copy --dest-shared-blob-dir` puts the blobs
 * of several layouts in one folder: what is needed of that is written in layouts that may lie anywhere.
 */
import { algorithmOf, hexOf } from '../../../core/sweep/reference-record.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { FoundPool } from './find-pools.ts'
import { MetadataElsewhereError } from './layout-errors.ts'
import { hasFiles, notAFile } from './list-files.ts'
import type { Source } from './look-again.ts'
import { inPool, readIndex, requireLayoutVersion } from './read-index.ts'

/**
 * @throws LayoutUnreadableError when its index.json or oci-layout is damaged, or missing while blobs are there
 * @throws MetadataElsewhereError when it names manifests and has no blobs at all
 */
export async function checkPool(source: Source, pool: FoundPool, options?: RunOptions): Promise<void> {
  const { name, entries } = pool
  await requireLayoutVersion(source, name, options)
  const folder = inPool(name, 'blobs')
  const wrong =
    entries.find((entry) => entry.name === 'blobs' && entry.kind !== 'folder') ??
    entries.find((entry) => entry.name === 'index.json' && entry.kind !== 'file')
  if (wrong !== undefined) throw notAFile(inPool(name, wrong.name))
  const { manifests, others } = await readIndex(source, name, options)
  if (manifests.length + others.length > 0 && !(await hasFiles(source.store, folder, options)))
    throw sharedBlobs(source, name)
}

/**
 * The stored blobs of each layout must be its own: a manifest that is only stored in another one means that they are not.
 *
 * @throws MetadataElsewhereError
 */
export async function refuseSharedBlobs(
  source: Source,
  pools: readonly FoundPool[],
  options?: RunOptions,
): Promise<void> {
  for (const { name } of pools) {
    for (const digest of (await readIndex(source, name, options)).manifests) {
      if (await isStored(source, name, digest, options)) continue
      for (const other of pools) {
        if (other.name !== name && (await isStored(source, other.name, digest, options)))
          throw sharedBlobs(source, name)
      }
    }
  }
}

async function isStored(
  { store }: Source,
  pool: string,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<boolean> {
  const key = inPool(pool, `blobs/${algorithmOf(digest)}/${hexOf(digest)}`)
  return (await store.stat(key, options)) !== undefined
}

function sharedBlobs({ store }: Source, name: string): MetadataElsewhereError {
  return new MetadataElsewhereError(
    store.place,
    `the blobs of the layout ${name === '' ? 'at its root' : JSON.stringify(name)} lie in another folder, and which other layouts need them is written nowhere in there`,
    'Copy the images into layouts without a shared folder of blobs, or leave this layout out of the storage.',
  )
}
