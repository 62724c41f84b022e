/** What is needed of Trow's data folder, and what is refused, over files on disk. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markLayout, type MarkedPool } from '../../../../test/sweep/mark-pool.ts'
import { DAY_MS, put } from '../../../../test/sweep/trees.ts'
import { makeImage, makeIndex, OldTrowTree, writeNewTrow } from '../../../../test/sweep/trow-trees.ts'
import { createReadableFileStore } from '../../storage/filesystem/read-files.ts'
import { createTrowLayout } from './trow-layout.ts'

const now = Date.UTC(2025, 5, 1)
const image = makeImage('a', ['base', 'own of a'])
const older = makeImage('b', ['base', 'own of b'])
const index = makeIndex([image.manifest])
const digests = (...all: readonly { readonly digest: string }[]): readonly string[] =>
  all.map(({ digest }) => digest).toSorted()

let root: string
let tree: OldTrowTree

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'winnow-trow-test-'))
  tree = new OldTrowTree(root)
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

async function mark(): Promise<MarkedPool> {
  const layout = createTrowLayout({ store: createReadableFileStore(root), retryPauseMs: 1, now: () => now })
  const [pool] = await markLayout(layout)
  return pool!
}

describe('Trow up to 0.6', () => {
  it('needs what the first lines of tags name, and not what they named before', async () => {
    tree.store(image.manifest, ...image.blobs, older.manifest, ...older.blobs, index)
    tree.tag('team/app', 'latest', [index.digest, older.manifest.digest])
    const [config, , own] = older.blobs
    expect((await mark()).unneeded).toEqual(digests(older.manifest, config!, own!))
  })

  it('has repositories in folders of any depth, and uploads of all of them in one', async () => {
    tree.store(image.manifest, ...image.blobs, older.manifest, ...older.blobs)
    tree.tag('app', '1.0', [image.manifest.digest])
    tree.tag('f/docker/library/nginx', 'latest', [older.manifest.digest])
    tree.upload('0b7e', 'a part')
    const { unneeded, repositories, uploads } = await mark()
    expect(unneeded).toEqual([])
    expect(repositories).toEqual(['', 'app', 'f/docker/library/nginx'])
    expect(uploads).toEqual([
      { folder: 'scratch/0b7e', keys: ['scratch/0b7e'], newestAt: expect.any(Number) as number },
    ])
  })

  it('names each blob by its path when it is set aside', async () => {
    for await (const pool of createTrowLayout({ store: createReadableFileStore(root) }).pools()) {
      const key = tree.keyOf(index.digest)
      expect(pool.fileOf(index.digest as never)).toEqual({ key, asideName: key })
    }
  })

  it.each([
    { name: 'an empty tag', content: '', says: /it is empty/ },
    { name: 'a tag half written', content: 'sha256:12ab', says: /which is no digest/ },
  ])('is refused with $name', async ({ content, says }) => {
    tree.store(image.manifest, ...image.blobs)
    tree.tag('app', '1.0', [image.manifest.digest])
    writeFileSync(join(root, 'manifests/app/1.0'), content)
    await expect(mark()).rejects.toMatchObject({
      code: 'LAYOUT_UNREADABLE',
      message: expect.stringMatching(says) as unknown,
      hint: expect.stringMatching(/push the tag again, or remove that file/) as unknown,
    })
  })

  it('is refused with a file that is no tag, or a link', async () => {
    tree.store(image.manifest, ...image.blobs)
    tree.tag('app', '.1.0.swp', [image.manifest.digest])
    await expect(mark()).rejects.toMatchObject({ code: 'LAYOUT_UNREADABLE' })
    rmSync(join(root, 'manifests/app/.1.0.swp'))
    symlinkSync('elsewhere', join(root, 'manifests/app/2.0'))
    await expect(mark()).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it.each(['blobs', 'manifests'])('is refused without %s', async (folder) => {
    tree.store(image.manifest, ...image.blobs)
    tree.tag('app', '1.0', [image.manifest.digest])
    rmSync(join(root, folder), { recursive: true })
    await expect(mark()).rejects.toMatchObject({ code: 'STORAGE_INCOMPLETE' })
  })

  it.each([
    { name: 'nothing', key: undefined, error: { code: 'STORAGE_INCOMPLETE' } },
    { name: 'an OCI layout', key: 'oci-layout', error: { hint: 'Write layout: oci.' } },
    { name: 'zot', key: 'cache.db', error: { hint: 'Write layout: zot.' } },
    {
      name: 'something else',
      key: 'notes.txt',
      error: { hint: expect.stringMatching(/--data-dir/) as unknown },
    },
  ])('is not $name', async ({ key, error }) => {
    if (key !== undefined) put(root, key, 'x')
    await expect(mark()).rejects.toMatchObject(error)
  })
})

describe('Trow from 0.7 on', () => {
  const blob = (
    name: string,
    days: number,
    manifest?: string,
  ): Parameters<typeof writeNewTrow>[1][number] => ({
    digest: `sha256:${name}`,
    size: 10,
    lastAccessed: new Date(now - days * DAY_MS),
    ...(manifest !== undefined && { manifest }),
  })

  it('is refused, telling what Trow will remove by itself', async () => {
    writeNewTrow(root, [blob('old', 2), blob('older', 9), blob('fresh', 0.5), blob('held', 9, 'sha256:m')])
    await expect(mark()).rejects.toMatchObject({
      code: 'METADATA_ELSEWHERE',
      message: expect.stringMatching(
        /every ten minutes, .* \(now that would be 2 blobs with 20 bytes\)/,
      ) as unknown,
      hint: expect.stringMatching(/Deleting tags alone frees nothing/) as unknown,
    })
  })

  it('is refused when its database cannot be read as well', async () => {
    put(root, 'trow.db', 'torn')
    await expect(mark()).rejects.toMatchObject({
      code: 'METADATA_ELSEWHERE',
      message: expect.stringMatching(/could not be read/) as unknown,
    })
  })
})
