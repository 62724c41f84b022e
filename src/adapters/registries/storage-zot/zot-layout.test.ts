/** What is needed of zot's storage, and when it may be swept, over files on disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markLayout, type MarkedPool } from '../../../../test/sweep/mark-pool.ts'
import { put } from '../../../../test/sweep/trees.ts'
import { makeBlob, makeImage, makeIndex } from '../../../../test/sweep/trow-trees.ts'
import { beginZotTree, type LayoutTree } from '../../../../test/sweep/zot-trees.ts'
import { createReadableFileStore } from '../../storage/filesystem/read-files.ts'
import type { RunningState } from './scan-open-files.ts'
import { createZotLayout, type ZotState } from './zot-layout.ts'

const image = makeImage('a', ['base', 'own of a'])
const index = makeIndex([image.manifest])
const garbage = makeImage('gone', ['base', 'own of gone'])

let root: string
let tree: LayoutTree
let warnings: string[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'winnow-zot-'))
  tree = beginZotTree(root)
  warnings = []
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

async function mark(state: Partial<ZotState> = {}): Promise<readonly MarkedPool[]> {
  const layout = createZotLayout({
    store: createReadableFileStore(root),
    state: { mayChange: true, isRunning: async () => 'stopped', toldStopped: false, ...state },
    retryPauseMs: 1,
  })
  return markLayout(layout, {
    onEvent: (event) => {
      if (event.kind === 'warning') warnings.push(event.text)
    },
  })
}

function fill(): void {
  for (const repository of ['team/app', 'team']) {
    tree.store(repository, index, image.manifest, ...image.blobs, garbage.manifest, ...garbage.blobs)
    tree.index(repository, [{ ...index, tag: 'latest' }, image.manifest])
  }
  put(root, 'team/.uploads/3f0c', 'a part')
}

describe('zot', () => {
  it('has a pool for each repository, and nothing else of its files is looked at', async () => {
    fill()
    const pools = await mark()
    expect(pools.map(({ name }) => name)).toEqual(['team', 'team/app'])
    const gone = [garbage.manifest, garbage.blobs[0]!, garbage.blobs[2]!].map(({ digest }) => digest)
    for (const { unneeded } of pools) expect(unneeded).toEqual(gone.toSorted())
    expect(pools[0]?.uploads.map(({ folder }) => folder)).toEqual(['team/.uploads/3f0c'])
  })

  it('shares blobs by hard links, each of which is judged in its own repository', async () => {
    tree.store('a', image.manifest, ...image.blobs)
    tree.index('a', [image.manifest])
    for (const { digest } of [image.manifest, ...image.blobs]) tree.linkBlob('a', 'b', digest)
    tree.index('b', [])
    const pools = await mark()
    expect(pools.map(({ name, unneeded }) => [name, unneeded.length])).toEqual([
      ['a', 0],
      ['b', 4],
    ])
    expect(warnings).toEqual([expect.stringMatching(/the most that can become free/)])
  })

  it('may have blobs whose content is nothing', async () => {
    const nothing = makeBlob('', 'application/vnd.oci.empty.v1+json')
    fill()
    tree.store('team', nothing)
    expect((await mark())[0]?.unneeded).toContain(nothing.digest)
  })

  it.each([
    { name: 'empty files in place of blobs', key: `team/blobs/sha256/${'a'.repeat(64)}`, content: '' },
    { name: 'a store of blobs for all repositories', key: '_blobstore/blobs/sha256/aa', content: 'x' },
  ])('is refused with $name, by a plan as well', async ({ key, content }) => {
    fill()
    put(root, key, content)
    await expect(mark({ mayChange: false })).rejects.toMatchObject({
      code: 'METADATA_ELSEWHERE',
      hint: expect.stringMatching(/"gcInterval"/) as unknown,
    })
  })

  it('is not one layout at the root', async () => {
    tree.index('', [])
    rmSync(join(root, 'cache.db'))
    rmSync(join(root, 'meta.db'))
    rmSync(join(root, '_trivy'), { recursive: true })
    await expect(mark()).rejects.toMatchObject({ code: 'LAYOUT_MISMATCH', hint: 'Write layout: oci.' })
  })

  it('without any repository is refused', async () => {
    await expect(mark()).rejects.toMatchObject({ code: 'LAYOUT_MISMATCH' })
  })
})

describe('a storage that zot may be running on', () => {
  const table: readonly {
    readonly state: RunningState
    readonly toldStopped: boolean
    /** Of what an apply is warned; undefined where it is refused. */
    readonly applying: readonly RegExp[] | undefined
    readonly planning: readonly RegExp[]
  }[] = [
    { state: 'stopped', toldStopped: false, applying: [], planning: [] },
    // Set aside and not freed: what is freed hangs on the gate (compose-sweep.ts).
    { state: 'unknown', toldStopped: false, applying: [/none is freed/], planning: [/none is freed/] },
    { state: 'unknown', toldStopped: true, applying: [], planning: [] },
    { state: 'running', toldStopped: false, applying: undefined, planning: [/not applied before/] },
    { state: 'running', toldStopped: true, applying: undefined, planning: [/not applied before/] },
  ]
  it.each(table)('$state, told to be stopped: $toldStopped', async ({ state, toldStopped, ...expected }) => {
    tree.store('a', image.manifest, ...image.blobs)
    tree.index('a', [image.manifest])
    const asked = { isRunning: async (): Promise<RunningState> => state, toldStopped }
    const applied = mark({ ...asked, mayChange: true })
    if (expected.applying === undefined) await expect(applied).rejects.toMatchObject({ code: 'ZOT_RUNNING' })
    else await expect(applied).resolves.toHaveLength(1)
    expect(warnings).toEqual((expected.applying ?? []).map((text) => expect.stringMatching(text) as unknown))
    warnings = []
    expect(await mark({ ...asked, mayChange: false })).toHaveLength(1)
    expect(warnings).toEqual(expected.planning.map((text) => expect.stringMatching(text) as unknown))
  })
})
