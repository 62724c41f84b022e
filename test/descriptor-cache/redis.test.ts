/**
 * Registries whose cache is Redis, against real ones: what DEL makes them forget, and when the gate stays closed. As for
 * the other caches, bytes may be freed only where the registry would refuse a manifest that names them.
 */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { DescriptorCacheUnreachableError } from '../../src/adapters/descriptor-cache/errors.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { distributionBinaries } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { pushManifest, type PushedImage } from '../servers/push.ts'
import { startRedis, type Redis, type RedisOptions } from '../servers/redis.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { frees, layerOf, Stand } from './stand.ts'

const password = 'winnowed-in-memory'
let running: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of running.toReversed()) await each.stop()
  running = []
})

for (const line of ['debian', 'v3'] as const) {
  const needed = [distributionBinaries[line], 'redis-server'] as const

  describe.skipIf(missing(...needed))(titled(`Distribution, ${line}, with Redis`, ...needed), () => {
    const start = async (options: RedisOptions = {}): Promise<{ redis: Redis; stand: Stand }> => {
      const redis = await startRedis(options)
      running.push(redis)
      const cache = { redis: redis.host, password: options.password, db: 3 }
      const stand = await Stand.start({ binary: line, cache })
      running.push(stand)
      return { redis, stand }
    }

    it('forgets what it is told to, and only that', async () => {
      const { redis, stand } = await start()
      const { image, at } = await away(stand)
      const other = await away(stand)
      expect([await stand.takes(image), await stand.takes(other.image)]).toEqual([true, true])
      const descriptorCache = stand.createCache(`${redis.url}/3`)
      await descriptorCache.forget([[layerOf(image)], []])
      const gate = await descriptorCache.gate()
      expect([frees(gate, at), await stand.takes(image)]).toEqual([true, false])
      // What the engine did not have forgotten, it does not free.
      expect(await stand.takes(other.image)).toBe(true)
    })

    it('forgets manifests, which are then written again', async () => {
      const { redis, stand } = await start()
      const image = await stand.pushImage()
      const digest = parseDigest(image.digest) ?? layerOf(image)
      const read = { headers: { accept: image.mediaType } }
      const path = `/v2/${image.repository}/manifests/${digest}`
      await registryRequest(stand.registry.url, 'GET', path, read)
      await stand.setAside(digest)
      await stand.createCache(`${redis.url}/3`).forget([[digest]])
      expect(await stand.takes(image)).toBe(true)
      expect((await registryRequest(stand.registry.url, 'GET', path, read)).status).toBe(200)
    })

    it('forgets the other digests of a blob, too', async () => {
      const { redis, stand } = await start()
      const bytes = Buffer.from('pushed under its sha512 digest')
      const alias = await pushBySha512(stand, 'team/alias', bytes)
      const stored = digestOf('sha256', bytes)
      const manifest = manifestOf(alias, bytes)
      const takes = () =>
        pushManifest(stand.registry.url, 'team/alias', manifest, OCI_MANIFEST, 'a').then(
          () => true,
          () => false,
        )
      await registryRequest(stand.registry.url, 'HEAD', `/v2/team/alias/blobs/${alias}`)
      await stand.setAside(await whereStored(stand, [stored, alias]))
      expect(await takes()).toBe(true)
      await stand.createCache(`${redis.url}/3`).forget([[stored]])
      expect(await takes()).toBe(false)
    })

    it('does not forget by a restart', async () => {
      const { redis, stand } = await start()
      const { image } = await away(stand)
      await stand.restart()
      expect(await stand.takes(image)).toBe(true)
      expect(await stand.createCache('auto').gate()).toMatchObject({ kind: 'closed' })
      await stand.createCache(`${redis.url}/3`).forget([[layerOf(image)]])
      expect(await stand.takes(image)).toBe(false)
    })

    it('is not believed by the word `auto`', async () => {
      const { stand } = await start()
      const { image, at } = await away(stand)
      const descriptorCache = stand.createCache('auto')
      expect([frees(await descriptorCache.gate(), at), await stand.takes(image)]).toEqual([false, true])
      expect(descriptorCache.kind).toBe('unknown')
    })

    it.each([
      { name: 'seen by a canary', hasUrl: true },
      { name: 'seen by its emptiness', hasUrl: false },
    ])('keeps the gate closed for another database: $name', async ({ hasUrl }) => {
      const { redis, stand } = await start()
      const { image, at } = await away(stand)
      const descriptorCache = stand.createCache(`${redis.url}/4`, hasUrl ? {} : { replicas: [] })
      await descriptorCache.forget([[layerOf(image)]])
      expect([frees(await descriptorCache.gate(), at), await stand.takes(image)]).toEqual([false, true])
    })

    it('keeps the gate closed when one replica remembers by itself', async () => {
      const { redis, stand } = await start()
      const other = await Stand.beside(stand, { binary: line, cache: 'inmemory' })
      running.push(other)
      const { image, at } = await away(stand)
      const descriptorCache = stand.createCache(`${redis.url}/3`, {
        replicas: [stand.address(), other.address()],
      })
      await descriptorCache.forget([[layerOf(image)]])
      const gate = await descriptorCache.gate()
      expect(frees(gate, at)).toBe(false)
      expect(gate).toMatchObject({ because: expect.stringContaining('remembers') as string })
    })

    it('opens the gate when nothing was known, by a canary, and leaves none', async () => {
      const { redis, stand } = await start()
      const keys = await redis.ask('DBSIZE')
      expect(await stand.createCache(`${redis.url}/3`).gate()).toMatchObject({ kind: 'open' })
      expect(await redis.ask('DBSIZE')).toEqual(keys)
      expect(await stand.store.list('docker/registry/v2/repositories/winnow/canary')).toBeUndefined()
    })

    it('takes a password from the environment', async () => {
      const { redis, stand } = await start({ password })
      const { image, at } = await away(stand)
      const descriptorCache = stand.createCache(`${redis.url}/3`, {
        cacheAuth: { passwordEnv: 'REDIS_PASSWORD' },
        environment: { REDIS_PASSWORD: password },
      })
      await descriptorCache.forget([[layerOf(image)]])
      expect([frees(await descriptorCache.gate(), at), await stand.takes(image)]).toEqual([true, false])
    })

    it('needs no more rights than the documentation names', async () => {
      const { redis, stand } = await start()
      const rights = ['~blobs::*', '+ping', '+select', '+scan', '+del', '+exists']
      await redis.ask('ACL', 'SETUSER', 'winnow', 'on', `>${password}`, ...rights)
      const { image, at } = await away(stand)
      const descriptorCache = stand.createCache(`${redis.url}/3`, {
        cacheAuth: { usernameEnv: 'REDIS_USER', passwordEnv: 'REDIS_PASSWORD' },
        environment: { REDIS_USER: 'winnow', REDIS_PASSWORD: password },
      })
      expect((await descriptorCache.gate()).kind).toBe('open')
      await descriptorCache.forget([[layerOf(image)]])
      expect([frees(await descriptorCache.gate(), at), await stand.takes(image)]).toEqual([true, false])
    })

    it.each([
      { name: 'a wrong password', said: 'not-the-password' },
      { name: 'no password', said: undefined },
    ])('forgets nothing for $name, which is an error', async ({ said }) => {
      const { redis, stand } = await start({ password })
      const { image, at } = await away(stand)
      const descriptorCache = stand.createCache(`${redis.url}/3`, {
        ...(said !== undefined && { cacheAuth: { passwordEnv: 'REDIS_PASSWORD' } }),
        environment: { REDIS_PASSWORD: said },
      })
      const failure = await descriptorCache.forget([[layerOf(image)]]).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(DescriptorCacheUnreachableError)
      expect(String(failure)).not.toContain(said ?? password)
      expect([frees(await descriptorCache.gate(), at), await stand.takes(image)]).toEqual([false, true])
    })

    it('keeps the gate closed for the rest of a run in which Redis was away once', async () => {
      const { redis, stand } = await start()
      const first = await away(stand)
      const second = await away(stand)
      const descriptorCache = stand.createCache(`${redis.url}/3`)
      await descriptorCache.forget([[layerOf(first.image)]])
      await redis.kill()
      await expect(descriptorCache.forget([[layerOf(second.image)]])).rejects.toBeInstanceOf(
        DescriptorCacheUnreachableError,
      )
      await expect(stand.createCache(`${redis.url}/3`).gate()).rejects.toMatchObject({
        code: 'DESCRIPTOR_CACHE_UNREACHABLE',
      })
      running.push(await startRedis({ port: redis.port }))
      expect(await descriptorCache.gate()).toMatchObject({ kind: 'closed' })
    })
  })
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

async function away(stand: Stand): Promise<{ readonly image: PushedImage; readonly at: number }> {
  const image = await stand.pushImage()
  await stand.head(image)
  return { image, at: await stand.setAside(layerOf(image)) }
}

async function pushBySha512(stand: Stand, repository: string, bytes: Uint8Array): Promise<Digest> {
  const { url } = stand.registry
  const digest = digestOf('sha512', bytes)
  const begun = await registryRequest(url, 'POST', `/v2/${repository}/blobs/uploads/`)
  const target = new URL(begun.headers.get('location') ?? '', url)
  target.searchParams.set('digest', digest)
  const path = `${target.pathname}${target.search}`
  const stored = await registryRequest(url, 'PUT', path, {
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
  })
  if (stored.status !== 201) throw new Error(`A blob under its sha512 digest: ${stored.status}`)
  return digest
}

function digestOf(algorithm: 'sha256' | 'sha512', bytes: Uint8Array): Digest {
  const digest = parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`)
  if (digest === undefined) throw new Error('A digest that is none.')
  return digest
}

async function whereStored(stand: Stand, digests: readonly Digest[]): Promise<Digest> {
  for (const digest of digests) {
    const [algorithm = '', hex = ''] = digest.split(':')
    const key = `docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
    if (await stand.store.stat(key)) return digest
  }
  throw new Error('The blob is nowhere.')
}

function manifestOf(layer: Digest, bytes: Uint8Array): Buffer {
  const descriptor = { mediaType: 'application/octet-stream', digest: layer, size: bytes.length }
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [descriptor] }
  return Buffer.from(JSON.stringify(manifest))
}
