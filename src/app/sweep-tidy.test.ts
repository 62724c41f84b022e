import { describe, expect, it } from 'vitest'
import { base, layer, tag } from '../../test/builders/listed-links.ts'
import { dataKey, DAY_MS, done, HOUR_MS, openCache, SweptStorage } from '../../test/builders/swept-storage.ts'
import type { Digest } from '../core/image/digest.ts'
import type { SweepReport } from '../core/sweep/sweep-report.ts'

const OLD_MS = 30 * DAY_MS

/** A storage in which something always stays. */
function started(): SweptStorage {
  const storage = new SweptStorage()
  storage.image('base/kept', 'kept', { layers: ['shared'] })
  return storage
}

/** Kinds and paths, without what all paths begin with. */
async function removed(storage: SweptStorage, given: { graceMs?: number } = {}): Promise<readonly string[]> {
  const planned = removals(await storage.plan(given))
  const removed = removals(await storage.sweep(given))
  expect(planned, 'a plan tells what is done').toEqual(removed)
  return removed
}

function removals(report: SweepReport): readonly string[] {
  const lines = done(report).filter((line) => line.startsWith('remove-'))
  return lines.map((line) => line.replace(`${base}/`, '').replace(/[0-9a-f]{64}/, '…'))
}

const linksIn = (storage: SweptStorage, repository: string): number =>
  [...storage.store.files.keys()].filter((key) => key.startsWith(`${base}/${repository}/_layers/`)).length

