/**
 * Setting aside in a bucket that keeps no versions: copied, compared, and only then deleted.
 *
 * A crash in between leaves both, which `locate` tells; repeating the call ends it. The original is deleted by its name:
 * had it been uploaded anew since it was copied, the copy would have the same content, since names are digests.
 */
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { copyObject, requireSame } from './copy-object.ts'
import { deleteObjects } from './delete-objects.ts'
import { findObjects } from './find-objects.ts'
import { findVersions } from './find-versions.ts'
import { keyOf } from './keys.ts'
import type { ListedObject } from './list-pages.ts'
import { mapParallel } from './parallel.ts'
import { statObject } from './read-objects.ts'
import type { Versioning } from './versioning.ts'
import type { Names, Placement } from './whereabouts.ts'

/** Copies of one list stay few enough that a crash leaves little to be done again. */
const BATCH_FILES = 1000
const ATTEMPTS = 3

/** True for what was there, and lies in the quarantine now. */
export async function moveAside(
  connection: Connection,
  names: readonly Names[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  const moved: boolean[] = []
  for (let start = 0; start < names.length; start += BATCH_FILES) {
    const batch = names.slice(start, start + BATCH_FILES)
    const copied = await copyAside(connection, batch, options)
    // Safe: each of these was found, copied, and the copy found to be the same.
    const originals = batch.filter((_, i) => copied[i] === true).map(({ name }) => ({ name }))
    await deleteObjects(connection, originals, options)
    moved.push(...copied)
  }
  return moved
}

/** What is in the quarantine, back under its name. True where it was put there, false where something newer lies. */
export async function copyBack(
  connection: Connection,
  placements: readonly Placement[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  const isBack = await mapParallel(placements, connection.requestsAtOnce, async ({ name, copy }) => {
    if (copy === undefined) return false
    // Servers other than Amazon's take the condition on a copy for nothing, so they are asked right before.
    if (!connection.isAmazon && (await statObject(connection, name, options)) !== undefined) return false
    const outcome = await copyObject(connection, { from: copy, to: name, isNew: true }, options)
    if (outcome === 'copied') return true
    // The copy is dropped next, so what is said to lie there is looked at.
    if ((await statObject(connection, name, options)) !== undefined) return false
    throw new StorageWriteError(
      `${connection.place}/${keyOf(connection, name)}`,
      'other',
      'it could not be put back',
    )
  })
  const restored = placements.filter((_, i) => isBack[i] === true)
  const found = await findObjects(
    connection,
    restored.map(({ name }) => name),
    options,
  )
  await mapParallel(restored, connection.requestsAtOnce, async ({ name, copy }) => {
    if (copy !== undefined) await requireSame(connection, copy, found.get(name), options)
  })
  return isBack
}

/**
 * Removes files of Winnow's own for good; where the bucket once kept versions, all that were there when it looked. (Some
 * servers refuse to make a file anew where a delete marker lies, and a lease comes and goes with every run.)
 */
export async function dropForGood(
  connection: Connection,
  versioning: Versioning,
  objects: readonly ListedObject[],
  options: RunOptions | undefined,
): Promise<void> {
  const names = objects.map(({ name }) => name)
  if (versioning === 'never' || names.length === 0) {
    return deleteObjects(
      connection,
      names.map((name) => ({ name })),
      options,
    )
  }
  const versions = await findVersions(connection, names, options)
  return deleteObjects(connection, [...versions.values()].flat(), options)
}

async function copyAside(
  connection: Connection,
  names: readonly Names[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  const originals = new Map<string, ListedObject>()
  let left = names
  for (let attempt = 1; left.length > 0; attempt++) {
    const found = await findObjects(
      connection,
      left.map(({ name }) => name),
      options,
    )
    const there = left.filter(({ name }) => found.has(name))
    const outcomes = await mapParallel(there, connection.requestsAtOnce, async ({ name, copyName }) => {
      const from = found.get(name)
      if (from === undefined) return 'absent'
      const outcome = await copyObject(connection, { from, to: copyName }, options)
      if (outcome === 'copied') originals.set(name, from)
      return outcome
    })
    left = there.filter((_, i) => outcomes[i] === 'changed')
    if (left[0] !== undefined && attempt === ATTEMPTS) {
      const where = `${connection.place}/${keyOf(connection, left[0].name)}`
      throw new StorageWriteError(where, 'other', 'it changes all the time')
    }
  }
  const copied = names.filter(({ name }) => originals.has(name))
  const copies = await findObjects(
    connection,
    copied.map(({ copyName }) => copyName),
    options,
  )
  await mapParallel(copied, connection.requestsAtOnce, async ({ name, copyName }) => {
    const original = originals.get(name)
    if (original !== undefined) await requireSame(connection, original, copies.get(copyName), options)
  })
  return names.map(({ name }) => originals.has(name))
}
