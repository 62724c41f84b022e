/**
 * Names every object below a folder, many parts of the list at a time.
 *
 * A server gives a list a thousand names at a time, one page after the other, but answers for many beginnings at once.
 * So a list of more than one page is split at its folders: 256 of them where a registry keeps its blobs. Each object lies
 * in exactly one part, whatever the folders are called, so nothing is left out.
 */
import type { ListedFile } from '../../../ports/listable-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { folderPrefix, keyOf } from './keys.ts'
import { filesIn, listPage, listPages, type Page } from './list-pages.ts'
import { mapParallel, merge } from './parallel.ts'

/** Enough parts to keep all requests busy to the end, though some are longer than others. */
const PARTS_WANTED = 64
/** Folders of folders are split no further than this: to `blobs/sha256/ab/` from the root of a bucket and beyond. */
const LEVELS_MAX = 8

export async function* listAllObjects(
  connection: Connection,
  prefix: string,
  options: RunOptions | undefined,
): AsyncGenerator<readonly ListedFile[]> {
  const beginning = prefix === '' ? connection.prefix : folderPrefix(connection, prefix.replace(/\/$/, ''))
  const first = await listPage(connection, { beginning }, options)
  const isMd5 = await areEtagsMd5(connection, first, options)
  if (first.token === undefined) {
    yield filesIn(connection, first, isMd5)
    return
  }
  const { parts, pages } = await split(connection, beginning, options)
  for (const page of pages) yield filesIn(connection, page, isMd5)
  const lists = parts.map((part) => listPages(connection, { beginning: part }, options))
  for await (const page of merge(lists, connection.requestsAtOnce)) yield filesIn(connection, page, isMd5)
}

interface Split {
  /** Beginnings, none of which is the beginning of another. */
  readonly parts: readonly string[]
  /** What lay beside them. */
  readonly pages: readonly Page[]
}

async function split(
  connection: Connection,
  beginning: string,
  options: RunOptions | undefined,
): Promise<Split> {
  const pages: Page[] = []
  let parts: readonly string[] = [beginning]
  for (let level = 0; level < LEVELS_MAX && parts.length > 0 && parts.length < PARTS_WANTED; level++) {
    const read = await mapParallel(parts, connection.requestsAtOnce, async (part) => {
      const all: Page[] = []
      for await (const page of listPages(connection, { beginning: part, isFolder: true }, options))
        all.push(page)
      return all
    })
    pages.push(...read.flat())
    parts = read.flat().flatMap(({ folders }) => folders)
  }
  return { parts, pages }
}

/**
 * Under a key of the key management service an ETag looks like an MD5 and is none. Lists do not tell, so one object is
 * asked; who compares an MD5 that is none finds no match, and reads the file.
 */
async function areEtagsMd5(
  connection: Connection,
  { objects: [example] }: Page,
  options: RunOptions | undefined,
): Promise<boolean> {
  if (example === undefined) return false
  const head = await connection.ask(keyOf(connection, example.name), options, (s3, http) =>
    s3.headObject({ Bucket: connection.bucket, Key: example.name }, http),
  )
  return head?.ServerSideEncryption === undefined || !head.ServerSideEncryption.startsWith('aws:kms')
}
