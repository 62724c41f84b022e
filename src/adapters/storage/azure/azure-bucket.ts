/** A container in Azure Blob Storage: blobs by ETag, so that each removal is of the very blob that was looked at. */
import type {
  ContainerListBlobFlatSegmentResponse,
  ContainerListBlobHierarchySegmentResponse,
  ContainerListBlobsOptions,
} from '@azure/storage-blob'
import type { RunOptions } from '../../../ports/run-options.ts'
import {
  endOfSecond,
  type ListedObject,
  type ObjectBucket,
  type ObjectPage,
  type PageQuery,
} from '../objects/object-bucket.ts'
import { aborting, azureBlobs, firstOf, headBlob, putBlob, readBlob, type AzureBlobs } from './azure-calls.ts'
import { azureContainer, type AzureSettings } from './azure-connection.ts'
import { ask } from './azure-errors.ts'
import { keptInAzure } from './azure-kept.ts'
import { removeBlobs } from './azure-removals.ts'

const PAGE_SIZE_DEFAULT = 5000

export function azureBucket(settings: AzureSettings): ObjectBucket {
  const blobs = azureBlobs(settings, azureContainer(settings))
  const { attempt, blob } = blobs
  return {
    place: blobs.place,
    page: async (query, options) => readPage(blobs, query, options),
    head: async (key, options) => headBlob(attempt(key, false), await blob(key, false, options), options),
    read: async (key, bytesMax, options) => {
      const client = await blob(key, false, options)
      const found = await readBlob(attempt(key, false), client, bytesMax, options)
      return found && { ...found, sizeBytes: found.bytes.length }
    },
    write: async (key, bytes, options) => {
      await putBlob(attempt(key, true), await blob(key, true, options), bytes, false, options)
    },
    create: async (key, bytes, options) => {
      const client = await blob(key, true, options)
      return (await putBlob(attempt(key, true), client, bytes, true, options)).isPut
    },
    removeMany: async (targets, options) => removeBlobs(blobs, targets, options),
    ...keptInAzure(blobs),
  }
}

async function readPage(
  { container, settings, root, place, attempt }: AzureBlobs,
  { prefix, level, cursor }: PageQuery,
  options: RunOptions | undefined,
): Promise<ObjectPage> {
  const client = await container.open(false, options)
  const asked: ContainerListBlobsOptions = {
    ...aborting(options),
    ...(root + prefix === '' ? {} : { prefix: root + prefix }),
    includeMetadata: true,
  }
  const page = {
    maxPageSize: settings.pageSize ?? PAGE_SIZE_DEFAULT,
    ...(cursor === undefined ? {} : { continuationToken: cursor }),
  }
  return ask({ ...attempt('', false), where: place }, options, async () => {
    const pages: AsyncIterator<Segment> =
      level === 'one'
        ? client.listBlobsByHierarchy('/', asked).byPage(page)
        : client.listBlobsFlat(asked).byPage(page)
    const { segment, continuationToken } = (await firstOf(pages)) ?? {}
    const prefixes: readonly { readonly name: string }[] =
      segment !== undefined && 'blobPrefixes' in segment && Array.isArray(segment.blobPrefixes)
        ? segment.blobPrefixes
        : []
    return {
      objects: (segment?.blobItems ?? []).filter(isFile).map((item) => listed(root, item)),
      folders: prefixes.map(({ name }) => name.slice(root.length)),
      next: continuationToken === '' ? undefined : continuationToken,
    }
  })
}

type Segment = ContainerListBlobFlatSegmentResponse | ContainerListBlobHierarchySegmentResponse

interface BlobItem {
  readonly name: string
  readonly properties: {
    readonly contentLength?: number
    readonly lastModified: Date
    readonly contentMD5?: Uint8Array
    readonly etag: string
  }
  readonly metadata?: Readonly<Record<string, string>>
}

/** Accounts with a hierarchical namespace, and tools that imitate one, keep empty blobs for folders. */
function isFile({ name, metadata }: BlobItem): boolean {
  return !name.endsWith('/') && metadata?.['hdi_isfolder'] !== 'true'
}

function listed(root: string, { name, properties }: BlobItem): ListedObject {
  const { contentLength, lastModified, contentMD5, etag } = properties
  const md5 =
    contentMD5 === undefined || contentMD5.length === 0 ? undefined : Buffer.from(contentMD5).toString('hex')
  const facts = {
    sizeBytes: contentLength ?? 0,
    modifiedAt: endOfSecond(lastModified.getTime()),
    checksum: md5,
    // Listings leave out the quotes that a condition needs.
    revision: etag.startsWith('"') ? etag : `"${etag}"`,
    // A list of blobs does not tell their versions.
    keptId: () => undefined,
  }
  return { key: name.slice(root.length), facts, md5 }
}
