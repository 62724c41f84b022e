import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildCommitGraph, type CommitGraph, type CommitRecord } from './commit-graph.ts'
import { createCommitPacker } from './commit-packer.ts'

const encoder = new TextEncoder()

function pack(commits: readonly CommitRecord[], idDigits: number): CommitGraph {
  const packer = createCommitPacker(idDigits)
  for (const { id, parents, committedAt } of commits) {
    // Git prints ids in the middle of a line; the place of one must not matter.
    packer.begin(committedAt, encoder.encode(`12 ${id}`), 3)
    for (const parent of parents) packer.addParent(encoder.encode(`x${parent}`), 1)
  }
  return packer.finish()
}

function told(graph: CommitGraph): readonly unknown[] {
  return Array.from({ length: graph.size }, (_, commit) => ({
    id: graph.idOf(commit),
    at: graph.committedAtOf(commit),
    parents: Array.from({ length: graph.parentCountOf(commit) }, (_each, nth) => graph.parentOf(commit, nth)),
    index: graph.indexOf(graph.idOf(commit)),
  }))
}

const hexId = (idDigits: number) =>
  fc
    .uint8Array({ minLength: idDigits / 2, maxLength: idDigits / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'))

function someHistory(idDigits: number): fc.Arbitrary<readonly CommitRecord[]> {
  return fc.uniqueArray(hexId(idDigits), { maxLength: 40 }).chain((ids) =>
    fc.tuple(
      ...ids.map((id, at) =>
        fc.record({
          id: fc.constant(id),
          parents: fc.subarray(ids.slice(at + 1), { maxLength: Math.min(3, ids.length - at - 1) }),
          committedAt: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
        }),
      ),
    ),
  )
}

describe.each([40, 64])('packed commits with ids of %i digits', (idDigits) => {
  it('are the graph that their records make', () => {
    fc.assert(
      fc.property(someHistory(idDigits), (commits) => {
        expect(told(pack(commits, idDigits))).toEqual(told(buildCommitGraph(commits)))
      }),
      { numRuns: 100 },
    )
  })

  it('are found among others whose ids begin alike, and what is not there is not found', () => {
    const ids = Array.from({ length: 800 }, (_, at) => at.toString(16).padStart(idDigits, '0'))
    const graph = pack(
      ids.map((id) => ({ id, parents: [], committedAt: 0 })),
      idDigits,
    )
    expect(ids.every((id, at) => graph.indexOf(id) === at)).toBe(true)
    expect(graph.indexOf('f'.repeat(idDigits))).toBeUndefined()
    expect(graph.indexOf(ids[1]?.slice(0, -1) ?? '')).toBeUndefined()
  })
})

it.each([
  { name: 'a commit that comes twice', commits: [['a'], ['a']] },
  { name: 'a parent that comes before its child', commits: [['a'], ['b', 'a']] },
  { name: 'a parent that does not come', commits: [['a', 'c']] },
])('$name is refused', ({ commits }) => {
  const id = (letter = '') => letter.repeat(40)
  const records = commits.map(([own, ...parents]) => ({
    id: id(own),
    parents: parents.map(id),
    committedAt: 0,
  }))
  expect(() => pack(records, 40)).toThrow(/bug/)
  expect(() => buildCommitGraph(records)).toThrow(/bug/)
})
