/** A bucket as a store that can be changed and swept. Promises what ports/mutable-sweep-store.ts asks for. */
import type { AsideFile } from '../../../ports/listable-store.ts'
import type { SweepableStore } from '../../../ports/mutable-sweep-store.ts'
import { freeObjects, putObjectsBack, setObjectsAside } from './aside-objects.ts'
import type { Keeping, ObjectBucket } from './object-bucket.ts'
import { requireAside, requireKey } from './object-keys.ts'
import { slicesOf, throwIfAborted } from './parallel.ts'
import { readableStore } from './readable-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

/** What is looked at, secured and removed in one go; as many as Azure takes in a batch. */
const BATCH_LENGTH = 256

/** A store that keeps removed bytes only for a while says so. */
export interface KeepingStore extends SweepableStore {
  /** How long what is set aside can be put back, by the store's own policy; undefined when until it is freed. */
  asideKeptMs(options?: RunOptions): Promise<number | undefined>
}

export function sweepableStore(bucket: ObjectBucket, readableBytesMax: number): KeepingStore {
  const { place } = bucket
  const keepingOf = rememberKeeping(bucket)
  const checked = (files: readonly AsideFile[], options: RunOptions | undefined): readonly AsideFile[] => {
    throwIfAborted(options)
    return files.map((file) => requireAside(place, file))
  }
  return {
    ...readableStore(bucket),
    write: async (key, bytes, options) => bucket.write(requireKey(place, key), bytes, options),
    create: async (key, bytes, options) => bucket.create(requireKey(place, key), bytes, options),
    remove: async (key, options) => (await removeKeys(bucket, [key], options))[0] === true,
    removeAll: async (keys, options) => removeKeys(bucket, keys, options),
    // A bucket has no folders, so there is none to remove.
    removeEmptyFolders: async (_folder, options) => throwIfAborted(options),
    quarantineKind: async (options) => (await keepingOf(options)).kind,
    asideKeptMs: async (options) => (await keepingOf(options)).keptMs,
    setAside: async (files, options) =>
      inBatches(checked(files, options), async (batch) => {
        const how = { keeping: await keepingOf(options), readableBytesMax }
        return setObjectsAside(bucket, batch, how, options)
      }),
    putBack: async (files, options) =>
      inBatches(checked(files, options), async (batch) => putObjectsBack(bucket, batch, options)),
    free: async (files, options) =>
      inBatches(checked(files, options), async (batch) => freeObjects(bucket, batch, options)),
  }
}

async function inBatches<R>(
  files: readonly AsideFile[],
  work: (batch: readonly AsideFile[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const outcomes: R[] = []
  for (const batch of slicesOf(files, BATCH_LENGTH)) outcomes.push(...(await work(batch)))
  return outcomes
}

async function removeKeys(
  bucket: ObjectBucket,
  keys: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  throwIfAborted(options)
  const targets = keys.map((key) => ({ key: requireKey(bucket.place, key) }))
  const removals = await bucket.removeMany(targets, options)
  return removals.map((removal) => removal === 'removed')
}

/** Asked once; a failure is not remembered. */
function rememberKeeping(bucket: ObjectBucket): (options?: RunOptions) => Promise<Keeping> {
  let found: Keeping | undefined
  return async (options) => (found ??= await bucket.keeping(options))
}
