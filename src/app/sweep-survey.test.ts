import { describe, expect, it } from 'vitest'
import { history, layer, revision, tag } from '../../test/builders/listed-links.ts'
import { dataKey, DAY_MS, HOUR_MS, SweptStorage } from '../../test/builders/swept-storage.ts'
import type { Digest } from '../core/image/digest.ts'
import { ociManifestType } from '../core/image/media-types.ts'

/** Digests that a plan would set aside. */
async function garbage(storage: SweptStorage): Promise<readonly Digest[]> {
  const report = await storage.plan()
  return [...report.actions]
    .flatMap((action) => (action.kind === 'set-aside' ? [action.digest] : []))
    .toSorted()
}

/** A storage in which something always stays. */
function storageWith(make: (storage: SweptStorage) => readonly Digest[]) {
  const storage = new SweptStorage()
  storage.image('base/kept', 'kept', { tag: '1.0' })
  return { storage, expected: make(storage).toSorted() }
}

describe('what nobody needs', () => {
  it.each<{ name: string; make: (storage: SweptStorage) => readonly Digest[] }>([
    { name: 'nothing of an image that is linked', make: (s) => (s.image('x', 'one'), []) },
    {
      name: 'all of an image that was deleted',
      make: (s) => {
        const { digest, blobs } = s.image('x', 'one', { isLinked: false })
        return [digest, ...blobs]
      },
    },
    { name: 'a blob that nothing ever named', make: (s) => [s.blob('stray')] },
    {
      name: 'of an image that was deleted, what no other image shares',
      make: (s) => {
        const { digest, blobs } = s.image('x', 'gone', { isLinked: false, layers: ['shared', 'own'] })
        s.image('y', 'stays', { layers: ['shared'] })
        return [digest, ...blobs.filter((blob) => blob !== s.blob('shared'))]
      },
    },
    {
      name: 'nothing that an index needs, though its children are linked nowhere (F1)',
      make: (s) => {
        const child = s.image('x', 'child', { isLinked: false })
        s.index('x', [s.index('x', [child.digest], { isLinked: false })])
        return []
      },
    },
    {
      name: 'nothing that a manifest needs which is a mere layer elsewhere (F2)',
      make: (s) => {
        const child = s.image('x', 'child', { isLinked: false })
        s.store.put(layer('y', child.digest), child.digest, s.now - 30 * DAY_MS)
        s.index('x', [child.digest])
        return []
      },
    },
    {
      name: 'nothing that a manifest of an unknown media type spells, wherever',
      make: (s) => {
        const { digest } = s.image('x', 'component', { isLinked: false })
        const config = s.blob('config of a kind')
        const named = s.blob('named in a list of its own')
        const described = { mediaType: 'application/vnd.foo.config', digest: config, size: 1 }
        const manifest = s.blob(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: 'application/vnd.foo+json',
            config: described,
            layers: [],
            components: [{ digest: named }, { mediaType: ociManifestType, digest }],
          }),
        )
        s.link('x', manifest)
        return []
      },
    },
    {
      name: 'nothing of the subject of a referrer that is linked',
      make: (s) => {
        const subject = s.image('x', 'subject', { isLinked: false })
        s.image('x', 'signature', { subject: subject.digest })
        return []
      },
    },
    {
      name: 'a referrer that is not linked, though its subject is',
      make: (s) => {
        const subject = s.image('x', 'subject')
        const { digest, blobs } = s.image('x', 'signature', { subject: subject.digest, isLinked: false })
        return [digest, ...blobs]
      },
    },
    {
      name: 'nothing that a tag points to, linked or not',
      make: (s) => (s.image('x', 'one', { isLinked: false, tag: 'v1' }), []),
    },
    {
      name: 'what a tag has pointed to before',
      make: (s) => {
        const old = s.image('x', 'old', { isLinked: false })
        s.store.put(history('x', 'v1', old.digest), old.digest, s.now - 30 * DAY_MS)
        return [old.digest, ...old.blobs]
      },
    },
    {
      name: 'nothing whose link is empty, for it is being written',
      make: (s) => {
        const { digest } = s.image('x', 'one', { isLinked: false })
        s.store.put(revision('x', digest), '', s.now)
        return []
      },
    },
    {
      name: 'neither the digest of the path of a link nor the one that it says',
      make: (s) => {
        const [one, two] = [
          s.image('x', 'one', { isLinked: false }),
          s.image('x', 'two', { isLinked: false }),
        ]
        s.store.put(revision('x', one.digest), two.digest)
        return []
      },
    },
    {
      name: 'no blob that an alias of a needed layer stands for',
      make: (s) => {
        const { blobs } = s.image('x', 'one')
        const [, first] = blobs
        const stored = s.blob('stored under another name')
        if (first !== undefined) s.store.put(layer('y', first), stored, s.now - 30 * DAY_MS)
        return []
      },
    },
  ])('$name', async ({ make }) => {
    const { storage, expected } = storageWith(make)
    expect(await garbage(storage)).toEqual(expected)
    expect(storage.aside(), 'a plan touches nothing').toEqual([])
  })
})

