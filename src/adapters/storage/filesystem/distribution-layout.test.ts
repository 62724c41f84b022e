import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../../core/image/digest.ts'
import { ociIndexType } from '../../../core/image/media-types.ts'
import { bytesOfDigest, digestBytes, digestOfBytes } from '../../../core/sweep/reference-record.ts'
import type { BlobPool, PackedDigests, RepositoryLinks } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { createFileDistributionLayout } from './distribution-layout.ts'
import { createScanPool } from './scan-pool.ts'

const [a, b, c] = ['a1', 'b2', 'c3'].map((two) => `sha256:${two.repeat(32)}`) as [Digest, Digest, Digest]
const long = `sha512:${'e5'.repeat(64)}` as Digest
const AT_MS = Date.parse('2026-01-01T00:00:00Z')

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'winnow-distribution-'))
  mkdirSync(join(root, 'docker/registry/v2/blobs'), { recursive: true })
  mkdirSync(join(root, 'docker/registry/v2/repositories'), { recursive: true })
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const v2 = (path: string): string => join(root, 'docker/registry/v2', path)
const repository = (path: string): string => v2(`repositories/${path}`)
const folders = (digest: string): string => digest.replace(':', '/')

function put(path: string, content: string | Uint8Array, at = AT_MS): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  utimesSync(path, at / 1000, at / 1000)
}

/** A symbolic link, to somewhere that is not there unless it is said where. */
function point(path: string, to = join(root, 'not-mounted')): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(to, path)
}

const revision = (name: string, digest: string): string =>
  repository(`${name}/_manifests/revisions/${folders(digest)}/link`)
const layer = (name: string, digest: string): string => repository(`${name}/_layers/${folders(digest)}/link`)
const tag = (name: string, text: string): string => repository(`${name}/_manifests/tags/${text}/current/link`)
const data = (digest: string): string => {
  const [algorithm = '', hex = ''] = digest.split(':')
  return v2(`blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`)
}

async function pool(): Promise<BlobPool> {
  const layout = createFileDistributionLayout({ root, pool: createScanPool(), check: async () => undefined })
  for await (const each of layout.pools()) return each
  throw new Error('no pool')
}

async function linksOf(options?: RunOptions): Promise<ReadonlyMap<string, RepositoryLinks>> {
  const found = new Map<string, RepositoryLinks>()
  await (await pool()).readLinks((links) => found.set(links.repository, links), options)
  return found
}

function digestsIn(all: readonly PackedDigests[] = []): readonly string[] {
  return all.flatMap(({ algorithm, bytes }) =>
    Array.from({ length: bytes.length / digestBytes[algorithm] }, (_, i) =>
      digestOfBytes(algorithm, bytes, i * digestBytes[algorithm]),
    ),
  )
}

const packed = (digest: Digest): PackedDigests => ({
  algorithm: digest.startsWith('sha256') ? 'sha256' : 'sha512',
  bytes: bytesOfDigest(digest),
})

async function blobs(): Promise<{ readonly found: readonly string[]; readonly warnings: readonly string[] }> {
  const found: string[] = []
  const warnings: string[] = []
  await (
    await pool()
  ).listBlobs((some) => found.push(...digestsIn([some])), {
    onEvent: (event) => {
      if (event.kind === 'warning') warnings.push(event.text)
    },
  })
  return { found: found.toSorted(), warnings }
}

