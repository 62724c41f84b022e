/** BatchDeleteImage: what was asked, what AWS answered for each of it. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord } from '../oci/answers.ts'
import type { AwsApi } from './api.ts'
import { rowsIn, text } from './rows.ts'

export interface DeletedImage {
  readonly digest: Digest | undefined
  readonly tag: string | undefined
}

export interface DeleteFailure extends DeletedImage {
  readonly code: string
  readonly reason: string
}

export interface DeleteAnswer {
  readonly deleted: readonly DeletedImage[]
  readonly failures: readonly DeleteFailure[]
  /** Above 1, "not found" may be the work of an earlier sending. */
  readonly attempts: number
}

/**
 * By digest or by tag, never by both: what AWS makes of both together is documented nowhere, and deleting the whole image
 * is one of the readings.
 */
export type ImageId = { readonly imageDigest: Digest } | { readonly imageTag: string }

/**
 * Deletes up to a hundred; undefined when the repository is not there.
 *
 * @param isOnce never sent twice: what is named by tag may be another image by then
 * @throws ThrottledAnswer for `isOnce`, and what the API throws
 */
export async function batchDeleteImages(
  api: AwsApi,
  repositoryName: string,
  imageIds: readonly ImageId[],
  isOnce: boolean,
  options: RunOptions,
): Promise<DeleteAnswer | undefined> {
  const what = api.action('BatchDeleteImage')
  const input = { repositoryName, imageIds }
  const answer = isOnce
    ? await api.callOnce('BatchDeleteImage', input, options)
    : await api.call('BatchDeleteImage', input, options)
  if (answer.kind === 'absent') return undefined
  return {
    deleted: rowsIn(api.registry, answer.output, 'imageIds', what).map(imageIn),
    failures: rowsIn(api.registry, answer.output, 'failures', what).map((row) => ({
      ...imageIn(isRecord(row['imageId']) ? row['imageId'] : {}),
      code: text(row['failureCode']) ?? 'unknown',
      reason: text(row['failureReason']) ?? '',
    })),
    attempts: answer.attempts,
  }
}

function imageIn(row: Readonly<Record<string, unknown>>): DeletedImage {
  return { digest: parseDigest(text(row['imageDigest']) ?? ''), tag: text(row['imageTag']) }
}
