import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isStart, StoredStarts } from './stored-starts.ts'

describe('starts of stored digests', () => {
  it('are found, and others are not', () => {
    const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(
        fc.array(fc.array(digest, { maxLength: 40 }), { maxLength: 5 }),
        fc.array(digest),
        (given, others) => {
          const starts = new StoredStarts()
          for (const some of given) starts.add(Buffer.concat(some))
          const sorted = new Uint32Array(starts.shared())
          const startOf = (each: Uint8Array): number => Buffer.from(each).readUInt32BE(0)
          const known = new Set(given.flat().map(startOf))
          for (const each of [...given.flat(), ...others])
            expect(isStart(sorted, startOf(each))).toBe(known.has(startOf(each)))
        },
      ),
    )
  })
})
