/** A quarantine that is shorter than what a request of a push may take: what is freed beside pushes, and what in a storage at rest. */
import { describe, expect, it } from 'vitest'
import { revision } from '../../test/builders/listed-links.ts'
import { HOUR_MS, openCache, SweptStorage } from '../../test/builders/swept-storage.ts'
import { QUIET_SETTLE_MS, settlingOf } from '../core/sweep/settling.ts'
import type { SweepReport } from '../core/sweep/sweep-report.ts'

const MINUTE_MS = 60_000
const hasty = { quarantineMs: 0, ...settlingOf({ settleMs: 10 * MINUTE_MS, quarantineMs: 0 }) }

/** One image that stays, one that was deleted. */
function storageWithGarbage() {
  const storage = new SweptStorage()
  storage.image('x', 'kept')
  const { digest, blobs } = storage.image('x', 'gone', { isLinked: false })
  return { storage, manifest: digest, garbage: [digest, ...blobs] }
}

/** Calls back when this much of the time has passed that a sweep waits in all. */
function during(storage: SweptStorage, ms: number, act: () => void): void {
  const begin = storage.now
  let isDone = false
  storage.ports = {
    ...storage.ports,
    sleep: async (sleptMs) => {
      const until = storage.now + sleptMs
      if (!isDone && until - begin >= ms) {
        storage.wait(Math.max(0, begin + ms - storage.now))
        isDone = true
        act()
      }
      storage.wait(until - storage.now)
    },
  }
}

function numbers({ summary }: SweepReport): readonly number[] {
  return [summary.setAside, summary.restored, summary.freed]
}

describe('a quarantine of nothing, online', () => {
  it('frees in one run what nobody needs in a storage at rest, and says on what terms', async () => {
    const { storage, garbage } = storageWithGarbage()
    const begin = storage.now
    const report = await storage.sweep(hasty)
    expect(numbers(report)).toEqual([garbage.length, 0, garbage.length])
    expect(report.complete).toBe(true)
    expect(storage.now - begin).toBe(QUIET_SETTLE_MS)
    expect(storage.warnings).toEqual([expect.stringMatching(/freed after a wait of 5s instead of 10m/)])
  })

  it.each<{ name: string; change: (storage: SweptStorage) => void }>([
    { name: 'an upload', change: (storage) => storage.blob('uploaded just now', 0) },
    { name: 'a push', change: (storage) => storage.image('other', 'pushed just now', { ageMs: 0 }) },
    {
      name: 'a mount of what is there',
      change: (storage) => storage.image('other', 'kept', { isLinked: false, ageMs: 0 }),
    },
    { name: 'a deletion', change: (storage) => dropSome(storage) },
    {
      name: 'an upload that has just begun',
      change: (storage) => storage.store.put('docker/registry/v2/repositories/x/_uploads/1/startedat', 'now'),
    },
  ])('frees nothing when it sees $name meanwhile, until a request must be over', async ({ change }) => {
    const { storage, manifest, garbage } = storageWithGarbage()
    storage.image('base/other', 'deleted meanwhile')
    during(storage, 3_000, () => {
      change(storage)
    })
    const report = await storage.sweep(hasty)
    expect([report.summary.setAside, report.summary.freed, report.complete]).toEqual([
      garbage.length,
      0,
      true,
    ])
    expect(storage.warnings).toEqual([
      expect.stringMatching(/4 blobs stay set aside|3 blobs stay set aside/) as unknown,
    ])

    // A push of which one request took almost that long: its link comes now.
    storage.wait(9 * MINUTE_MS)
    storage.link('x', manifest)
    expect(numbers(await storage.sweep(hasty))[1]).toBe(garbage.length)
    expect(garbage.filter((digest) => !storage.isStored(digest))).toEqual([])
  })

  it('frees beside changes what was set aside longer ago than a request takes', async () => {
    const { storage, garbage } = storageWithGarbage()
    during(storage, 3_000, () => storage.blob('uploaded just now', 0))
    await storage.sweep(hasty)
    storage.wait(10 * MINUTE_MS)
    during(storage, 1_000, () => storage.blob('and another one', 0))
    expect(numbers(await storage.sweep(hasty))[2]).toBe(garbage.length)
  })

  it('frees what an earlier run set aside a minute ago when it finds the storage at rest', async () => {
    const { storage, garbage } = storageWithGarbage()
    during(storage, 3_000, () => storage.blob('uploaded just now', 0))
    await storage.sweep(hasty)
    storage.wait(MINUTE_MS)
    const begin = storage.now
    expect(numbers(await storage.sweep(hasty))).toEqual([0, 0, garbage.length])
    expect(storage.now - begin).toBe(QUIET_SETTLE_MS)
  })

  it('takes the word of who says that no request is under way', async () => {
    const { storage, garbage } = storageWithGarbage()
    // Every act takes a moment.
    storage.store.hooks.after = () => {
      storage.wait(1)
    }
    const begin = storage.now
    const said = { quarantineMs: 0, ...settlingOf({ settleMs: 0, quarantineMs: 0 }) }
    expect(numbers(await storage.sweep(said))[2]).toBe(garbage.length)
    expect(storage.now - begin).toBeLessThan(QUIET_SETTLE_MS)
    expect(storage.warnings).toEqual([])
  })

  it('frees in one run what Redis was made to forget', async () => {
    const { storage, garbage } = storageWithGarbage()
    storage.ports = { ...storage.ports, cache: { ...openCache, kind: 'redis' } }
    const begin = storage.now
    expect(numbers(await storage.sweep(hasty))[2]).toBe(garbage.length)
    expect(storage.now - begin).toBeLessThanOrEqual(4 * QUIET_SETTLE_MS)
  })

  it('leaves a run with a longer quarantine as it is', async () => {
    const { storage, garbage } = storageWithGarbage()
    const settling = settlingOf({ settleMs: 10 * MINUTE_MS, quarantineMs: HOUR_MS })
    await storage.sweep({ quarantineMs: HOUR_MS, ...settling })
    storage.wait(HOUR_MS)
    during(storage, 0, () => storage.blob('uploaded just now', 0))
    expect(numbers(await storage.sweep({ quarantineMs: HOUR_MS, ...settling }))[2]).toBe(garbage.length)
    expect(storage.warnings).toEqual([])
  })
})

function dropSome(storage: SweptStorage): void {
  const [link = ''] = [...storage.store.files.keys()].filter((key) =>
    key.startsWith(revision('base/other', 'sha256:').split('/revisions/')[0] ?? ''),
  )
  storage.store.drop(link)
}
