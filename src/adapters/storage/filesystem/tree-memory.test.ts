import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { digestBytes, digestOfBytes } from '../../../core/sweep/reference-record.ts'
import type { PackedDigests } from '../../../ports/readable-layout.ts'
import { createFileDistributionLayout } from './distribution-layout.ts'
import { createScanPool } from './scan-pool.ts'

const LATER_MS = 60_000
const digest = (two: string): string => `sha256:${two.repeat(32)}`
const [a, b, c, d, e] = ['a1', 'b2', 'c3', 'd4', 'e5'].map(digest) as [string, string, string, string, string]
const long = `sha512:${'f6'.repeat(64)}`

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'winnow-memory-'))
  // Two repositories with two images each, one of which was deleted; all their blobs; and one that was set aside.
  for (const name of ['team/app', 'other']) {
    for (const [image, tag] of [
      [a, 'v1'],
      [b, 'v2'],
    ] as const) {
      put(revision(name, image), image)
      put(tagOf(name, tag), image)
    }
    unlinkSync(revision(name, b))
    rmSync(dirname(dirname(tagOf(name, 'v2'))), { recursive: true })
    put(layer(name, c), c)
    mkdirSync(repository(`${name}/_uploads`), { recursive: true })
  }
  for (const each of [a, b, c]) put(blob(each), 'bytes')
  mkdirSync(dirname(blob(d)), { recursive: true })
  // All of it was made a minute ago.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + LATER_MS })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

const v2 = (path: string): string => join(folder, 'storage/docker/registry/v2', path)
const repository = (path: string): string => v2(`repositories/${path}`)
const folders = (of: string): string => of.replace(':', '/')
const revision = (name: string, of: string): string =>
  repository(`${name}/_manifests/revisions/${folders(of)}/link`)
const tagOf = (name: string, tag: string): string => repository(`${name}/_manifests/tags/${tag}/current/link`)
const layer = (name: string, of: string): string => repository(`${name}/_layers/${folders(of)}/link`)
const blob = (of: string): string => v2(`blobs/sha256/${of.slice(7, 9)}/${of.slice(7)}/data`)
const memory = (): string => join(folder, 'state/references/x.tree')

