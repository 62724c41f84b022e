/** Deletes objects and versions in the server's own batches. Every key that the server refuses is an error. */
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { keyOf } from './keys.ts'
import { mapParallel } from './parallel.ts'
import type { ObjectVersion } from './read-objects.ts'
import { refusedByCode } from './s3-errors.ts'

/** The most a server takes at once. */
const BATCH_KEYS = 1000
const BATCHES_AT_ONCE = 4
const ATTEMPTS = 6
const PAUSE_MS = 500
const passing = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
])
const absent = new Set(['NoSuchKey', 'NoSuchVersion'])

/** What is not there any more counts as deleted. @throws StorageWriteError for the first that is refused */
export async function deleteObjects(
  connection: Connection,
  objects: readonly ObjectVersion[],
  options: RunOptions | undefined,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(objects.length / BATCH_KEYS) }, (_, i) =>
    objects.slice(i * BATCH_KEYS, (i + 1) * BATCH_KEYS),
  )
  await mapParallel(batches, BATCHES_AT_ONCE, async (batch) => {
    let left = batch
    for (let attempt = 1; left.length > 0; attempt++) {
      const refused = await deleteBatch(connection, left, options)
      const fatal = refused.find(({ code }) => attempt === ATTEMPTS || !passing.has(code))
      if (fatal !== undefined) {
        throw refusedByCode(`${connection.place}/${keyOf(connection, fatal.object.name)}`, fatal.code)
      }
      left = refused.map(({ object }) => object)
      if (left.length > 0) await pause(PAUSE_MS * 2 ** (attempt - 1), options)
    }
  })
}

interface Refused {
  readonly object: ObjectVersion
  readonly code: string
}

async function deleteBatch(
  connection: Connection,
  objects: readonly ObjectVersion[],
  options: RunOptions | undefined,
): Promise<readonly Refused[]> {
  const answer = await connection.change('', options, (s3, http) =>
    s3.deleteObjects(
      {
        Bucket: connection.bucket,
        Delete: {
          Quiet: true,
          Objects: objects.map(({ name, versionId }) => ({
            Key: name,
            ...(versionId !== undefined && { VersionId: versionId }),
          })),
        },
      },
      http,
    ),
  )
  // Not "all of it was gone": a batch that was not taken.
  if (answer === undefined) throw refusedByCode(connection.place, 'NotFound')
  const errors = (answer.Errors ?? []).filter(({ Code = '' }) => !absent.has(Code))
  return errors.map(({ Key = '', VersionId, Code = 'unknown' }) => ({
    object: { name: Key, ...(VersionId !== undefined && VersionId !== '' && { versionId: VersionId }) },
    code: Code,
  }))
}

async function pause(ms: number, options: RunOptions | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, options?.signal === undefined ? {} : { signal: options.signal })
  } catch {
    throw new InterruptedError()
  }
}
