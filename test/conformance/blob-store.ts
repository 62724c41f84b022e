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
  manyKeys,
  textOf,
  type BlobStoreExpectations,
  type BlobStoreUnderTest,
  type StoreSetup,
} from './blob-store-fixture.ts'
import { listingAllTests, readingTests } from './blob-store-reading.ts'

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