function put(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

/** All that a reading tells, in one order. */
async function read(how: 'believing' | 'looking' | 'acting'): Promise<unknown> {
  const settings = { path: memory(), isBelieved: how === 'believing' }
  const layout = createFileDistributionLayout({
    root: join(folder, 'storage'),
    pool: createScanPool(),
    ...(how !== 'looking' && { memory: settings }),
    check: async () => undefined,
  })
  const blobs: string[] = []
  const repositories: unknown[] = []
  const warnings: string[] = []
  for await (const pool of layout.pools()) {
    await pool.listBlobs((some) => blobs.push(...spelled([some])))
    await pool.readLinks(
      ({ roots, layers, deletedManifests, ...rest }) =>
        repositories.push({
          roots: [...new Set(spelled(roots))].toSorted(),
          layers: spelled(layers).toSorted(),
          deleted: spelled(deletedManifests).toSorted(),
          ...rest,
        }),
      { onEvent: (event) => void (event.kind === 'warning' && warnings.push(event.text)) },
    )
  }
  const names = repositories as { readonly repository: string }[]
  return {
    blobs: blobs.toSorted(),
    warnings,
    repositories: names.toSorted((one, other) => (one.repository < other.repository ? -1 : 1)),
  }
}

function spelled(all: readonly PackedDigests[]): readonly string[] {
  return all.flatMap(({ algorithm, bytes }) =>
    Array.from({ length: bytes.length / digestBytes[algorithm] }, (_, i) =>
      digestOfBytes(algorithm, bytes, i * digestBytes[algorithm]),
    ),
  )
}

describe('a plan that remembers an earlier one', () => {
  it('reads the same from what is as it was', async () => {
    const first = await read('believing')
    expect(first).toEqual(await read('looking'))
    const kept = readFileSync(memory())
    expect(await read('believing')).toEqual(first)
    // Nothing was new, so nothing was written.
    expect(readFileSync(memory()).equals(kept)).toBe(true)
  })

  it('tells each time of what no registry serves in a repository that is as it was', async () => {
    mkdirSync(repository('team/app/_x'))
    const warnings = [expect.stringContaining('repositories/team/app/_x" can be no repository')]
    for (const how of ['believing', 'believing', 'acting'] as const)
      expect(await read(how)).toMatchObject({ warnings })
  })

  it('does not look into what is as it was, and what acts does', async () => {
    await read('believing')
    writeFileSync(layer('other', c), 'no digest')
    const before = await read('believing')
    expect(before).toMatchObject({ repositories: [{ repository: 'other', layers: [c] }, {}] })
    for (const how of ['looking', 'acting'] as const)
      await expect(read(how)).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it.each<{ name: string; change: () => void }>([
    {
      name: 'a manifest that was pushed',
      change: () => {
        put(revision('other', e), e)
        put(tagOf('other', 'v1'), e)
        put(blob(e), 'bytes')
      },
    },
    { name: 'a manifest that was deleted', change: () => unlinkSync(revision('other', a)) },
    {
      name: 'a manifest that was deleted before and came back, where the folder of manifests stays as it was',
      change: () => put(revision('other', b), b),
    },
    { name: 'a manifest under sha512', change: () => put(revision('other', long), long) },
    { name: 'a new tag', change: () => put(tagOf('other', 'v3'), e) },
    { name: 'a new layer', change: () => put(layer('other', a), a) },
    { name: 'a layer under sha512, and what it stands for', change: () => put(layer('other', long), c) },
    { name: 'an upload that was begun', change: () => put(repository('other/_uploads/u1/data'), 'half') },
    { name: 'a repository within another', change: () => put(revision('other/inner', a), a) },
    {
      name: 'a repository that is gone',
      change: () => rmSync(repository('team'), { recursive: true }),
    },
    {
      name: 'a repository that lies elsewhere now',
      change: () => renameSync(repository('team/app'), repository('team/renamed')),
    },
    { name: 'a blob that is gone', change: () => rmSync(dirname(blob(b)), { recursive: true }) },
    { name: 'a blob whose bytes came back', change: () => put(blob(d), 'bytes') },
    { name: 'a new blob', change: () => put(blob(e), 'bytes') },
  ])('sees $name', async ({ change }) => {
    const before = await read('believing')
    change()
    const after = await read('believing')
    expect(after).not.toEqual(before)
    expect(after).toEqual(await read('looking'))
    expect(await read('believing')).toEqual(after)
  })

  it.each<{ name: string; change: () => void }>([
    {
      name: 'a tag that was removed',
      change: () => rmSync(dirname(dirname(tagOf('other', 'v1'))), { recursive: true }),
    },
    {
      name: 'all tags that were removed',
      change: () => rmSync(repository('other/_manifests/tags'), { recursive: true }),
    },
    { name: 'a tag for a manifest that had one', change: () => put(tagOf('other', 'latest'), a) },
    { name: 'a layer that was linked once more', change: () => put(layer('other', c), c) },
  ])('reads the same as without a memory after $name', async ({ change }) => {
    await read('believing')
    change()
    expect(await read('believing')).toEqual(await read('looking'))
  })

  it('believes nothing of a folder that was changed just before it was looked at', async () => {
    vi.setSystemTime(Date.now() - LATER_MS)
    await read('believing')
    writeFileSync(tagOf('other', 'v1'), 'no digest')
    await expect(read('believing')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it.each([
    { name: 'cut short', damage: (bytes: Buffer) => bytes.subarray(0, bytes.length - 7) },
    { name: 'empty', damage: () => Buffer.alloc(0) },
    { name: 'of another version', damage: (bytes: Buffer) => Buffer.from(bytes).fill('x', 0, 10) },
    {
      name: 'changed in one byte',
      damage: (bytes: Buffer) => Buffer.from(bytes).fill(bytes.readUInt8(300) ^ 1, 300, 301),
    },
    {
      name: 'changed in its index',
      damage: (bytes: Buffer) => Buffer.from(bytes).fill(7, bytes.length - 60, bytes.length - 59),
    },
  ])('is not led astray by a memory that is $name', async ({ damage }) => {
    const before = await read('believing')
    writeFileSync(memory(), damage(readFileSync(memory())))
    expect(await read('believing')).toEqual(before)
  })

  it('remembers what a run that acts has read, and nothing of one that could not', async () => {
    await read('acting')
    const kept = readFileSync(memory())
    put(layer('other', a), 'no digest')
    await expect(read('acting')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
    expect(readFileSync(memory()).equals(kept)).toBe(true)
    expect(existsSync(`${memory()}.${process.pid}.tmp`)).toBe(false)
  })
})

describe('a link to a layer, where only a plan is made', () => {
  it('is read where the blob of its name is not stored', async () => {
    put(layer('other', e), 'no digest')
    await expect(read('believing')).rejects.toMatchObject({ code: 'STORAGE_UNREADABLE' })
  })

  it('is read in a repository without manifests', async () => {
    put(layer('empty', c), a)
    expect(await read('believing')).toMatchObject({
      repositories: [{ repository: 'empty', aliases: [{ path: c, target: a }] }, {}, {}],
    })
  })
})
