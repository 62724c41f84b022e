/**
 * Whether the bytes beneath a manifest are still there, asked before it is put back.
 *
 * Most registries refuse a manifest whose blobs they lost. Some take it, and would then serve an image that nobody can
 * pull; so it is we who ask.
 */
import type { Digest } from '../core/image/digest.ts'
import { foreignLayersOf } from '../core/image/foreign-layers.ts'
import { ManifestUnreadableError } from '../core/image/manifest-fields.ts'
import { parseManifest } from '../core/image/parse-manifest.ts'
import type { RepositoryName } from '../core/image/names.ts'
import type { RawManifest, ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { inParallel } from './in-parallel.ts'

/** Blobs that are asked for at once. */
const atOnce = 8

/**
 * The blobs of a manifest that the registry does not have, sorted; empty for what is no manifest that we can read, which
 * is for the registry to judge.
 *
 * @param seen blobs of this repository that were found before; it grows by those found now
 */
export async function missingBlobs(
  reader: ReadableRegistry,
  repository: RepositoryName,
  manifest: RawManifest,
  seen: Set<Digest>,
  options: RunOptions,
): Promise<readonly Digest[]> {
  const missing = new Set<Digest>()
  const unseen = blobsOf(manifest).filter((digest) => !seen.has(digest))
  await inParallel(unseen, atOnce, async (digest) => {
    if (await reader.hasBlob(repository, digest, options)) seen.add(digest)
    else missing.add(digest)
  })
  return [...missing].toSorted()
}

function blobsOf({ bytes, mediaType, digest }: RawManifest): readonly Digest[] {
  try {
    const { config, layers } = parseManifest(bytes, mediaType, digest)
    const foreign = foreignLayersOf(bytes)
    const blobs = [...(config === undefined ? [] : [config]), ...layers].map((blob) => blob.digest)
    return [...new Set(blobs)].filter((blob) => !foreign.has(blob))
  } catch (error) {
    if (error instanceof ManifestUnreadableError) return []
    throw error
  }
}
