/** Removing many blobs: in batches of the store, and one by one where it takes none. */
import type {
  BlobBatchSubmitBatchResponse,
  BlobClient,
  BlobDeleteOptions,
  ContainerClient,
} from '@azure/storage-blob'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Removal, RemovalTarget } from '../objects/object-bucket.ts'
import { mapParallel, slicesOf } from '../objects/parallel.ts'
import { aborting, type AzureBlobs } from './azure-calls.ts'
import { ask, failed, NOT_THERE, outcomes, shapeOf } from './azure-errors.ts'

/** The most that a batch may hold. */
const BATCH_LENGTH = 256
/** Below this, a batch is no faster than the requests it is made of. */
const BATCH_MIN = 4

export async function removeBlobs(
  blobs: AzureBlobs,
  targets: readonly RemovalTarget[],
  options: RunOptions | undefined,
): Promise<readonly Removal[]> {
  const removals: Removal[] = []
  for (const slice of slicesOf(targets, BATCH_LENGTH)) {
    const batch = slice.length < BATCH_MIN ? undefined : await removeBatch(blobs, slice, options)
    removals.push(
      ...(batch ?? (await mapParallel(slice, options, async (target) => removeOne(blobs, target, options)))),
    )
  }
  return removals
}

async function removeOne(
  blobs: AzureBlobs,
  target: RemovalTarget,
  options: RunOptions | undefined,
): Promise<Removal> {
  const client = await blobs.blob(target.key, true, options)
  const work = async (): Promise<Removal> => {
    await client.delete({ ...aborting(options), ...conditionsOf(target) })
    return 'removed'
  }
  const known = new Map<string, Removal>([
    ...outcomes<Removal>('absent', ...NOT_THERE),
    ...outcomes<Removal>('changed', 'ConditionNotMet'),
  ])
  return ask(blobs.attempt(target.key, true), options, work, known)
}

/** Undefined where the store does not take batches, or answered for less than all of it. */
async function removeBatch(
  blobs: AzureBlobs,
  targets: readonly RemovalTarget[],
  options: RunOptions | undefined,
): Promise<readonly Removal[] | undefined> {
  const container = await blobs.container.open(true, options)
  const response = await ask(
    { ...blobs.attempt('', true), where: blobs.place },
    options,
    async () => submit(container, blobs.root, targets, options),
    // Some rights, and some emulators, do not go as far as batches.
    outcomes(
      undefined,
      'AuthorizationPermissionMismatch',
      'AuthorizationFailure',
      'UnsupportedOperation',
      'InvalidInput',
    ),
  )
  if (response?.subResponses.length !== targets.length) return undefined
  return targets.map(({ key }, i) => {
    const { status, errorCode } = response.subResponses[i] ?? { status: 0 }
    if (status >= 200 && status < 300) return 'removed'
    if (status === 404) return 'absent'
    if (errorCode === 'ConditionNotMet') return 'changed'
    throw failed(blobs.attempt(key, true), { statusCode: status, code: errorCode, message: 'refused' })
  })
}

async function submit(
  container: ContainerClient,
  root: string,
  targets: readonly RemovalTarget[],
  options: RunOptions | undefined,
): Promise<BlobBatchSubmitBatchResponse | undefined> {
  const client = container.getBlobBatchClient()
  const batch = client.createBatch()
  for (const target of targets) {
    await batch.deleteBlob(container.getBlobClient(root + target.key), conditionsOf(target))
  }
  try {
    return await client.submitBatch(batch, aborting(options))
  } catch (error) {
    // Neither a refusal nor a failure of the network: the library could not read the answer. Repeating is safe.
    if (shapeOf(error).status === undefined && shapeOf(error).code === '') return undefined
    throw error
  }
}

function conditionsOf({ revision }: RemovalTarget): BlobDeleteOptions {
  return revision === undefined ? {} : { conditions: { ifMatch: revision } }
}

/** Removes one version for good; nothing when it is not there. */
export async function removeVersion(
  blobs: AzureBlobs,
  key: string,
  client: BlobClient,
  options: RunOptions | undefined,
): Promise<void> {
  const work = async (): Promise<void> => {
    await client.delete(aborting(options))
  }
  await ask(blobs.attempt(key, true), options, work, outcomes(undefined, ...NOT_THERE))
}
