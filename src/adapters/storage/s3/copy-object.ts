/**
 * Copies objects within the bucket and makes sure that the copy is the same, before anybody deletes anything.
 *
 * Copy and original are the same where size and ETag are. Where ETags cannot be compared (objects that were uploaded or
 * copied in parts, encryption under a key of one's own) both are read and their SHA-256 compared.
 */
import { createHash } from 'node:crypto'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { keyOf } from './keys.ts'
import type { ListedObject } from './list-pages.ts'
import { mapParallel } from './parallel.ts'
import { isConditionFailed, isNotImplemented } from './s3-errors.ts'

const PART_BYTES = 512 * 1024 ** 2

export interface Copying {
  readonly from: ListedObject
  readonly to: string
  /** Only where nothing has that name yet, as far as the server can say so. @default false */
  readonly isNew?: boolean
}

/**
 * `absent`: the original is not there any more. `changed`: it is another now. `taken`: something has the new name.
 * `unconditional`: the server knows no condition on a copy.
 */
export type CopyOutcome = 'copied' | 'absent' | 'changed' | 'taken' | 'unconditional'

export async function copyObject(
  connection: Connection,
  copying: Copying,
  options: RunOptions | undefined,
): Promise<CopyOutcome> {
  const partBytes = await partBytesOf(connection, copying.from, options)
  const copy = async (isNew: boolean): Promise<CopyOutcome> =>
    partBytes === undefined
      ? copyWhole(connection, { ...copying, isNew }, options)
      : copyInParts(connection, { ...copying, isNew, partBytes }, options)
  const outcome = await copy(copying.isNew === true)
  // The server cannot promise it. Whoever calls has looked a moment ago, and what was uploaded since has the same content.
  return outcome === 'unconditional' ? copy(false) : outcome
}

/**
 * In parts of which size to copy; undefined for a copy in one. An object that was uploaded in parts is copied in the same
 * ones: its ETag is made of those of its parts, and can then be compared.
 */
async function partBytesOf(
  connection: Connection,
  { name, sizeBytes, etag = '' }: ListedObject,
  options: RunOptions | undefined,
): Promise<number | undefined> {
  const count = Number(/-(\d+)$/.exec(etag)?.[1] ?? 0)
  if (count > 0) {
    const part = await connection.ask(keyOf(connection, name), options, (s3, http) =>
      s3.headObject({ Bucket: connection.bucket, Key: name, PartNumber: 1 }, http),
    )
    const bytes = part?.ContentLength ?? 0
    if (bytes > 0 && bytes <= connection.copyBytesMax && Math.ceil(sizeBytes / bytes) === count) return bytes
  }
  return sizeBytes > connection.copyBytesMax ? Math.min(PART_BYTES, connection.copyBytesMax) : undefined
}

/** @throws StorageWriteError unless what was copied is the same as the original */
export async function requireSame(
  connection: Connection,
  original: ListedObject,
  copy: ListedObject | undefined,
  options: RunOptions | undefined,
): Promise<void> {
  if (copy?.sizeBytes === original.sizeBytes) {
    if (copy.etag !== undefined && copy.etag === original.etag) return
    const [a, b] = await mapParallel([original.name, copy.name], 2, (name) =>
      sha256Of(connection, name, options),
    )
    if (a !== undefined && a === b) return
  }
  throw new StorageWriteError(
    `${connection.place}/${keyOf(connection, original.name)}`,
    'other',
    'the copy that the server made of it is not the same',
    { hint: 'Check that the server is well. The original was left where it is.' },
  )
}

async function copyWhole(
  connection: Connection,
  { from, to, isNew = false }: Copying,
  options: RunOptions | undefined,
): Promise<CopyOutcome> {
  const outcome = await connection.change(
    keyOf(connection, from.name),
    options,
    async (s3, http): Promise<CopyOutcome> => {
      try {
        await s3.copyObject(
          {
            Bucket: connection.bucket,
            Key: to,
            CopySource: sourceOf(connection, from.name),
            ...storageClassOf(from),
            ...conditionOf(from, isNew),
          },
          http,
        )
        return 'copied'
      } catch (error) {
        return outcomeOf(error, isNew)
      }
    },
  )
  return outcome ?? 'absent'
}

