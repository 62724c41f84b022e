/** What is needed of an OCI image layout, and what is refused, over files on disk. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markLayout, pack, type MarkedPool } from '../../../../test/sweep/mark-pool.ts'
import { digestOf, put } from '../../../../test/sweep/trees.ts'
import { makeBlob, makeImage, makeIndex } from '../../../../test/sweep/trow-trees.ts'
import { LayoutTree } from '../../../../test/sweep/zot-trees.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { BlobPool, ReadableLayout } from '../../../ports/readable-layout.ts'
import type { ReadableBlobStore } from '../../../ports/readable-blob-store.ts'
import { createReadableFileStore } from '../../storage/filesystem/read-files.ts'
import { createOciLayout } from './oci-layout.ts'

const image = makeImage('a', ['base', 'own of a'])
const other = makeImage('b', ['base', 'own of b'])
const signature = makeImage('signature', ['signed'], image.manifest)
const index = makeIndex([image.manifest, other.manifest])
const garbage = makeImage('gone', ['base', 'own of gone'])

let root: string
let tree: LayoutTree

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'winnow-oci-'))
  tree = new LayoutTree(root)
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

function layoutOf(store: ReadableBlobStore = createReadableFileStore(root)): ReadableLayout {
  return createOciLayout({ store, retryPauseMs: 1 })
}

async function onlyPool(layout: ReadableLayout = layoutOf()): Promise<BlobPool> {
  const pools: BlobPool[] = []
  for await (const pool of layout.pools()) pools.push(pool)
  expect(pools).toHaveLength(1)
  return pools[0]!
}

async function mark(): Promise<MarkedPool> {
  const [pool, ...more] = await markLayout(layoutOf())
  expect(more).toEqual([])
  return pool!
}

function storeAll(pool = ''): void {
  tree.store(pool, image.manifest, ...image.blobs, other.manifest, ...other.blobs, index)
  tree.store(pool, signature.manifest, ...signature.blobs, garbage.manifest, ...garbage.blobs)
}

describe('what is needed', () => {
  it('is what index.json names, through nested indexes, with all that hangs on it', async () => {
    storeAll()
    tree.index('', [{ ...index, tag: 'latest' }])
    const ofGarbage = [garbage.manifest, garbage.blobs[0]!, garbage.blobs[2]!]
    const ofSignature = [signature.manifest, ...signature.blobs]
    const expected = [...ofGarbage, ...ofSignature].map(({ digest }) => digest)
    expect((await mark()).unneeded).toEqual(expected.toSorted())
  })

  it('includes rows without a tag', async () => {
    storeAll()
    tree.index('', [index, signature.manifest, garbage.manifest])
    expect((await mark()).unneeded).toEqual([])
  })

  it('includes the subject of what is named', async () => {
    tree.store('', image.manifest, ...image.blobs, signature.manifest, ...signature.blobs)
    tree.index('', [signature.manifest])
    expect((await mark()).unneeded).toEqual([])
  })

  it('includes the subject of index.json itself', async () => {
    tree.store('', image.manifest, ...image.blobs)
    tree.index('', [])
    const { mediaType, digest, size } = image.manifest
    put(root, 'index.json', JSON.stringify({ manifests: [], subject: { mediaType, digest, size } }))
    expect((await mark()).unneeded).toEqual([])
  })

  it('is nothing where index.json names nothing', async () => {
    tree.store('', image.manifest, ...image.blobs)
    tree.index('', [])
    expect((await mark()).unneeded).toHaveLength(4)
  })

  it('tells of manifests that are named and not stored', async () => {
    tree.store('', ...other.blobs)
    tree.index('', [image.manifest])
    expect((await mark()).absent).toEqual([image.manifest.digest])
  })
})

describe('what index.json names with another media type', () => {
  it.each([
    ['a text', 'no manifest at all', 'text/plain'],
    ['a document that names nothing', '{"spdxVersion":"SPDX-2.3"}', 'application/spdx+json'],
  ])('is needed, and refers to nothing: %s', async (_, content, mediaType) => {
    const blob = makeBlob(content, mediaType)
    tree.store('', blob, ...image.blobs, image.manifest)
    tree.index('', [blob, image.manifest])
    expect((await mark()).unneeded).toEqual([])
  })

  it('is followed all the same when it is a manifest', async () => {
    tree.store('', image.manifest, ...image.blobs)
    tree.index('', [{ ...image.manifest, mediaType: 'application/vnd.example.new+json' }])
    expect((await mark()).unneeded).toEqual([])
  })

  it('ends the run when it is of an unknown kind and names digests', async () => {
    const blob = makeBlob(
      JSON.stringify({ parts: [image.manifest.digest] }),
      'application/vnd.example.new+json',
    )
    tree.store('', blob, image.manifest)
    tree.index('', [blob])
    await expect(mark()).rejects.toMatchObject({ code: 'MANIFEST_UNREADABLE' })
  })

  it('is not looked into when it is longer than any manifest', async () => {
    const blob = makeBlob(Buffer.alloc(9 * 1024 * 1024), 'application/vnd.example.disk')
    tree.store('', blob)
    tree.index('', [blob])
    expect((await mark()).unneeded).toEqual([])
  })

  it('does not make a broken manifest pass', async () => {
    const broken = { ...makeBlob('no manifest', image.manifest.mediaType) }
    tree.store('', broken)
    tree.index('', [broken])
    await expect(mark()).rejects.toMatchObject({ code: 'MANIFEST_UNREADABLE' })
  })
})

describe('a tree of layouts', () => {
  it('has a pool for each, whose blobs are its own, nested ones included', async () => {
    for (const pool of ['team/app', 'team', 'blobs']) {
      tree.store(pool, image.manifest, ...image.blobs, ...garbage.blobs)
      tree.index(pool, [image.manifest])
    }
    put(root, '.winnow/quarantine/run/oci-layout', 'not asked')
    const pools = await markLayout(layoutOf())
    expect(pools.map(({ name }) => name)).toEqual(['blobs', 'team', 'team/app'])
    for (const { unneeded } of pools) expect(unneeded).toHaveLength(2)
  })

  it('sets blobs aside under names that no two pools share', async () => {
    const names = new Set<string>()
    for (const name of ['', 'a', 'a/b']) tree.index(name, [])
    for await (const pool of layoutOf().pools()) {
      const { key, asideName } = pool.fileOf(image.manifest.digest as Digest)
      expect(key).toBe(tree.keyOf(pool.name, image.manifest.digest))
      names.add(asideName)
    }
    expect([...names].toSorted()).toEqual(
      ['', 'a', 'a/b'].map((pool) => tree.keyOf(pool, image.manifest.digest)).toSorted(),
    )
  })

  it('leaves alone, with a warning, what holds blobs without oci-layout', async () => {
    tree.store('begun', image.manifest)
    tree.index('whole', [])
    const warnings: string[] = []
    const pools = await markLayout(layoutOf(), {
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.text)
      },
    })
    expect(pools.map(({ name }) => name)).toEqual(['whole'])
    expect(warnings).toEqual([
      expect.stringMatching(/"begun\/blobs\/sha256" looks like a part of an OCI layout/),
    ])
  })
})

describe('files', () => {
  it('of copies that broke off are uploads, each with its own time', async () => {
    tree.index('', [])
    for (const key of ['oci-put-blob4711', '.uploads/a', '.tmp/b', 'oci-put-blob.note']) put(root, key, 'x')
    const { uploads } = await mark()
    expect(uploads.map(({ folder, keys }) => [folder, keys])).toEqual(
      ['oci-put-blob4711', '.uploads/a', '.tmp/b'].map((key) => [key, [key]]),
    )
  })

  it('that are no blobs are left alone with one warning', async () => {
    tree.index('', [])
    put(root, `blobs/sha256/${'a'.repeat(64)}123`, 'x')
    put(root, 'blobs/blake3/abc', 'x')
    const warnings: string[] = []
    const pool = await onlyPool()
    const blobs: unknown[] = []
    await pool.listBlobs((found) => blobs.push(found), {
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.text)
      },
    })
    expect(blobs).toEqual([])
    expect(warnings).toEqual([expect.stringMatching(/^2 files under "blobs" are no blobs/)])
  })

  it('are told with size and time, as they are now', async () => {
    tree.index('', [])
    tree.store('', image.manifest)
    const pool = await onlyPool()
    const now = await pool.blobFacts(pack(image.manifest.digest))
    expect(now.sizes[0]).toBe(image.manifest.size)
    await pool.listBlobs(({ facts }) => {
      expect(facts).toEqual(now)
    })
    expect((await pool.blobFacts(pack(digestOf('gone')))).sizes[0]).toBeNaN()
  })

  it('of both algorithms are blobs', async () => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [] }))
    const long = { mediaType: index.mediaType, digest: digestOf(bytes, 'sha512'), size: bytes.length, bytes }
    tree.store('', long, ...image.blobs)
    tree.index('', [long])
    expect((await mark()).unneeded).toEqual(image.blobs.map(({ digest }) => digest).toSorted())
  })
})

describe('set-aside bytes', () => {
  it('give the record of their manifest', async () => {
    storeAll()
    tree.index('', [index])
    const pool = await onlyPool()
    const { records } = await pool.readReferences(pack(index.digest))
    expect(pool.referencesIn(index.digest as Digest, index.bytes)).toEqual(records)
  })

  it('of another manifest are refused', async () => {
    tree.index('', [])
    const pool = await onlyPool()
    expect(() => pool.referencesIn(index.digest as Digest, image.manifest.bytes)).toThrow(/does not hash/)
  })
})

describe('refused', () => {
  it.each([
    {
      name: 'an index.json cut short',
      spoil: () => writeFileSync(join(root, 'index.json'), '{"manifests":[{"dig'),
      error: { code: 'LAYOUT_UNREADABLE' },
    },
    {
      name: 'an empty index.json',
      spoil: () => writeFileSync(join(root, 'index.json'), ''),
      error: { code: 'LAYOUT_UNREADABLE' },
    },
    {
      name: 'an index.json in the case of another reader',
      spoil: () => writeFileSync(join(root, 'index.json'), '{"manifests":[],"Manifests":[]}'),
      error: { code: 'LAYOUT_UNREADABLE', message: expect.stringMatching(/"Manifests"/) as unknown },
    },
    {
      name: 'a missing index.json beside blobs',
      spoil: () => rmSync(join(root, 'index.json')),
      error: { code: 'LAYOUT_UNREADABLE', message: expect.stringMatching(/although blobs are/) as unknown },
    },
    {
      name: 'a digest of an algorithm that nobody here can check',
      spoil: () =>
        writeFileSync(join(root, 'index.json'), '{"manifests":[{"digest":"blake3:00","mediaType":""}]}'),
      error: { code: 'LAYOUT_UNREADABLE' },
    },
    {
      name: 'a layout of another version',
      spoil: () => writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      error: { code: 'LAYOUT_UNREADABLE', message: expect.stringMatching(/"2\.0\.0"/) as unknown },
    },
    {
      name: 'a damaged manifest',
      spoil: () => writeFileSync(join(root, tree.keyOf('', image.manifest.digest)), '{}'),
      error: { code: 'STORAGE_CORRUPT' },
    },
    {
      name: 'a blob that lost its bytes',
      spoil: () => writeFileSync(join(root, tree.keyOf('', image.blobs[1]!.digest)), ''),
      error: { code: 'METADATA_ELSEWHERE' },
    },
    {
      name: 'blobs that lie elsewhere',
      spoil: () => rmSync(join(root, 'blobs'), { recursive: true }),
      error: { code: 'METADATA_ELSEWHERE' },
    },
    {
      name: 'a folder of blobs that is a link',
      spoil: () => {
        rmSync(join(root, 'blobs'), { recursive: true })
        symlinkSync(tmpdir(), join(root, 'blobs'))
      },
      error: { code: 'STORAGE_UNREADABLE' },
    },
    {
      name: 'a link where a layout may lie',
      spoil: () => symlinkSync(tmpdir(), join(root, 'latest')),
      error: { code: 'STORAGE_UNREADABLE' },
    },
    {
      name: 'the databases of zot',
      spoil: () => put(root, 'cache.db', ''),
      error: { code: 'LAYOUT_MISMATCH', hint: 'Write layout: zot.' },
    },
    {
      name: 'a storage of Distribution',
      spoil: () => put(root, 'docker/registry/v2/blobs/x', ''),
      error: { code: 'LAYOUT_MISMATCH', hint: 'Write layout: distribution.' },
    },
  ])('$name', async ({ spoil, error }) => {
    tree.store('', image.manifest, ...image.blobs)
    tree.index('', [image.manifest])
    expect((await mark()).unneeded).toEqual([])
    spoil()
    await expect(mark()).rejects.toMatchObject(error)
  })

  it('blobs that several layouts share in the folder of one', async () => {
    tree.store('shared', image.manifest, ...image.blobs, other.manifest, ...other.blobs)
    tree.store('borrower', garbage.manifest, ...garbage.blobs)
    tree.index('shared', [image.manifest])
    tree.index('borrower', [garbage.manifest])
    await markLayout(layoutOf())
    tree.index('borrower', [garbage.manifest, other.manifest])
    await expect(layoutOf().check()).rejects.toMatchObject({
      code: 'METADATA_ELSEWHERE',
      message: expect.stringMatching(/blobs of the layout "borrower"/) as unknown,
    })
  })

  it.each([
    { name: 'nothing', key: undefined, code: 'STORAGE_INCOMPLETE', hint: /Mount the volume/ },
    { name: 'an archive', key: 'app.tar', code: 'LAYOUT_MISMATCH', hint: /oci-archive:FILE/ },
    { name: 'something else', key: 'notes.txt', code: 'LAYOUT_MISMATCH', hint: /holds oci-layout/ },
  ])('$name', async ({ key, code, hint }) => {
    if (key !== undefined) put(root, key, 'x')
    await expect(layoutOf().check()).rejects.toMatchObject({
      code,
      hint: expect.stringMatching(hint) as unknown,
    })
  })

  it('an archive in place of the folder', async () => {
    const path = join(root, 'app.tar')
    writeFileSync(path, 'x')
    const layout = layoutOf(createReadableFileStore(path))
    await expect(layout.check()).rejects.toMatchObject({
      code: 'LAYOUT_MISMATCH',
      hint: expect.stringMatching(/oci-archive:FILE/) as unknown,
    })
  })
})

describe('an index.json that is being written', () => {
  it('is read when it is whole', async () => {
    tree.store('', image.manifest, ...image.blobs)
    tree.index('', [image.manifest])
    const store = createReadableFileStore(root)
    let looks = 0
    const slow: ReadableBlobStore = {
      ...store,
      read: async (key, bytesMax, options) => {
        const file = await store.read(key, bytesMax, options)
        looks += key === 'index.json' ? 1 : 0
        return key === 'index.json' && looks < 3 && file
          ? { ...file, bytes: file.bytes.subarray(0, 20) }
          : file
      },
    }
    const pool = await onlyPool(layoutOf(slow))
    const roots: number[] = []
    await pool.readLinks((links) => roots.push(links.roots.length))
    expect({ looks, roots }).toEqual({ looks: 3, roots: [1] })
  })
})
