/**
 * Deletes images by digest, many with one request; every failure that AWS lists is that image's own outcome.
 *
 * AWS deletes an image with whatever tags it has. Right before each request the images are looked at, all with one request
 * too, and one with a tag that nobody decided upon is not among those that go.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { ChangeOutcome, KnownTags } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quotable } from '../oci/answers.ts'
import { RegistryAnswerError } from '../oci/errors.ts'
import { refused, taggedSince } from '../oci/refusals.ts'
import type { AwsApi } from './api.ts'
import { batchDeleteImages, type DeleteAnswer, type DeleteFailure } from './batch-delete.ts'
import { describeSome } from './pages.ts'

/** An index and its parts may be in one batch, where AWS keeps to no order: parts that were refused are asked for again. */
const ROUNDS_MAX = 3

export type Settled = ChangeOutcome | Error

export interface Deletion {
  readonly digest: Digest
  /** Left out: its tags are not looked at. */
  readonly known?: KnownTags
}

/** Outcomes in the order of the deletions. @throws what the API throws; then each of them may or may not be gone */
export async function deleteImages(
  api: AwsApi,
  repositoryName: string,
  deletions: readonly Deletion[],
  options: RunOptions,
): Promise<readonly Settled[]> {
  const outcomes = new Map<Digest, Settled>()
  let left: readonly Digest[] = [...new Set(deletions.map(({ digest }) => digest))]
  for (let round = 1; left.length > 0 && round <= ROUNDS_MAX; round += 1) {
    const due = deletions.filter(({ digest }) => left.includes(digest))
    const spared = await newlyTagged(api, repositoryName, due, options)
    for (const [digest, refusal] of spared) outcomes.set(digest, refusal)
    left = left.filter((digest) => !spared.has(digest))
    if (left.length === 0) break
    const imageIds = left.map((imageDigest) => ({ imageDigest }))
    // Safe: each of these was looked at just now and has no tag but those that go; sent twice it does what once does.
    const answer = await batchDeleteImages(api, repositoryName, imageIds, false, options)
    for (const digest of left) outcomes.set(digest, outcomeOf(api, repositoryName, digest, answer))
    // Only a round that removed something can have made room.
    const isAgain = (answer?.deleted.length ?? 0) > 0
    left = isAgain ? left.filter((digest) => isReferenced(outcomes.get(digest))) : []
  }
  return deletions.map(({ digest }) => outcomes.get(digest) ?? new TypeError(`no outcome for ${digest}`))
}

/** Those that have a tag by now which is not known; what is gone is left to AWS's own answer. */
async function newlyTagged(
  api: AwsApi,
  repositoryName: string,
  deletions: readonly Deletion[],
  options: RunOptions,
): Promise<ReadonlyMap<Digest, ChangeOutcome>> {
  const looked = deletions.filter(({ known }) => known !== undefined)
  if (looked.length === 0) return new Map()
  const digests = [...new Set(looked.map(({ digest }) => digest))]
  const rows = await describeSome(api, repositoryName, digests, options)
  const tagsOf = new Map(rows.map(({ digest, tags }) => [digest, tags]))
  return new Map(
    looked.flatMap(({ digest, known }) => {
      const refusal = taggedSince(tagsOf.get(digest) ?? [], known)
      return refusal === undefined ? [] : [[digest, refusal] as const]
    }),
  )
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
