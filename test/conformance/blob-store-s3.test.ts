/** The conformance suite of stores on buckets of a real server, with versions and without, on small pages. */
import { randomUUID } from 'node:crypto'
import type { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createReadableS3Store,
  createS3Store,
  type S3StoreOptions,
} from '../../src/adapters/storage/s3/s3-store.ts'
import { missing, titled } from '../servers/find.ts'
import { startVersitygw, type Versitygw } from '../servers/versitygw.ts'
import {
  aside,
  inParallel,
  textOf,
  type BlobStoreUnderTest,
  type ClosedStore,
  type RawFiles,
} from './blob-store-fixture.ts'
import { blobStoreConformance } from './blob-store.ts'

const PAGE_KEYS = 100

describe.skipIf(missing('versitygw'))(titled('versitygw', 'versitygw'), () => {
  let server: Versitygw
  beforeAll(async () => {
    server = await startVersitygw()
    await server.createBucket('plain')
    await server.createBucket('versioned', { versioning: true })
  })
  afterAll(async () => server?.stop())

  const common = { hasFolders: false, tellsMd5: true } as const
  blobStoreConformance('A bucket', { ...common, quarantine: 'copy' }, () => emptyStore(server, 'plain'))
  blobStoreConformance('A bucket with versions', { ...common, quarantine: 'versions' }, () =>
    emptyStore(server, 'versioned'),
  )
})

describe.skipIf(missing('versitygw'))(titled('requests to versitygw', 'versitygw'), () => {
  let server: Versitygw
  beforeAll(async () => {
    server = await startVersitygw()
    await server.createBucket('plain')
    await server.createBucket('versioned', { versioning: true })
  })
  afterAll(async () => server?.stop())

  const storeOf = (bucket: string, more: Partial<S3StoreOptions> = {}): ReturnType<typeof createS3Store> => {
    const environment = { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey }
    return createS3Store({ bucket, endpoint: server.url, environment, ...more })
  }
  const files = Array.from({ length: 30 }, (_, i) => ({
    ...aside(`blobs/sha256/ab/${i}/data`, { asideName: `sha256/ab/${i}` }),
    run: 'counted',
  }))

  it('do not grow with the files where versions are kept', async () => {
    await inParallel(files, ({ key }) =>
      server.client.putObject({ Bucket: 'versioned', Key: key, Body: 'x' }),
    )
    const store = storeOf('versioned')
    await store.setAside(files)
    expect(store.stats).toEqual({
      DeleteObjectsCommand: 1,
      GetBucketVersioningCommand: 1,
      ListObjectsV2Command: 2,
    })
    const next = storeOf('versioned')
    await next.free(files)
    expect(next.stats).toEqual({
      DeleteObjectsCommand: 2,
      GetBucketVersioningCommand: 1,
      ListObjectVersionsCommand: 1,
      ListObjectsV2Command: 2,
    })
  })

  it('are one copy for each file where they are not', async () => {
    await inParallel(files, ({ key }) => server.client.putObject({ Bucket: 'plain', Key: key, Body: 'x' }))
    const store = storeOf('plain')
    await store.setAside(files)
    expect(store.stats).toEqual({
      CopyObjectCommand: 30,
      DeleteObjectsCommand: 1,
      GetBucketVersioningCommand: 1,
      ListObjectsV2Command: 3,
    })
  })

  it('copy what was uploaded in parts in the same parts, and need not read it to compare', async () => {
    const bytes = await uploadInParts(server.client, 'plain', 'parts/data')
    const file = aside('parts/data')
    const store = storeOf('plain')
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(store.stats).toMatchObject({ UploadPartCopyCommand: 3, CompleteMultipartUploadCommand: 1 })
    expect(store.stats).not.toHaveProperty('GetObjectCommand')
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(bytes.equals((await store.read('parts/data', bytes.length))?.bytes ?? Buffer.alloc(0))).toBe(true)
  })

  it('read both and compare where ETags cannot be compared', async () => {
    const bytes = Buffer.alloc(11 * MEBIBYTE, 'winnow')
    await server.client.putObject({ Bucket: 'plain', Key: 'large/data', Body: bytes })
    const store = storeOf('plain', { copyBytesMax: 6 * MEBIBYTE })
    expect(await store.setAside([aside('large/data')])).toEqual(['set-aside'])
    expect(store.stats).toMatchObject({ UploadPartCopyCommand: 2, GetObjectCommand: 2 })
    expect(bytes.equals((await store.readAside(aside('large/data'), bytes.length)) ?? Buffer.alloc(0))).toBe(
      true,
    )
  })

  it('find what was set aside before versions were switched on, and before they were suspended', async () => {
    await server.createBucket('switched')
    const put = (Key: string): Promise<unknown> =>
      server.client.putObject({ Bucket: 'switched', Key, Body: Key })
    const switchTo = (Status: 'Enabled' | 'Suspended'): Promise<unknown> =>
      server.client.putBucketVersioning({ Bucket: 'switched', VersioningConfiguration: { Status } })
    const [early, late] = [aside('early/data'), aside('late/data')]
    await put(early.key)
    await storeOf('switched').setAside([early])
    await switchTo('Enabled')
    await put(late.key)
    await storeOf('switched').setAside([late])
    expect(await storeOf('switched').locate([early, late])).toEqual(['aside', 'aside'])
    await switchTo('Suspended')
    const store = storeOf('switched')
    expect(await store.quarantineKind()).toBe('copy')
    expect(await store.locate([early, late])).toEqual(['aside', 'aside'])
    expect(await store.putBack([early, late])).toEqual(['restored', 'restored'])
    expect(textOf((await store.read(late.key, 99))?.bytes)).toBe(late.key)
    expect(await store.locate([early, late])).toEqual(['in-place', 'in-place'])
  })
})