describe('the fence', () => {
  it.each([
    { name: 'keeps what is younger', ageMs: DAY_MS - HOUR_MS, isGarbage: false },
    { name: 'keeps what is exactly as old', ageMs: DAY_MS, isGarbage: false },
    { name: 'lets go what is older', ageMs: DAY_MS + 1, isGarbage: true },
  ])('$name', async ({ ageMs, isGarbage }) => {
    const { storage, expected } = storageWith((s) => [s.blob('stray', ageMs)])
    expect(await garbage(storage)).toEqual(isGarbage ? expected : [])
  })

  it('keeps an old blob with a young link, in whichever of its repositories', async () => {
    const { storage } = storageWith((s) => {
      const stray = s.blob('stray')
      s.store.put(layer('x', stray), stray, s.now - 30 * DAY_MS)
      s.store.put(layer('y', stray), stray, s.now - HOUR_MS)
      return []
    })
    expect(await garbage(storage)).toEqual([])
  })

  it('keeps an old blob that a young link under another digest stands for', async () => {
    const { storage } = storageWith((s) => {
      const stray = s.blob('stray')
      s.store.put(layer('y', `sha512:${'ab'.repeat(64)}`), stray, s.now - HOUR_MS)
      return []
    })
    expect(await garbage(storage)).toEqual([])
  })
})

describe('what cannot be read', () => {
  it('a manifest that is no longer whole ends the run, and nothing was touched', async () => {
    const { storage } = storageWith((s) => [s.blob('stray')])
    const { digest } = storage.image('x', 'one')
    storage.store.put(dataKey(digest), 'half of')
    const before = new Map(storage.store.files)
    await expect(storage.sweep()).rejects.toMatchObject({ category: 'incomplete' })
    for (const [key, file] of before) expect(storage.store.files.get(key)).toBe(file)
    expect(storage.aside()).toEqual([])
  })

  it('a tag that says nothing ends the run, and nothing was touched', async () => {
    const { storage } = storageWith((s) => [s.blob('stray')])
    storage.store.put(tag('x', 'v1'), 'what?')
    await expect(storage.sweep()).rejects.toMatchObject({ category: 'incomplete' })
    expect(storage.aside()).toEqual([])
  })

  it('a manifest that is linked and nowhere is told of, and keeps nobody from sweeping', async () => {
    const { storage, expected } = storageWith((s) => [s.blob('stray')])
    const { digest } = storage.image('x', 'one')
    storage.store.drop(dataKey(digest))
    const report = await storage.sweep()
    expect(storage.warnings.join('\n')).toContain(digest)
    expect(storage.aside()).toEqual(expect.arrayContaining(expected))
    expect(report.complete).toBe(true)
  })
})

describe('a folder of blobs without one', () => {
  it('is a volume that is not mounted where manifests are linked: nothing is touched', async () => {
    const storage = new SweptStorage()
    const { blobs, digest } = storage.image('x', 'one', { tag: '1.0' })
    for (const gone of [...blobs, digest]) storage.store.drop(dataKey(gone))
    storage.store.put('docker/registry/v2/blobs/sha256/lost+found/x', '')
    const before = [...storage.store.files.keys()].filter((key) => key.startsWith('docker/'))
    for (const run of [() => storage.plan(), () => storage.sweep()])
      await expect(run()).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE', category: 'incomplete' })
    expect([...storage.store.files.keys()].filter((key) => key.startsWith('docker/'))).toEqual(before)
  })
})
