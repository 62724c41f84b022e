/**
 * The gate against real registries. One sentence is asked of every combination: whenever bytes may be freed, the registry
 * refuses a manifest that names them. A gate that is always open fails here.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { RESTART_MARGIN_MS } from '../../src/adapters/descriptor-cache/inmemory-cache.ts'
import { distributionBinaries } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import type { PushedImage } from '../servers/push.ts'
import { frees, LONG_MS, layerOf, Stand } from './stand.ts'

let stands: Stand[] = []
afterEach(async () => {
  for (const stand of stands) await stand.stop()
  stands = []
})

for (const line of ['debian', 'v3'] as const) {
  const needed = distributionBinaries[line]
  const start = async (cache: 'none' | 'inmemory', more = {}): Promise<Stand> => {
    const stand = await Stand.start({ binary: line, cache, ...more })
    stands.push(stand)
    return stand
  }

  describe.skipIf(missing(needed))(titled(`Distribution, ${line}`, needed), () => {
    it.each([
      { cache: 'none', said: 'none', isFreed: true, isTaken: false, kind: 'none' },
      { cache: 'none', said: 'auto', isFreed: true, isTaken: false, kind: 'none' },
      { cache: 'inmemory', said: 'auto', isFreed: false, isTaken: true, kind: 'unknown' },
      { cache: 'inmemory', said: 'inmemory', isFreed: false, isTaken: true, kind: 'inmemory' },
    ] as const)(
      'with the cache $cache, called $said: frees $isFreed, takes $isTaken',
      async ({ cache, said, isFreed, isTaken, kind }) => {
        const stand = await start(cache)
        const { image, at } = await away(stand)
        const descriptorCache = stand.createCache(said)
        await descriptorCache.forget([[layerOf(image)]])
        await descriptorCache.afterSetAside()
        const gate = await descriptorCache.gate()
        expect({ isFreed: frees(gate, at), isTaken: await stand.takes(image) }).toEqual({ isFreed, isTaken })
        expect(descriptorCache.kind).toBe(kind)
        if (gate.kind === 'closed') expect(gate.cure).toMatch(/\.$/)
      },
    )

    it('leaves nothing of a canary in the storage', async () => {
      const stand = await start('none')
      const before = await filesOf(stand)
      expect((await stand.createCache('auto').gate()).kind).toBe('open')
      expect(await filesOf(stand)).toEqual(before)
      expect(await stand.store.list('docker/registry/v2/repositories/winnow/canary')).toBeUndefined()
    })

    it('frees what was set aside before a restart that was told, and not what came after', async () => {
      const stand = await start('inmemory')
      const before = await away(stand)
      stand.pass(LONG_MS)
      await stand.restart()
      const restartedAt = stand.now()
      const after = await away(stand)
      const gate = await stand.createCache('inmemory', { restartedAt }).gate()
      expect([frees(gate, before.at), await stand.takes(before.image)]).toEqual([true, false])
      expect([frees(gate, after.at), await stand.takes(after.image)]).toEqual([false, true])
    })

    it('opens for what was set aside before the start that metrics tell, and a margin', async () => {
      const stand = await start('inmemory', { metrics: true })
      const startOfProcess = async (): Promise<number> => {
        const metrics = [stand.registry.metricsUrl ?? '']
        const gate = await stand.createCache('inmemory', { metrics }).gate()
        return gate.kind === 'open' ? gate.setAsideBefore + RESTART_MARGIN_MS : 0
      }
      // Processes tell their start to the hundredth of a second, and dates go by seconds.
      await sleep(1100)
      const { image, at } = await away(stand)
      expect(await startOfProcess()).toBeGreaterThan(at - 60_000)
      expect([(await startOfProcess()) < at, await stand.takes(image)]).toEqual([true, true])
      await sleep(1100)
      await stand.restart()
      expect([(await startOfProcess()) > at, await stand.takes(image)]).toEqual([true, false])
    })

    it('frees nothing while the metrics of one replica cannot be read', async () => {
      const stand = await start('inmemory', { metrics: true })
      const { at } = await away(stand)
      stand.pass(LONG_MS)
      await stand.restart()
      const metrics = [stand.registry.metricsUrl ?? '', `${stand.registry.url}/metrics`]
      const gate = await stand.createCache('inmemory', { metrics }).gate()
      expect(frees(gate, at)).toBe(false)
      expect(gate).toMatchObject({
        kind: 'closed',
        because: expect.stringContaining(metrics[1] ?? '') as string,
      })
    })

    it('keeps the gate closed where a canary may not be pushed', async () => {
      const stand = await start('none', { readOnly: true })
      const gate = await stand.createCache('auto').gate()
      expect(gate).toMatchObject({ kind: 'closed', because: expect.stringContaining('read-only') as string })
    })

    it('keeps the gate closed where the registry has another storage', async () => {
      const stand = await start('none')
      const other = await start('none')
      const gate = await stand.createCache('auto', { store: other.store }).gate()
      expect(gate).toMatchObject({
        kind: 'closed',
        because: expect.stringContaining('does not arrive') as string,
      })
    })

    it('keeps the gate closed where nobody answers', async () => {
      const stand = await start('none')
      const descriptorCache = stand.createCache('auto')
      await stand.registry.kill()
      expect(await descriptorCache.gate()).toMatchObject({ kind: 'closed' })
    })
  })
}

describe.skipIf(missing('docker-registry'))(titled('canaries of Distribution 2', 'docker-registry'), () => {
  const start = async (): Promise<Stand> => {
    const stand = await Stand.start({ binary: 'debian', cache: 'inmemory' })
    stands.push(stand)
    return stand
  }

  it('are remembered until the registry is restarted, which frees what was set aside before', async () => {
    const stand = await start()
    const { image, at } = await away(stand)
    await stand.createCache('inmemory').afterSetAside()
    stand.pass(LONG_MS)
    // A later look shows that the process was still the same long after.
    expect(frees(await stand.createCache('inmemory').gate(), at)).toBe(false)
    expect(await stand.takes(image)).toBe(true)
    const later = await away(stand)
    stand.pass(LONG_MS)
    await stand.restart()

    const gate = await stand.createCache('inmemory').gate()
    expect([frees(gate, at), await stand.takes(image)]).toEqual([true, false])
    // Set aside after the last look: it would be refused too, but nothing proves it.
    expect(frees(gate, later.at)).toBe(false)
  })

  it('follow each other, and what an earlier one proved stays proved', async () => {
    const stand = await start()
    const first = await away(stand)
    await stand.createCache('inmemory').afterSetAside()
    stand.pass(LONG_MS)
    await stand.createCache('inmemory').gate()
    await stand.restart()
    const second = await away(stand)
    await stand.createCache('inmemory').afterSetAside()
    stand.pass(LONG_MS)

    const gate = await stand.createCache('inmemory').gate()
    expect([frees(gate, first.at), await stand.takes(first.image)]).toEqual([true, false])
    expect([frees(gate, second.at), await stand.takes(second.image)]).toEqual([false, true])
  })

  it('prove nothing before all replicas have forgotten', async () => {
    const stand = await start()
    const other = await Stand.beside(stand)
    stands.unshift(other)
    const gate = () => stand.createCache('inmemory', { replicas: [stand.address(), other.address()] }).gate()
    const { image, at } = await away(stand)
    expect(await other.head(image)).toBe(404)
    await stand.createCache('inmemory', { replicas: [stand.address(), other.address()] }).afterSetAside()
    stand.pass(LONG_MS)
    expect(frees(await gate(), at)).toBe(false)
    await other.restart()
    expect([frees(await gate(), at), await stand.takes(image)]).toEqual([false, true])
    await stand.restart()
    expect([frees(await gate(), at), await stand.takes(image)]).toEqual([true, false])
  })

  it('are not set in Distribution 3, which may forget one while it remembers others', async () => {
    const stand = await Stand.start({ binary: 'v3', cache: 'inmemory' })
    stands.push(stand)
    await stand.createCache('inmemory').afterSetAside()
    expect(stand.note).toBeUndefined()
  })
})

/** An image that a client has just asked about, and whose layer is away. */
async function away(stand: Stand): Promise<{ readonly image: PushedImage; readonly at: number }> {
  const image = await stand.pushImage()
  await stand.head(image)
  return { image, at: await stand.setAside(layerOf(image)) }
}

async function filesOf(stand: Stand): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const files of stand.store.listAll('')) keys.push(...files.map(({ key }) => key))
  return keys.toSorted()
}
