import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryScratch } from '../../../test/builders/sweep-parts.ts'
import { keyOfBytes, keyOfHex, SHARDS, shardOfHex } from './digest-key.ts'
import { MarkSet } from './mark-set.ts'

function setOf(memoryBytesMax: number) {
  const scratch = memoryScratch()
  return { scratch, marks: new MarkSet('test', { scratch, memoryBytesMax }) }
}

/** Digests that fall into few shards, often twice, as those of layers do. */
const hex = fc
  .tuple(fc.constantFrom('00', '01', 'fe', 'ff'), fc.uint8Array({ minLength: 31, maxLength: 31 }))
  .map(([first, rest]) => first + Buffer.from(rest).toString('hex'))
const few = fc.uniqueArray(hex, { minLength: 1, maxLength: 40 })
const sequences = few.chain((digests) =>
  fc.array(fc.constantFrom(...digests), { maxLength: 600 }).map((order) => ({ digests, order })),
)

describe('a set of marks', () => {
  it.each([
    { name: 'in memory', memoryBytesMax: Number.MAX_SAFE_INTEGER },
    { name: 'with no memory', memoryBytesMax: 0 },
    { name: 'with little memory', memoryBytesMax: 32 * 8 * 3 },
  ])('$name has exactly what was added', ({ memoryBytesMax }) => {
    fc.assert(
      fc.property(sequences, ({ digests, order }) => {
        const { marks } = setOf(memoryBytesMax)
        const added = new Set<string>()
        for (const [i, digest] of order.entries()) {
          if (i % 2 === 0) marks.addHex(digest)
          else marks.addBytes(Buffer.from(digest, 'hex'), 0)
          added.add(digest)
        }
        const keys = new Set([...added].map((digest) => digest.slice(0, 15)))
        for (const digest of digests) {
          const has = marks.shard(shardOfHex(digest)).hasKey(keyOfHex(digest))
          // Never no of what was added; yes of another only when it shares its key.
          expect(has).toBe(keys.has(digest.slice(0, 15)))
        }
        const sizes = Array.from({ length: SHARDS }, (_, i) => marks.shard(i).size)
        expect(sizes.reduce((a, b) => a + b)).toBe(keys.size)
      }),
      { numRuns: 60 },
    )
  })

  it('never says no of what was added, however often it is asked in between', () => {
    const { marks, scratch } = setOf(32 * 8 * 2)
    const digests = Array.from({ length: 3000 }, (_, i) => (i * 2_654_435_761).toString(16).padEnd(64, '0'))
    for (const [i, digest] of digests.entries()) {
      marks.addHex(digest)
      const asked = digests[Math.floor(i / 2)] ?? ''
      expect(marks.shard(shardOfHex(asked)).hasKey(keyOfHex(asked))).toBe(true)
    }
    expect(scratch.appends()).toBeGreaterThan(0)
  })

  it('spills all shards at once, and not at all while there is room', () => {
    const large = setOf(1_000_000)
    for (let i = 0; i < 5000; i += 1) large.marks.addKey(i % SHARDS, i)
    expect(large.scratch.appends()).toBe(0)
  })

  it('grows by nothing when the same layers come over and over', () => {
    const { marks, scratch } = setOf(32 * 8)
    for (let i = 0; i < 10_000; i += 1) marks.addKey(4, i % 20)
    expect([marks.shard(4).size, scratch.appends()]).toEqual([20, 0])
  })

  it('is empty after it was cleared', () => {
    const { marks } = setOf(0)
    for (let i = 0; i < 200; i += 1) marks.addKey(4, i)
    marks.clear()
    expect(marks.shard(4).size).toBe(0)
    marks.addKey(4, 7)
    expect(marks.shard(4).hasKey(7)).toBe(true)
  })
})

describe('the key of a digest', () => {
  it('is the same from its hex and from its bytes', () => {
    fc.assert(
      fc.property(hex, fc.nat(5), (digest, offset) => {
        const bytes = Buffer.concat([Buffer.alloc(offset, 0xaa), Buffer.from(digest, 'hex')])
        expect(keyOfBytes(bytes, offset)).toBe(keyOfHex(digest))
        expect(bytes[offset]).toBe(shardOfHex(digest))
        expect(Number.isSafeInteger(keyOfHex(digest))).toBe(true)
      }),
    )
  })
})
