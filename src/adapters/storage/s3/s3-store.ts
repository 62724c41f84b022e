/**
 * A bucket as a store of a registry's files. Promises what the ports ask for; loads the vendor's client when the first
 * request is due, and sends nothing before.
 */
import { invariant } from '../../../core/errors/invariant.ts'
import { quarantineKey, type AsideFile, type ListableStore } from '../../../ports/listable-store.ts'
import type { SweepableStore } from '../../../ports/mutable-sweep-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { connect, type Connection, type RequestCounts, type S3StoreOptions } from './connection.ts'
import { objectCreator } from './create-object.ts'
import { deleteObjects } from './delete-objects.ts'
import { findObjects } from './find-objects.ts'
import { objectName } from './keys.ts'
import { listAllObjects } from './list-all-objects.ts'
import { listFolder, readObject, statObject } from './read-objects.ts'
import { refusedByCode } from './s3-errors.ts'
import { freeObjects, putBackObjects, setAsideObjects } from './set-aside-objects.ts'
import { dropForGood } from './set-aside-copies.ts'
import { versioningOf, type VersioningLookup } from './versioning.ts'
import { placementsOf, whereaboutsOf } from './whereabouts.ts'

export type { RequestCounts, S3StoreOptions } from './connection.ts'

export interface CountsRequests {
  /** Requests sent so far, by operation. */
  readonly stats: RequestCounts
}

/** A bucket that cannot be changed through what is returned. */
export function createReadableS3Store(options: S3StoreOptions): ListableStore & CountsRequests {
  const connection = connect(options)
  return withStats(readableOver(connection, versioningOf(connection)), connection)
}

/** A bucket in which files can be set aside. */
export function createS3Store(options: S3StoreOptions): SweepableStore & CountsRequests {
  const connection = connect(options)
  const versioning = versioningOf(connection)
  const create = objectCreator(connection)
  const store: SweepableStore = {
    ...readableOver(connection, versioning),
    write: async (key, bytes, run) => writeObject(connection, key, bytes, run),
    create: async (key, bytes, run) => create(objectName(connection, key), bytes, run),
    remove: async (key, run) => (await removeObjects(connection, versioning, [key], run))[0] === true,
    removeAll: async (keys, run) => removeObjects(connection, versioning, keys, run),
    // A bucket has no folders of its own.
    removeEmptyFolders: async (_folder, run) => {
      await connection.ask('', run, async () => undefined)
    },
    quarantineKind: async (run) => ((await versioning(run)) === 'on' ? 'versions' : 'copy'),
    setAside: async (files, run) => setAsideObjects(connection, versioning, files, run),
    putBack: async (files, run) => putBackObjects(connection, versioning, files, run),
    free: async (files, run) => freeObjects(connection, versioning, files, run),
  }
  return withStats(store, connection)
}

function withStats<T extends object>(store: T, connection: Connection): T & CountsRequests {
  return Object.defineProperty({ ...store, stats: {} }, 'stats', {
    get: () => connection.counts(),
    enumerable: true,
  })
}

function readableOver(connection: Connection, versioning: VersioningLookup): ListableStore {
  return {
    place: connection.place,
    list: async (folder, run) => listFolder(connection, folder, run),
    read: async (key, bytesMax, run) =>
      readObject(connection, { name: objectName(connection, key) }, bytesMax, run),
    stat: async (key, run) => statObject(connection, objectName(connection, key), run),
    listAll: (prefix, run) => {
      invariant(prefix === '' || prefix.endsWith('/'), 'only whole folders are listed')
      return listAllObjects(connection, prefix, run)
    },
    readAside: async (file, bytesMax, run) => readAside(connection, versioning, file, bytesMax, run),
    locate: async (files, run) => (await placementsOf(connection, versioning, files, run)).map(whereaboutsOf),
  }
}

async function readAside(
  connection: Connection,
  versioning: VersioningLookup,
  file: AsideFile,
  bytesMax: number,
  options: RunOptions | undefined,
): Promise<Uint8Array | undefined> {
  objectName(connection, quarantineKey(file))
  const [placement] = await placementsOf(connection, versioning, [file], options)
  const hidden = placement?.layers[0]?.hidden[0]
  const at = placement?.copy === undefined ? hidden : { name: placement.copy.name }
  return at && (await readObject(connection, at, bytesMax, options))?.bytes
}

async function writeObject(
  connection: Connection,
  key: string,
  bytes: Uint8Array,
  options: RunOptions | undefined,
): Promise<void> {
  const name = objectName(connection, key)
  const answer = await connection.change(key, options, (s3, http) =>
    s3.putObject({ Bucket: connection.bucket, Key: name, Body: bytes }, http),
  )
  if (answer === undefined) throw refusedByCode(`${connection.place}/${key}`, 'NotFound')
}

async function removeObjects(
  connection: Connection,
  versioning: VersioningLookup,
  keys: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  const names = keys.map((key) => objectName(connection, key))
  if (names.length === 0) return []
  const there = await findObjects(connection, names, options)
  const isOurs = (name: string): boolean => name.startsWith(`${connection.prefix}.winnow/`)
  // Exactly the keys that were given; where the bucket keeps versions, its lifecycle removes what they leave.
  const registrys = [...there.keys()].filter((name) => !isOurs(name)).map((name) => ({ name }))
  await deleteObjects(connection, registrys, options)
  const ours = [...there.values()].filter(({ name }) => isOurs(name))
  await dropForGood(connection, await versioning(options), ours, options)
  return names.map((name) => there.has(name))
}