describe('what a sweep removes besides blobs', () => {
  it.each<{ name: string; make: (storage: SweptStorage) => void; expected: readonly string[] }>([
    {
      name: 'an old link to nothing, in a repository that has images',
      make: (s) => {
        s.image('x', 'one')
        s.store.put(layer('x', absent), absent, s.now - OLD_MS)
      },
      expected: ['remove-link x/_layers/sha256/…/link'],
    },
    {
      name: 'no young link to nothing',
      make: (s) => {
        s.image('x', 'one')
        s.store.put(layer('x', absent), absent, s.now - HOUR_MS)
      },
      expected: [],
    },
    {
      name: 'no link to nothing that a linked manifest needs',
      make: (s) => {
        const { blobs } = s.image('x', 'one')
        for (const digest of blobs) s.store.drop(dataKey(digest))
      },
      expected: [],
    },
    {
      name: 'no link to nothing that the child of a linked index needs',
      make: (s) => {
        const { digest, blobs } = s.image('x', 'child', { isLinked: false })
        s.index('x', [digest])
        for (const blob of blobs) s.store.drop(dataKey(blob))
      },
      expected: [],
    },
    {
      name: 'no link of a repository in which the bytes of a linked manifest are gone, and those of others',
      make: (s) => {
        const { digest, blobs } = s.image('x', 'one')
        for (const gone of [digest, ...blobs]) s.store.drop(dataKey(gone))
        s.image('y', 'two')
        s.store.put(layer('y', absent), absent, s.now - OLD_MS)
      },
      expected: ['remove-link y/_layers/sha256/…/link'],
    },
    {
      name: 'no link whose blob is stored under the digest that it says',
      make: (s) => {
        s.image('x', 'one')
        s.store.put(layer('x', `sha512:${'ab'.repeat(64)}`), s.blob('shared'), s.now - OLD_MS)
      },
      expected: [],
    },
    {
      name: 'nothing under a name that no repository can have',
      make: (s) => {
        s.image('x', 'one')
        s.store.put(layer('NOT/ours', absent), absent, s.now - OLD_MS)
      },
      expected: [],
    },
    {
      name: 'a repository in which nothing but links to nothing is left',
      make: (s) => s.store.put(layer('x', absent), absent, s.now - OLD_MS),
      expected: ['remove-repository x'],
    },
    {
      name: 'a repository whose blobs others have too, where nobody remembers them',
      make: (s) => {
        const shared = s.blob('shared')
        s.store.put(layer('x', shared), shared, s.now - OLD_MS)
      },
      expected: ['remove-repository x'],
    },
    {
      name: 'no repository with a tag, whatever that points to',
      make: (s) => {
        s.store.put(tag('x', 'v1'), absent, s.now - OLD_MS)
        const shared = s.blob('shared')
        s.store.put(layer('x', shared), shared, s.now - OLD_MS)
      },
      expected: [],
    },
    {
      name: 'no repository that somebody uploads to',
      make: (s) => {
        const shared = s.blob('shared')
        s.store.put(layer('x', shared), shared, s.now - OLD_MS)
        s.store.put(`${base}/x/_uploads/u/data`, 'half', s.now - HOUR_MS)
      },
      expected: [],
    },
    {
      name: 'no repository with a young link in it',
      make: (s) => {
        const shared = s.blob('shared')
        s.store.put(layer('x', shared), shared, s.now - HOUR_MS)
      },
      expected: [],
    },
    {
      name: 'of nested repositories only the one that is empty',
      make: (s) => {
        s.store.put(layer('x', absent), absent, s.now - OLD_MS)
        s.image('x/y', 'one')
      },
      expected: ['remove-repository x'],
    },
    {
      name: 'an upload that nobody has written to for a week',
      make: (s) => s.store.put(`${base}/base/kept/_uploads/u/data`, 'half', s.now - 8 * DAY_MS),
      expected: ['remove-upload base/kept/_uploads/u'],
    },
    {
      name: 'no upload that somebody wrote to within the week, and not a part of it',
      make: (s) => {
        s.store.put(`${base}/base/kept/_uploads/u/startedat`, 'x', s.now - 20 * DAY_MS)
        s.store.put(`${base}/base/kept/_uploads/u/data`, 'half', s.now - 6 * DAY_MS)
      },
      expected: [],
    },
  ])('$name', async ({ make, expected }) => {
    const storage = started()
    make(storage)
    expect(await removed(storage)).toEqual(expected)
    expect(await removed(storage), 'once').toEqual([])
  })

  it('names the blob that is gone, and the manifest and repository that need it', async () => {
    const storage = started()
    const { digest, blobs } = storage.image('x', 'one')
    const [, gone = absent] = blobs
    storage.store.drop(dataKey(gone))
    for (const report of [await storage.plan(), await storage.sweep()])
      expect(report.warnings).toEqual([
        expect.stringContaining(`The bytes of ${gone} are gone, and the manifest ${digest} needs them in x`),
      ])
  })

  it('waits with the links of what is set aside until that is freed', async () => {
    const storage = started()
    storage.image('x', 'one')
    storage.image('x', 'gone', { isLinked: false })
    expect(await removed(storage)).toEqual([])
    storage.wait(8 * DAY_MS)
    await storage.sweep()
    storage.wait(DAY_MS)
    await storage.sweep()
    expect(linksIn(storage, 'x')).toBe(2)
  })

  it('takes no upload that is younger than a week with a grace of nothing', async () => {
    const storage = started()
    storage.store.put(`${base}/base/kept/_uploads/u/data`, 'half', storage.now - DAY_MS)
    expect(await removed(storage, { graceMs: 0 })).toEqual([])
  })
})

const absent = `sha256:${'c3'.repeat(32)}` as Digest