describe('links of a Distribution storage on disk', () => {
  it.each<{ name: string; make: () => void; roots: readonly string[]; layers?: readonly string[] }>([
    { name: 'a revision is a root', make: () => put(revision('x', a), a), roots: [a] },
    {
      name: 'an empty revision is one that is being written',
      make: () => put(revision('x', a), ''),
      roots: [a],
    },
    {
      name: 'white space around what it says is nothing',
      make: () => put(revision('x', a), `${a}\n`),
      roots: [a],
    },
    {
      name: 'a revision that says another digest means both',
      make: () => put(revision('x', a), b),
      roots: [a, b],
    },
    { name: 'a tag is a root, whatever is linked', make: () => put(tag('x', 'v1'), b), roots: [b] },
    {
      name: 'what a tag pointed to before is none',
      make: () => {
        put(tag('x', 'v1'), a)
        put(repository(`x/_manifests/tags/v1/index/${folders(b)}/link`), b)
      },
      roots: [a],
    },
    {
      name: 'a temporary file beside a link is none',
      make: () => {
        put(revision('x', a), a)
        put(`${revision('x', b)}.1f.tmp`, b)
      },
      roots: [a],
    },
    {
      name: 'a file among the digests is nothing',
      make: () => {
        put(revision('x', a), a)
        put(repository('x/_manifests/revisions/sha256/.DS_Store'), 'x')
        put(repository('x/_manifests/README'), 'x')
      },
      roots: [a],
    },
    {
      name: 'digests of both algorithms count',
      make: () => {
        put(revision('x', a), a)
        put(revision('x', long), long)
      },
      roots: [a, long],
    },
    {
      name: 'an empty layer link is there',
      make: () => {
        put(revision('x', a), a)
        put(layer('x', c), '')
      },
      roots: [a],
      layers: [c],
    },
  ])('$name', async ({ make, roots, layers = [] }) => {
    make()
    const links = (await linksOf()).get('x')
    expect(digestsIn(links?.roots).toSorted()).toEqual([...roots].toSorted())
    expect(digestsIn(links?.layers)).toEqual(layers)
  })

  it('counts repositories of any name and at any depth, and those in the folders of others', async () => {
    for (const name of ['x', 'x/y', 'UPPER', 'a/b/c/d', 'with space', '_odd/z']) put(revision(name, a), a)
    expect([...(await linksOf()).keys()].toSorted()).toEqual([
      'UPPER',
      '_odd/z',
      'a/b/c/d',
      'with space',
      'x',
      'x/y',
    ])
  })

  it('counts what is linked beside the repositories, and in folders that no registry serves', async () => {
    put(revision('', a), a)
    put(revision('_x', b), b)
    put(layer('x/_y', c), c)
    const links = await linksOf()
    expect([...links.keys()].toSorted()).toEqual(['', '_x', 'x/_y'])
    expect(digestsIn([...links.values()].flatMap(({ roots }) => roots)).toSorted()).toEqual([a, b])
    expect(digestsIn(links.get('x/_y')?.layers)).toEqual([c])
  })

  it('warns once of each outermost folder that no registry serves, whatever is in it, and leaves all of it', async () => {
    put(revision('x', a), a)
    put(layer('_x/deep', c), c)
    put(repository('_x/deep/_uploads/u1/data'), 'half')
    put(repository('_x/notes'), 'bytes')
    put(repository('x/_old/_layers/README'), 'x')
    mkdirSync(repository('UPPER'))
    const warnings: string[] = []
    const links = await linksOf({
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.text)
      },
    })
    expect(warnings).toEqual([expect.stringContaining(`${JSON.stringify(repository('UPPER'))}, and 2 more`)])
    expect(links.get('_x/deep')).toMatchObject({ uploads: [] })
    for (const each of links.values()) expect(each.remains).toBeUndefined()
  })

  it('says of a dead repository that a folder which no registry serves is not among what is left', async () => {
    put(layer('x', c), c)
    put(repository('x/_old/bytes'), 'x')
    expect((await linksOf()).get('x')?.remains).toMatchObject({
      keys: [`docker/registry/v2/repositories/x/_layers/${folders(c)}/link`],
      holdsOthers: true,
    })
  })

  it('tells of a layer link that says another digest, and how old it is', async () => {
    put(revision('x', a), a)
    put(layer('x', long), c)
    expect((await linksOf()).get('x')?.aliases).toEqual([{ path: long, target: c, modifiedAt: AT_MS }])
  })

  it('tells manifests that were deleted from those that are linked by the link, not the folder', async () => {
    mkdirSync(dirname(revision('x', b)), { recursive: true })
    put(revision('x', a), a)
    const links = (await linksOf()).get('x')
    expect([digestsIn(links?.roots), digestsIn(links?.deletedManifests)]).toEqual([[a], [b]])
  })

  it('says of a repository without manifests and tags what is left, but for uploads and repositories in it', async () => {
    mkdirSync(dirname(revision('x', b)), { recursive: true })
    put(layer('x', c), c)
    put(repository('x/_uploads/u1/data'), 'half')
    put(revision('x/y', a), a)
    const links = await linksOf()
    const folder = 'docker/registry/v2/repositories/x'
    expect(links.get('x')?.remains).toMatchObject({
      folder,
      keys: [`${folder}/_layers/${folders(c)}/link`],
      holdsOthers: true,
    })
    expect(links.get('x')?.uploads).toMatchObject([
      { folder: `${folder}/_uploads/u1`, keys: [`${folder}/_uploads/u1/data`], newestAt: AT_MS },
    ])
    expect(links.get('x/y')?.remains).toBeUndefined()
  })

  it.each([
    { name: 'a repository', make: () => point(repository('x')) },
    { name: 'its folder of manifests', make: () => point(repository('x/_manifests')) },
    { name: 'its folder of revisions', make: () => point(repository('x/_manifests/revisions')) },
    {
      name: 'its revisions of one algorithm',
      make: () => point(repository('x/_manifests/revisions/sha256')),
    },
    { name: 'the folder of a revision', make: () => point(dirname(revision('x', b))) },
    { name: 'the link of a revision', make: () => point(revision('x', b)) },
    { name: 'its folder of tags', make: () => point(repository('x/_manifests/tags')) },
    { name: 'the folder of a tag', make: () => point(repository('x/_manifests/tags/v2')) },
    { name: 'what a tag points to now', make: () => point(dirname(tag('x', 'v2'))) },
    { name: 'the link of a tag', make: () => point(tag('x', 'v2')) },
    { name: 'its layers of one algorithm', make: () => point(repository('x/_layers/sha256')) },
  ])('ends the run when $name is a symbolic link to what is not there just now', async ({ make }) => {
    put(revision('other', a), a)
    make()
    await expect(linksOf()).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it.each([
    { name: 'a revision says no digest', make: () => put(revision('x', a), 'sha256:short') },
    { name: 'a revision says far too much', make: () => put(revision('x', a), 'z'.repeat(5000)) },
    { name: 'a tag stays empty', make: () => put(tag('x', 'v1'), '') },
    { name: 'a tag says no digest', make: () => put(tag('x', 'v1'), '../../secret') },
    { name: 'a layer says no digest', make: () => put(layer('x', c), 'what?') },
    {
      name: 'the folder of a revision is named like none',
      make: () => put(repository('x/_manifests/revisions/sha256/abc/link'), a),
    },
    {
      name: 'an algorithm is none that is known',
      make: () => put(repository(`x/_manifests/revisions/md5/${'0'.repeat(32)}/link`), a),
    },
  ])('ends the run when $name', async ({ make }) => {
    make()
    await expect(linksOf()).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })
})

