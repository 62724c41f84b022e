/** Objects as the JSON API tells of them. A field that should be there and is not makes the answer unreadable. */
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import { endOfSecond, type ObjectFacts } from '../objects/object-bucket.ts'
import type { HttpResponse } from '../../http/http-types.ts'

export interface GcsObject {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedAt: number
  readonly generation: string
  readonly md5: string | undefined
  /** In base64, as both sides of a comparison have it. */
  readonly crc32c: string | undefined
  /** It is an older generation, or was removed. */
  readonly isNoncurrent: boolean
}

/** The fields that parseObject reads. */
export const OBJECT_FIELDS = 'name,size,updated,generation,md5Hash,crc32c,timeDeleted'

export function parseObject(where: string, written: unknown): GcsObject {
  const fields = fieldsOf(written)
  const { name, size, updated, generation, md5Hash, crc32c, timeDeleted } = fields
  const sizeBytes = Number(size)
  const updatedAt = typeof updated === 'string' ? Date.parse(updated) : Number.NaN
  const isWhole =
    typeof name === 'string' && Number.isSafeInteger(sizeBytes) && size !== '' && !Number.isNaN(updatedAt)
  if (!isWhole || (typeof generation !== 'string' && typeof generation !== 'number')) {
    throw new StorageUnreadableError(
      where,
      'the store described an object without name, size, time or generation',
      {
        hint: 'Check that the endpoint in winnow.yaml is one of Google Cloud Storage’s JSON API.',
      },
    )
  }
  return {
    name,
    sizeBytes,
    modifiedAt: endOfSecond(updatedAt),
    generation: String(generation),
    md5: typeof md5Hash === 'string' ? Buffer.from(md5Hash, 'base64').toString('hex') : undefined,
    crc32c: typeof crc32c === 'string' ? crc32c : undefined,
    isNoncurrent: typeof timeDeleted === 'string' && !timeDeleted.startsWith('0001-'),
  }
}

/** CRC32C is there for every object, MD5 for all that were not composed of parts. */
export function factsOf({ sizeBytes, modifiedAt, generation, crc32c, md5 }: GcsObject): ObjectFacts {
  const checksum = crc32c ?? md5
  return { sizeBytes, modifiedAt, checksum, revision: generation, keptId: () => generation }
}

export interface GcsPage {
  readonly objects: readonly GcsObject[]
  readonly prefixes: readonly string[]
  readonly next: string | undefined
}

export function parsePage(where: string, response: HttpResponse): GcsPage {
  const { items, prefixes, nextPageToken } = fieldsOf(response.json())
  return {
    objects: listOf(items).map((item) => parseObject(where, item)),
    prefixes: listOf(prefixes).filter((each) => typeof each === 'string'),
    next: typeof nextPageToken === 'string' && nextPageToken !== '' ? nextPageToken : undefined,
  }
}

export interface BucketFacts {
  readonly hasVersions: boolean
  readonly softDeleteMs: number | undefined
}

export function parseBucket(response: HttpResponse): BucketFacts {
  const { versioning, softDeletePolicy } = fieldsOf(response.json())
  const seconds = Number(fieldsOf(softDeletePolicy)['retentionDurationSeconds'] ?? 0)
  return {
    hasVersions: fieldsOf(versioning)['enabled'] === true,
    softDeleteMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
  }
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
