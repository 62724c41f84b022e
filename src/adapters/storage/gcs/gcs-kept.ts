/** What a bucket in Google Cloud Storage keeps of removed objects, and copies within it. */
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import {
  chooseKeeping,
  QUARANTINE_DEFAULT_MS,
  type CopySource,
  type CopyTarget,
  type Keeping,
  type Kept,
  type ObjectBucket,
  type ObjectFacts,
} from '../objects/object-bucket.ts'
import { mapParallel } from '../objects/parallel.ts'
import { headObject, readMedia, type GcsObjects } from './gcs-calls.ts'
import { factsOf, fieldsOf, parseBucket, parseObject, type GcsObject } from './gcs-objects.ts'
import type { GcsSettings } from './gcs-requests.ts'

/** A rewrite of many gigabytes between storage classes takes several calls; within one it takes one. */
const REWRITE_CALLS_MAX = 10_000

type KeptCalls = Pick<
  ObjectBucket,
  'removeForGood' | 'copy' | 'keeping' | 'isKept' | 'readKept' | 'restoreKept' | 'dropKept'
>

export function keptInGcs(objects: GcsObjects, bucketPath: string, settings: GcsSettings): KeptCalls {
  return {
    keeping: async (options) => askKeeping(objects, bucketPath, settings, options),
    removeForGood: async (targets, options) => {
      await mapParallel(targets, options, async ({ key, facts }) =>
        // By its generation, so that not even a versioned bucket keeps it.
        removeGeneration(objects, key, facts.revision, options),
      )
    },
    copy: async (source, target, options) => copyObject(objects, source, target, options),
    isKept: async (key, kept, options) => (await headKept(objects, key, kept, options)) !== undefined,
    readKept: async (key, kept, bytesMax, options) => {
      if (kept.kind === 'soft-delete') throw notReadable(objects, key)
      const response = await readMedia(objects, key, { bytesMax, generation: kept.id }, options)
      return response?.body
    },
    restoreKept: async (key, kept, options) => {
      if (kept.kind === 'soft-delete') return undelete(objects, key, kept.id, options)
      const found = await headKept(objects, key, kept, options)
      if (found === undefined) return 'absent'
      const target = { key, mustBeAbsent: true }
      const copied = await copyObject(objects, { key, facts: factsOf(found) }, target, options)
      return copied === 'copied' ? 'restored' : copied
    },
    dropKept: async (key, kept, options) => {
      // Nobody can end soft deletion early: the bytes go when the policy's time is over.
      if (kept.kind === 'soft-delete') return
      // Safe: a generation that is no longer the live one never becomes it again.
      if ((await headKept(objects, key, kept, options)) !== undefined) {
        await removeGeneration(objects, key, kept.id, options)
      }
    },
  }
}

async function headKept(
  objects: GcsObjects,
  key: string,
  { kind, id }: Kept,
  options: RunOptions | undefined,
): Promise<GcsObject | undefined> {
  if (kind === 'soft-delete')
    return headObject(objects, key, { generation: id, softDeleted: 'true' }, options)
  const found = await headObject(objects, key, { generation: id }, options)
  return found?.isNoncurrent === true ? found : undefined
}

async function askKeeping(
  { send }: GcsObjects,
  bucketPath: string,
  settings: GcsSettings,
  options: RunOptions | undefined,
): Promise<Keeping> {
  const where = `gs://${settings.bucket}`
  const query = { fields: 'versioning,softDeletePolicy' }
  const asked = {
    method: 'GET',
    path: bucketPath,
    query,
    where,
    changes: false,
    accepts: [200, 403],
  } as const
  const response = await send(asked, options)
  if (response.status === 403) {
    const text = `Winnow may not see how ${where} keeps removed objects (storage.buckets.get), so it copies what it sets aside.`
    options?.onEvent?.({ kind: 'warning', text })
    return { kind: 'copy', keptMs: undefined }
  }
  return chooseKeeping(parseBucket(response), settings.quarantineMs ?? QUARANTINE_DEFAULT_MS)
}

async function copyObject(
  objects: GcsObjects,
  source: CopySource,
  target: CopyTarget,
  options: RunOptions | undefined,
): Promise<'copied' | 'taken' | 'absent'> {
  const { where, pathOf, send, root } = objects
  const path = `${pathOf(source.key)}/rewriteTo${pathOf(target.key)}`
  const conditions = {
    sourceGeneration: source.facts.revision,
    ifGenerationMatch: target.mustBeAbsent ? '0' : undefined,
  }
  let rewriteToken: string | undefined
  for (let call = 0; call < REWRITE_CALLS_MAX; call++) {
    const accepts = [200, 404, ...(target.mustBeAbsent ? [412] : [])]
    const asked = { method: 'POST', path, where: where(target.key), changes: true, accepts } as const
    const response = await send({ ...asked, query: { ...conditions, rewriteToken } }, options)
    if (response.status === 404) return 'absent'
    if (response.status === 412) return 'taken'
    const { done, resource, rewriteToken: next } = fieldsOf(response.json())
    if (done === true) {
      requireSame(where(target.key), source.facts, factsOf(parseObject(where(root), resource)))
      return 'copied'
    }
    rewriteToken = typeof next === 'string' ? next : undefined
  }
  throw new StorageWriteError(where(target.key), 'other', 'the store did not finish copying it')
}

function requireSame(where: string, original: ObjectFacts, copy: ObjectFacts): void {
  const isSame = copy.sizeBytes === original.sizeBytes && copy.checksum === original.checksum
  if (isSame && original.checksum !== undefined) return
  throw new StorageWriteError(where, 'other', 'the copy that the store made of it is not the same')
}

async function undelete(
  { where, pathOf, send }: GcsObjects,
  key: string,
  generation: string,
  options: RunOptions | undefined,
): Promise<'restored' | 'taken' | 'absent'> {
  const query = { generation, ifGenerationMatch: '0' }
  const asked = {
    method: 'POST',
    path: `${pathOf(key)}/restore`,
    query,
    where: where(key),
    changes: true,
  } as const
  const response = await send({ ...asked, accepts: [200, 404, 412] }, options)
  if (response.status === 404) return 'absent'
  return response.status === 412 ? 'taken' : 'restored'
}

async function removeGeneration(
  { where, pathOf, send }: GcsObjects,
  key: string,
  generation: string,
  options: RunOptions | undefined,
): Promise<void> {
  const asked = { method: 'DELETE', path: pathOf(key), where: where(key), changes: true } as const
  await send({ ...asked, query: { generation }, accepts: [200, 204, 404] }, options)
}

function notReadable({ where }: GcsObjects, key: string): StorageUnreadableError {
  return new StorageUnreadableError(where(key), 'it is softly deleted, and such objects cannot be read', {
    hint: 'Put it back first with winnow sweep --restore.',
  })
}