const MEBIBYTE = 1024 ** 2

/** Three parts, the last of them small. */
async function uploadInParts(s3: S3, bucket: string, key: string): Promise<Buffer> {
  const at = { Bucket: bucket, Key: key }
  const { UploadId } = await s3.createMultipartUpload(at)
  const upload = { ...at, UploadId }
  const bodies = [5 * MEBIBYTE, 5 * MEBIBYTE, 1000].map((size, i) => Buffer.alloc(size, `part ${i}`))
  const parts = await Promise.all(
    bodies.map(async (Body, i) => {
      const { ETag } = await s3.uploadPart({ ...upload, PartNumber: i + 1, Body })
      return { PartNumber: i + 1, ETag }
    }),
  )
  await s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts: parts } })
  return Buffer.concat(bodies)
}

/** A prefix of its own in the bucket. */
async function emptyStore(server: Versitygw, bucket: string): Promise<BlobStoreUnderTest> {
  const prefix = `tests/${randomUUID()}`
  const environment = { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey }
  const options = { bucket, prefix, endpoint: server.url, environment, pageKeys: PAGE_KEYS }
  return {
    store: createS3Store(options),
    reader: createReadableS3Store(options),
    raw: rawFiles(server.client, bucket, `${prefix}/`),
    closed: closedStores(options),
    stop: async () => undefined,
  }
}

function closedStores(options: Parameters<typeof createS3Store>[0]): readonly ClosedStore[] {
  const closed = (
    why: string,
    other: Partial<typeof options>,
    secrets: readonly string[] = [],
  ): ClosedStore => ({
    why,
    store: createS3Store({ ...options, attemptsMax: 1, ...other }),
    secrets: [options.environment?.['AWS_SECRET_ACCESS_KEY'] ?? '', ...secrets],
  })
  const wrong = (AWS_SECRET_ACCESS_KEY: string): Partial<typeof options> => ({
    environment: { ...options.environment, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: 'token-nobody-may-see' },
  })
  return [
    closed('no server', { endpoint: 'http://127.0.0.1:1' }),
    closed('no bucket', { bucket: 'there-is-none' }),
    closed('wrong key', wrong('key-nobody-may-see'), ['key-nobody-may-see', 'token-nobody-may-see']),
  ]
}

function rawFiles(s3: S3, bucket: string, prefix: string): RawFiles {
  const at = (key: string): { Bucket: string; Key: string } => ({ Bucket: bucket, Key: prefix + key })
  return {
    put: async (key, bytes) => {
      await s3.putObject({ ...at(key), Body: bytes })
    },
    read: async (key) => {
      try {
        return await (await s3.getObject(at(key))).Body?.transformToByteArray()
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined
        throw error
      }
    },
    list: async (beginning) => {
      const keys: string[] = []
      let token: string | undefined
      do {
        const page = await s3.listObjectsV2({
          Bucket: bucket,
          Prefix: prefix + beginning,
          ...(token !== undefined && { ContinuationToken: token }),
        })
        keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length)))
        token = page.NextContinuationToken
      } while (token !== undefined)
      return keys.toSorted()
    },
    remove: async (key) => {
      await s3.deleteObject(at(key))
    },
  }
}
