import { describe, expect, it } from 'vitest'
import { layer, tag } from '../../test/builders/listed-links.ts'
import { DAY_MS, HOUR_MS, runOf, SweptStorage } from '../../test/builders/swept-storage.ts'
import type { Digest } from '../core/image/digest.ts'
import { StorageWriteError } from '../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../ports/readable-blob-store.ts'
import type { BlobPool } from '../ports/readable-layout.ts'

/** One image that stays, one that was deleted. */
function storageWithGarbage() {
  const storage = new SweptStorage()
  storage.image('base/kept', 'kept')
  const { digest, blobs } = storage.image('x', 'gone', { isLinked: false })
  return { storage, manifest: digest, garbage: [digest, ...blobs].toSorted() }
}

describe('a storage of several pools', () => {
  it('is not touched when one of them cannot be read, whichever', async () => {
    for (const broken of [0, 1]) {
      const { storage } = storageWithGarbage()
      const { layout } = storage.ports
      storage.ports = {
        ...storage.ports,
        layout: {
          ...layout,
          async *pools(options) {
            for (let i = 0; i < 2; i += 1)
              for await (const pool of layout.pools(options))
                yield i === broken ? unreadable(pool, i) : named(pool, i)
          },
        },
      }
      const before = [...storage.store.files.keys()].filter((key) => key.startsWith('docker/'))
      await expect(storage.sweep()).rejects.toThrow('a disk is gone')
      expect([...storage.store.files.keys()].filter((key) => key.startsWith('docker/'))).toEqual(before)
      expect(storage.aside()).toEqual([])
    }
  })
})

function named(pool: BlobPool, number: number): BlobPool {
  return { ...pool, name: `pool-${number}` }
}

function unreadable(pool: BlobPool, number: number): BlobPool {
  return {
    ...named(pool, number),
    readLinks: async () => {
      throw new StorageUnreadableError('x', 'a disk is gone')
    },
  }
}

it('a storage that takes no line of its journal any more leaves no open run in the history', async () => {
  const { storage } = storageWithGarbage()
  const { journal } = storage.ports
  storage.ports = {
    ...storage.ports,
    journal: {
      ...journal,
      append: async (run, entries, options) => {
        if (entries.some(({ kind }) => kind === 'end')) throw new StorageUnreadableError('x', 'no space left')
        return journal.append(run, entries, options)
      },
    },
  }
  await expect(storage.sweep()).rejects.toThrow('no space left')
  const runs = await storage.ports.history.listRuns()
  expect(runs.map(({ outcome }) => outcome)).not.toContain('open')
})

it.each([
  { name: 'before anything was moved', kept: 0, says: 'It had changed nothing' },
  { name: 'after blobs were set aside', kept: 3, says: 'It had set aside 3 blobs' },
])(
  'a disk that is full $name: the error names the run, what stands and how to go on',
  async ({ kept, says }) => {
    const { storage } = storageWithGarbage()
    const { journal } = storage.ports
    storage.ports = {
      ...storage.ports,
      journal: {
        ...journal,
        append: async (run, entries, options) => {
          const moves = entries.some(({ kind }) => kind === (kept === 0 ? 'set-aside' : 'all-set-aside'))
          if (moves) throw new StorageWriteError('x', 'other', 'no space left on the device')
          return journal.append(run, entries, options)
        },
      },
    }
    const error: unknown = await storage.sweep().catch((failure: unknown) => failure)
    const [failed] = await storage.ports.history.listRuns()
    if (!(error instanceof StorageWriteError)) throw new Error('another error was expected')
    const [note = '', ...others] = error.notes
    expect(others).toEqual([])
    expect(note).toContain(`This was run ${failed?.id ?? ''}. ${says}`)
    expect(note).toContain('winnow sweep prod --apply')
    expect(note.includes(`winnow sweep prod --restore ${failed?.id ?? ''}`)).toBe(kept > 0)
    expect(storage.aside()).toHaveLength(kept)
  },
)

