/** The part of the contract of stores that is about reading: one file, one folder, and every file there is. */
import { expect, it } from 'vitest'
import { StorageUnreadableError } from '../../src/ports/readable-blob-store.ts'
import {
  allOf,
  aside,
  bytesOf,
  inParallel,
  keysOf,
  manyKeys,
  textOf,
  type BlobStoreExpectations,
  type StoreSetup,
} from './blob-store-fixture.ts'

export function readingTests(fresh: StoreSetup): void {
  it('is empty, which is not the same as absent', async () => {
    const { reader, store } = await fresh()
    expect(await reader.list('')).toEqual([])
    expect(await reader.list('nothing')).toBeUndefined()
    expect(await allOf(store, '')).toEqual([])
    expect(await allOf(store, 'nothing/')).toEqual([])
  })

  it('lists what lies directly under a folder, sorted, files and folders told apart', async () => {
    const { reader, raw } = await fresh()
    for (const key of ['top', 'a/z', 'a/file', 'a/deep/er/file', 'a/deep/file', 'ab/file']) {
      await raw.put(key, bytesOf(key))
    }
    expect(await reader.list('')).toEqual([
      { name: 'a', kind: 'folder' },
      { name: 'ab', kind: 'folder' },
      { name: 'top', kind: 'file' },
    ])
    expect(await reader.list('a')).toEqual([
      { name: 'deep', kind: 'folder' },
      { name: 'file', kind: 'file' },
      { name: 'z', kind: 'file' },
    ])
    expect(await reader.list('a/deep/er')).toEqual([{ name: 'file', kind: 'file' }])
  })

  it('reads and measures a file, and tells what is not there', async () => {
    const { reader, raw } = await fresh()
    const before = Date.now()
    await raw.put('a/file', bytesOf('content'))
    const read = await reader.read('a/file', 7)
    expect(textOf(read?.bytes)).toBe('content')
    const facts = await reader.stat('a/file')
    expect(facts).toEqual({ sizeBytes: 7, modifiedAt: read?.modifiedAt })
    // Some stores tell whole seconds.
    expect(facts?.modifiedAt).toBeGreaterThan(before - 2000)
    expect(facts?.modifiedAt).toBeLessThan(Date.now() + 2000)
    for (const key of ['a/none', 'a', 'none/at/all', 'a/fil', 'a/file2']) {
      expect(await reader.stat(key).catch(unreadableIsFine), key).toBeUndefined()
      expect(await reader.read(key, 99).catch(unreadableIsFine), key).toBeUndefined()
    }
  })

  it('reads an empty file as empty', async () => {
    const { reader, raw } = await fresh()
    await raw.put('a/empty', bytesOf(''))
    expect(await reader.stat('a/empty')).toMatchObject({ sizeBytes: 0 })
    const read = await reader.read('a/empty', 0)
    expect(read?.sizeBytes).toBe(0)
    expect(read?.bytes.length).toBe(0)
  })

  it('never cuts a file short', async () => {
    const { reader, raw } = await fresh()
    await raw.put('a/file', Buffer.alloc(300_000, 'x'))
    await expect(reader.read('a/file', 299_999)).rejects.toBeInstanceOf(StorageUnreadableError)
    expect((await reader.read('a/file', 300_000))?.bytes.length).toBe(300_000)
  })

  it.each([
    '../a',
    'a/../b',
    'a/..',
    '..',
    './a',
    'a/.',
    'a\0b',
    '/a',
    'a//b',
    'a/',
    `a/${'x'.repeat(5000)}`,
  ])('opens nothing under the key %j', async (key) => {
    const { reader, store, raw } = await fresh()
    await raw.put('a/b', bytesOf('x'))
    const refusal = { code: 'STORAGE_ESCAPE', category: 'incomplete' }
    await expect(reader.read(key, 9)).rejects.toMatchObject(refusal)
    await expect(reader.stat(key)).rejects.toMatchObject(refusal)
    await expect(reader.list(key)).rejects.toMatchObject(refusal)
    await expect(store.write(key, bytesOf('y'))).rejects.toMatchObject(refusal)
    await expect(store.create(key, bytesOf('y'))).rejects.toMatchObject(refusal)
    await expect(store.remove(key)).rejects.toMatchObject(refusal)
    await expect(store.removeAll([key])).rejects.toMatchObject(refusal)
    const file = aside(key, { asideName: 'n' })
    await expect(store.setAside([file])).rejects.toMatchObject(refusal)
    await expect(store.putBack([file])).rejects.toMatchObject(refusal)
    await expect(store.free([file])).rejects.toMatchObject(refusal)
    expect(await raw.list('')).toEqual(['a/b'])
  })

  it.each(['../../../n', 'a/../n', '.', '/n', 'n/', 'a\0'])('sets nothing aside as %j', async (asideName) => {
    const { reader, store, raw } = await fresh()
    await raw.put('a/b', bytesOf('x'))
    const file = aside('a/b', { asideName })
    const refusal = { code: 'STORAGE_ESCAPE' }
    await expect(store.setAside([file])).rejects.toMatchObject(refusal)
    await expect(store.putBack([file])).rejects.toMatchObject(refusal)
    await expect(store.free([file])).rejects.toMatchObject(refusal)
    await expect(reader.locate([file])).rejects.toMatchObject(refusal)
    await expect(reader.readAside(file, 9)).rejects.toMatchObject(refusal)
    expect(await raw.list('')).toEqual(['a/b'])
  })
}

