import { describe, expect, it } from 'vitest'
import {
  a,
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
  revision,
  spelled,
  T,
  tag,
} from '../../../../test/builders/listed-links.ts'
import type { RunEvent } from '../../../ports/run-options.ts'

describe('what is left of repositories', () => {
  it('is told where no manifest is linked and no tag is left', async () => {
    const files = {
      [layer('team/app', c)]: c,
      [layer('team/app', long)]: d,
      [history('team/app', '1.0', a)]: a,
      [`${base}/team/app/_layers/sha256/x/link.1.tmp`]: '',
      [`${base}/team/app/_uploads/u-1/data`]: '',
      [`${base}/team/app/nested/_manifests/tags/x/current/link`]: a,
      [`${base}/team/app/README`]: 'by hand',
    }
    const store = filled(files)
    const links = await spelled(store)
    expect(links.remains).toEqual({
      folder: `${base}/team/app`,
      keys: expect.arrayContaining(Object.keys(files).slice(0, 4)) as unknown,
      newestAt: T + 3000,
      holdsOthers: true,
    })
    expect(links.remains?.keys).toHaveLength(4)
    expect(links.uploads).toEqual([
      {
        folder: `${base}/team/app/_uploads/u-1`,
        keys: [`${base}/team/app/_uploads/u-1/data`],
        newestAt: T + 4000,
      },
    ])
  })

  it('is as young as the uploads when there is nothing else', async () => {
    const keys = ['u-1/data', 'u-1/hashstates/sha256/0', 'u-2/startedat'].map(
      (name) => `${base}/team/app/_uploads/${name}`,
    )
    const links = await spelled(filled(Object.fromEntries(keys.map((key) => [key, '']))))
    expect(links.remains).toEqual({
      folder: `${base}/team/app`,
      keys: [],
      newestAt: T + 2000,
      holdsOthers: false,
    })
    expect(links.uploads?.map(({ newestAt }) => newestAt).toSorted()).toEqual([T + 1000, T + 2000])
  })

  it.each([
    { name: 'a manifest', key: revision('team/app', a) },
    { name: 'a tag', key: tag('team/app', 'x') },
  ])('is not told where there is $name', async ({ key }) => {
    for (const tellsMd5 of [true, false]) {
      const store = filled({ [layer('team/app', c)]: c, [key]: a }, { tellsMd5 })
      expect((await spelled(store)).remains).toBeUndefined()
    }
  })

  it('is nothing when all of it vanishes while it is read', async () => {
    const store = filled({ [layer('team/app', c)]: c }, { tellsMd5: false })
    store.hooks.before = ({ act, key }) => void (act === 'read' && store.drop(key))
    const links = await spelled(store)
    expect([links.layers, links.remains]).toEqual([[], undefined])
  })
})

describe('names that no repository has', () => {
  const names = ['UPPER', '..', 'a/../b', '', 'tab\there', 'x'.repeat(300), '_layers_', 'größe/日本']

  it.each(names)('count, and nothing of them is offered to go: %j', async (name) => {
    const files = { [layer(name, c)]: c, [revision(name, a)]: a, [tag(name, 'v1')]: a }
    const events: RunEvent[] = []
    const ghost = `${name}ghost`.toUpperCase()
    const rest = { [`${base}/${ghost}/_uploads/u/data`]: '', [layer(ghost, d)]: d }
    const store = filled({ ...files, ...rest, ...image })
    const all = await linksOf(store, { onEvent: (event) => events.push(event) })
    expect(all.get(name)?.roots.flatMap(digestsIn)).toEqual([a])
    expect(all.get(name)?.layers.flatMap(digestsIn)).toEqual([c])
    expect(all.get(ghost)).toMatchObject({ uploads: [] })
    expect(all.get(ghost)?.remains).toBeUndefined()
    expect(events).toMatchObject([{ kind: 'warning', text: expect.stringContaining('1 more') as unknown }])
    expect(JSON.stringify(events)).not.toContain('\t')
  })

  it('end the run where the store refuses to open what must be read', async () => {
    const store = filled({ [revision('a/../b', a)]: a }, { tellsMd5: false })
    await expect(linksOf(store)).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
  })
})
