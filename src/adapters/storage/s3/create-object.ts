/**
 * Makes an object that must not be there yet, by a conditional write (`If-None-Match: *`).
 *
 * A server that does not know the condition overwrites without a word, and two runs would both believe that they were
 * first. So a server that is not Amazon's is tried once, with an object of our own; one that fails is refused.
 */
import { randomUUID } from 'node:crypto'
import { QUARANTINE_FOLDER } from '../../../ports/listable-store.ts'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { deleteObjects } from './delete-objects.ts'
import { keyOf, objectName } from './keys.ts'
import { readObject, type ObjectVersion } from './read-objects.ts'
import { attemptsOf, isConditionFailed, isConflict, isNotImplemented } from './s3-errors.ts'

const ATTEMPTS = 10

export type ObjectCreator = (
  name: string,
  bytes: Uint8Array,
  options: RunOptions | undefined,
) => Promise<boolean>

export function objectCreator(connection: Connection): ObjectCreator {
  let tried: Promise<void> | undefined
  return async (name, bytes, options) => {
    if (!connection.isAmazon) {
      tried ??= requireConditions(connection, options)
      await tried.catch((error: unknown) => {
        tried = undefined
        throw error
      })
    }
    const put = await putNew(connection, name, bytes, options)
    if (put.outcome !== 'taken' || put.attempts === 1) return put.outcome === 'created'
    // An answer was lost on the way: what lies there may be what we wrote the first time.
    const found = await readObject(connection, { name }, bytes.length, options).catch(() => undefined)
    return found !== undefined && Buffer.from(bytes).equals(found.bytes)
  }
}

async function requireConditions(connection: Connection, options: RunOptions | undefined): Promise<void> {
  const name = objectName(connection, `${QUARANTINE_FOLDER}/try-${randomUUID()}`)
  const first = await putNew(connection, name, Buffer.from('1'), options)
  const second = await putNew(connection, name, Buffer.from('2'), options)
  // Ours alone: its name is random.
  const made = [first, second].filter(({ outcome }) => outcome === 'created')
  await deleteObjects(
    connection,
    made.map(({ version }) => version),
    options,
  )
  if (first.outcome === 'created' && second.outcome === 'taken') return
  throw new StorageWriteError(
    connection.place,
    'other',
    'the server ignores conditional writes (If-None-Match), so two runs at once could not tell of each other',
    { hint: 'Use a server that honours conditional writes; docs/storage-s3.md names some.' },
  )
}

interface Put {
  readonly outcome: 'created' | 'taken' | 'unknown-condition'
  readonly version: ObjectVersion
  readonly attempts: number
}

async function putNew(
  connection: Connection,
  name: string,
  bytes: Uint8Array,
  options: RunOptions | undefined,
): Promise<Put> {
  const put = await connection.change(keyOf(connection, name), options, async (s3, http): Promise<Put> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const { VersionId, $metadata } = await s3.putObject(
          { Bucket: connection.bucket, Key: name, Body: bytes, IfNoneMatch: '*' },
          http,
        )
        const version = { name, ...(VersionId !== undefined && { versionId: VersionId }) }
        return { outcome: 'created', version, attempts: $metadata.attempts ?? 1 }
      } catch (error) {
        // Somebody else writes at this moment; whoever is second is told so on the next try.
        if (isConflict(error) && attempt < ATTEMPTS) continue
        const attempts = attemptsOf(error)
        if (isConditionFailed(error)) return { outcome: 'taken', version: { name }, attempts }
        if (isNotImplemented(error)) return { outcome: 'unknown-condition', version: { name }, attempts }
        throw error
      }
    }
  })
  return put ?? { outcome: 'unknown-condition', version: { name }, attempts: 1 }
}
