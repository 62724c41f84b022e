/** A bucket as a store that can be changed and swept. Promises what ports/mutable-sweep-store.ts asks for. */
import type { AsideFile } from '../../../ports/listable-store.ts'
import type { SetAsideOutcome, SweepableStore } from '../../../ports/mutable-sweep-store.ts'
import { freeObject, putObjectBack, setObjectsAside } from './aside-objects.ts'
import type { Keeping, ObjectBucket } from './object-bucket.ts'
import { requireAside, requireKey } from './object-keys.ts'
import { mapParallel, slicesOf, throwIfAborted } from './parallel.ts'
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
    setAside: async (files, options) => {
      const outcomes: SetAsideOutcome[] = []
      for (const slice of slicesOf(checked(files, options), BATCH_LENGTH)) {
        const how = { keeping: await keepingOf(options), readableBytesMax }
        outcomes.push(...(await setObjectsAside(bucket, slice, how, options)))
      }
      return outcomes
    },
    putBack: async (files, options) =>
      mapParallel(checked(files, options), options, async (file) => putObjectBack(bucket, file, options)),
    free: async (files, options) =>
      mapParallel(checked(files, options), options, async (file) => freeObject(bucket, file, options)),
  }
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
