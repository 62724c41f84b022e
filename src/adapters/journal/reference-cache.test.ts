import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createReferenceCache } from './reference-cache.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'winnow-references-'))
  path = join(folder, 'deep', 'er', 'prod.bin')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const records = (text: string): Uint8Array => Buffer.from(text)

async function kept(given: Readonly<Record<number, string>>): Promise<void> {
  const cache = createReferenceCache(path)
  for (const [shard, text] of Object.entries(given)) cache.add(Number(shard), records(text))
  await cache.keep()
}

async function sections(...shards: readonly number[]): Promise<readonly string[]> {
  const cache = createReferenceCache(path)
  return Promise.all(shards.map(async (shard) => Buffer.from(await cache.section(shard)).toString()))
}

/** Changes one byte of the file. */
function damage(at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 0xff
  writeFileSync(path, bytes)
}

describe('the cache of references', () => {
  it('is empty where there is no file, and reading makes none', async () => {
    expect(await sections(0, 255)).toEqual(['', ''])
    expect(() => statSync(path)).toThrow()
  })

  it('gives to the same run what it was told, kept or not', async () => {
    const cache = createReferenceCache(path)
    cache.add(7, records('one'))
    cache.add(7, records('two'))
    expect(Buffer.from(await cache.section(7)).toString()).toBe('onetwo')
    expect(await sections(7)).toEqual([''])
  })

  it('gives to later runs what was kept, and adds to it', async () => {
    await kept({ 0: 'zero', 255: 'last' })
    await kept({ 0: '-more', 9: 'nine' })
    expect(await sections(0, 9, 255, 1)).toEqual(['zero-more', 'nine', 'last', ''])
  })

  it('is readable by nobody else', async () => {
    await kept({ 1: 'x' })
    expect(statSync(path).mode & 0o077).toBe(0)
  })

  it('copies what it is given, for that is a window into something larger', async () => {
    const cache = createReferenceCache(path)
    const bytes = records('good')
    cache.add(3, bytes)
    bytes.fill(0)
    await cache.keep()
    expect(await sections(3)).toEqual(['good'])
  })

  it('gives nothing of a section that was damaged, all of the others, and heals', async () => {
    await kept({ 1: 'aaaa', 2: 'bbbb', 3: 'cccc' })
    damage(readFileSync(path).indexOf('bbbb') + 2)
    expect(await sections(1, 2, 3)).toEqual(['aaaa', '', 'cccc'])
    await kept({ 2: 'anew' })
    expect(await sections(1, 2, 3)).toEqual(['aaaa', 'anew', 'cccc'])
  })

  it.each([
    { name: 'another version', change: () => damage(18) },
    { name: 'no cache at all', change: () => writeFileSync(path, 'something else') },
    { name: 'empty', change: () => writeFileSync(path, '') },
    { name: 'cut off in its head', change: () => writeFileSync(path, readFileSync(path).subarray(0, 100)) },
  ])('is empty where the file is $name, and is written anew', async ({ change }) => {
    await kept({ 1: 'aaaa' })
    change()
    expect(await sections(1)).toEqual([''])
    await kept({ 1: 'anew' })
    expect(await sections(1)).toEqual(['anew'])
  })

  it('gives nothing that lies beyond the end of a file that was cut off', async () => {
    await kept({ 1: 'aaaa', 2: 'bbbb' })
    writeFileSync(path, readFileSync(path).subarray(0, -2))
    expect(await sections(1, 2)).toEqual(['aaaa', ''])
  })

  it('whose damaged head names an absurd length gives nothing and asks for no such memory', async () => {
    await kept({ 1: 'aaaa' })
    const bytes = readFileSync(path)
    // The length of section 1 in the head: behind the magic, one entry, and the six bytes of its offset.
    bytes.fill(0xff, 20 + 44 + 6, 20 + 44 + 12)
    writeFileSync(path, bytes)
    expect(await sections(1)).toEqual([''])
  })

  it('does not fail a sweep when it cannot be kept', async () => {
    writeFileSync(join(folder, 'deep'), 'a file where a folder should be')
    await expect(kept({ 1: 'x' })).resolves.toBeUndefined()
  })
})
