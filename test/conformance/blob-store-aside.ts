/** The part of the contract of stores that is about files set aside: hidden, found again, put back, freed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import { StorageUnreadableError } from '../../src/ports/readable-blob-store.ts'
import {
  aside,
  bytesOf,
  inParallel,
  keysOf,
  textOf,
  type BlobStoreExpectations,
  type StoreSetup,
} from './blob-store-fixture.ts'

const KEY = 'docker/registry/v2/blobs/sha256/ab/abcd/data'
const file = aside(KEY, { asideName: 'sha256/ab/abcd', text: 'content' })

export function asideTests(fresh: StoreSetup, expected: BlobStoreExpectations): void {
  it('says how it keeps bytes', async () => {
    const { store } = await fresh()
    expect(await store.quarantineKind()).toBe(expected.quarantine)
  })

  it('hides a file that is set aside from the registry, under its key and under every longer one', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(KEY, bytesOf('content'))
    expect(await store.locate([file])).toEqual(['in-place'])
    expect(await reader.readAside(file, 99)).toBeUndefined()
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(await raw.read(KEY)).toBeUndefined()
    expect(await reader.stat(KEY)).toBeUndefined()
    // A registry that asks an object store for everything that begins so would take a longer key for a folder, and
    // throw the next upload of this blob away as one that is there already.
    expect(await raw.list(KEY)).toEqual([])
    expect(await keysOf(reader, 'docker/')).toEqual([])
    expect(await reader.locate([file])).toEqual(['aside'])
    expect(textOf(await reader.readAside(file, 99))).toBe('content')
    await expect(reader.readAside(file, 6)).rejects.toBeInstanceOf(StorageUnreadableError)
  })

  it('says that there was nothing to set aside', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(`${KEY}2`, bytesOf('neighbour'))
    expect(await store.setAside([file])).toEqual(['absent'])
    expect(await reader.locate([file])).toEqual(['gone'])
    expect(await reader.readAside(file, 99)).toBeUndefined()
    expect(await store.putBack([file])).toEqual(['lost'])
    expect(await store.free([file])).toEqual(['absent'])
    expect(await raw.list('')).toEqual([`${KEY}2`])
  })

  it('puts back the same bytes', async () => {
    const { store, reader, raw } = await fresh()
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256))
    await raw.put(KEY, bytes)
    await store.setAside([file])
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(bytes.equals((await raw.read(KEY)) ?? Buffer.alloc(0))).toBe(true)
    expect(await reader.locate([file])).toEqual(['in-place'])
    expect(await raw.list('')).toEqual([KEY])
    // And again, since a crash may have come before anybody wrote down that it was done.
    expect(await store.putBack([file])).toEqual(['present'])
    expect(bytes.equals((await raw.read(KEY)) ?? Buffer.alloc(0))).toBe(true)
  })

  it('sets aside again what is set aside already, and loses nothing by it', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(KEY, bytesOf('content'))
    await store.setAside([file])
    expect(await store.setAside([file])).toEqual(['absent'])
    expect(await reader.locate([file])).toEqual(['aside'])
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(textOf(await raw.read(KEY))).toBe('content')
  })

  it('leaves a newer file under the key alone when it puts back, and drops the older one', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(KEY, bytesOf('content'))
    await store.setAside([file])
    await raw.put(KEY, bytesOf('newer'))
    expect(await reader.locate([file])).toEqual(['both'])
    expect(textOf(await reader.readAside(file, 99))).toBe('content')
    expect(await store.putBack([file])).toEqual(['present'])
    expect(textOf(await raw.read(KEY))).toBe('newer')
    expect(await reader.locate([file])).toEqual(['in-place'])
    expect(await reader.readAside(file, 99)).toBeUndefined()
  })

  it('frees what was set aside, once', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(KEY, bytesOf('content'))
    await store.setAside([file])
    expect(await store.free([file])).toEqual(['freed'])
    expect(await reader.locate([file])).toEqual(['gone'])
    expect(await reader.readAside(file, 99)).toBeUndefined()
    expect(await store.free([file])).toEqual(['absent'])
    expect(await store.putBack([file])).toEqual(['lost'])
    expect(await raw.list('')).toEqual([])
  })

  it('never frees a file that lies under the key, newer than the one set aside or never set aside', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(KEY, bytesOf('content'))
    expect(await store.free([file])).toEqual(['absent'])
    expect(textOf(await raw.read(KEY))).toBe('content')
    await store.setAside([file])
    await raw.put(KEY, bytesOf('newer'))
    expect(await store.free([file])).toEqual(['freed'])
    expect(textOf(await raw.read(KEY))).toBe('newer')
    expect(await reader.locate([file])).toEqual(['in-place'])
    expect(await store.free([file])).toEqual(['absent'])
    expect(textOf(await raw.read(KEY))).toBe('newer')
  })

  it('keeps what two runs set aside under one key apart, each to be freed by itself', async () => {
    const { store, reader, raw } = await fresh()
    const later = { ...file, run: 'run-2' }
    await raw.put(KEY, bytesOf('content'))
    await store.setAside([file])
    // Runs are further apart than this, and some stores tell whole seconds.
    if (expected.quarantine !== 'rename' && expected.quarantine !== 'copy') await sleep(1100)
    await raw.put(KEY, bytesOf('content'))
    expect(await store.setAside([later])).toEqual(['set-aside'])
    expect(await reader.locate([file, later])).toEqual(['aside', 'aside'])
    expect(await store.free([file])).toEqual(['freed'])
    expect(await reader.locate([later])).toEqual(['aside'])
    expect(await store.putBack([later])).toEqual(['restored'])
    expect(textOf(await raw.read(KEY))).toBe('content')
  })

  it('keeps empty files as well', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put(KEY, bytesOf(''))
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(await reader.locate([file])).toEqual(['aside'])
    expect((await reader.readAside(file, 0))?.length).toBe(0)
    expect(await store.putBack([file])).toEqual(['restored'])
    expect((await raw.read(KEY))?.length).toBe(0)
  })

  it('answers for each of many files, in the order asked', async () => {
    const { store, reader, raw } = await fresh()
    const files = Array.from({ length: 1100 }, (_, i) => {
      const hex = (i * 2_654_435_761).toString(16).padStart(10, '0').slice(-8)
      const key = `blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
      return aside(key, { asideName: `sha256/${hex.slice(0, 2)}/${hex}`, text: hex })
    })
    const isThere = files.map((_, i) => i % 5 !== 2)
    await inParallel(
      files.filter((_, i) => isThere[i]),
      ({ key }) => raw.put(key, bytesOf(key)),
    )
    // Beside them what must not be touched: between, before and after the keys that were asked for.
    const others = ['blobs/a', 'blobs/sha256/80/0', 'blobs/sha256/80/zz/data', 'blobs/sha256/zz/1/data']
    for (const key of others) await raw.put(key, bytesOf('stays'))
    expect(await store.setAside(files)).toEqual(isThere.map((is) => (is ? 'set-aside' : 'absent')))
    expect(await raw.list('blobs/')).toEqual(others)
    expect(await reader.locate(files)).toEqual(isThere.map((is) => (is ? 'aside' : 'gone')))
    const [back, freed] = [files.filter((_, i) => i % 2 === 0), files.filter((_, i) => i % 2 === 1)]
    const wasThere = (of: typeof files): boolean[] => of.map((one) => isThere[files.indexOf(one)] === true)
    expect(await store.putBack(back)).toEqual(wasThere(back).map((is) => (is ? 'restored' : 'lost')))
    expect(await store.free(freed)).toEqual(wasThere(freed).map((is) => (is ? 'freed' : 'absent')))
    expect(await reader.locate(files)).toEqual(
      files.map((one, i) => (isThere[i] && back.includes(one) ? 'in-place' : 'gone')),
    )
    const restored = back.filter((one) => isThere[files.indexOf(one)]).map(({ key }) => key)
    expect(await raw.list('blobs/')).toEqual([...others, ...restored].toSorted())
    for (const key of restored.slice(0, 20)) expect(textOf(await raw.read(key))).toBe(key)
  })

  it('answers nothing about nothing', async () => {
    const { store, reader } = await fresh()
    expect([
      await store.setAside([]),
      await store.putBack([]),
      await store.free([]),
      await reader.locate([]),
    ]).toEqual([[], [], [], []])
  })

  it('can be cancelled in the middle, and then locates every file', async () => {
    const { store, reader, raw } = await fresh()
    const files = Array.from({ length: 400 }, (_, i) => aside(`many/${i}/data`, { asideName: `many/${i}` }))
    await inParallel(files, ({ key }) => raw.put(key, bytesOf('x')))
    const controller = new AbortController()
    const running = store.setAside(files, { signal: controller.signal })
    setImmediate(() => controller.abort())
    await running.catch((error: unknown) => expect(error).toBeInstanceOf(InterruptedError))
    const places = await reader.locate(files)
    // Where bytes are copied, a file may be in both places for a while; in none it must never be.
    expect(places.filter((place) => place === 'gone')).toEqual([])
    const outcomes = await store.putBack(files)
    expect(outcomes.filter((outcome) => outcome === 'lost')).toEqual([])
    expect((await raw.list('many/')).length).toBe(files.length)
  })
}
