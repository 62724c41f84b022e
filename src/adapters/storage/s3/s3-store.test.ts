/** Servers that misbehave, scripted: each answers what a test says, and remembers what it was asked. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { AsideFile } from '../../../ports/listable-store.ts'
import { createS3Store, type S3StoreOptions } from './s3-store.ts'

interface Asked {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface Answer {
  readonly status?: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

type Script = (asked: Asked, count: number) => Answer

const warnings: string[] = []
const hear = (warning: Error): number => warnings.push(warning.name)
process.on('warning', hear)
afterAll(() => process.off('warning', hear))

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const environment = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }

/** The first request, which asks whether the bucket is there, is answered for the script. */
async function scripted(
  script: Script,
  options: Partial<S3StoreOptions> = {},
): Promise<{ readonly store: ReturnType<typeof createS3Store>; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = []
  let isOpened = false
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://server')
      const one = { method: request.method ?? '', url, headers: request.headers, body }
      const answer = isOpened ? script(one, asked.push(one)) : { body: list([]) }
      isOpened = true
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/xml', ...answer.headers })
      response.end(answer.body ?? '')
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`
  return { store: createS3Store({ bucket: 'b', endpoint, environment, ...options }), asked }
}

function list(keys: readonly string[], more = ''): string {
  const contents = keys.map(
    (key) =>
      `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
  )
  return `<ListBucketResult>${more}${contents.join('')}</ListBucketResult>`
}

const errorOf = (code: string): string => `<Error><Code>${code}</Code><Message>no</Message></Error>`
const isList = ({ url }: Asked): boolean => url.searchParams.get('list-type') === '2'
const isDelete = ({ url }: Asked): boolean => url.searchParams.has('delete')
const isCopy = ({ headers }: Asked): boolean => headers['x-amz-copy-source'] !== undefined
const file: AsideFile = { run: 'run', key: 'a/k', asideName: 'k', sizeBytes: 1 }