describe('blobs of a Distribution storage on disk', () => {
  it('are the folders that hold data; what is none is left alone and told of', async () => {
    put(data(a), 'x')
    put(data(long), 'x')
    mkdirSync(dirname(data(b)), { recursive: true })
    mkdirSync(v2('blobs/sha256/a1/not-a-digest'), { recursive: true })
    mkdirSync(v2('blobs/md5'), { recursive: true })
    put(v2('blobs/README'), 'x')
    const { found, warnings } = await blobs()
    expect(found).toEqual([a, long])
    expect(warnings.join('\n')).toMatch(/not-a-digest[^]*|md5/)
    expect(warnings).toHaveLength(2)
  })

  it('in the folder of another beginning are none', async () => {
    put(v2(`blobs/sha256/ff/${a.slice(7)}/data`), 'x')
    expect((await blobs()).found).toEqual([])
  })

  it.each([
    { name: 'the folder of an algorithm', at: 'blobs/sha256' },
    { name: 'a folder of blobs', at: 'blobs/sha256/a1' },
  ])('end the run when $name is a symbolic link', async ({ at }) => {
    point(v2(at))
    await expect(blobs()).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it('that are symbolic links have no age, so that they are never touched', async () => {
    put(join(root, 'elsewhere'), 'x')
    point(data(a), join(root, 'elsewhere'))
    put(data(b), 'four')
    const facts = await (
      await pool()
    ).blobFacts({ algorithm: 'sha256', bytes: Buffer.concat([a, b, c].map(bytesOfDigest)) })
    expect([...facts.times]).toEqual([Number.NaN, AT_MS, Number.NaN])
    expect([...facts.sizes]).toEqual([Number.NaN, 4, Number.NaN])
  })

  it('tell when links were written, where they are', async () => {
    put(layer('x', a), a)
    const times = await (
      await pool()
    ).linkTimes([
      { repository: 'x', digest: a },
      { repository: 'x', digest: b },
    ])
    expect([...times]).toEqual([AT_MS, Number.NaN])
  })
})

describe('manifests of a Distribution storage on disk', () => {
  const content = JSON.stringify({ schemaVersion: 2, mediaType: ociIndexType, manifests: [] })
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}` as Digest

  it('are read and checked; those that are not there are told of', async () => {
    put(data(digest), content)
    const own = await pool()
    expect((await own.readReferences(packed(digest))).records.length).toBeGreaterThan(0)
    expect(Buffer.from((await own.readReferences(packed(a))).absent)).toEqual(Buffer.from(bytesOfDigest(a)))
    expect(own.referencesIn(digest, Buffer.from(content))).toEqual(
      Uint8Array.from((await own.readReferences(packed(digest))).records),
    )
  })

  it('end the run when their data is a symbolic link to what is not there just now', async () => {
    point(data(a))
    await expect((await pool()).readReferences(packed(a))).rejects.toMatchObject({
      code: 'STORAGE_UNREADABLE',
    })
  })

  it.each([
    { name: 'half written', text: content.slice(0, 20) },
    { name: 'empty', text: '' },
    { name: 'something else', text: content.replace('2', '3') },
  ])('that are $name end the run, from their place and from where they were set aside', async ({ text }) => {
    put(data(digest), text)
    const own = await pool()
    await expect(own.readReferences(packed(digest))).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
    expect(() => own.referencesIn(digest, Buffer.from(text))).toThrow(/does not hash/)
  })
})
