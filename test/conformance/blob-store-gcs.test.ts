/** The store for Google Cloud Storage, in all its ways of keeping bytes: over an emulator, and over a scripted server. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import {
  createGcsStore,
  createReadableGcsStore,
  type GcsSettings,
} from '../../src/adapters/storage/gcs/gcs-store.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { startGcsServer, type GcsServerOptions } from '../fakes/gcs-server.ts'
import { startFakeGcs, type FakeGcs } from '../servers/fake-gcs.ts'
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
const TOKEN = 'token-of-the-test-0123456789'
const DAY_SECONDS = 86_400
// Thousands of requests a test, each of them through a whole HTTP server.
vi.setConfig({ testTimeout: 300_000 })

/** Small pages, so that every list has several, and no pauses. */
const quick = { pageSize: 100, retry: { attemptsMax: 2, backoffMs: 1 } } as const

describe('over a scripted server', () => {
  const keptAs = {
    copy: {},
    versions: { versioning: true },
    'soft-delete': { softDeleteSeconds: 7 * DAY_SECONDS },
  } as const
  for (const quarantine of ['copy', 'versions', 'soft-delete'] as const) {
    const expected = { quarantine, hasFolders: false, tellsMd5: true }
    blobStoreConformance(`Google Cloud Storage (${quarantine})`, expected, async () =>
      scripted(keptAs[quarantine]),
    )
  }
})

describe.skipIf(missing('fake-gcs-server'))(titled('over fake-gcs-server', 'fake-gcs-server'), () => {
  let server: FakeGcs
  let count = 0
  beforeAll(async () => {
    server = await startFakeGcs()
  })
  afterAll(async () => server.stop())
  for (const quarantine of ['copy', 'versions'] as const) {
    const expected = { quarantine, hasFolders: false, tellsMd5: true }
    blobStoreConformance(`Google Cloud Storage (emulator, ${quarantine})`, expected, async () => {
      count += 1
      const bucket = `bucket-${count}`
      await server.createBucket(bucket, { versioning: quarantine === 'versions' })
      const settings = {
        bucket,
        prefix: PREFIX,
        environment: { STORAGE_EMULATOR_HOST: server.url },
        ...quick,
      }
      return subject(settings, rawFiles(server.url, bucket, {}), async () => undefined)
    })
  }
})

describe('softly deleted objects', () => {
  const file = aside('blobs/ab/data', { asideName: 'sha256/ab', text: 'content' })

  it('come back and are given up, and are not read', async () => {
    const { store, raw } = await fresh({ softDeleteSeconds: 7 * DAY_SECONDS }, { readableBytesMax: 0 })
    await raw.put(file.key, bytesOf('content'))
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(await raw.read(file.key)).toBeUndefined()
    expect(await store.locate([file])).toEqual(['aside'])
    await expect(store.readAside(file, 99)).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(textOf(await raw.read(file.key))).toBe('content')
    expect(await store.setAside([file])).toEqual(['set-aside'])
    await raw.put(file.key, bytesOf('newer'))
    expect(await store.locate([file])).toEqual(['both'])
    expect(await store.free([file])).toEqual(['freed'])
    expect(await store.free([file])).toEqual(['absent'])
    expect(textOf(await raw.read(file.key))).toBe('newer')
    expect(await raw.list('')).toEqual([file.key])
  })

  it('are used only where they outlast the quarantine', async () => {
    const week = { softDeleteSeconds: 7 * DAY_SECONDS }
    const longer = await fresh(week, { quarantineMs: 8 * DAY_SECONDS * 1000 })
    expect(await longer.store.quarantineKind()).toBe('copy')
    const { store } = await fresh(week, { quarantineMs: 7 * DAY_SECONDS * 1000 })
    expect([await store.quarantineKind(), await store.asideKeptMs()]).toEqual([
      'soft-delete',
      7 * DAY_SECONDS * 1000,
    ])
  })

  it('come second to versions', async () => {
    const { store } = await fresh({ softDeleteSeconds: 7 * DAY_SECONDS, versioning: true })
    expect([await store.quarantineKind(), await store.asideKeptMs()]).toEqual(['versions', undefined])
  })
})

it('copies, and says so, where it may not see how a bucket keeps bytes', async () => {
  const interfere: GcsServerOptions['interfere'] = ({ url }) =>
    url.pathname.endsWith('/b/test') ? 403 : undefined
  const { store } = await fresh({ versioning: true, interfere })
  const events: RunEvent[] = []
  expect(await store.quarantineKind({ onEvent: (event) => events.push(event) })).toBe('copy')
  expect(events).toMatchObject([{ kind: 'warning' }])
})

