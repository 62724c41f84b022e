/**
 * Blobs without bytes. zot keeps the bytes of a blob once on an object store and leaves empty files in the other
 * repositories; which file holds them is known to zot alone. To free the one file with bytes would break them all.
 */
import { MetadataElsewhereError } from '../storage-oci/layout-errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { storedBlobs, type StoredBlob } from './blob-files.ts'
import type { Source } from './look-again.ts'
import { isEmptyContent } from './packing.ts'

/** Says so of no blob whose content really is empty. */
export function hasZeroBytes({ sizeBytes, digest }: Pick<StoredBlob, 'sizeBytes' | 'digest'>): boolean {
  return sizeBytes === 0 && !isEmptyContent(digest)
}

/** @throws MetadataElsewhereError when any blob below the folder is a placeholder */
export async function refusePlaceholders(
  source: Source,
  folder: string,
  options?: RunOptions,
): Promise<void> {
  for await (const batch of storedBlobs({ source, folder }, options)) {
    const placeholder = batch.find(hasZeroBytes)
    if (placeholder !== undefined) refusePlaceholder(source.store.place, placeholder.key)
  }
}

export function refusePlaceholder(place: string, key: string): never {
  throw new MetadataElsewhereError(
    place,
    `${key} has no bytes although its digest is not that of nothing, as zot leaves it where it keeps the bytes of several repositories once; only zot knows which file holds them`,
    'Let zot collect by itself: "gc": true with "gcDelay" and "gcInterval" under "storage" in its configuration. In a layout that zot never wrote, this file is damaged: copy its image again.',
  )
}
