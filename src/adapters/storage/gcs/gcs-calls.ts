/** The calls about one object of a bucket that several parts of the adapter make. */
import { createHash } from 'node:crypto'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { OBJECT_FIELDS, parseObject, type GcsObject } from './gcs-objects.ts'
import type { GcsRequest, GcsRequests } from './gcs-requests.ts'

/** How the parts of a bucket's adapter ask about one object of it. */
export interface GcsObjects {
  readonly where: (key: string) => string
  readonly pathOf: (key: string) => string
  readonly root: string
  readonly send: GcsRequests['send']
}

/** `query` may ask for another generation than the live one. */
export async function headObject(
  { where, pathOf, send }: GcsObjects,
  key: string,
  query: NonNullable<GcsRequest['query']>,
  options: RunOptions | undefined,
): Promise<GcsObject | undefined> {
  const asked = {
    method: 'GET',
    path: pathOf(key),
    where: where(key),
    changes: false,
    accepts: [200, 404],
  } as const
  const response = await send({ ...asked, query: { fields: OBJECT_FIELDS, ...query } }, options)
  return response.status === 404 ? undefined : parseObject(where(key), response.json())
}

export async function readMedia(
  { where, pathOf, send }: GcsObjects,
  key: string,
  { bytesMax, generation }: { readonly bytesMax: number; readonly generation?: string },
  options: RunOptions | undefined,
): Promise<HttpResponse | undefined> {
  const query = { alt: 'media', generation }
  const asked = {
    method: 'GET',
    path: pathOf(key),
    query,
    where: where(key),
    changes: false,
    bytesMax,
  } as const
  const response = await send({ ...asked, accepts: [200, 404] }, options)
  return response.status === 404 ? undefined : response
}

export interface Upload {
  readonly bucketPath: string
  readonly key: string
  readonly bytes: Uint8Array
  readonly mustBeAbsent?: boolean
}

/** An object appears whole when the upload is over, or not at all. */
export async function upload(
  { where, root, send }: GcsObjects,
  { bucketPath, key, bytes, mustBeAbsent = false }: Upload,
  options: RunOptions | undefined,
): Promise<HttpResponse> {
  const query = {
    uploadType: 'media',
    name: root + key,
    fields: OBJECT_FIELDS,
    ifGenerationMatch: mustBeAbsent ? '0' : undefined,
  }
  const asked = {
    method: 'POST',
    path: `${bucketPath}/o`,
    upload: true,
    query,
    body: bytes,
    changes: true,
  } as const
  const accepts = mustBeAbsent ? [200, 412] : [200]
  const response = await send({ ...asked, where: where(key), accepts }, options)
  if (response.status === 200) {
    const { sizeBytes, md5 } = parseObject(where(key), response.json())
    const isSame = sizeBytes === bytes.length && (md5 ?? md5Of(bytes)) === md5Of(bytes)
    if (!isSame) throw new StorageWriteError(where(key), 'other', 'the store has other bytes than were sent')
  }
  return response
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}
