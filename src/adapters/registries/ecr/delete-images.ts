/** Deletes images by digest, many with one request; every failure that AWS lists is that image's own outcome. */
import type { Digest } from '../../../core/image/digest.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quotable } from '../oci/answers.ts'
import { RegistryAnswerError } from '../oci/errors.ts'
import { refused } from '../oci/refusals.ts'
import type { AwsApi } from './api.ts'
import { batchDeleteImages, type DeleteAnswer, type DeleteFailure } from './batch-delete.ts'

/** An index and its parts may be in one batch, where AWS keeps to no order: parts that were refused are asked for again. */
const ROUNDS_MAX = 3

export type Settled = ChangeOutcome | Error

/** Outcomes in the order of the digests. @throws what the API throws; then each of them may or may not be gone */
export async function deleteImages(
  api: AwsApi,
  repositoryName: string,
  digests: readonly Digest[],
  options: RunOptions,
): Promise<readonly Settled[]> {
  const outcomes = new Map<Digest, Settled>()
  let left: readonly Digest[] = [...new Set(digests)]
  for (let round = 1; left.length > 0 && round <= ROUNDS_MAX; round += 1) {
    const imageIds = left.map((imageDigest) => ({ imageDigest }))
    // Safe: whoever asks has checked that each of these goes with all its tags; sent twice it does what once does.
    const answer = await batchDeleteImages(api, repositoryName, imageIds, false, options)
    for (const digest of left) outcomes.set(digest, outcomeOf(api, repositoryName, digest, answer))
    // Only a round that removed something can have made room.
    const isAgain = (answer?.deleted.length ?? 0) > 0
    left = isAgain ? left.filter((digest) => isReferenced(outcomes.get(digest))) : []
  }
  return digests.map((digest) => outcomes.get(digest) ?? new TypeError(`no outcome for ${digest}`))
}

function outcomeOf(
  api: AwsApi,
  repositoryName: string,
  digest: Digest,
  answer: DeleteAnswer | undefined,
): Settled {
  if (answer === undefined) return { kind: 'absent' }
  const failure = answer.failures.find((each) => each.digest === digest)
  if (failure !== undefined)
    return failureOutcome(api, `${repositoryName}@${digest}`, failure, answer.attempts)
  if (answer.deleted.some((each) => each.digest === digest)) return { kind: 'done' }
  return new RegistryAnswerError(
    api.registry,
    `Deleting ${repositoryName}@${digest}`,
    200,
    'AWS says neither that it is deleted nor that it is not',
  )
}

/** What a listed failure means for the one image or tag it is about. */
export function failureOutcome(
  api: AwsApi,
  what: string,
  { code, reason }: DeleteFailure,
  attempts: number,
): Settled {
  switch (code) {
    case 'ImageNotFound':
      return { kind: attempts > 1 ? 'done' : 'absent' }
    case 'ImageReferencedByManifestList':
      return refused('referenced', `An index that stays needs it (${quotable(reason)}).`)
    default:
      return new RegistryAnswerError(api.registry, `Deleting ${what}`, 200, `${code}: ${quotable(reason)}`)
  }
}

function isReferenced(outcome: Settled | undefined): boolean {
  return (
    outcome !== undefined &&
    'kind' in outcome &&
    outcome.kind === 'refused' &&
    outcome.reason === 'referenced'
  )
}