describe('a bucket on a server that', () => {
  it('asks for patience, is asked again', async () => {
    const { store, asked } = await scripted((_, count) =>
      count < 3 ? { status: 503, body: errorOf('SlowDown') } : { body: list(['a']) },
    )
    expect(await store.list('')).toEqual([{ name: 'a', kind: 'file' }])
    expect(asked).toHaveLength(3)
    expect(store.stats).toEqual({ ListObjectsV2Command: 4 })
  })

  it('asks for patience without end, is left alone with a hint', async () => {
    const { store } = await scripted(() => ({ status: 503, body: errorOf('SlowDown') }), { attemptsMax: 2 })
    await expect(store.list('')).rejects.toMatchObject({
      code: 'STORAGE_UNREADABLE',
      message: 'Could not read s3://b/: it goes on asking for patience.',
    })
  })

  it('ends a list in the middle, is not believed', async () => {
    const { store } = await scripted(() => ({ body: list(['a'], '<IsTruncated>true</IsTruncated>') }))
    await expect(store.list('')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it('writes names in percent-encoding, is understood', async () => {
    const encoded = '<EncodingType>url</EncodingType>'
    const { store } = await scripted(() => ({ body: list(['a+b', 'a%2Bb', '%E6%97%A5'], encoded) }))
    expect((await store.list(''))?.map(({ name }) => name)).toEqual(['a b', 'a+b', '日'])
  })

  it('lists out of order, is not believed when files are looked for', async () => {
    const { store, asked } = await scripted((request) =>
      isList(request) ? { body: list(['a/k2', 'a/k1']) } : {},
    )
    await expect(store.removeAll(['a/k1', 'a/k2'])).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
    expect(asked.filter(isDelete)).toEqual([])
  })

  it('refuses one key of a batch, is an error that names the key', async () => {
    const { store } = await scripted((request) => {
      if (isList(request)) return { body: list(['a/k1', 'a/k2']) }
      return {
        body: '<DeleteResult><Error><Key>a/k2</Key><Code>AccessDenied</Code></Error></DeleteResult>',
      }
    })
    await expect(store.removeAll(['a/k1', 'a/k2'])).rejects.toMatchObject({
      code: 'STORAGE_NOT_WRITABLE',
      obstacle: 'forbidden',
      message: 'Could not change s3://b/a/k2: access is denied.',
    })
  })

  it('has no time for one key of a batch, is asked for that key again', async () => {
    const batches: string[] = []
    const { store } = await scripted((request) => {
      if (isList(request)) return { body: list(['a/k1', 'a/k2']) }
      if (!isDelete(request)) return {}
      batches.push([...request.body.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key).join())
      const refused = '<Error><Key>a/k2</Key><Code>SlowDown</Code></Error>'
      return { body: `<DeleteResult>${batches.length === 1 ? refused : ''}</DeleteResult>` }
    })
    expect(await store.removeAll(['a/k1', 'a/k2'])).toEqual([true, true])
    expect(batches).toEqual(['a/k1,a/k2', 'a/k2'])
  })

  it('knows only the older checksum of batches, is given it', async () => {
    const { store, asked } = await scripted((request) => (isList(request) ? { body: list(['k']) } : {}))
    await store.removeAll(['k'])
    const { headers } = asked.find(isDelete) ?? {}
    expect(headers?.['content-md5']).toMatch(/^.{22}==$/)
    expect(Object.keys(headers ?? {}).filter((name) => name.startsWith('x-amz-checksum'))).toEqual([])
  })

  it('ignores conditional writes, is refused as a place for leases', async () => {
    const { store, asked } = await scripted(() => ({ headers: { etag: '"e"' } }))
    await expect(store.create('.winnow/lease', Buffer.from('x'))).rejects.toMatchObject({
      code: 'STORAGE_NOT_WRITABLE',
      message: expect.stringContaining('ignores conditional writes') as string,
    })
    expect(asked.filter(({ url }) => url.pathname === '/b/.winnow/lease')).toEqual([])
  })

  it('loses an answer, is asked whether what lies there is ours', async () => {
    let isWritten = false
    const { store } = await scripted((request) => {
      if (request.url.pathname !== '/b/.winnow/lease') {
        return request.url.pathname.includes('try-') && request.body === '2' ? { status: 412 } : {}
      }
      if (request.method === 'GET') return { body: 'ours' }
      if (isWritten) return { status: 412, body: errorOf('PreconditionFailed') }
      isWritten = true
      return { status: 500, body: errorOf('InternalError') }
    })
    expect(await store.create('.winnow/lease', Buffer.from('ours'))).toBe(true)
  })

  it('makes a copy that differs, keeps the original', async () => {
    const { store, asked } = await scripted((request) => {
      if (isList(request)) {
        const isQuarantine = request.url.searchParams.get('prefix')?.startsWith('.winnow') === true
        return {
          body: list([isQuarantine ? '.winnow/quarantine/run/k' : 'a/k']).replace(
            '"e"',
            isQuarantine ? '"f"' : '"e"',
          ),
        }
      }
      if (isCopy(request)) return { body: '<CopyObjectResult><ETag>"f"</ETag></CopyObjectResult>' }
      if (request.url.searchParams.has('versioning')) return { body: '<VersioningConfiguration/>' }
      // Both are read, and say their own names.
      return { body: request.url.pathname }
    })
    await expect(store.setAside([file])).rejects.toMatchObject({
      code: 'STORAGE_NOT_WRITABLE',
      message: 'Could not change s3://b/a/k: the copy that the server made of it is not the same.',
    })
    expect(asked.filter(isDelete)).toEqual([])
  })

  it('knows nothing of versions, keeps what is set aside as copies', async () => {
    const { store } = await scripted(() => ({ status: 501, body: errorOf('NotImplemented') }))
    expect(await store.quarantineKind()).toBe('copy')
  })

  it('does not say whether it keeps versions, is not guessed about', async () => {
    const { store } = await scripted(() => ({ status: 403, body: errorOf('AccessDenied') }))
    await expect(store.setAside([file])).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it('cuts an object short, is not believed', async () => {
    const { store } = await scripted(() => ({ headers: { 'content-length': '10' }, body: 'short' }), {
      attemptsMax: 1,
    })
    setTimeout(() => server?.closeAllConnections(), 300)
    await expect(store.read('a', 99)).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  // Last, since a process is warned once.
  it('is well, is all there is to hear of: the client itself warns of nothing', async () => {
    const { store } = await scripted(() => ({ body: list([]) }))
    await store.list('')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(warnings).toEqual([])
  })
})
