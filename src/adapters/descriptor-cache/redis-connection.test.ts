import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createRedisCache } from './redis-cache.ts'
import { withRedis } from './redis-connection.ts'

let servers: Server[] = []
let sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
  servers = []
  sockets = []
})

describe('withRedis', () => {
  it('gives up on a server that takes connections and says nothing', async () => {
    const url = await listen(() => undefined)
    await expect(withRedis({ url, answerMsMax: 50 }, (redis) => redis.ping())).rejects.toMatchObject({
      code: 'DESCRIPTOR_CACHE_UNREACHABLE',
    })
  })

  it('ends at once when it is interrupted', async () => {
    const url = await listen(() => undefined)
    const abort = new AbortController()
    const ended = withRedis({ url }, (redis) => redis.ping(), { signal: abort.signal })
    setTimeout(() => abort.abort(), 50)
    await expect(ended).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })

  it('does not begin when it was interrupted before', async () => {
    const options = { signal: AbortSignal.abort() }
    await expect(withRedis({ url: 'redis://127.0.0.1:1' }, async () => 1, options)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
  })

  it.each([
    { name: 'where nobody listens', url: 'redis://127.0.0.1:1', code: 'DESCRIPTOR_CACHE_UNREACHABLE' },
    {
      name: 'for a database that is none',
      url: 'redis://127.0.0.1:1/x',
      code: 'DESCRIPTOR_CACHE_UNREACHABLE',
    },
    {
      name: 'for a password that is not there',
      url: 'redis://127.0.0.1:1',
      auth: { passwordEnv: 'NOT_SET' },
      code: 'CREDENTIALS_UNAVAILABLE',
    },
    {
      name: 'for two passwords',
      url: 'redis://127.0.0.1:1',
      auth: { passwordEnv: 'SET', passwordFile: 'also.txt' },
      code: 'CREDENTIALS_UNAVAILABLE',
    },
  ])('fails with a code $name', async ({ url, auth, code }) => {
    const settings = { url, auth, environment: { SET: 'yes' } }
    await expect(withRedis(settings, (redis) => redis.ping())).rejects.toMatchObject({ code })
  })
})

describe('a redis cache', () => {
  it('never shows a password that the server repeats', async () => {
    const url = await listen((socket) => socket.write('-ERR no such user-or-password s3cret-word\r\n'))
    const cache = createRedisCache({ url, auth: { passwordEnv: 'P' }, environment: { P: 's3cret-word' } })
    const error: unknown = await cache.forget([[]]).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'DESCRIPTOR_CACHE_UNREACHABLE' })
    const cause = error instanceof Error ? error.cause : undefined
    expect(`${String(error)} ${String(cause)}`).not.toContain('s3cret-word')
  })
})

async function listen(answer: (socket: Socket) => unknown): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}
