/** What a sweep says of words that do not fit, and of zeros that are allowed. */
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { f1TaggedIndex } from './fault-trees.ts'
import { fingerprint, makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'

vi.setConfig({ testTimeout: 240_000 })

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

describe('words that do not fit', () => {
  it.each([
    { words: ['--restore', ''], says: 'neither a run nor a digest' },
    { words: ['--restore', 'sha256:zz'], says: 'neither a run nor a digest' },
    { words: ['--restore', '../../etc'], says: 'neither a run nor a digest' },
    { words: ['--apply', '--every', '0s'], says: 'without a pause' },
    { words: ['--every', '1h'], says: 'without --apply' },
    { words: ['--apply', '--registry-restarted', '2999-01-01T00:00:00Z'], says: 'in the future' },
  ])('$words end with 64 before anything is touched', async ({ words, says }) => {
    f1TaggedIndex(sweeper.root)
    const before = fingerprint(sweeper.root)
    const { code, stderr } = await sweeper.sweep(words)
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining(says) as unknown })
    expect(fingerprint(sweeper.root)).toEqual(before)
  })
})

describe('a grace, and a settle and quarantine, of 0s', () => {
  it('are warned of in the report, of a plan too', async () => {
    f1TaggedIndex(sweeper.root)
    const zeros = ['--grace', '0s', '--settle', '0s', '--quarantine', '0s'] as const
    for (const words of [zeros, ['--apply', ...zeros]]) {
      const { code, report, stderr } = await sweeper.sweep(words)
      expect(code, stderr).toBe(0)
      expect(report).toMatchObject({
        warnings: expect.arrayContaining([
          expect.stringContaining('a grace of 0s'),
          expect.stringContaining('a settle and a quarantine of 0s'),
        ]) as unknown,
      })
    }
  })
})
