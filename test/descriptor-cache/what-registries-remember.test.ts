/**
 * What registries do with blobs whose bytes are gone, with each cache: the facts that every gate stands on. When one of
 * these changes with a new release of a registry, the adapters have to be thought over.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { distributionBinaries } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { pushBlob, type PushedImage } from '../servers/push.ts'
import { startRedis, type Redis } from '../servers/redis.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { layerOf, Stand } from './stand.ts'

for (const line of ['debian', 'v3'] as const) {
  for (const cache of ['none', 'inmemory', 'redis'] as const) {
    const needed = [distributionBinaries[line], ...(cache === 'redis' ? (['redis-server'] as const) : [])]
    const title = titled(`Distribution, ${line}, with the cache ${cache}`, ...needed)
    describe.skipIf(missing(...needed))(title, () => {
      const remembers = cache !== 'none'
      let redis: Redis | undefined
      let stand: Stand
      beforeAll(async () => {
        redis = cache === 'redis' ? await startRedis() : undefined
        const of = redis ? { redis: redis.host } : cache === 'inmemory' ? cache : ('none' as const)
        stand = await Stand.start({ binary: line, cache: of })
      })
      afterAll(async () => {
        await stand?.stop()
        await redis?.stop()
      })

      it(`answers ${remembers ? 200 : 404} for a layer whose bytes are away`, async () => {
        const image = await stand.pushImage()
        await stand.setAside(layerOf(image))
        expect(await stand.head(image)).toBe(remembers ? 200 : 404)
      })

      it(`${remembers ? 'takes' : 'refuses'} a manifest that names it`, async () => {
        const image = await stand.pushImage()
        await stand.setAside(layerOf(image))
        expect(await stand.takes(image)).toBe(remembers)
      })

      it(`${remembers ? 'promises and does not send' : 'does not have'} it when it is pulled`, async () => {
        const image = await stand.pushImage()
        await stand.setAside(layerOf(image))
        const path = `/v2/${image.repository}/blobs/${layerOf(image)}`
        const response = await registryRequest(stand.registry.url, 'GET', path)
        expect(response.status).toBe(remembers ? 200 : 404)
        if (remembers) await expect(response.arrayBuffer()).rejects.toThrow()
      })

      it('stores it anew when it is really uploaded', async () => {
        const image = await stand.pushImage()
        const bytes = await bytesOf(stand, image)
        await stand.setAside(layerOf(image))
        await pushBlob(stand.registry.url, image.repository, bytes)
        expect(await bytesOf(stand, image)).toEqual(bytes)
      })

      it(`${remembers ? 'does not write' : 'writes'} a manifest again whose bytes are away`, async () => {
        const image = await stand.pushImage()
        // 2.8 remembers a manifest once it was read, 3 from its push on.
        expect(await statusOfManifest(stand, image)).toBe(200)
        await stand.setAside(digestOf(image))
        expect(await stand.takes(image)).toBe(true)
        expect(await statusOfManifest(stand, image)).toBe(remembers ? 404 : 200)
      })

      it(`${cache === 'inmemory' ? 'forgets' : 'is the same'} after a restart`, async () => {
        const image = await stand.pushImage()
        await stand.setAside(layerOf(image))
        await stand.restart()
        expect(await stand.takes(image)).toBe(cache === 'redis')
      })
    })
  }
}

async function statusOfManifest(stand: Stand, image: PushedImage): Promise<number> {
  const path = `/v2/${image.repository}/manifests/${image.digest}`
  const headers = { accept: image.mediaType }
  return (await registryRequest(stand.registry.url, 'GET', path, { headers })).status
}

function digestOf({ digest: text }: PushedImage): Digest {
  const digest = parseDigest(text)
  if (digest === undefined) throw new Error(`${text} is no digest.`)
  return digest
}

async function bytesOf(stand: Stand, image: PushedImage): Promise<Uint8Array> {
  const response = await registryRequest(
    stand.registry.url,
    'GET',
    `/v2/${image.repository}/blobs/${layerOf(image)}`,
  )
  return new Uint8Array(await response.arrayBuffer())
}