it('knows its own work again when the answer to it was lost', async () => {
  const seen = new Set<string>()
  const { store, raw } = await fresh({
    // The first sending of each change comes true, and says otherwise.
    losesAnswer: ({ method, url }) => {
      const id = `${method} ${url.pathname}${url.searchParams.get('name') ?? ''}`
      const isFirst = method !== 'GET' && !seen.has(id)
      seen.add(id)
      return isFirst
    },
  })
  expect(await store.create('.winnow/lease', bytesOf('mine'))).toBe(true)
  expect(textOf(await raw.read('.winnow/lease'))).toBe('mine')
  expect(await store.remove('.winnow/lease')).toBe(true)
})

async function fresh(
  options: Partial<GcsServerOptions>,
  more: Partial<GcsSettings> = {},
): ReturnType<typeof scripted> {
  const made = await scripted(options, more)
  onTestFinished(made.stop)
  return made
}

async function scripted(
  options: Partial<GcsServerOptions>,
  more: Partial<GcsSettings> = {},
): Promise<BlobStoreUnderTest & { readonly store: ReturnType<typeof createGcsStore> }> {
  const server = await startGcsServer({ bucket: 'test', token: TOKEN, ...options })
  const settings = {
    ...{ bucket: 'test', prefix: `/${PREFIX}/`, endpoint: server.url, environment: {}, ...quick },
    ...{ credentials: bearer(TOKEN), ...more },
  }
  const raw = rawFiles(server.url, 'test', { authorization: `Bearer ${TOKEN}` })
  return subject(settings, raw, server.stop)
}

function subject(
  settings: GcsSettings,
  raw: RawFiles,
  stop: () => Promise<void>,
): BlobStoreUnderTest & { readonly store: ReturnType<typeof createGcsStore> } {
  const wrong = 'a-token-that-is-not-right-9876'
  const closed: ClosedStore[] = [
    {
      why: 'no such bucket',
      store: createGcsStore({ ...settings, bucket: 'other-bucket' }),
      secrets: [TOKEN],
    },
    {
      why: 'no server',
      store: createGcsStore({ ...settings, endpoint: 'http://127.0.0.1:1', credentials: bearer(wrong) }),
      secrets: [wrong],
    },
  ]
  if (settings.credentials !== undefined) {
    const store = createGcsStore({ ...settings, credentials: bearer(wrong) })
    closed.push({ why: 'a refused token', store, secrets: [wrong] })
  }
  return { store: createGcsStore(settings), reader: createReadableGcsStore(settings), raw, closed, stop }
}

function bearer(token: string): CredentialSource {
  return { name: 'the test', get: async () => ({ kind: 'bearer', token }) }
}

/** Plain requests to the same bucket, which is all a registry makes. */
function rawFiles(url: string, bucket: string, headers: Readonly<Record<string, string>>): RawFiles {
  const api = `${url}/storage/v1/b/${bucket}/o`
  const pathOf = (key: string): string => `${api}/${encodeURIComponent(`${PREFIX}/${key}`)}`
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    const query = new URLSearchParams({ uploadType: 'media', name: `${PREFIX}/${key}` })
    const to = `${url}/upload/storage/v1/b/${bucket}/o?${query.toString()}`
    const response = await fetch(to, { method: 'POST', body: Buffer.from(bytes), headers })
    if (!response.ok) throw new Error(await response.text())
  }
  const read = async (key: string): Promise<Uint8Array | undefined> => {
    const response = await fetch(`${pathOf(key)}?alt=media`, { headers })
    return response.status === 404 ? undefined : Buffer.from(await response.arrayBuffer())
  }
  const list = async (beginning: string): Promise<readonly string[]> => {
    const names: string[] = []
    let pageToken: string | undefined
    do {
      const query = new URLSearchParams({ prefix: `${PREFIX}/${beginning}`, ...(pageToken && { pageToken }) })
      const response = await fetch(`${api}?${query.toString()}`, { headers })
      const page = (await response.json()) as { items?: { name: string }[]; nextPageToken?: string }
      names.push(...(page.items ?? []).map(({ name }) => name.slice(PREFIX.length + 1)))
      pageToken = page.nextPageToken
    } while (pageToken !== undefined && pageToken !== '')
    return names.toSorted()
  }
  const remove = async (key: string): Promise<void> => {
    await fetch(pathOf(key), { method: 'DELETE', headers })
  }
  return { put, read, list, remove }
}
