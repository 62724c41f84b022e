/**
 * Pages of lists, as they are asked for and understood.
 *
 * Names are asked for in percent-encoding, since XML cannot carry every character a name may have. A page that could
 * hide something (no way on to the next, names out of order) is refused.
 */
import type { ListedFile } from '../../../ports/listable-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { compareNames, keyOf } from './keys.ts'

export interface ListedObject {
  /** With the store's prefix. */
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedAt: number
  /** Without quotes. */
  readonly etag: string | undefined
  readonly storageClass: string | undefined
}

export interface PageRequest {
  /** What the names begin with. */
  readonly beginning: string
  /** Only one level, up to the next slash. @default false */
  readonly isFolder?: boolean
  /** Only names after this one. */
  readonly after?: string
  readonly token?: string
  readonly namesMax?: number
}

export interface Page {
  readonly objects: readonly ListedObject[]
  /** What the names of deeper levels begin with, slash included. */
  readonly folders: readonly string[]
  /** For the next page; undefined at the end. */
  readonly token: string | undefined
}

export async function listPage(
  connection: Connection,
  request: PageRequest,
  options: RunOptions | undefined,
): Promise<Page> {
  const { beginning, isFolder = false, after = '', token, namesMax = connection.pageKeys } = request
  const answer = await connection.ask(keyOf(connection, beginning), options, (s3, http) =>
    s3.listObjectsV2(
      {
        Bucket: connection.bucket,
        Prefix: beginning,
        EncodingType: 'url',
        MaxKeys: Math.min(namesMax, connection.pageKeys),
        ...(isFolder && { Delimiter: '/' }),
        ...(after !== '' && { StartAfter: after }),
        ...(token !== undefined && { ContinuationToken: token }),
      },
      http,
    ),
  )
  const where = `${connection.place}/${keyOf(connection, beginning)}`
  if (answer === undefined) throw new StorageUnreadableError(where, 'the server does not list it')
  const decode = decoderOf(answer.EncodingType)
  const next = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
  if (answer.IsTruncated === true && next === undefined) throw brokenList(where, 'it breaks off')
  return {
    objects: (answer.Contents ?? []).map((object) => ({
      name: decode(object.Key ?? ''),
      sizeBytes: object.Size ?? 0,
      modifiedAt: object.LastModified?.getTime() ?? 0,
      etag: object.ETag?.replaceAll('"', ''),
      storageClass: object.StorageClass,
    })),
    folders: (answer.CommonPrefixes ?? []).map((folder) => decode(folder.Prefix ?? '')),
    token: next,
  }
}

/** Page after page of one list. */
export async function* listPages(
  connection: Connection,
  request: PageRequest,
  options: RunOptions | undefined,
): AsyncGenerator<Page> {
  let token: string | undefined
  do {
    const page = await listPage(connection, { ...request, ...(token !== undefined && { token }) }, options)
    yield page
    token = page.token
  } while (token !== undefined)
}

/** What a list of one level or all levels shows as files; names that end in a slash only stand for a folder. */
export function filesIn(connection: Connection, { objects }: Page, isMd5: boolean): readonly ListedFile[] {
  return objects
    .filter(({ name }) => !name.endsWith('/'))
    .map(({ name, sizeBytes, modifiedAt, etag }) => ({
      key: keyOf(connection, name),
      sizeBytes,
      modifiedAt,
      ...(isMd5 && etag !== undefined && isMd5Hex(etag) && { md5: etag }),
    }))
}

export function isMd5Hex(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag)
}

/** @throws StorageUnreadableError unless every name comes after the one before it */
export function requireOrder(connection: Connection, after: string, names: readonly string[]): void {
  let last = after
  for (const name of names) {
    if (compareNames(last, name) > 0 || (last === name && last === after && after !== '')) {
      throw brokenList(connection.place, 'its names are not in order')
    }
    last = name
  }
}

/** Percent-encoding as the server said it uses; some ignore the wish and give names as they are. */
export function decoderOf(encodingType: string | undefined): (text: string) => string {
  return encodingType === 'url' ? (text) => decodeURIComponent(text.replaceAll('+', ' ')) : (text) => text
}

export function brokenList(where: string, why: string): StorageUnreadableError {
  return new StorageUnreadableError(where, `the server’s list cannot be trusted: ${why}`, {
    hint: 'Use a server that lists as S3 does; directory buckets (names ending in --x-s3) do not.',
  })
}
