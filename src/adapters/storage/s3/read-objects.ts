/** Reading one object, one level of folders, and the facts about an object. */
import {
  StorageUnreadableError,
  type StoredFile,
  type StoredFileFacts,
  type StoreEntry,
} from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { folderPrefix, keyOf } from './keys.ts'
import { listPages } from './list-pages.ts'

export async function listFolder(
  connection: Connection,
  folder: string,
  options: RunOptions | undefined,
): Promise<readonly StoreEntry[] | undefined> {
  const beginning = folderPrefix(connection, folder)
  const entries = new Map<string, StoreEntry>()
  // The root of a bucket is always there, and so is a folder that somebody made an object for.
  let isThere = folder === ''
  for await (const { objects, folders } of listPages(connection, { beginning, isFolder: true }, options)) {
    isThere ||= objects.length + folders.length > 0
    for (const deeper of folders) {
      const name = deeper.slice(beginning.length, -1)
      // No key leads into a folder without a name; it is told of, and not followed.
      entries.set(`${name}/`, { name, kind: name === '' ? 'other' : 'folder' })
    }
    for (const { name } of objects) {
      if (name !== beginning) entries.set(name, { name: name.slice(beginning.length), kind: 'file' })
    }
  }
  return isThere ? [...entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)) : undefined
}

export async function statObject(
  connection: Connection,
  name: string,
  options: RunOptions | undefined,
): Promise<StoredFileFacts | undefined> {
  const head = await connection.ask(keyOf(connection, name), options, (s3, http) =>
    s3.headObject({ Bucket: connection.bucket, Key: name }, http),
  )
  return head && { sizeBytes: head.ContentLength ?? 0, modifiedAt: head.LastModified?.getTime() ?? 0 }
}

export interface ObjectVersion {
  readonly name: string
  /** @default the current one */
  readonly versionId?: string
}

/** @throws StorageUnreadableError for an object longer than `bytesMax` */
export async function readObject(
  connection: Connection,
  { name, versionId }: ObjectVersion,
  bytesMax: number,
  options: RunOptions | undefined,
): Promise<StoredFile | undefined> {
  const key = keyOf(connection, name)
  const read = await connection.ask(key, options, async (s3, http) => {
    const answer = await s3.getObject(
      { Bucket: connection.bucket, Key: name, ...(versionId !== undefined && { VersionId: versionId }) },
      http,
    )
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length
      // Leaving the loop closes the connection: nothing more of it is sent.
      if (sizeBytes > bytesMax) return 'too-long' as const
      chunks.push(chunk)
    }
    return {
      bytes: Buffer.concat(chunks),
      sizeBytes,
      modifiedAt: answer.LastModified?.getTime() ?? 0,
      sizePromised: answer.ContentLength,
    }
  })
  if (read === undefined) return undefined
  const where = `${connection.place}/${key}`
  if (read === 'too-long') {
    throw new StorageUnreadableError(where, `it is longer than the ${bytesMax} bytes allowed`)
  }
  const { sizePromised, ...file } = read
  if (sizePromised !== undefined && sizePromised !== file.sizeBytes) {
    throw new StorageUnreadableError(where, 'the connection broke off in the middle')
  }
  return file
}
