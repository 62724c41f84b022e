/** What a container in Azure Blob Storage keeps of removed blobs, and copies within it. */
import { randomUUID } from 'node:crypto'
import type { BlobClient, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import {
  chooseKeeping,
  QUARANTINE_DEFAULT_MS,
  type CopyTarget,
  type Keeping,
  type Kept,
  type ObjectBucket,
  type ObjectFacts,
  type OwnObject,
} from '../objects/object-bucket.ts'
import { mapParallel } from '../objects/parallel.ts'
import { aborting, firstOf, headBlob, putBlob, readBlob, type AzureBlobs } from './azure-calls.ts'
import { ask, NOT_THERE, outcomes, TAKEN } from './azure-errors.ts'
import { removeBlobs, removeVersion } from './azure-removals.ts'

const COPY_POLL_MS = 500
const DAY_MS = 24 * 60 * 60 * 1000

type KeptCalls = Pick<
  ObjectBucket,
  'removeForGood' | 'copy' | 'keeping' | 'isKept' | 'readKept' | 'restoreKept' | 'dropKept'
>

export function keptInAzure(blobs: AzureBlobs): KeptCalls {
  return {
    keeping: async (options) => askKeeping(blobs, options),
    removeForGood: async (targets, options) => removeForGood(blobs, targets, options),
    copy: async (source, target, options) => {
      const client = await blobs.blob(source.key, false, options)
      return copyBlob(blobs, { client, facts: source.facts, isLive: true }, target, options)
    },
    isKept: async (key, kept, options) => isKept(blobs, key, kept, options),
    readKept: async (key, kept, bytesMax, options) => {
      if (kept.kind === 'soft-delete') throw notReadable(blobs, key)
      const client = (await blobs.blob(key, false, options)).withVersion(kept.id)
      return (await readBlob(blobs.attempt(key, false), client, bytesMax, options))?.bytes
    },
    restoreKept: async (key, kept, options) => {
      if (kept.kind === 'soft-delete') return undelete(blobs, key, kept, options)
      const client = (await blobs.blob(key, true, options)).withVersion(kept.id)
      const facts = await headBlob(blobs.attempt(key, true), client, options)
      if (facts === undefined) return 'absent'
      const done = await copyBlob(
        blobs,
        { client, facts, isLive: false },
        { key, mustBeAbsent: true },
        options,
      )
      return done === 'copied' ? 'restored' : done
    },
    dropKept: async (key, kept, options) => {
      // Nobody can end soft deletion early: the bytes go when the policy's time is over.
      if (kept.kind === 'soft-delete' || !(await isKept(blobs, key, kept, options))) return
      // Safe: a version that is not the current one never becomes it again.
      await removeVersion(blobs, key, (await blobs.blob(key, true, options)).withVersion(kept.id), options)
    },
  }
}

/**
 * Whether an account keeps versions is told nobody who may only read and write blobs, so it is tried: what Azure says about
 * a blob of ours that is written, removed and looked for shows both.
 */
async function askKeeping(blobs: AzureBlobs, options: RunOptions | undefined): Promise<Keeping> {
  const key = `.winnow/probe-${randomUUID()}`
  const client = await blobs.blob(key, true, options)
  const { versionId } = await putBlob(blobs.attempt(key, true), client, new Uint8Array(), true, options)
  await removeBlobs(blobs, [{ key }], options)
  const hasVersions = versionId !== undefined
  if (hasVersions) await removeVersion(blobs, key, client.withVersion(versionId), options)
  const [deleted] = hasVersions ? [] : await softDeleted(blobs, key, options)
  const softDeleteMs = deleted && Math.round(deleted.remainingDays * DAY_MS)
  return chooseKeeping({ hasVersions, softDeleteMs }, blobs.settings.quarantineMs ?? QUARANTINE_DEFAULT_MS)
}

interface SoftDeleted {
  readonly etag: string
  readonly remainingDays: number
}

/** Softly deleted blobs of exactly this key; they come first among those whose key begins so. */
async function softDeleted(
  blobs: AzureBlobs,
  key: string,
  options: RunOptions | undefined,
): Promise<readonly SoftDeleted[]> {
  const container = await blobs.container.open(false, options)
  const name = blobs.root + key
  return ask(blobs.attempt(key, false), options, async () => {
    const listed = container.listBlobsFlat({ prefix: name, includeDeleted: true, ...aborting(options) })
    const page = await firstOf<ContainerListBlobFlatSegmentResponse>(listed.byPage({ maxPageSize: 10 }))
    const items = page?.segment.blobItems ?? []
    return items
      .filter((item) => item.name === name && item.deleted)
      .map(({ properties }) => ({
        etag: properties.etag.replaceAll('"', ''),
        remainingDays: properties.remainingRetentionDays ?? 0,
      }))
  })
}

async function isKept(
  blobs: AzureBlobs,
  key: string,
  { kind, id }: Kept,
  options: RunOptions | undefined,
): Promise<boolean> {
  if (kind === 'soft-delete') return (await softDeleted(blobs, key, options)).some(({ etag }) => etag === id)
  const client = (await blobs.blob(key, false, options)).withVersion(id)
  const found = await headBlob(blobs.attempt(key, false), client, options)
  return found !== undefined && !found.isCurrent
}

async function removeForGood(
  blobs: AzureBlobs,
  targets: readonly OwnObject[],
  options: RunOptions | undefined,
): Promise<void> {
  // Only the blob itself tells its version; if the first has none, the account keeps none. Where that was turned on in
  // between, a version of a mark or a copy may stay, until the account's own rules remove it.
  const [first] = targets
  if (first === undefined) return
  const version = await versionOf(blobs, first, options)
  const versions =
    version === undefined
      ? []
      : await mapParallel(targets, options, async (target) => versionOf(blobs, target, options))
  await removeBlobs(
    blobs,
    targets.map(({ key, facts }) => ({ key, revision: facts.revision })),
    options,
  )
  // The current version of a blob cannot be removed by its id; once the blob is gone, it is an older one.
  await mapParallel(versions, options, async (found) => {
    if (found !== undefined) await removeVersion(blobs, found.key, found.client, options)
  })
}

async function versionOf(
  blobs: AzureBlobs,
  { key }: OwnObject,
  options: RunOptions | undefined,
): Promise<{ readonly key: string; readonly client: BlobClient } | undefined> {
  const client = await blobs.blob(key, true, options)
  const versionId = (await headBlob(blobs.attempt(key, true), client, options))?.versionId
  return versionId === undefined ? undefined : { key, client: client.withVersion(versionId) }
}

interface BlobSource {
  readonly client: BlobClient
  readonly facts: ObjectFacts
  /** A version never changes; the blob itself may. */
  readonly isLive: boolean
}

async function copyBlob(
  blobs: AzureBlobs,
  { client, facts, isLive }: BlobSource,
  { key, mustBeAbsent }: CopyTarget,
  options: RunOptions | undefined,
): Promise<'copied' | 'taken' | 'absent'> {
  const attempt = blobs.attempt(key, true)
  const target = await blobs.blob(key, true, options)
  type Done = 'copied' | 'taken' | 'absent'
  const known = new Map<string, Done>([
    ...outcomes<Done>('absent', ...NOT_THERE, 'CannotVerifyCopySource', 'SourceConditionNotMet'),
    ...outcomes<Done>('taken', ...(mustBeAbsent ? TAKEN : [])),
  ])
  const work = async (): Promise<Done> => {
    const poller = await target.beginCopyFromURL(client.url, {
      ...aborting(options),
      intervalInMs: COPY_POLL_MS,
      ...(mustBeAbsent ? { conditions: { ifNoneMatch: '*' } } : {}),
      ...(isLive ? { sourceConditions: { ifMatch: facts.revision } } : {}),
    })
    const { copyStatus } = await poller.pollUntilDone()
    if (copyStatus === 'success') return 'copied'
    throw new StorageWriteError(attempt.where, 'other', 'the store did not finish copying it')
  }
  const done = await ask(attempt, options, work, known)
  if (done === 'copied') requireSame(attempt.where, facts, await headBlob(attempt, target, options))
  return done
}

/** Registries upload in blocks, and such blobs have no MD5: then it is the size, and that Azure says it succeeded. */
function requireSame(where: string, original: ObjectFacts, copy: ObjectFacts | undefined): void {
  const isSame = copy?.sizeBytes === original.sizeBytes && copy.checksum === original.checksum
  if (isSame) return
  throw new StorageWriteError(where, 'other', 'the copy that the store made of it is not the same')
}

async function undelete(
  blobs: AzureBlobs,
  key: string,
  kept: Kept,
  options: RunOptions | undefined,
): Promise<'restored' | 'taken' | 'absent'> {
  if (!(await isKept(blobs, key, kept, options))) return 'absent'
  const client = await blobs.blob(key, true, options)
  // It cannot be made to refuse, but does nothing to a blob that is there.
  const work = async (): Promise<'restored' | 'absent'> => {
    await client.undelete(aborting(options))
    return 'restored'
  }
  return ask(blobs.attempt(key, true), options, work, outcomes('absent', ...NOT_THERE))
}

function notReadable({ attempt }: AzureBlobs, key: string): StorageUnreadableError {
  return new StorageUnreadableError(
    attempt(key, false).where,
    'it is softly deleted, and such blobs cannot be read',
    { hint: 'Put it back first with winnow sweep --restore.' },
  )
}
