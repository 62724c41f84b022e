/** The store for Azure Blob Storage, in all its ways of keeping bytes: over an emulator, and over a scripted server. */
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createAzureStore,
  createReadableAzureStore,
  type AzureSettings,
} from '../../src/adapters/storage/azure/azure-store.ts'
import { startAzureBlobServer, type AzureBlobServerOptions } from '../fakes/azure-blob-server.ts'
import { startAzurite, type Azurite } from '../servers/azurite.ts'
import { missing, titled } from '../servers/find.ts'
import { blobStoreConformance } from './blob-store.ts'
import {
  aside,
  bytesOf,
  textOf,
  type BlobStoreUnderTest,
  type ClosedStore,
  type RawFiles,
} from './blob-store-fixture.ts'

const PREFIX = 'some/registry'
const KEY = Buffer.from('the key of an account of a test').toString('base64')
const DAY_MS = 86_400_000
// Thousands of requests a test, each of them through a whole HTTP server.
vi.setConfig({ testTimeout: 300_000 })

/** Small pages, so that every list has several, and no pauses. */
const quick = { pageSize: 100, retry: { attemptsMax: 2, backoffMs: 1 } } as const

describe('over a scripted server', () => {
  const keptAs = { copy: {}, versions: { versioning: true }, 'soft-delete': { softDeleteDays: 7 } } as const
  for (const quarantine of ['copy', 'versions', 'soft-delete'] as const) {
    const expected = { quarantine, hasFolders: false, tellsMd5: true }
    blobStoreConformance(`Azure Blob Storage (${quarantine})`, expected, async () =>
      scripted(keptAs[quarantine]),
    )
  }
})

describe.skipIf(missing('azurite'))(titled('over Azurite', 'azurite'), () => {
  let server: Azurite
  let count = 0
  beforeAll(async () => {
    server = await startAzurite()
  })
  afterAll(async () => server.stop())
  const expected = { quarantine: 'copy', hasFolders: false, tellsMd5: true } as const
  blobStoreConformance('Azure Blob Storage (emulator)', expected, async () => {
    count += 1
    const container = `container-${count}`
    return subject(server, container, async () => undefined)
  })

  it('is opened by the account and its key as well', async () => {
    const { url, account, key } = server
    const { raw } = await subject(server, 'by-key', async () => undefined)
    await raw.put('a/b', bytesOf('x'))
    const settings = { container: 'by-key', prefix: PREFIX, account, endpoint: url, ...quick }
    const store = createReadableAzureStore({ ...settings, environment: { AZURE_STORAGE_KEY: key } })
    expect(await store.list('a')).toEqual([{ name: 'b', kind: 'file' }])
  })
})

describe('softly deleted blobs', () => {
  const file = aside('blobs/ab/data', { asideName: 'sha256/ab', text: 'content' })

  it('come back and are given up, and are not read', async () => {
    const { store, raw } = await fresh({ softDeleteDays: 7 }, { readableBytesMax: 0 })
    await raw.put(file.key, bytesOf('content'))
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(await raw.read(file.key)).toBeUndefined()
    expect(await store.locate([file])).toEqual(['aside'])
    await expect(store.readAside(file, 99)).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(textOf(await raw.read(file.key))).toBe('content')
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(await store.free([file])).toEqual(['freed'])
    expect(await store.free([file])).toEqual(['absent'])
    expect(await raw.list('')).toEqual([])
  })

  it('are used only where they outlast the quarantine', async () => {
    const longer = await fresh({ softDeleteDays: 7 }, { quarantineMs: 8 * DAY_MS })
    expect(await longer.store.quarantineKind()).toBe('copy')
    const { store } = await fresh({ softDeleteDays: 7 }, { quarantineMs: 7 * DAY_MS })
    expect([await store.quarantineKind(), await store.asideKeptMs()]).toEqual(['soft-delete', 7 * DAY_MS])
  })

  it('come second to versions', async () => {
    const { store, raw } = await fresh({ softDeleteDays: 7, versioning: true })
    expect([await store.quarantineKind(), await store.asideKeptMs()]).toEqual(['versions', undefined])
    expect(await raw.list('')).toEqual([])
  })
})

