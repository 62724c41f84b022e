/** Blobs that are away for a while, on a disk: their links must be there when they come back. */
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fingerprint, makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'
import { at, pushImage } from './trees.ts'

vi.setConfig({ testTimeout: 240_000 })

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

const runs = [[], ['--apply', '--settle', '0s'], []] as const

describe('blobs that are away', () => {
  it('all of them: a volume that is not mounted, exit 6', async () => {
    pushImage(sweeper.root, 'team/app', { tags: ['1.0'], layers: ['a', 'b'] })
    const folder = join(sweeper.root, 'docker/registry/v2/blobs/sha256')
    renameSync(folder, join(sweeper.root, 'away'))
    mkdirSync(folder)
    const before = fingerprint(sweeper.root, 'docker')
    for (const words of runs) {
      const { code, stderr } = await sweeper.sweep(words)
      expect({ code, stderr }).toEqual({
        code: 6,
        stderr: expect.stringContaining('manifests are linked') as unknown,
      })
    }
    expect(fingerprint(sweeper.root, 'docker')).toEqual(before)
  })

  it('one layer: its link stays, and a warning names it, the manifest and the repository', async () => {
    const { digest, blobs } = pushImage(sweeper.root, 'team/app', { tags: ['1.0'], layers: ['a', 'b'] })
    const lost = blobs.at(-1) ?? ''
    rmSync(join(sweeper.root, at.blob(lost)))
    const before = fingerprint(sweeper.root, 'docker')
    for (const words of runs) {
      const { code, stderr, report } = await sweeper.sweep(words)
      expect(code, stderr).toBe(0)
      expect(report).toMatchObject({
        actions: [],
        warnings: [
          expect.stringContaining(`${lost} are gone, and the manifest ${digest} needs them in team/app`),
        ],
      })
    }
    expect(fingerprint(sweeper.root, 'docker')).toEqual(before)
  })
})