export function listingAllTests(fresh: StoreSetup, expected: BlobStoreExpectations): void {
  it('names every file below a folder with its facts, and none of a neighbour that begins alike', async () => {
    const { reader, raw } = await fresh()
    const keys = ['blobs/sha256/ab/1/data', 'blobs/sha256/ab/2/data', 'blobs/sha256/abc', 'blobs/sha256/ab.x']
    for (const key of keys) await raw.put(key, bytesOf(key))
    expect(await keysOf(reader, 'blobs/sha256/ab/')).toEqual(keys.slice(0, 2))
    expect(await keysOf(reader, 'blobs/')).toEqual(keys.toSorted())
    expect(await keysOf(reader, '')).toEqual(keys.toSorted())
    for (const file of await allOf(reader, 'blobs/')) {
      const { sizeBytes, modifiedAt } = file
      expect(await reader.stat(file.key)).toEqual({ sizeBytes, modifiedAt })
      expect(sizeBytes).toBe(file.key.length)
    }
  })

  it('tells the MD5 of files where it is one', async () => {
    const { reader, raw } = await fresh()
    await raw.put('a/file', bytesOf('content'))
    const [file] = await allOf(reader, 'a/')
    expect(file?.md5).toBe(expected.tellsMd5 ? '9a0364b9e99bb480dd25e1f0284c8555' : undefined)
  })

  it('names all of more files than fit a page, wherever they lie', async () => {
    const { reader, raw } = await fresh()
    const keys = manyKeys(1300)
    await inParallel(keys, (key) => raw.put(key, bytesOf('x')))
    expect(await keysOf(reader, '')).toEqual(keys.toSorted())
    expect(await keysOf(reader, 'blobs/sha256/')).toEqual(
      keys.filter((key) => key.startsWith('blobs/sha256/')).toSorted(),
    )
    expect((await reader.list('flat'))?.length).toBe(keys.filter((key) => key.startsWith('flat/')).length)
  })

  it('reads names with odd characters as they are', async () => {
    const { reader, store, raw } = await fresh()
    for (const name of oddNames) await raw.put(`odd/${name}`, bytesOf(name))
    expect(await keysOf(reader, 'odd/')).toEqual(oddNames.map((name) => `odd/${name}`).toSorted())
    const sorted = [...oddNames].toSorted((a, b) => (a < b ? -1 : 1))
    expect((await reader.list('odd'))?.map((entry) => entry.name)).toEqual(sorted)
    for (const name of oddNames) expect(textOf((await reader.read(`odd/${name}`, 99))?.bytes)).toBe(name)
    const files = oddNames.map((name, i) => aside(`odd/${name}`, { asideName: `o/${i}`, text: name }))
    expect(await store.setAside(files)).toEqual(files.map(() => 'set-aside'))
    expect(await raw.list('odd/')).toEqual([])
    expect(await store.putBack(files)).toEqual(files.map(() => 'restored'))
    for (const name of oddNames) expect(textOf(await raw.read(`odd/${name}`))).toBe(name)
    expect(await store.removeAll(files.map(({ key }) => key))).toEqual(files.map(() => true))
    expect(await raw.list('odd/')).toEqual([])
  })
}

/** On a disk, a folder has the name too; it is there, and no file. */
function unreadableIsFine(error: unknown): undefined {
  expect(error).toBeInstanceOf(StorageUnreadableError)
  return undefined
}

const oddNames = [
  'a b',
  'a+b',
  'a%2Bb',
  '100%',
  'a&b<c>"d',
  'größe',
  '日本',
  'a=b?c#d',
  "it's",
  '~tilde',
  '😀',
]
