/**
 * Setting objects aside, putting them back, freeing them.
 *
 * Before an object goes, there is either a mark that says under which version the store keeps it, or a copy that was
 * compared. So after a crash at any moment each object is under its key, or can be found by its mark or copy, or both.
 */
import { quarantineKey, type AsideFile } from '../../../ports/listable-store.ts'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import type { FreeOutcome, PutBackOutcome, SetAsideOutcome } from '../../../ports/mutable-sweep-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { findAsides, type Aside } from './find-asides.ts'
import type { Keeping, ObjectBucket, ObjectFacts } from './object-bucket.ts'
import { markKey } from './object-keys.ts'
import { mapParallel } from './parallel.ts'

/** An object that is replaced each time we look is none of a registry's. */
const ROUNDS_MAX = 5

export interface SettingAside {
  readonly keeping: Keeping
  /** Where the store softly deletes, up to this size copies are made: what is softly deleted cannot be read. */
  readonly readableBytesMax: number
}

/** Sets aside one batch. */
export async function setObjectsAside(
  bucket: ObjectBucket,
  files: readonly AsideFile[],
  how: SettingAside,
  options: RunOptions | undefined,
): Promise<readonly SetAsideOutcome[]> {
  const outcomes = new Map<AsideFile, SetAsideOutcome>()
  let left = files
  for (let round = 0; left.length > 0; round++) {
    const [again] = left
    if (round === ROUNDS_MAX && again !== undefined) throw restless(bucket, again)
    const found = await mapParallel(left, options, async (file) => secure(bucket, file, how, options))
    const secured = left.flatMap((file, i) => {
      const facts = found[i]
      return facts === undefined ? [] : [{ file, target: { key: file.key, revision: facts.revision } }]
    })
    // Safe: this very revision has its mark or its copy, and no other one is removed.
    const removals = await bucket.removeMany(
      secured.map(({ target }) => target),
      options,
    )
    for (const file of left) outcomes.set(file, 'absent')
    // One that somebody else removed in between is just as much set aside: its mark or its copy is there.
    for (const { file } of secured) outcomes.set(file, 'set-aside')
    left = secured.filter((_, i) => removals[i] === 'changed').map(({ file }) => file)
  }
  return files.map((file) => outcomes.get(file) ?? 'absent')
}

/** Makes sure that the object can be found again; undefined when there is none. */
async function secure(
  bucket: ObjectBucket,
  file: AsideFile,
  { keeping, readableBytesMax }: SettingAside,
  options: RunOptions | undefined,
): Promise<ObjectFacts | undefined> {
  for (let attempt = 0; attempt < ROUNDS_MAX; attempt++) {
    const facts = await bucket.head(file.key, options)
    if (facts === undefined) return undefined
    const isCopied = keeping.kind === 'soft-delete' && facts.sizeBytes <= readableBytesMax
    const id = keeping.kind === 'copy' || isCopied ? undefined : facts.keptId(keeping.kind)
    if (keeping.kind !== 'copy' && id !== undefined) {
      await bucket.write(markKey(file, { kind: keeping.kind, id }), new Uint8Array(), options)
      return facts
    }
    const target = { key: quarantineKey(file), mustBeAbsent: false }
    const copied = await bucket.copy({ key: file.key, facts }, target, options)
    if (copied === 'copied') return facts
    // It was replaced or removed since: look again.
  }
  throw restless(bucket, file)
}

function restless(bucket: ObjectBucket, { key }: AsideFile): StorageWriteError {
  return new StorageWriteError(
    `${bucket.place}/${key}`,
    'other',
    'it was replaced each time it was looked at',
  )
}

/** Puts back one batch. */
export async function putObjectsBack(
  bucket: ObjectBucket,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly PutBackOutcome[]> {
  const asides = await findAsides(bucket, files, options)
  const outcomes = await mapParallel(asides, options, async (aside) => restore(bucket, aside, options))
  // Safe: under the key lies this very file, or a newer one of the same content. `lost` has nothing but old marks.
  await drop(bucket, asides, options)
  return outcomes
}

async function restore(
  bucket: ObjectBucket,
  { file, kept, copy }: Aside,
  options: RunOptions | undefined,
): Promise<PutBackOutcome> {
  // Asked first, since not every way of restoring can be made to refuse.
  if ((await bucket.head(file.key, options)) !== undefined) return 'present'
  for (const each of kept) {
    const restored = await bucket.restoreKept(file.key, each, options)
    if (restored !== 'absent') return outcomeOf(restored)
  }
  if (copy === undefined) return 'lost'
  const copied = await bucket.copy(copy, { key: file.key, mustBeAbsent: true }, options)
  return copied === 'absent' ? 'lost' : outcomeOf(copied)
}

function outcomeOf(done: 'restored' | 'copied' | 'taken'): PutBackOutcome {
  return done === 'taken' ? 'present' : 'restored'
}

/** Frees one batch. */
export async function freeObjects(
  bucket: ObjectBucket,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly FreeOutcome[]> {
  const asides = await findAsides(bucket, files, options)
  await drop(bucket, asides, options)
  return asides.map(({ kept, copy }) => (kept.length > 0 || copy !== undefined ? 'freed' : 'absent'))
}

/** Bytes first, marks second: what is interrupted is found again, and finished. */
async function drop(
  bucket: ObjectBucket,
  asides: readonly Aside[],
  options: RunOptions | undefined,
): Promise<void> {
  // Safe: versions that marks of this run name and that are no object under a key, and copies in the quarantine.
  await mapParallel(asides, options, async ({ file, kept }) => {
    for (const each of kept) await bucket.dropKept(file.key, each, options)
  })
  const copies = asides.flatMap(({ copy }) => (copy === undefined ? [] : [copy]))
  await bucket.removeForGood(copies, options)
  await bucket.removeForGood(
    asides.flatMap(({ marks }) => marks),
    options,
  )
}