it('removes one by one where the store takes no batches', async () => {
  const { store, raw } = await fresh({ hasBatches: false })
  const keys = Array.from({ length: 20 }, (_, i) => `a/${i}`)
  for (const key of keys.slice(1)) await raw.put(key, bytesOf('x'))
  expect(await store.removeAll(keys)).toEqual(keys.map((_, i) => i > 0))
})

it('does not take the account of a connection string for the one that is configured', async () => {
  const { settings } = await fresh({})
  const store = createReadableAzureStore({ ...settings, account: 'another' })
  await expect(store.list('')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
})

type Scripted = BlobStoreUnderTest & {
  readonly store: ReturnType<typeof createAzureStore>
  readonly settings: AzureSettings
}

async function fresh(
  options: Partial<AzureBlobServerOptions>,
  more: Partial<AzureSettings> = {},
): Promise<Scripted> {
  const made = await scripted(options, more)
  onTestFinished(made.stop)
  return made
}

async function scripted(
  options: Partial<AzureBlobServerOptions>,
  more: Partial<AzureSettings> = {},
): Promise<Scripted> {
  const server = await startAzureBlobServer({ account: 'test', key: KEY, ...options })
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=test;AccountKey=${KEY};BlobEndpoint=${server.url};`
  return subject({ connectionString, account: 'test', key: KEY }, 'container', server.stop, more)
}

async function subject(
  { connectionString, account, key }: Pick<Azurite, 'connectionString' | 'account' | 'key'>,
  container: string,
  stop: () => Promise<void>,
  more: Partial<AzureSettings> = {},
): Promise<Scripted> {
  const client = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container)
  await client.create()
  const opening = (text: string): AzureSettings => ({
    ...{ container, prefix: `/${PREFIX}/`, ...quick, ...more },
    environment: { AZURE_STORAGE_CONNECTION_STRING: text },
  })
  const settings = opening(connectionString)
  const wrong = Buffer.from('a key that is not right').toString('base64')
  const closed: ClosedStore[] = [
    {
      why: 'no such container',
      store: createAzureStore({ ...settings, container: 'other' }),
      secrets: [key],
    },
    {
      why: 'no server',
      store: createAzureStore(opening(connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'))),
      secrets: [key],
    },
    {
      why: 'a wrong key',
      store: createAzureStore(opening(connectionString.replace(key, wrong))),
      secrets: [key, wrong],
    },
    {
      why: 'no login',
      store: createAzureStore({ ...settings, environment: {}, account: '' }),
      secrets: [account === '' ? key : wrong],
    },
  ]
  const store = createAzureStore(settings)
  return { store, reader: createReadableAzureStore(settings), raw: rawFiles(client), closed, stop, settings }
}

/** Plain calls to the same container, which is all a registry makes. */
function rawFiles(client: ContainerClient): RawFiles {
  const blob = (key: string): ReturnType<ContainerClient['getBlockBlobClient']> =>
    client.getBlockBlobClient(`${PREFIX}/${key}`)
  return {
    put: async (key, bytes) => {
      await blob(key).upload(Buffer.from(bytes), bytes.length)
    },
    read: async (key) => ((await blob(key).exists()) ? blob(key).downloadToBuffer() : undefined),
    list: async (beginning) => {
      const names: string[] = []
      for await (const { name } of client.listBlobsFlat({ prefix: `${PREFIX}/${beginning}` })) {
        names.push(name.slice(PREFIX.length + 1))
      }
      return names.toSorted()
    },
    remove: async (key) => {
      await blob(key).deleteIfExists()
    },
  }
}
