/**
 * The contract of a store that a registry keeps its files in: a folder, a bucket, a container. Every adapter passes it.
 *
 * Each test has an empty store of its own, and a second door to it that does not lead through the code under test: what
 * a registry would see, and how a registry would write.
 */
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import { StorageWriteError } from '../../src/ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../src/ports/readable-blob-store.ts'
import { asideTests } from './blob-store-aside.ts'
import {
  allOf,
  aside,
  bytesOf,
  inParallel,
  keysOf,
  textOf,
  type BlobStoreExpectations,
  type BlobStoreUnderTest,
  type StoreSetup,
} from './blob-store-fixture.ts'

/** Declares the suite. `setup` gives an empty store each time it is called. */
export function blobStoreConformance(
  name: string,
  expected: BlobStoreExpectations,
  setup: () => Promise<BlobStoreUnderTest>,
): void {
  describe(`${name} as a store of blobs`, () => {
    const fresh = async (): Promise<BlobStoreUnderTest> => {
      const subject = await setup()
      onTestFinished(subject.stop)
      return subject
    }
    readingTests(fresh)
    listingAllTests(fresh, expected)
    writingTests(fresh, expected)
    creatingTests(fresh)
    removingTests(fresh)
    asideTests(fresh, expected)
    refusingTests(fresh)
  })
}

function readingTests(fresh: StoreSetup): void {
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

function listingAllTests(fresh: StoreSetup, expected: BlobStoreExpectations): void {
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

function writingTests(fresh: StoreSetup, expected: BlobStoreExpectations): void {
  it('writes a file whole, over an older one, and leaves nothing else behind', async () => {
    const { store, raw } = await fresh()
    await store.write('a/b/c', bytesOf('one'))
    await store.write('a/b/c', bytesOf('two'))
    await store.write('a/b/empty', bytesOf(''))
    expect(textOf(await raw.read('a/b/c'))).toBe('two')
    expect(await raw.list('')).toEqual(['a/b/c', 'a/b/empty'])
  })

  it('never shows a file half written', async () => {
    const { store, raw } = await fresh()
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000))
    await store.write('a/file', bytesOf(texts[0] ?? ''))
    let isWriting = true
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await store.write('a/file', bytesOf(texts[i % 2] ?? ''))
      isWriting = false
    })()
    while (isWriting) {
      const seen = textOf(await raw.read('a/file')) ?? ''
      expect(texts.includes(seen), `${seen.length} bytes`).toBe(true)
    }
    await writing
  })

  it('removes folders only as far as they hold no file', async () => {
    const { store, raw, reader } = await fresh()
    await raw.put('tree/full/file', bytesOf('x'))
    await raw.put('tree/empty/deep/file', bytesOf('x'))
    await raw.remove('tree/empty/deep/file')
    await store.removeEmptyFolders('tree')
    expect(await raw.list('')).toEqual(['tree/full/file'])
    const full = { name: 'full', kind: 'folder' } as const
    // Where there are no folders, some servers tell of those in which something was once; nothing may depend on them.
    if (expected.hasFolders) expect(await reader.list('tree')).toEqual([full])
    else expect(await reader.list('tree')).toContainEqual(full)
    await store.removeEmptyFolders('none')
    await raw.remove('tree/full/file')
    await store.removeEmptyFolders('tree')
    if (expected.hasFolders) expect(await reader.list('')).toEqual([])
    expect(await raw.list('')).toEqual([])
  })
}

function creatingTests(fresh: StoreSetup): void {
  it('makes a file that is not there yet, and touches none that is', async () => {
    const { store, raw } = await fresh()
    expect(await store.create('.winnow/lease', bytesOf('first'))).toBe(true)
    expect(await store.create('.winnow/lease', bytesOf('second'))).toBe(false)
    expect(textOf(await raw.read('.winnow/lease'))).toBe('first')
    expect(await store.remove('.winnow/lease')).toBe(true)
    expect(await store.create('.winnow/lease', bytesOf('third'))).toBe(true)
    expect(await raw.list('.winnow/')).toEqual(['.winnow/lease'])
    expect(await store.create('.winnow/empty', bytesOf(''))).toBe(true)
    expect(await store.create('.winnow/empty', bytesOf(''))).toBe(false)
  })

  it('lets one of many who try win', async () => {
    const { store, raw } = await fresh()
    const tries = Array.from({ length: 20 }, (_, i) => store.create('.winnow/lease', bytesOf(`try ${i}`)))
    const won = await Promise.all(tries)
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(textOf(await raw.read('.winnow/lease'))).toBe(`try ${won.indexOf(true)}`)
    expect(await raw.list('')).toEqual(['.winnow/lease'])
  })
}

