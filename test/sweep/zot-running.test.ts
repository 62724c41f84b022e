/** `winnow sweep` on the storage of a zot that runs, may run, or is said to be stopped: the real program, on files. */
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import { allAtOnce, fingerprint, makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'
import { makeImage, type MadeBlob } from './trow-trees.ts'
import { beginZotTree, type LayoutTree } from './zot-trees.ts'

// The program is started several times over, by machines that have more to do.
vi.setConfig({ testTimeout: 240_000 })

const kept = makeImage('kept', ['base', 'own of kept'])
const gone = makeImage('gone', ['base', 'own of gone'])
const garbage = [gone.manifest, ...gone.blobs].filter(
  ({ digest }) => !kept.blobs.some((blob) => blob.digest === digest),
)

let sweeper: Sweeper
let tree: LayoutTree
beforeEach(async () => {
  sweeper = await makeSweeper()
  sweeper.configure({ layout: 'zot', cache: 'auto' })
  tree = beginZotTree(sweeper.root)
  tree.store('team/app', kept.manifest, ...kept.blobs, gone.manifest, ...gone.blobs)
  tree.index('team/app', [{ ...kept.manifest, tag: 'latest' }])
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

/** Files of the storage itself, without what is Winnow's. */
function stored(): readonly string[] {
  return fingerprint(sweeper.root, 'team').map((line) => line.split(' ')[0] ?? '')
}

function keyOf({ digest }: MadeBlob): string {
  return tree.keyOf('team/app', digest)
}

it('a zot that has its database open is refused before anything is changed, whatever was said', async () => {
  const before = fingerprint(sweeper.root)
  // This process plays zot.
  const database = openSync(join(sweeper.root, 'cache.db'), 'r')
  try {
    for (const told of [[], ['--stopped']]) {
      const { code, stderr } = await sweeper.sweep([...allAtOnce, ...told])
      expect([code, stderr]).toEqual([1, expect.stringContaining('ZOT_RUNNING')])
      expect(fingerprint(sweeper.root)).toEqual(before)
    }
  } finally {
    closeSync(database)
  }
})

it('where nobody can tell, blobs are set aside and none is freed before somebody says that it is stopped', async () => {
  // A zot without databases holds nothing open between two requests.
  for (const name of ['cache.db', 'meta.db']) rmSync(join(sweeper.root, name))
  const unsure = await sweeper.sweep([...allAtOnce])
  expect(unsure.code, unsure.stderr).toBe(0)
  expect(unsure.report).toMatchObject({ summary: { setAside: garbage.length, freed: 0 } })
  expect(unsure.stderr).toContain('--stopped')
  expect(garbage.filter((blob) => stored().includes(keyOf(blob)))).toEqual([])

  // What is set aside can be had back, so nothing was decided.
  tree.index('team/app', [
    { ...kept.manifest, tag: 'latest' },
    { ...gone.manifest, tag: 'pushed' },
  ])
  const again = await sweeper.sweep([...allAtOnce])
  expect(again.report).toMatchObject({ summary: { restored: garbage.length, freed: 0 } })
  expect(garbage.filter((blob) => !stored().includes(keyOf(blob)))).toEqual([])

  tree.index('team/app', [{ ...kept.manifest, tag: 'latest' }])
  const told = await sweeper.sweep([...allAtOnce, '--stopped'])
  expect(told.code, told.stderr).toBe(0)
  expect(told.report).toMatchObject({ summary: { setAside: garbage.length, freed: garbage.length } })
})
