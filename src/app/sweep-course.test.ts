import { describe, expect, it } from 'vitest'
import { layer } from '../../test/builders/listed-links.ts'
import { DAY_MS, done, HOUR_MS, openCache, runOf, SweptStorage } from '../../test/builders/swept-storage.ts'

/** One image that stays, one that was deleted. */
function storageWithGarbage() {
  const storage = new SweptStorage()
  storage.image('base/kept', 'kept')
  const { digest, blobs } = storage.image('x', 'gone', { isLinked: false })
  return { storage, manifest: digest, garbage: [digest, ...blobs].toSorted() }
}

describe('a sweep over days', () => {
  it('sets aside, keeps for the quarantine, frees, and does nothing more', async () => {
    const { storage, garbage } = storageWithGarbage()
    const first = await storage.sweep()
    expect(first.summary).toMatchObject({ setAside: 3, freed: 0, blobsGarbage: 3 })
    expect(storage.aside()).toEqual(garbage)
    storage.wait(6 * DAY_MS)
    expect((await storage.sweep()).summary).toMatchObject({ setAside: 0, freed: 0 })
    storage.wait(DAY_MS)
    const third = await storage.sweep()
    expect(third.summary).toMatchObject({ freed: 3, bytesFreed: first.summary.bytesGarbage })
    expect(storage.aside()).toEqual([])
    expect(done(await storage.sweep())).toEqual([])
  })

  it('puts back at once what a push has linked again, manifest, config and layers', async () => {
    const { storage, manifest, garbage } = storageWithGarbage()
    await storage.sweep()
    storage.link('x', manifest)
    storage.wait(HOUR_MS)
    const report = await storage.sweep()
    expect(report.summary).toMatchObject({ restored: 3, setAside: 0 })
    expect(storage.stored()).toEqual(expect.arrayContaining(garbage))
    storage.wait(30 * DAY_MS)
    expect((await storage.sweep()).summary).toMatchObject({ freed: 0, setAside: 0 })
  })

  it('puts back in the same run what was linked while it waited', async () => {
    const { storage, manifest, garbage } = storageWithGarbage()
    const { ports } = storage
    let naps = 0
    storage.ports = {
      ...storage.ports,
      sleep: async (ms, options) => {
        await ports.sleep(ms, options)
        naps += 1
        if (naps === 1) storage.link('x', manifest)
      },
    }
    expect((await storage.sweep()).summary).toMatchObject({ setAside: 3, restored: 3 })
    expect(storage.stored()).toEqual(expect.arrayContaining(garbage))
  })

  it('puts back what was uploaded again, and sets it aside again when nobody came to need it', async () => {
    const { storage } = storageWithGarbage()
    const stray = storage.blob('stray')
    await storage.sweep()
    storage.wait(HOUR_MS)
    storage.store.put(layer('y', stray), stray)
    const restored = await storage.sweep()
    expect(done(restored)).toEqual([`restore ${stray}`])
    expect([...restored.actions][0]).toMatchObject({
      reason: expect.stringContaining('uploaded or mounted') as string,
    })
    // As long as the link is young it stays; then it goes the whole way once more.
    expect(done(await storage.sweep())).toEqual([])
    storage.wait(2 * DAY_MS)
    expect(done(await storage.sweep())).toEqual([`set-aside ${stray}`])
    expect(storage.aside()).toContain(stray)
    storage.wait(8 * DAY_MS)
    await storage.sweep()
    storage.wait(HOUR_MS)
    expect(storage.aside()).toEqual([])
    expect(storage.isStored(stray)).toBe(false)
  })

  it('drops its copy of a blob that was uploaded anew, and keeps the new one', async () => {
    const { storage, manifest } = storageWithGarbage()
    await storage.sweep()
    storage.image('x', 'gone', { ageMs: 0 })
    storage.wait(HOUR_MS)
    const report = await storage.sweep()
    expect(report.summary).toMatchObject({ restored: 0, freed: 0, setAside: 0 })
    expect([storage.aside(), storage.isStored(manifest)]).toEqual([[], true])
  })

  it('is nothing after a restore, until the next sweep', async () => {
    const { storage, garbage } = storageWithGarbage()
    const swept = await storage.sweep()
    const { report, notRestored } = await storage.restore(runOf(swept))
    expect([report.summary.restored, notRestored]).toEqual([3, []])
    expect(storage.stored()).toEqual(expect.arrayContaining(garbage))
    expect((await storage.sweep()).summary.setAside).toBe(3)
  })

  it('says of what was freed that it cannot be put back', async () => {
    const { storage, manifest } = storageWithGarbage()
    const swept = await storage.sweep()
    storage.wait(8 * DAY_MS)
    await storage.sweep()
    const { notRestored, report } = await storage.restore(runOf(swept))
    expect(report.complete).toBe(false)
    expect(notRestored).toContainEqual({ digest: manifest, why: 'its bytes were freed' })
  })
})

describe('a registry that remembers', () => {
  it('keeps what is set aside for as long as the gate is closed, and says why', async () => {
    const { storage, garbage } = storageWithGarbage()
    storage.ports = {
      ...storage.ports,
      cache: {
        ...openCache,
        kind: 'inmemory',
        gate: async () => ({ kind: 'closed', because: 'it was not restarted', cure: 'Restart it.' }),
      },
    }
    await storage.sweep()
    storage.wait(30 * DAY_MS)
    expect((await storage.sweep()).summary.freed).toBe(0)
    expect(storage.aside()).toEqual(garbage)
    expect(storage.warnings.join('\n')).toContain('it was not restarted. Restart it.')
  })

  it('frees only what was set aside before the last restart', async () => {
    const { storage } = storageWithGarbage()
    let restartedAt = Number.NEGATIVE_INFINITY
    storage.ports = {
      ...storage.ports,
      cache: {
        ...openCache,
        kind: 'inmemory',
        gate: async () => ({ kind: 'open', setAsideBefore: restartedAt, because: 'restarted' }),
      },
    }
    await storage.sweep()
    storage.wait(DAY_MS)
    restartedAt = storage.now
    storage.wait(DAY_MS)
    const later = storage.blob('later')
    await storage.sweep()
    for (let day = 0; day < 10; day += 1) {
      storage.wait(DAY_MS)
      await storage.sweep()
    }
    expect(storage.aside()).toEqual([later])
  })

  it('loses nothing that was accepted on its memory after links were read and before the restart', async () => {
    const { storage, manifest, garbage } = storageWithGarbage()
    let restartedAt = Number.NEGATIVE_INFINITY
    storage.ports = {
      ...storage.ports,
      cache: {
        ...openCache,
        kind: 'inmemory',
        gate: async () => ({ kind: 'open', setAsideBefore: restartedAt, because: 'restarted' }),
      },
    }
    await storage.sweep()
    storage.wait(8 * DAY_MS)
    // The last page of links is read: now a manifest is accepted, and then the registry is restarted.
    storage.store.hooks.after = ({ act, key }) => {
      if (act !== 'page' || !key.endsWith('/repositories/')) return
      delete storage.store.hooks.after
      storage.wait(1000)
      storage.link('x', manifest)
      storage.wait(1000)
      restartedAt = storage.now
    }
    await storage.sweep()
    storage.wait(HOUR_MS)
    await storage.sweep()
    expect(storage.stored()).toEqual(expect.arrayContaining(garbage))
  })
})
