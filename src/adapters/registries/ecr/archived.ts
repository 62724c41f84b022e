/**
 * Images in ECR's archive: put aside on purpose, billed for 90 days at least, hidden from pulls. They are locked, so
 * that Winnow counts them and leaves them alone, and what an archived index needs is needed.
 *
 * Whether AWS gives out their manifests is not documented. Where it does not, and no earlier reading of ours knows one,
 * an archived index makes the repository incomplete, since nobody can tell which images are parts of it; an archived
 * image that is no index holds nothing else, so it is left out.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { shapeOf } from '../../../core/image/media-types.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { ManifestFacts } from '../../../core/image/manifest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { RegistryAnswerError } from '../oci/errors.ts'
import type { AwsApi } from './api.ts'
import { batchGetImages } from './batch-get.ts'
import { isArchived, type ImageRow } from './rows.ts'

export interface Archive {
  readonly api: AwsApi
  readonly cache: ManifestCache
  readonly repository: RepositoryName
  readonly options: RunOptions
}

/** The rows without what is archived and cannot be read; `problems` where that makes the repository incomplete. */
export async function withArchived(
  rows: readonly ImageRow[],
  archive: Archive,
): Promise<{ readonly kept: readonly ImageRow[]; readonly problems: readonly string[] }> {
  const archived = rows.filter(({ status }) => isArchived(status))
  if (archived.length === 0) return { kept: rows, problems: [] }
  const readable = await readableOf(
    archived.map(({ digest }) => digest),
    archive,
  )
  const hidden = archived.filter(({ digest }) => !readable.has(digest))
  const { repository, options } = archive
  const indexes = hidden.filter(({ mediaType }) => !holdsNothing(mediaType))
  const left = hidden.length - indexes.length
  if (left > 0) {
    const text = `${repository} has ${left} archived images that cannot be read; they are neither counted nor touched.`
    options.onEvent?.({ kind: 'warning', text })
  }
  return {
    kept: rows.filter(({ digest, status }) => !isArchived(status) || readable.has(digest)),
    problems: indexes.map(
      ({ digest }) =>
        `The archived index ${digest} cannot be read, so its parts are not known. Restore it (aws ecr update-image-storage-class --target-storage-class STANDARD) or delete it.`,
    ),
  }
}

/** An image of one platform: it has no parts that are images of their own. */
function holdsNothing(mediaType: string | undefined): boolean {
  const shape = mediaType === undefined ? undefined : shapeOf(mediaType)
  return shape !== undefined && shape !== 'index'
}

async function readableOf(
  digests: readonly Digest[],
  { api, cache, repository, options }: Archive,
): Promise<ReadonlySet<Digest>> {
  const cached = await cache.manifests(digests)
  const unknown = digests.filter((digest) => !cached.has(digest))
  const manifests = await readOrNone(api, repository, unknown, options)
  // Kept, so that the reader need not ask again.
  await cache.putManifests(manifests.flatMap(factsOf))
  return new Set([...cached.keys(), ...manifests.map(({ digest }) => digest)])
}

/** A refusal that is about the archive is no failure of the listing. */
async function readOrNone(
  api: AwsApi,
  repository: RepositoryName,
  digests: readonly Digest[],
  options: RunOptions,
): Promise<readonly RawManifest[]> {
  try {
    return await batchGetImages(api, repository, digests, options)
  } catch (error) {
    if (error instanceof RegistryAnswerError && error.message.includes('ImageArchivedException')) return []
    throw error
  }
}

function factsOf({ bytes, mediaType, digest }: RawManifest): readonly ManifestFacts[] {
  try {
    return [parseManifest(bytes, mediaType, digest)]
  } catch {
    // The reader comes upon it again, and says what is wrong with it.
    return []
  }
}
