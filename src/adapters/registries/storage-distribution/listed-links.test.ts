import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  a,
  b,
  base,
  c,
  d,
  digestsIn,
  filled,
  history,
  image,
  layer,
  linksOf,
  long,
  readsOf,
  revision,
  spelled,
  T,
  tag,
  type Files,
} from '../../../../test/builders/listed-links.ts'
import { createMemoryStore } from '../../../../test/builders/memory-store.ts'
import type { RepositoryLinks } from '../../../ports/readable-layout.ts'

describe('links from a listing', () => {
  it('are read without opening a file where the MD5 tells what is in it', async () => {
    const store = filled(image)
    const links = await spelled(store)
    expect(links.roots).toEqual([a, b])
    expect(links.layers).toEqual([
      [c, T],
      [d, T + 1000],
    ])
    expect(links).toMatchObject({ aliases: [], deletedManifests: [], uploads: [] })
    expect(links.remains).toBeUndefined()
    expect(readsOf(store)).toEqual([])
    expect(store.calls.map(({ act }) => act)).toEqual(['page'])
  })

  it('are each opened once where it is not told', async () => {
    const store = filled(image, { tellsMd5: false })
    const links = await spelled(store)
    expect(links.roots).toEqual([a, b])
    expect(links.layers.map(([digest]) => digest)).toEqual([c, d])
    expect(readsOf(store).toSorted()).toEqual(
      Object.keys(image)
        .filter((key) => !key.includes('/index/'))
        .map((key) => `read ${key}`)
        .toSorted(),
    )
  })

  it('say the same in any order, listed twice or not, in pages of any size', async () => {
    const files: Files = {
      ...image,
      [layer('team', a)]: a,
      [`${base}/team/_uploads/u/startedat`]: 'now',
      [`${base}/team/_uploads/u/data`]: '',
      [history('team/old', '1.0', a)]: a,
      [layer('team/old', long)]: a,
      [tag('tagged', 'latest')]: d,
    }
    const keys = Object.keys(files)
    const plain = sortedLinks(await linksOf(filled(files)))
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...keys, ...keys], { minLength: keys.length * 2 }),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        async (order, pageSize, tellsMd5) => {
          const store = filled(files, { order: () => order, pageSize, tellsMd5 })
          expect(sortedLinks(await linksOf(store))).toEqual(plain)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('count by their path and by what they say', async () => {
    const files = { [layer('team/app', long)]: c, [revision('team/app', a)]: b, [tag('team/app', 'x')]: d }
    const store = filled({ ...files, [revision('team/app', long)]: d })
    const links = await spelled(store)
    expect(links.roots).toEqual([a, b, d, long])
    expect(links.layers).toEqual([[long, T]])
    expect(links.aliases).toEqual([{ path: long, target: c, modifiedAt: T }])
    // The tag points to what the revision's link says, so it needs no look.
    expect(readsOf(store)).toHaveLength(3)
  })

  it.each([{ tellsMd5: true }, { tellsMd5: false }])(
    'are there when they are empty, for their path says enough ($tellsMd5)',
    async (options) => {
      const files = { [layer('team/app', c)]: '', [revision('team/app', a)]: '' }
      const store = filled(files, options)
      const links = await spelled(store)
      expect(readsOf(store)).toEqual([])
      expect([links.roots, links.layers]).toEqual([[a], [[c, T]]])
    },
  )

  it('are as young as the newest of two listings says', async () => {
    const key = layer('team/app', c)
    for (const times of [
      [T, T + 5],
      [T + 5, T],
    ]) {
      const store = createMemoryStore({ order: () => [key, key], pageSize: 1 })
      store.put(key, c)
      let page = 0
      store.hooks.before = () => store.put(key, c, times[page++])
      expect((await spelled(store)).layers).toEqual([[c, T + 5]])
    }
  })

  it.each([
    { name: 'links', key: revision('_x/deep', a), content: a },
    { name: 'no link', key: `${base}/_x/notes`, content: 'bytes' },
  ])('warn once of a folder that no registry serves, with $name in it', async ({ key, content }) => {
    const warnings: string[] = []
    const store = filled({ ...image, [key]: content, [`${base}/_x/more`]: 'x', [`${base}/README`]: 'x' })
    await linksOf(store, {
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.text)
      },
    })
    expect(warnings).toEqual([expect.stringContaining(`"${base}/_x" can be no repository`)])
  })

  it('are kept apart by repository when there are many and their links come mixed', async () => {
    const names = Array.from({ length: 700 }, (_, i) => `team-${i % 7}/app-${i}`)
    const digestOf = (i: number): string => `sha256:${(i * 7919).toString(16).padStart(64, '0')}`
    const store = createMemoryStore({
      order: (keys) => keys.toSorted((x, y) => (x.at(-9) ?? '').localeCompare(y.at(-9) ?? '')),
    })
    const expected = new Map<string, string[]>(names.map((name) => [name, []]))
    for (let i = 0; i < 10_000; i += 1) {
      const name = names[(i * i) % names.length] ?? ''
      store.put(layer(name, digestOf(i)), digestOf(i), T)
      expected.get(name)?.push(digestOf(i))
    }
    for (const name of names) store.put(tag(name, 'v1'), a)
    const all = await linksOf(store)
    expect(all.size).toBe(names.length)
    for (const [name, digests] of expected) {
      expect(all.get(name)?.layers.flatMap(digestsIn)).toEqual(digests.toSorted())
      expect(all.get(name)?.roots.flatMap(digestsIn)).toEqual([a])
    }
  })

  it('are looked at again while a tag is being written', async () => {
    const store = filled({ ...image, [tag('team/app', 'new')]: '' })
    store.hooks.after = ({ act, key }) => {
      if (act === 'read' && key.endsWith('/new/current/link')) store.put(key, d)
    }
    expect((await spelled(store)).roots).toEqual([a, b, d])
  })

  it.each([
    { name: 'a tag that stays empty', key: tag('x', 'v1'), content: '' },
    { name: 'a tag that says something else', key: tag('x', 'v1'), content: 'sha256:12' },
    { name: 'a revision that says something else', key: revision('x', a), content: 'garbage\u001b[2J' },
    { name: 'a layer that says something else', key: layer('x', a), content: 'md5:x' },
    { name: 'an odd path that says nothing', key: `${base}/x/_layers/md5/abc/link`, content: '' },
    {
      name: 'an odd path that says no digest',
      key: `${base}/x/_manifests/revisions/q/r/link`,
      content: 'q:r',
    },
  ])('end the run when nobody can follow them: $name', async ({ key, content }) => {
    for (const tellsMd5 of [true, false]) {
      const store = filled({ ...image, [key]: content }, { tellsMd5 })
      const error = await linksOf(store).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'STORAGE_CORRUPT', category: 'incomplete' })
      expect(String(error)).toContain(key)
      expect(String(error)).not.toContain('\u001b')
      expect(store.calls.filter((call) => call.act === 'read' && call.key === key)).toHaveLength(3)
    }
  })

  it('count under odd paths when they say a digest', async () => {
    const files = {
      [`${base}/team/app/_manifests/revisions/sha256/zz/link`]: a,
      [`${base}/team/app/_layers/md5/abc/link`]: c,
    }
    const links = await spelled(filled(files))
    expect([links.roots, links.layers]).toEqual([[a], [[c, T + 1000]]])
  })

  it('are left out when they are gone before they are opened, twice asked', async () => {
    const gone = [revision('team/app', b), layer('team/app', d), tag('team/app', '1.0')]
    const store = filled({ ...image, [tag('team/app', '2.0')]: c }, { tellsMd5: false })
    store.hooks.before = ({ act, key }) => {
      if (act === 'read' && gone.includes(key)) store.drop(key)
    }
    const links = await spelled(store)
    expect([links.roots, links.layers.map(([digest]) => digest)]).toEqual([[a, c], [c]])
    for (const key of gone) expect(readsOf(store)).toContain(`stat ${key}`)
  })

  it('are opened again when they are back at the second look', async () => {
    const store = filled({ [revision('team/app', a)]: a }, { tellsMd5: false })
    let reads = 0
    store.hooks.before = ({ act, key }) => {
      if (act === 'read' && ++reads === 1) store.drop(key)
      if (act === 'stat') store.put(key, a)
    }
    expect((await spelled(store)).roots).toEqual([a])
  })

  it('end the run when they are there and never have content', async () => {
    const store = filled({ [revision('team/app', a)]: a }, { tellsMd5: false })
    store.hooks.before = ({ act, key }) => void (act === 'read' ? store.drop(key) : store.put(key, a))
    await expect(linksOf(store)).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it('end the run when one cannot be read, when a page cannot, and when it is cancelled', async () => {
    for (const fails of ['read', 'page'] as const) {
      const store = filled(image, { tellsMd5: false, pageSize: 2 })
      let calls = 0
      store.hooks.before = ({ act }) => {
        if (act === fails && ++calls === 3) throw new Error('the line is down')
      }
      await expect(linksOf(store)).rejects.toThrow('the line is down')
    }
    const signal = AbortSignal.abort()
    await expect(linksOf(filled(image), { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

/** As values that compare whatever the order of reading was. */
function sortedLinks(all: ReadonlyMap<string, RepositoryLinks>): unknown {
  return [...all.values()]
    .map((links) => ({
      ...links,
      uploads: links.uploads.map((upload) => ({ ...upload, keys: [...upload.keys].toSorted() })),
      remains: links.remains && { ...links.remains, keys: [...links.remains.keys].toSorted() },
    }))
    .toSorted((one, other) => (one.repository < other.repository ? -1 : 1))
}
