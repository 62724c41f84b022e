/** The calls about one blob that several parts of the adapter make. */
import { setMaxListeners } from 'node:events'
import { createHash, randomUUID } from 'node:crypto'
import type { BlobClient, BlockBlobClient } from '@azure/storage-blob'
import type { RunOptions } from '../../../ports/run-options.ts'
import { endOfSecond, type ObjectFacts } from '../objects/object-bucket.ts'
import { rootOf } from '../objects/object-keys.ts'
import type { AzureContainer, AzureSettings } from './azure-connection.ts'
import { ask, NOT_THERE, outcomes, TAKEN, tooLong, type Attempt } from './azure-errors.ts'

export interface AzureBlobs {
  readonly container: AzureContainer
  readonly settings: AzureSettings
  readonly root: string
  readonly place: string
  readonly attempt: (key: string, changes: boolean) => Attempt
  readonly blob: (key: string, changes: boolean, options: RunOptions | undefined) => Promise<BlockBlobClient>
}

export function azureBlobs(settings: AzureSettings, container: AzureContainer): AzureBlobs {
  const root = rootOf(settings.prefix)
  const { redactor } = container
  return {
    container,
    settings,
    root,
    place: `${container.place}${root === '' ? '' : `/${root.slice(0, -1)}`}`,
    attempt: (key, changes) => ({ where: `${container.place}/${root}${key}`, changes, redactor }),
    blob: async (key, changes, options) =>
      (await container.open(changes, options)).getBlockBlobClient(root + key),
  }
}

/** What the library calls an abort signal. */
export function aborting(options: RunOptions | undefined): { readonly abortSignal?: AbortSignal } {
  if (options?.signal === undefined) return {}
  // Every request in flight listens to the one signal of the run; Node would take that for a leak.
  setMaxListeners(0, options.signal)
  return { abortSignal: options.signal }
}

/** The library's iterators leave open what they end with. */
export async function firstOf<T>(pages: AsyncIterator<T>): Promise<T | undefined> {
  const { done, value } = (await pages.next()) as IteratorResult<T, undefined>
  return done === true ? undefined : value
}

export interface BlobFacts extends ObjectFacts {
  readonly versionId: string | undefined
  readonly isCurrent: boolean
  readonly metadata: Readonly<Record<string, string>>
}

export async function headBlob(
  attempt: Attempt,
  client: BlobClient,
  options: RunOptions | undefined,
): Promise<BlobFacts | undefined> {
  const none: BlobFacts | undefined = undefined
  const work = async (): Promise<BlobFacts | undefined> => {
    const { contentLength, lastModified, etag, contentMD5, versionId, isCurrentVersion, metadata } =
      await client.getProperties(aborting(options))
    const revision = etag ?? ''
    return {
      sizeBytes: contentLength ?? 0,
      modifiedAt: endOfSecond(lastModified?.getTime() ?? Number.NaN),
      checksum: contentMD5 && Buffer.from(contentMD5).toString('hex'),
      revision,
      keptId: (kind) => (kind === 'versions' ? versionId : revision.replaceAll('"', '')),
      versionId,
      isCurrent: isCurrentVersion === true,
      metadata: metadata ?? {},
    }
  }
  return ask(attempt, options, work, outcomes(none, ...NOT_THERE))
}

export interface ReadBlob {
  readonly bytes: Uint8Array
  readonly modifiedAt: number
}

export async function readBlob(
  attempt: Attempt,
  client: BlobClient,
  bytesMax: number,
  options: RunOptions | undefined,
): Promise<ReadBlob | undefined> {
  const none: ReadBlob | undefined = undefined
  const work = async (): Promise<ReadBlob | undefined> => {
    const response = await client.download(0, undefined, aborting(options))
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of response.readableStreamBody ?? []) {
      const bytes = Buffer.from(chunk)
      length += bytes.length
      // Leaving the loop closes the stream, so no more is read than that.
      if (length > bytesMax) throw tooLong(attempt.where, bytesMax)
      chunks.push(bytes)
    }
    return {
      bytes: Buffer.concat(chunks),
      modifiedAt: endOfSecond(response.lastModified?.getTime() ?? Number.NaN),
    }
  }
  return ask(attempt, options, work, outcomes(none, ...NOT_THERE))
}

export interface PutBlob {
  /** False when a blob is there and must not be. */
  readonly isPut: boolean
  readonly versionId: string | undefined
}

/** The store checks the bytes against the MD5 that it is told. */
export async function putBlob(
  attempt: Attempt,
  client: BlockBlobClient,
  bytes: Uint8Array,
  mustBeAbsent: boolean,
  options: RunOptions | undefined,
): Promise<PutBlob> {
  const sender = randomUUID()
  const work = async (): Promise<PutBlob> => {
    const { versionId } = await client.upload(Buffer.from(bytes), bytes.length, {
      ...aborting(options),
      blobHTTPHeaders: { blobContentMD5: createHash('md5').update(bytes).digest() },
      ...(mustBeAbsent ? { conditions: { ifNoneMatch: '*' }, metadata: { winnow: sender } } : {}),
    })
    return { isPut: true, versionId }
  }
  if (!mustBeAbsent) return ask(attempt, options, work)
  const put = await ask(attempt, options, work, outcomes({ isPut: false, versionId: undefined }, ...TAKEN))
  if (put.isPut) return put
  // The library repeats by itself: it may be our own first sending that is in the way.
  const there = await headBlob(attempt, client, options)
  return { isPut: there?.metadata['winnow'] === sender, versionId: there?.versionId }
}
