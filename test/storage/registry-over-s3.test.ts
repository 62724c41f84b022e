/**
 * A real registry over a bucket, while files are set aside beneath it: what it answers, and whether it takes an upload of
 * what was set aside. The last test shows why the quarantine lies where it does.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Store } from '../../src/adapters/storage/s3/s3-store.ts'
import type { AsideFile } from '../../src/ports/listable-store.ts'
import type { SweepableStore } from '../../src/ports/mutable-sweep-store.ts'
import { find, missing, titled } from '../servers/find.ts'
import { pullWhole, pushBlob, pushImage } from '../servers/push.ts'
import { registryRequest, sha256 } from '../servers/registry-request.ts'
import {
  makeTestFolder,
  onFreePorts,
  removeTestFolder,
  startProcess,
  type ServerProcess,
} from '../servers/server-process.ts'
import { startVersitygw, type Versitygw } from '../servers/versitygw.ts'

const needed = ['versitygw', 'registry3'] as const
const REPOSITORY = 'team/app'

describe.skipIf(missing(...needed))(titled('Distribution over S3', ...needed), () => {
  let s3: Versitygw
  beforeAll(async () => {
    s3 = await startVersitygw()
  })
  afterAll(async () => s3?.stop())

  describe.each([
    { bucket: 'registry-plain', versioning: false },
    { bucket: 'registry-versions', versioning: true },
  ])('in $bucket', ({ bucket, versioning }) => {
    let registry: RegistryOverS3
    let store: SweepableStore
    beforeAll(async () => {
      await s3.createBucket(bucket, { versioning })
      registry = await startRegistryOver(s3, bucket)
      store = createS3Store({ bucket, prefix: 'files', endpoint: s3.url, environment: environmentOf(s3) })
    })
    afterAll(async () => registry?.stop())

    const statusOf = async (digest: string): Promise<number> =>
      (await registryRequest(registry.url, 'HEAD', `/v2/${REPOSITORY}/blobs/${digest}`)).status

    it('answers that a blob which was set aside is not there, and gives it whole when it is back', async () => {
      const image = await pushImage(registry.url, REPOSITORY, { tags: ['one'], layers: [Buffer.from('one')] })
      const files = [image.configDigest, ...image.layerDigests].map(asideOf)
      expect(await store.quarantineKind()).toBe(versioning ? 'versions' : 'copy')
      expect(await store.setAside(files)).toEqual(['set-aside', 'set-aside'])
      for (const digest of image.layerDigests) expect(await statusOf(digest)).toBe(404)
      expect(await store.putBack(files)).toEqual(['restored', 'restored'])
      expect((await pullWhole(registry.url, REPOSITORY, 'one')).blobs).toHaveLength(2)
    })

    it('takes an upload of what was set aside, and keeps it when the older bytes are freed', async () => {
      const image = await pushImage(registry.url, REPOSITORY, { tags: ['two'], layers: [Buffer.from('two')] })
      const [digest = ''] = image.layerDigests
      await store.setAside([asideOf(digest)])
      await pushBlob(registry.url, REPOSITORY, Buffer.from('two'))
      expect(await statusOf(digest)).toBe(200)
      expect(await store.locate([asideOf(digest)])).toEqual(['both'])
      expect(await store.free([asideOf(digest)])).toEqual(['freed'])
      expect(await store.locate([asideOf(digest)])).toEqual(['in-place'])
      await pullWhole(registry.url, REPOSITORY, 'two')
    })

    it('throws an upload away when a file lies under a longer name, as our quarantine never does', async () => {
      const bytes = Buffer.from('three')
      await pushBlob(registry.url, REPOSITORY, bytes)
      const key = `files/${keyOf(sha256(bytes))}`
      await s3.client.copyObject({ Bucket: bucket, Key: `${key}.aside`, CopySource: `${bucket}/${key}` })
      await s3.client.deleteObject({ Bucket: bucket, Key: key })
      // It says 201 and keeps nothing.
      await pushBlob(registry.url, REPOSITORY, bytes)
      expect(await store.stat(keyOf(sha256(bytes)))).toBeUndefined()
      const read = await registryRequest(registry.url, 'GET', `/v2/${REPOSITORY}/blobs/${sha256(bytes)}`)
      expect(read.status).not.toBe(200)
      // Without the longer name, the same upload is kept.
      await s3.client.deleteObject({ Bucket: bucket, Key: `${key}.aside` })
      await pushBlob(registry.url, REPOSITORY, bytes)
      expect(await store.stat(keyOf(sha256(bytes)))).toMatchObject({ sizeBytes: 5 })
    })
  })
})

function keyOf(digest: string): string {
  const hex = digest.replace('sha256:', '')
  return `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
}

function asideOf(digest: string): AsideFile {
  const hex = digest.replace('sha256:', '')
  return { run: 'run-1', key: keyOf(digest), asideName: `sha256/${hex.slice(0, 2)}/${hex}`, sizeBytes: 0 }
}

function environmentOf({ accessKey, secretKey }: Versitygw): Readonly<Record<string, string>> {
  return { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey }
}

interface RegistryOverS3 {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** With no cache of descriptors: what it answers is what lies in the bucket. */
async function startRegistryOver(s3: Versitygw, bucket: string): Promise<RegistryOverS3> {
  const folder = await makeTestFolder('registry-over-s3')
  const configFile = join(folder, 'config.yml')
  return onFreePorts(1, async ([port = 0]) => {
    const host = `127.0.0.1:${port}`
    await writeFile(configFile, JSON.stringify(configuration(s3, bucket, host), null, 2))
    const server: ServerProcess = await startProcess({
      binary: find('registry3')?.binary ?? '',
      args: ['serve', configFile],
      env: { OTEL_TRACES_EXPORTER: 'none' },
      logFile: join(folder, 'registry.log'),
      isReady: async () => (await fetch(`http://${host}/v2/`)).ok,
    })
    const stop = async (): Promise<void> => {
      await server.stop()
      await removeTestFolder(folder)
    }
    return { url: `http://${host}`, stop }
  })
}

function configuration(s3: Versitygw, bucket: string, host: string): object {
  return {
    version: '0.1',
    storage: {
      s3: {
        accesskey: s3.accessKey,
        secretkey: s3.secretKey,
        region: 'us-east-1',
        regionendpoint: s3.url,
        forcepathstyle: true,
        secure: false,
        bucket,
        rootdirectory: '/files',
      },
      redirect: { disable: true },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: host, secret: 'only for tests' },
  }
}