async function copyInParts(
  connection: Connection,
  copying: CopyingInParts,
  options: RunOptions | undefined,
): Promise<CopyOutcome> {
  const { from, to } = copying
  const key = keyOf(connection, from.name)
  const target = { Bucket: connection.bucket, Key: to }
  const begun = await connection.change(key, options, (s3, http) =>
    s3.createMultipartUpload({ ...target, ...storageClassOf(from) }, http),
  )
  if (begun?.UploadId === undefined) return 'absent'
  const upload = { ...target, UploadId: begun.UploadId }
  let outcome: CopyOutcome | undefined
  try {
    outcome = await fillUpload(connection, copying, upload, options)
    return outcome
  } finally {
    // Parts of an upload that is not completed cost as much as a file, and are in no list.
    if (outcome !== 'copied') {
      await connection.change(key, undefined, (s3) => s3.abortMultipartUpload(upload)).catch(() => undefined)
    }
  }
}

interface CopyingInParts extends Copying {
  readonly partBytes: number
}

interface Upload {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string
}

async function fillUpload(
  connection: Connection,
  { from, isNew = false, partBytes }: CopyingInParts,
  upload: Upload,
  options: RunOptions | undefined,
): Promise<CopyOutcome> {
  const key = keyOf(connection, from.name)
  const count = Math.ceil(from.sizeBytes / partBytes)
  const outcome = await connection.change(key, options, async (s3, http): Promise<CopyOutcome> => {
    try {
      const parts = await mapParallel([...Array(count).keys()], 8, async (i) => {
        const last = Math.min(from.sizeBytes, (i + 1) * partBytes) - 1
        const part = await s3.uploadPartCopy(
          {
            ...upload,
            PartNumber: i + 1,
            CopySource: sourceOf(connection, from.name),
            CopySourceRange: `bytes=${i * partBytes}-${last}`,
            ...(isNew ? {} : conditionOf(from, false)),
          },
          http,
        )
        return { PartNumber: i + 1, ETag: part.CopyPartResult?.ETag }
      })
      await s3.completeMultipartUpload(
        { ...upload, MultipartUpload: { Parts: [...parts] }, ...(isNew && { IfNoneMatch: '*' }) },
        http,
      )
      return 'copied'
    } catch (error) {
      return outcomeOf(error, isNew)
    }
  })
  return outcome ?? 'absent'
}

function outcomeOf(error: unknown, isNew: boolean): CopyOutcome {
  if (isConditionFailed(error)) return isNew ? 'taken' : 'changed'
  if (isNew && isNotImplemented(error)) return 'unconditional'
  throw error
}

/** One condition, so that an answer that it failed says which. What is in the quarantine does not change. */
function conditionOf(
  { etag }: ListedObject,
  isNew: boolean,
): { readonly IfNoneMatch?: string; readonly CopySourceIfMatch?: string } {
  if (isNew) return { IfNoneMatch: '*' }
  return etag === undefined ? {} : { CopySourceIfMatch: `"${etag}"` }
}

/** Copies get the standard class unless told otherwise. */
function storageClassOf({ storageClass }: ListedObject): { readonly StorageClass?: 'STANDARD_IA' } {
  if (storageClass === undefined || storageClass === 'STANDARD') return {}
  return { StorageClass: storageClass as 'STANDARD_IA' }
}

function sourceOf({ bucket }: Connection, name: string): string {
  return `${bucket}/${name.split('/').map(encodeURIComponent).join('/')}`
}

async function sha256Of(
  connection: Connection,
  name: string,
  options: RunOptions | undefined,
): Promise<string | undefined> {
  return connection.ask(keyOf(connection, name), options, async (s3, http) => {
    const answer = await s3.getObject({ Bucket: connection.bucket, Key: name }, http)
    const hash = createHash('sha256')
    for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) hash.update(chunk)
    return hash.digest('hex')
  })
}