describe('a sweep that died', () => {
  it.each([
    { name: 'before the first blob moved', act: 'setAside' as const, number: 1 },
    { name: 'between two blobs', act: 'setAside' as const, number: 2 },
  ])('$name leaves nothing that the next one does not find', async ({ act, number }) => {
    const { storage, manifest, garbage } = storageWithGarbage()
    let seen = 0
    storage.store.hooks.before = (call) => {
      if (call.act === act) seen += 1
      if (seen >= number) throw new Error('killed')
    }
    await expect(storage.sweep()).rejects.toThrow('killed')
    delete storage.store.hooks.before
    storage.link('x', manifest)
    storage.wait(HOUR_MS)
    await storage.sweep()
    expect(storage.stored()).toEqual(expect.arrayContaining(garbage))
    expect(storage.aside()).toEqual([])
  })

  it('after bytes were freed and before it said so reports nothing as lost', async () => {
    const { storage } = storageWithGarbage()
    const swept = await storage.sweep()
    storage.wait(8 * DAY_MS)
    storage.store.hooks.after = ({ act }) => {
      if (act === 'free') throw new Error('killed')
    }
    await expect(storage.sweep()).rejects.toThrow('killed')
    delete storage.store.hooks.after
    await storage.sweep()
    const { notRestored } = await storage.restore(runOf(swept))
    expect(new Set(notRestored.map(({ why }) => why))).toEqual(new Set(['its bytes were freed']))
  })
})

describe('what others do to the storage', () => {
  it('a blob that is gone before it could be set aside stops the run: two collectors at once lose what is needed', async () => {
    const { storage, garbage } = storageWithGarbage()
    storage.store.hooks.before = ({ act, key }) => {
      if (act !== 'setAside') return
      delete storage.store.hooks.before
      storage.store.drop(key)
    }
    await expect(storage.sweep()).rejects.toMatchObject({ code: 'SWEEP_DISTURBED' })
    expect(storage.aside()).toHaveLength(garbage.length - 1)
  })

  it('a needed blob that was taken from the quarantine fails the run by name', async () => {
    const { storage, manifest } = storageWithGarbage()
    await storage.sweep()
    const taken = [...storage.store.files.keys()].find(
      (key) => key.startsWith('.winnow/quarantine/') && key.includes(manifest.slice(7)),
    )
    storage.store.drop(taken ?? '')
    storage.link('x', manifest)
    storage.wait(HOUR_MS)
    await expect(storage.sweep()).rejects.toMatchObject({
      code: 'SWEEP_LOST',
      message: expect.stringContaining(manifest) as string,
    })
  })

  describe('a bucket in which everything is set aside, so that it looks like an empty one', () => {
    function storageOfNothingElse() {
      const storage = new SweptStorage()
      const { digest, blobs } = storage.image('x', 'gone', { isLinked: false })
      return { storage, manifest: digest, all: [digest, ...blobs].toSorted() }
    }

    it('is swept to its end, and again', async () => {
      const { storage, all } = storageOfNothingElse()
      await storage.sweep()
      expect(storage.aside()).toEqual(all)
      await storage.plan()
      storage.wait(8 * DAY_MS)
      expect((await storage.sweep()).summary.freed).toBe(all.length)
      expect([storage.aside(), storage.stored()]).toEqual([[], []])
      storage.wait(DAY_MS)
      expect((await storage.sweep()).complete).toBe(true)
      await storage.plan()
    })

    it.each<{ name: string; link: (storage: SweptStorage, manifest: Digest) => void }>([
      {
        name: 'linked it',
        link: (storage, manifest) => {
          storage.link('x', manifest)
        },
      },
      {
        name: 'set a tag on it',
        link: (storage, manifest) => {
          storage.store.put(tag('x', 'latest'), manifest)
        },
      },
    ])('gives back what a registry that remembers it has $name', async ({ link }) => {
      const { storage, manifest, all } = storageOfNothingElse()
      await storage.sweep()
      link(storage, manifest)
      storage.wait(8 * DAY_MS)
      await storage.sweep()
      expect(storage.stored()).toEqual(all)
    })

    it.each([
      {
        name: 'a manifest is linked whose bytes are not there',
        act: (storage: SweptStorage) => {
          storage.link('y', `sha256:${'a'.repeat(64)}` as Digest)
        },
      },
      {
        name: 'links lead to blobs that no sweep took',
        act: (storage: SweptStorage) => {
          for (const key of storage.store.files.keys()) if (key.includes('/_layers/')) storage.store.drop(key)
          storage.store.put(layer('y', `sha256:${'b'.repeat(64)}` as Digest), 'x')
        },
      },
      {
        name: 'the journal is gone',
        act: (storage: SweptStorage) => {
          for (const key of storage.store.files.keys())
            if (key.startsWith('.winnow/')) storage.store.drop(key)
        },
      },
    ])('is refused where $name', async ({ act }) => {
      const { storage } = storageOfNothingElse()
      await storage.sweep()
      act(storage)
      await expect(storage.sweep()).rejects.toMatchObject({ code: 'STORAGE_INCOMPLETE' })
      await expect(storage.plan()).rejects.toMatchObject({ code: 'STORAGE_INCOMPLETE' })
    })
  })
})
