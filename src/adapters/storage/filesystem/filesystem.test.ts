import { execFileSync } from 'node:child_process'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createReadableFileStore } from './read-files.ts'
import { createMutableFileStore } from './write-files.ts'

const isRoot = process.getuid?.() === 0
let outside = ''
let root = ''

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'winnow-files-'))
  root = join(outside, 'root')
  await mkdir(join(root, 'folder'), { recursive: true })
  await writeFile(join(root, 'folder', 'file'), 'content')
  await writeFile(join(outside, 'secret'), 'not ours')
})
afterEach(() => rm(outside, { recursive: true, force: true }))

describe('reading files', () => {
  it('lists one level, sorted, and tells files, folders and other things apart', async () => {
    await symlink('file', join(root, 'folder', 'a-link'))
    await mkdir(join(root, 'folder', 'nested'))
    expect(await createReadableFileStore(root).list('folder')).toEqual([
      { name: 'a-link', kind: 'other' },
      { name: 'file', kind: 'file' },
      { name: 'nested', kind: 'folder' },
    ])
  })

  it('tells size and time', async () => {
    await utimes(join(root, 'folder', 'file'), 1_700_000_000, 1_700_000_000)
    const facts = { sizeBytes: 7, modifiedAt: 1_700_000_000_000 }
    const store = createReadableFileStore(root)
    expect(await store.stat('folder/file')).toEqual(facts)
    expect(await store.read('folder/file', 7)).toEqual({ ...facts, bytes: Buffer.from('content') })
  })

  it('answers undefined for what is not there', async () => {
    const store = createReadableFileStore(root)
    expect([await store.list('none'), await store.read('none/at/all', 9), await store.stat('none')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it.each([
    {
      name: 'a file longer than allowed',
      act: () => createReadableFileStore(root).read('folder/file', 6),
      code: 'STORAGE_UNREADABLE',
    },
    {
      name: 'a folder read as a file',
      act: () => createReadableFileStore(root).read('folder', 9),
      code: 'STORAGE_UNREADABLE',
    },
    {
      name: 'a file listed as a folder',
      act: () => createReadableFileStore(root).list('folder/file'),
      code: 'STORAGE_UNREADABLE',
    },
    {
      name: 'a file in place of a folder on the way',
      act: () => createReadableFileStore(root).stat('folder/file/deeper'),
      code: 'STORAGE_UNREADABLE',
    },
    {
      name: 'a root that is missing',
      act: () => createReadableFileStore(`${root}-none`).list(''),
      code: 'STORAGE_UNREADABLE',
    },
    {
      name: 'a root that is a file',
      act: () => createReadableFileStore(join(root, 'folder/file')).list(''),
      code: 'STORAGE_UNREADABLE',
    },
    {
      name: 'a key that climbs',
      act: () => createReadableFileStore(root).read('folder/../../secret', 99),
      code: 'STORAGE_ESCAPE',
    },
    {
      name: 'an absolute key',
      act: () => createReadableFileStore(root).read('/etc/passwd', 99),
      code: 'STORAGE_ESCAPE',
    },
    {
      name: 'a key with a zero byte',
      act: () => createReadableFileStore(root).read('folder\0/file', 99),
      code: 'STORAGE_ESCAPE',
    },
  ])('refuses $name', async ({ act, code }) => {
    await expect(act()).rejects.toMatchObject({ code, category: 'incomplete' })
  })

  it('follows a link inside the root and refuses one that leads out, at any place in the path', async () => {
    await symlink('folder', join(root, 'inner'))
    await symlink('..', join(root, 'up'))
    await symlink('../../secret', join(root, 'folder', 'stolen'))
    const store = createReadableFileStore(root)
    expect((await store.read('inner/file', 9))?.sizeBytes).toBe(7)
    await expect(store.read('up/secret', 99)).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await expect(store.read('folder/stolen', 99)).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await expect(store.list('up')).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await expect(store.stat('folder/stolen')).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
  })

  it('does not take a neighbour whose name begins alike for the inside', async () => {
    await mkdir(`${root}-other`)
    await writeFile(join(`${root}-other`, 'file'), 'x')
    await symlink(`${root}-other`, join(root, 'link'))
    await expect(createReadableFileStore(root).read('link/file', 9)).rejects.toMatchObject({
      code: 'STORAGE_ESCAPE',
    })
  })

  it('does not wait for a pipe', async () => {
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(root, 'pipe')])
    await expect(createReadableFileStore(root).read('pipe', 9)).rejects.toMatchObject({
      code: 'STORAGE_UNREADABLE',
    })
  })

  it.skipIf(isRoot)('says so when it may not read', async () => {
    await chmod(join(root, 'folder'), 0)
    await expect(createReadableFileStore(root).list('folder')).rejects.toThrow('permission denied')
    await chmod(join(root, 'folder'), 0o755)
  })

  it('throws when cancelled', async () => {
    const options = { signal: AbortSignal.abort() }
    await expect(createReadableFileStore(root).list('', options)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
  })
})

describe('changing files', () => {
  it('writes a file whole, with the folders it needs, and leaves nothing else behind', async () => {
    const store = createMutableFileStore(root)
    await store.write('a/b/c', Buffer.from('one'))
    await store.write('a/b/c', Buffer.from('two'))
    expect(await readFile(join(root, 'a/b/c'), 'utf8')).toBe('two')
    expect(await readdir(join(root, 'a/b'))).toEqual(['c'])
  })

  it.skipIf(!isRoot)('gives what it writes to the owner of the folder it lies in', async () => {
    const { chown } = await import('node:fs/promises')
    await chown(join(root, 'folder'), 4321, 4322)
    await createMutableFileStore(root).write('folder/new/file', Buffer.from('x'))
    for (const path of ['folder/new', 'folder/new/file']) {
      expect(await stat(join(root, path))).toMatchObject({ uid: 4321, gid: 4322 })
    }
  })

  it('writes through no link that leads out, and removes a link without what it points to', async () => {
    await symlink('..', join(root, 'up'))
    await symlink('../secret', join(root, 'stolen'))
    const store = createMutableFileStore(root)
    await expect(store.write('up/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await expect(store.write('up/new/deep', Buffer.from('x'))).rejects.toMatchObject({
      code: 'STORAGE_ESCAPE',
    })
    await expect(store.remove('up/secret')).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await expect(store.removeEmptyFolders('up')).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    expect(await store.remove('stolen')).toBe(true)
    await store.write('folder/file', Buffer.from('new'))
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('not ours')
  })

  it('replaces a link that leads out by the file itself', async () => {
    await symlink('../secret', join(root, 'stolen'))
    await createMutableFileStore(root).write('stolen', Buffer.from('ours'))
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('not ours')
    expect(await readFile(join(root, 'stolen'), 'utf8')).toBe('ours')
  })

  it('removes one file, and says when there was none', async () => {
    const store = createMutableFileStore(root)
    expect(await store.remove('folder/file')).toBe(true)
    expect(await store.remove('folder/file')).toBe(false)
    expect(await store.remove('none/at/all')).toBe(false)
  })

  it('removes no folder as if it were a file', async () => {
    await expect(createMutableFileStore(root).remove('folder')).rejects.toMatchObject({
      code: 'STORAGE_NOT_WRITABLE',
    })
    expect(await readdir(join(root, 'folder'))).toEqual(['file'])
  })

  it('removes empty folders as far as they are empty', async () => {
    await mkdir(join(root, 'tree/empty/deep'), { recursive: true })
    await mkdir(join(root, 'tree/full'), { recursive: true })
    await writeFile(join(root, 'tree/full/file'), '')
    const store = createMutableFileStore(root)
    await store.removeEmptyFolders('tree')
    expect(await readdir(join(root, 'tree'))).toEqual(['full'])
    await store.removeEmptyFolders('none')
  })

  it('never leaves the root, whatever the key', async () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', '/', '\0', 'up', 'folder', '~'), fc.string())
    await symlink('..', join(root, 'up'))
    const before = (await readdir(outside)).toSorted()
    const store = createMutableFileStore(root)
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), async (parts) => {
        const key = parts.join('/')
        await store.write(key, Buffer.from('x')).catch(() => undefined)
        const found = await store.read(key, 99).catch(() => undefined)
        expect(Buffer.from(found?.bytes ?? []).toString()).not.toBe('not ours')
        await store.remove(key).catch(() => undefined)
        expect((await readdir(outside)).toSorted()).toEqual(before)
      }),
      { numRuns: 200 },
    )
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('not ours')
  })

  it('notices a file that shrinks to nothing as one that is empty, not as one that is gone', async () => {
    await truncate(join(root, 'folder/file'), 0)
    expect(await createReadableFileStore(root).read('folder/file', 9)).toMatchObject({ sizeBytes: 0 })
  })
})
