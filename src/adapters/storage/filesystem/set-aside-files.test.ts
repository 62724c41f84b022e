/** What only a disk can do to files that are set aside; the rest is in test/conformance/blob-store.ts. */
import { execFileSync } from 'node:child_process'
import {
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { quarantineKey, type AsideFile } from '../../../ports/listable-store.ts'
import { createReadableFileStore } from './read-files.ts'
import { createMutableFileStore } from './write-files.ts'

const isRoot = process.getuid?.() === 0
let outside = ''
let root = ''

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'winnow-aside-'))
  root = join(outside, 'root')
  await put('blobs/ab/abc/data', 'content')
  await writeFile(join(outside, 'secret'), 'not ours')
})
afterEach(() => rm(outside, { recursive: true, force: true }))

async function put(key: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, key)), { recursive: true })
  await writeFile(join(root, key), text)
}

function aside(key: string, asideName = key.replaceAll('/', '-')): AsideFile {
  return { run: 'run-1', key, asideName, sizeBytes: 7 }
}

describe('setting files aside on a disk', () => {
  const file = aside('blobs/ab/abc/data', 'ab/abc')

  it('moves the very file, with its time, and puts it back so', async () => {
    await utimes(join(root, file.key), 1_700_000_000, 1_700_000_000)
    const { ino } = await stat(join(root, file.key))
    const store = createMutableFileStore(root)
    await store.setAside([file])
    expect(await stat(join(root, quarantineKey(file)))).toMatchObject({ ino, mtimeMs: 1_700_000_000_000 })
    await store.putBack([file])
    expect(await stat(join(root, file.key))).toMatchObject({ ino, nlink: 1, mtimeMs: 1_700_000_000_000 })
  })

  it('puts back into a folder that somebody removed because it was empty', async () => {
    const store = createMutableFileStore(root)
    await store.setAside([file])
    await store.removeEmptyFolders('blobs/ab')
    expect(await readdir(join(root, 'blobs'))).toEqual([])
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(await readFile(join(root, file.key), 'utf8')).toBe('content')
  })

  it.skipIf(!isRoot)('keeps the owner of the file, and gives folders to the owner of the root', async () => {
    await chown(root, 4321, 4322)
    await chown(join(root, file.key), 5321, 5322)
    await createMutableFileStore(root).setAside([file])
    expect(await stat(join(root, quarantineKey(file)))).toMatchObject({ uid: 5321, gid: 5322 })
    for (const folder of ['.winnow', '.winnow/quarantine/run-1/ab']) {
      expect(await stat(join(root, folder))).toMatchObject({ uid: 4321, gid: 4322 })
    }
  })

  it('moves no folder and no link that lies in the place of a file', async () => {
    await symlink('ab/abc/data', join(root, 'blobs/link'))
    const store = createMutableFileStore(root)
    for (const key of ['blobs/ab', 'blobs/link']) {
      await expect(store.setAside([aside(key)])).rejects.toMatchObject({ code: 'STORAGE_NOT_WRITABLE' })
    }
    expect(await readdir(join(root, 'blobs'))).toEqual(['ab', 'link'])
  })

  it('follows no link out of the root: of the files, of the quarantine, or of the list', async () => {
    await symlink(outside, join(root, 'up'))
    const store = createMutableFileStore(root)
    await expect(store.setAside([aside('up/secret')])).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await expect(store.removeAll(['up/secret'])).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    await symlink(outside, join(root, '.winnow'))
    for (const verb of ['setAside', 'putBack', 'free', 'locate'] as const) {
      await expect(store[verb]([file])).rejects.toMatchObject({ code: 'STORAGE_ESCAPE' })
    }
    await expect(store.create('.winnow/lease', Buffer.from('x'))).rejects.toMatchObject({
      code: 'STORAGE_ESCAPE',
    })
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('not ours')
    expect((await readdir(outside)).toSorted()).toEqual(['root', 'secret'])
  })

  it('refuses to list what lies behind a link, rather than leaving it out', async () => {
    await symlink('ab', join(root, 'blobs/other'))
    const reading = (async () => {
      for await (const _ of createReadableFileStore(root).listAll('blobs/'));
    })()
    await expect(reading).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it('makes no lease beside a folder of that name', async () => {
    await mkdir(join(root, '.winnow/lease'), { recursive: true })
    expect(await createMutableFileStore(root).create('.winnow/lease', Buffer.from('x'))).toBe(false)
    expect(await readdir(join(root, '.winnow'))).toEqual(['lease'])
  })
})

const canMount = isRoot && mounts()

describe.skipIf(!canMount)(
  `on file systems of their own${canMount ? '' : ' (skipped: needs root and mount)'}`,
  () => {
    const file = aside('mounted/data', 'ab/abc')
    let mounted = ''
    beforeEach(async () => {
      mounted = join(root, 'mounted')
      await mkdir(mounted)
    })
    afterEach(() => run('umount', mounted))

    it('says that files of another file system cannot be set aside, and leaves them where they are', async () => {
      run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted)
      await put('mounted/data', 'content')
      const act = createMutableFileStore(root).setAside([file])
      await expect(act).rejects.toMatchObject({
        code: 'STORAGE_NOT_WRITABLE',
        message: expect.stringContaining('another file system') as string,
        hint: expect.stringContaining('Mount the whole storage') as string,
      })
      expect(await readFile(join(root, 'mounted/data'), 'utf8')).toBe('content')
    })

    it('leaves nothing half written on a disk that is full', async () => {
      run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted)
      const store = createMutableFileStore(mounted)
      for (const verb of ['write', 'create'] as const) {
        await expect(store[verb]('big', Buffer.alloc(200_000))).rejects.toMatchObject({
          obstacle: 'other',
          hint: expect.stringContaining('Free some space') as string,
        })
        expect(await readdir(mounted)).toEqual([])
      }
    })

    it('says that a disk is mounted read-only', async () => {
      run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted)
      await put('mounted/ab/data', 'content')
      run('mount', '-o', 'remount,ro', mounted)
      const store = createMutableFileStore(mounted)
      const acts = [
        () => store.setAside([aside('ab/data')]),
        () => store.removeAll(['ab/data']),
        () => store.create('lease', Buffer.from('x')),
      ]
      for (const act of acts) await expect(act()).rejects.toMatchObject({ obstacle: 'read-only' })
    })
  },
)

function run(...command: readonly string[]): void {
  execFileSync('sh', ['-c', '"$0" "$@"', ...command], { stdio: 'ignore' })
}

function mounts(): boolean {
  try {
    run('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir())
    return true
  } catch {
    return false
  }
}
