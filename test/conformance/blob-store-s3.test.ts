/** The conformance suite of stores on buckets of a real server, with versions and without, on small pages. */
import { randomUUID } from 'node:crypto'
import type { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { createReadableS3Store, createS3Store } from '../../src/adapters/storage/s3/s3-store.ts'
import { missing, titled } from '../servers/find.ts'
import { startVersitygw, type Versitygw } from '../servers/versitygw.ts'
import type { BlobStoreUnderTest, ClosedStore, RawFiles } from './blob-store-fixture.ts'
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
