/** Reads manifests a hundred at a time by BatchGetImage, each checked against its digest. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { manifestTypes, ociManifestType } from '../../../core/image/media-types.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord } from '../oci/answers.ts'
import { DigestMismatchError, RegistryAnswerError } from '../oci/errors.ts'
import { mapParallel } from '../oci/parallel.ts'
import { manifestDigestOf } from '../oci/verify-digest.ts'
import type { AwsApi } from './api.ts'
import { rowsIn, text } from './rows.ts'

export const BATCH_MAX = 100
/** Batches in flight: every one of them is a hundred manifests. */
const BATCHES_AT_ONCE = 4

/** Those of the digests that are there; one that came with other bytes than its own is left out. */
export async function batchGetImages(
  api: AwsApi,
  repository: RepositoryName,
  digests: readonly Digest[],
  options: RunOptions | undefined,
): Promise<readonly RawManifest[]> {
  const batches = Array.from({ length: Math.ceil(digests.length / BATCH_MAX) }, (_, i) =>
    digests.slice(i * BATCH_MAX, (i + 1) * BATCH_MAX),
  )
  const read = await mapParallel(batches, BATCHES_AT_ONCE, (batch) =>
    getBatch(api, repository, batch, options),
  )
  return read.flatMap(({ manifests }) =>
    manifests.filter(({ bytes, digest }) => manifestDigestOf(bytes, digest) === digest),
  )
}

/**
 * One manifest; undefined when it is certainly not there.
 *
 * @throws DigestMismatchError, and RegistryAnswerError when AWS has it and does not give it
 */
export async function getImage(
  api: AwsApi,
  repository: RepositoryName,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<RawManifest | undefined> {
  const { manifests, failures } = await getBatch(api, repository, [digest], options)
  const manifest = manifests.find((each) => each.digest === digest)
  if (manifest !== undefined) {
    const actual = manifestDigestOf(manifest.bytes, digest)
    if (actual === digest) return manifest
    throw new DigestMismatchError(api.registry, `${repository}@${digest}`, digest, actual)
  }
  const failure = failures.find(({ code }) => code !== 'ImageNotFound')
  if (failure === undefined) return undefined
  throw new RegistryAnswerError(
    api.registry,
    `Reading ${repository}@${digest}`,
    200,
    `${failure.code}: ${failure.reason}`,
  )
}

interface Failure {
  readonly code: string
  readonly reason: string
}

async function getBatch(
  api: AwsApi,
  repository: RepositoryName,
  digests: readonly Digest[],
  options: RunOptions | undefined,
): Promise<{ readonly manifests: readonly RawManifest[]; readonly failures: readonly Failure[] }> {
  const what = api.action('BatchGetImage')
  const input = {
    repositoryName: repository,
    imageIds: digests.map((imageDigest) => ({ imageDigest })),
    // Without indexes among them, AWS would answer with one of their children.
    acceptedMediaTypes: manifestTypes,
  }
  const answer = await api.call('BatchGetImage', input, options)
  if (answer.kind === 'absent') return { manifests: [], failures: [] }
  const manifests = rowsIn(api.registry, answer.output, 'images', what).flatMap(manifestIn)
  const failures = rowsIn(api.registry, answer.output, 'failures', what).map((row) => ({
    code: text(row['failureCode']) ?? 'unknown',
    reason: text(row['failureReason']) ?? '',
  }))
  return { manifests, failures }
}

/** What is not whole is left out: then it is asked for by itself, and told of. */
function manifestIn(row: Readonly<Record<string, unknown>>): readonly RawManifest[] {
  const id = row['imageId']
  const digest = parseDigest(isRecord(id) ? (text(id['imageDigest']) ?? '') : '')
  const manifest = text(row['imageManifest'])
  if (digest === undefined || manifest === undefined) return []
  const bytes = Buffer.from(manifest, 'utf8')
  return [{ digest, bytes, mediaType: text(row['imageManifestMediaType']) ?? mediaTypeIn(manifest) }]
}

/** Old manifests come without it; they say it themselves. */
function mediaTypeIn(manifest: string): string {
  try {
    const document: unknown = JSON.parse(manifest)
    return (isRecord(document) ? text(document['mediaType']) : undefined) ?? ociManifestType
  } catch {
    // Whoever reads it finds out what is wrong with it.
    return ociManifestType
  }
}
