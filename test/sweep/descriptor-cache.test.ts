/**
 * F8: sweeping beside a running registry that remembers blobs. What it may still believe in is set aside and not freed; so a
 * push that it accepts too easily is made whole by the next sweep.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { distributionBinaries, startDockerRegistry } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { startRedis } from '../servers/redis.ts'
import { expectGone, expectKept } from './check-sweep.ts'
import { brokenIn, pushAgain, rememberDeleted, type Remembering } from './descriptor-cache.ts'
import { allAtOnce, makeSweeper, removeProgram, type Sweeper, type Swept } from './sweeper.ts'

// The program is started several times over, by machines that have more to do.
vi.setConfig({ testTimeout: 240_000 })

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

const sweep = async (): Promise<Swept> => {
  const swept = await sweeper.sweep([...allAtOnce, '--grace', '0s'])
  expect(swept.code, swept.stderr).toBe(0)
  return swept
}

const blobsOf = ({ image }: Remembering): readonly string[] => [
  image.digest,
  image.configDigest,
  ...image.layerDigests,
]

describe.each(['debian', 'v3'] as const)('beside a running registry: %s', (line) => {
  const binary = distributionBinaries[line]

  it.skipIf(missing(binary)).each(['inmemory', 'auto'])(
    titled('with its cache in memory (told as %s) nothing is freed, and the next push is made whole', binary),
    async (cache) => {
      const remembering = await rememberDeleted(line, sweeper.root)
      try {
        sweeper.configure({ cache }, { url: remembering.server.url })
        const swept = await sweep()
        expect(swept.report?.summary).toMatchObject({ setAside: blobsOf(remembering).length, freed: 0 })
        expectGone(sweeper.root, blobsOf(remembering))
        expect((await pushAgain(remembering)).refused).toBeUndefined()
        await sweep()
        expect(await brokenIn(remembering)).toBeUndefined()
        expectKept(sweeper.root, blobsOf(remembering))
      } finally {
        await remembering.server.stop()
      }
    },
  )

  it.skipIf(missing(binary))(
    titled('with a cache nobody knows and no address to ask, nothing is freed', binary),
    async () => {
      const remembering = await rememberDeleted(line, sweeper.root)
      try {
        sweeper.configure({ cache: 'auto' })
        expect((await sweep()).report?.summary).toMatchObject({ freed: 0 })
        await pushAgain(remembering)
        await sweep()
        expect(await brokenIn(remembering)).toBeUndefined()
      } finally {
        await remembering.server.stop()
      }
    },
  )

  it.skipIf(missing(binary))(
    titled('without a cache the next push uploads what is gone', binary),
    async () => {
      const remembering = await rememberDeleted(line, sweeper.root, { cache: 'none' })
      try {
        expect((await sweep()).report?.summary['freed']).toBe(blobsOf(remembering).length)
        expect(await pushAgain(remembering)).toEqual({ refused: undefined, broken: undefined })
      } finally {
        await remembering.server.stop()
      }
    },
  )

  it.skipIf(missing(binary, 'redis-server'))(
    titled('with its cache in Redis, what is freed is forgotten there first', binary, 'redis-server'),
    async () => {
      const redis = await startRedis()
      const cache = { redis: redis.host }
      const remembering = await rememberDeleted(line, sweeper.root, { cache })
      try {
        sweeper.configure({ cache: redis.url }, { url: remembering.server.url })
        expect((await sweep()).report?.summary['freed']).toBe(blobsOf(remembering).length)
        expect(await pushAgain(remembering)).toEqual({ refused: undefined, broken: undefined })
        // Whatever else it remembers must be true for a registry that starts anew with the same cache.
        await remembering.server.stop()
        const next = await startDockerRegistry({ binary: line, storageDir: sweeper.root, cache })
        expect(await brokenIn({ server: next }).finally(next.stop)).toBeUndefined()
      } finally {
        await remembering.server.stop()
        await redis.stop()
      }
    },
  )

  it.skipIf(missing(binary))(
    titled(
      'with a Redis named that does not answer, nothing is freed, and the next push is made whole',
      binary,
    ),
    async () => {
      // The worst case: the registry remembers, and who should make it forget cannot.
      const remembering = await rememberDeleted(line, sweeper.root)
      try {
        sweeper.configure({ cache: 'redis://127.0.0.1:1' }, { url: remembering.server.url })
        const flags = [...allAtOnce, '--grace', '0s'] as const
        const swept = await sweeper.sweep(flags)
        expect(swept.report?.summary['freed'] ?? 0).toBe(0)
        expect((await pushAgain(remembering)).refused).toBeUndefined()
        await sweeper.sweep(flags)
        // Set aside and needed: it comes back, whether or not anything may be freed.
        expect(await brokenIn(remembering)).toBeUndefined()
      } finally {
        await remembering.server.stop()
      }
    },
  )
})