function removingTests(fresh: StoreSetup): void {
  it('removes one file, and says when there was none', async () => {
    const { store, raw } = await fresh()
    for (const key of ['a/file', 'a/file2', 'a/file/x'].slice(0, 2)) await raw.put(key, bytesOf('x'))
    expect(await store.remove('a/file')).toBe(true)
    expect(await store.remove('a/file')).toBe(false)
    expect(await store.remove('none/at/all')).toBe(false)
    expect(await raw.list('')).toEqual(['a/file2'])
  })

  it('removes what it is given, in as many batches as it takes, and nothing else', async () => {
    const { store, raw } = await fresh()
    const keys = manyKeys(1300)
    const absent = keys.map((_, i) => i % 7 === 3)
    await inParallel(
      keys.filter((_, i) => !absent[i]),
      (key) => raw.put(key, bytesOf('x')),
    )
    await raw.put('stays', bytesOf('x'))
    expect(await store.removeAll(keys)).toEqual(absent.map((isAbsent) => !isAbsent))
    expect(await raw.list('')).toEqual(['stays'])
    expect(await store.removeAll(keys.slice(0, 3))).toEqual([false, false, false])
    expect(await store.removeAll([])).toEqual([])
  })
}

function refusingTests(fresh: StoreSetup): void {
  it('throws when it is cancelled, and never answers with less', async () => {
    const { store, reader, raw } = await fresh()
    await raw.put('a/b', bytesOf('x'))
    const options = { signal: AbortSignal.abort() }
    const file = aside('a/b')
    const calls: (() => Promise<unknown>)[] = [
      () => reader.list('', options),
      () => reader.read('a/b', 9, options),
      () => reader.stat('a/b', options),
      () => allOf(reader, '', options),
      () => reader.readAside(file, 9, options),
      () => reader.locate([file], options),
      () => store.write('a/b', bytesOf('y'), options),
      () => store.create('a/c', bytesOf('y'), options),
      () => store.remove('a/b', options),
      () => store.removeEmptyFolders('a', options),
      () => store.removeAll(['a/b'], options),
      () => store.setAside([file], options),
      () => store.putBack([file], options),
      () => store.free([file], options),
    ]
    for (const call of calls) await expect(call(), call.toString()).rejects.toBeInstanceOf(InterruptedError)
    expect(await raw.list('')).toEqual(['a/b'])
    expect(textOf(await raw.read('a/b'))).toBe('x')
  })

  it('says why nothing can be read or changed where the door is closed, and shows no secret', async () => {
    const { closed, raw } = await fresh()
    await raw.put('a/b', bytesOf('x'))
    for (const { why, store, secrets } of closed) {
      const file = aside('a/b')
      const reading = [
        () => store.list(''),
        () => store.read('a/b', 9),
        () => store.read('none', 9),
        () => store.stat('none'),
        () => allOf(store, ''),
        () => store.locate([file]),
        () => store.readAside(file, 9),
      ]
      const changing = [
        () => store.write('a/b', bytesOf('y')),
        () => store.create('a/c', bytesOf('y')),
        () => store.remove('a/b'),
        () => store.removeAll(['a/b']),
        () => store.setAside([file]),
        () => store.putBack([file]),
        () => store.free([file]),
      ]
      for (const call of reading) {
        const error = await failureOf(call)
        expect(error, `${why}: ${call.toString()}`).toBeInstanceOf(StorageUnreadableError)
        expectHelpful(error, secrets)
      }
      for (const call of changing) {
        const error = await failureOf(call)
        const isEither = error instanceof StorageUnreadableError || error instanceof StorageWriteError
        expect(isEither, `${why}: ${call.toString()}: ${inspect(error)}`).toBe(true)
        expectHelpful(error, secrets)
      }
    }
    expect(textOf(await raw.read('a/b'))).toBe('x')
  })
}

function expectHelpful(error: unknown, secrets: readonly string[]): void {
  const shown = inspect(error, { depth: 12, showHidden: true })
  for (const secret of secrets) expect(shown).not.toContain(secret)
  expect((error as StorageUnreadableError).hint).toMatch(/^[A-Z].*\.$/s)
}

async function failureOf(call: () => Promise<unknown>): Promise<unknown> {
  return call().then(
    (answer) => expect.fail(`${call.toString()} answered ${inspect(answer)}`),
    (error: unknown) => error,
  )
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

/** Some as a registry's blobs lie, some side by side in one folder, some far down. */
function manyKeys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const hex = (i * 2_654_435_761).toString(16).padStart(12, '0').slice(-8)
    if (i % 3 === 0) return `flat/${hex}-${i}`
    if (i % 50 === 1) return `deep/${i % 100}/er/${hex}/and/${i}`
    return `blobs/sha256/${hex.slice(0, 2)}/${hex}${i}/data`
  })
}
