import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryScratch } from '../../../test/builders/sweep-parts.ts'
import { findRecord, RecordTable, sortedRecords } from './record-table.ts'

const SHARDS = 256

function tableOf(width: number, memoryBytesMax: number) {
  const scratch = memoryScratch()
  return { scratch, table: new RecordTable('test', width, { scratch, memoryBytesMax }) }
}

const records = (width: number) =>
  fc.array(fc.uint8Array({ minLength: width, maxLength: width }), { maxLength: 400 })

function inShard(table: RecordTable, index: number): readonly string[] {
  const bytes = Buffer.from(table.shard(index))
  return Array.from({ length: bytes.length / table.width }, (_, i) =>
    bytes.toString('hex', i * table.width, (i + 1) * table.width),
  )
}

describe('a table of records', () => {
  it.each([
    { name: 'that stays in memory', memoryBytesMax: Number.MAX_SAFE_INTEGER },
    { name: 'that has no memory at all', memoryBytesMax: 0 },
    { name: 'that moves to scratch now and then', memoryBytesMax: 20_000 },
  ])('$name gives back every record, in its own shard, in the order they came', ({ memoryBytesMax }) => {
    fc.assert(
      fc.property(records(5), (given) => {
        const { table } = tableOf(5, memoryBytesMax)
        for (const record of given) table.add(record)
        expect(table.size).toBe(given.length)
        for (let shard = 0; shard < SHARDS; shard += 1) {
          const own = given.filter(([first]) => first === shard)
          expect(inShard(table, shard)).toEqual(own.map((record) => Buffer.from(record).toString('hex')))
        }
      }),
      { numRuns: 25 },
    )
  })

  it('writes to scratch only what its memory cannot hold', () => {
    const many = Array.from({ length: 5000 }, (_, i) => Uint8Array.of(i % 256, i >> 8, i & 0xff, 1))
    const large = tableOf(4, 1_000_000)
    const small = tableOf(4, 20_000)
    for (const record of many) for (const { table } of [large, small]) table.add(record)
    expect(large.scratch.appends()).toBe(0)
    expect(small.scratch.appends()).toBeGreaterThan(0)
    // All shards move at once, so that it does not happen for every record.
    expect(small.scratch.appends()).toBeLessThan(5000)
  })

  it('does not share its bytes with whoever asks', () => {
    const { table } = tableOf(2, 1000)
    table.add(Uint8Array.of(7, 1))
    table.shard(7).fill(9)
    expect([...table.shard(7)]).toEqual([7, 1])
  })

  it('adds the same tail to each of some digests', () => {
    fc.assert(
      fc.property(records(5), fc.uint8Array({ maxLength: 4 }), (given, tail) => {
        const [one, other] = [tableOf(5 + tail.length, 20_000).table, tableOf(5 + tail.length, 20_000).table]
        one.addEach(Buffer.concat(given), tail)
        for (const record of given) other.add(Buffer.concat([record, tail]))
        expect(one.size).toBe(given.length)
        for (let shard = 0; shard < SHARDS; shard += 1)
          expect(inShard(one, shard)).toEqual(inShard(other, shard))
      }),
      { numRuns: 25 },
    )
  })

  it('takes nothing of a record that is cut off', () => {
    const { table } = tableOf(3, 1000)
    table.add(Uint8Array.of(1, 2, 3, 4, 5))
    expect(table.size).toBe(1)
  })

  it('is empty after it was cleared, scratch included, and can be filled again', () => {
    const { table } = tableOf(2, 0)
    for (let i = 0; i < 100; i += 1) table.add(Uint8Array.of(3, i))
    table.clear()
    expect([table.size, table.shard(3).length]).toEqual([0, 0])
    table.add(Uint8Array.of(3, 200))
    expect([...table.shard(3)]).toEqual([3, 200])
  })

  it('keeps of records with the same beginning the first that came', () => {
    const { table } = tableOf(3, 0)
    for (const last of [5, 6, 7]) table.add(Uint8Array.of(1, 2, last))
    table.add(Uint8Array.of(1, 1, 9))
    expect([...table.sortedShard(1, 2)]).toEqual([1, 1, 9, 1, 2, 5])
  })
})

describe('sorted records', () => {
  it('hold each value once, in order, and every one of them is found', () => {
    fc.assert(
      fc.property(records(2), records(2), (given, others) => {
        const sorted = sortedRecords(Buffer.concat(given), 2)
        const values = (all: readonly Uint8Array[]): readonly number[] =>
          all.map(([high = 0, low = 0]) => high * 256 + low)
        const wanted = [...new Set(values(given))].toSorted((a, b) => a - b)
        const found = Array.from({ length: sorted.length / 2 }, (_, i) => sorted.subarray(i * 2, i * 2 + 2))
        expect(values(found)).toEqual(wanted)
        for (const record of [...given, ...others]) {
          const at = findRecord(sorted, 2, record, 0, 2)
          const [value = 0] = values([record])
          expect(at).toBe(wanted.includes(value) ? wanted.indexOf(value) * 2 : -1)
        }
      }),
    )
  })

  it('are in order however long they begin alike, and keep the first of those that are equal', () => {
    const few = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(fc.array(few, { maxLength: 60 }), fc.integer({ min: 5, max: 8 }), (given, by) => {
        const all = given.map((digits, i) => Uint8Array.of(...digits, i))
        const beginning = (record: Uint8Array): string => Buffer.from(record.subarray(0, by)).toString('hex')
        const first = new Map(all.toReversed().map((record) => [beginning(record), record]))
        const wanted = [...first]
          .toSorted(([one], [other]) => (one < other ? -1 : 1))
          .map(([, record]) => record)
        expect(Buffer.from(sortedRecords(Buffer.concat(all), 9, by)).equals(Buffer.concat(wanted))).toBe(true)
      }),
    )
  })
})