describe('beside a push', () => {
  it('a link that an upload wrote between look and removal is written again', async () => {
    const storage = started()
    storage.image('x', 'one')
    const text = 'comes back'
    const late = storage.blob(text)
    storage.store.drop(dataKey(late))
    storage.store.put(layer('x', late), late, storage.now - OLD_MS)
    storage.store.hooks.before = ({ act, key }) => {
      if (act !== 'remove' || key !== layer('x', late)) return
      delete storage.store.hooks.before
      storage.blob(text, 0)
      storage.store.put(layer('x', late), late)
    }
    expect(removals(await storage.sweep())).toEqual([])
    expect(storage.store.files.has(layer('x', late))).toBe(true)
  })

  it('an alias whose blob was uploaded between look and removal is written again, with what it said', async () => {
    const storage = started()
    storage.image('x', 'one')
    const alias = `sha512:${'ab'.repeat(64)}`
    const late = storage.blob('comes back')
    storage.store.drop(dataKey(late))
    storage.store.put(layer('x', alias), late, storage.now - OLD_MS)
    storage.store.hooks.before = ({ act, key }) => {
      if (act !== 'remove' || key !== layer('x', alias)) return
      delete storage.store.hooks.before
      storage.blob('comes back', 0)
    }
    await storage.sweep()
    const file = storage.store.files.get(layer('x', alias))
    expect(Buffer.from(file?.bytes ?? []).toString()).toBe(late)
  })

  /** A repository in which an image was deleted whose blobs are stored for another; its manifest is linked again. */
  function emptied() {
    const storage = started()
    const { digest, blobs } = storage.image('x', 'again', { layers: ['shared'], isLinked: false })
    storage.image('y', 'again', { layers: ['shared'] })
    return { storage, manifest: digest, links: blobs.map((blob) => layer('x', blob)) }
  }

  it.each([
    { name: 'after its links were read', act: 'page' as const },
    { name: 'while its links are removed', act: 'remove' as const },
  ])('an image that is accepted $name has its links at the end of the run', async ({ act }) => {
    for (const graceMs of [0, DAY_MS]) {
      const { storage, manifest, links } = emptied()
      storage.store.hooks.after = (call) => {
        const isIt = act === 'page' ? call.key === `${base}/` : call.key.startsWith(`${base}/x/`)
        if (call.act !== act || !isIt) return
        delete storage.store.hooks.after
        // Its layers were found a moment before; it was only its link that was still to come.
        storage.link('x', manifest)
      }
      await storage.sweep({ graceMs })
      expect(links.filter((key) => !storage.store.files.has(key))).toEqual([])
    }
  })

  it('an image that was accepted before a sweep died among its links has them after the next', async () => {
    const { storage, manifest, links } = emptied()
    storage.store.hooks.after = ({ act, key }) => {
      if (act === 'remove' && key.startsWith(`${base}/x/`)) throw new Error('killed')
    }
    await expect(storage.sweep()).rejects.toThrow('killed')
    delete storage.store.hooks.after
    storage.link('x', manifest)
    expect(links.filter((key) => !storage.store.files.has(key))).toHaveLength(1)
    await storage.sweep()
    expect(links.filter((key) => !storage.store.files.has(key))).toEqual([])
  })

  it('links are not put back over what a push has written since, nor where nothing came to need them', async () => {
    const { storage, links } = emptied()
    await storage.sweep()
    expect(links.filter((key) => storage.store.files.has(key))).toEqual([])
    storage.wait(HOUR_MS)
    await storage.sweep()
    expect(links.filter((key) => storage.store.files.has(key))).toEqual([])
  })
})

describe('a registry that remembers what is linked where', () => {
  it.each(['inmemory', 'redis', 'unknown'] as const)(
    'with a cache that is %s keeps a repository with links to stored blobs, and removes one with none',
    async (kind) => {
      const storage = started()
      storage.ports = { ...storage.ports, cache: { ...openCache, kind } }
      const shared = storage.blob('shared')
      storage.store.put(layer('x', shared), shared, storage.now - OLD_MS)
      storage.store.put(layer('z', absent), absent, storage.now - OLD_MS)
      expect(await removed(storage)).toEqual(['remove-repository z'])
    },
  )

  it('is told to forget them before a link to nothing is removed, and keeps it when it cannot be told', async () => {
    const storage = started()
    storage.image('x', 'one')
    storage.store.put(layer('x', absent), absent, storage.now - OLD_MS)
    const told: string[] = []
    const forgetLinks = async (names: readonly string[]): Promise<void> => {
      told.push(...names, String(storage.store.files.has(layer('x', absent))))
    }
    const refuses = async (): Promise<void> => {
      throw new Error('no answer')
    }
    storage.ports = { ...storage.ports, cache: { ...openCache, kind: 'redis', forgetLinks: refuses } }
    await expect(storage.sweep()).rejects.toThrow('no answer')
    storage.ports = { ...storage.ports, cache: { ...openCache, kind: 'redis', forgetLinks } }
    expect(await removed(storage)).toEqual(['remove-link x/_layers/sha256/…/link'])
    expect(told).toEqual(['x', 'true'])
  })
})
