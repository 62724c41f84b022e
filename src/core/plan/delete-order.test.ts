import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attachedTag, image, labelsOf } from '../../../test/builders/images.ts'
import { buildGraph } from '../image/graph.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { deleteOrder, digestsOf } from './delete-order.ts'

function order(manifests: readonly ManifestRecord[], without: readonly number[] = [0]): readonly string[] {
  const graph = buildGraph(manifests)
  const nodes = [...manifests.keys()].filter((node) => !without.includes(node))
  return labelsOf(digestsOf(graph, deleteOrder(graph, nodes)))
}

describe('what goes along with a root', () => {
  it.each<{ name: string; manifests: readonly ManifestRecord[]; order: readonly string[] }>([
    {
      name: 'indexes, then manifests, then referrers',
      manifests: [
        image('root', { children: ['platform', 'nested'] }),
        image('sig', { tags: [attachedTag('root', 'sig')] }),
        image('platform'),
        image('nested', { children: ['leaf'] }),
        image('leaf'),
      ],
      order: ['nested', 'platform', 'leaf', 'sig'],
    },
    {
      name: 'an index before the index it holds, whatever their digests',
      manifests: [
        image('root', { children: ['z'] }),
        image('a', { children: ['m'] }),
        image('m'),
        image('z', { children: ['a'] }),
      ],
      order: ['z', 'a', 'm'],
    },
    {
      name: 'a referrer that is an index before its parts, and after the image',
      manifests: [
        image('root', { children: ['p'] }),
        image('a-part'),
        image('p'),
        image('z-sig', { subject: 'root', children: ['a-part'] }),
      ],
      order: ['p', 'z-sig', 'a-part'],
    },
    {
      name: 'a signature before the signature on it',
      manifests: [image('root'), image('a-on-z', { subject: 'z' }), image('z', { subject: 'root' })],
      order: ['z', 'a-on-z'],
    },
    {
      name: 'equals by digest',
      manifests: [image('root', { children: ['c', 'a', 'b'] }), image('c'), image('a'), image('b')],
      order: ['a', 'b', 'c'],
    },
  ])('$name', ({ manifests, order: expected }) => {
    expect(order(manifests)).toEqual(expected)
  })

  it('is the same in whatever order it was found', () => {
    const [root, ...rest] = [
      image('root', { children: ['p', 'q'] }),
      image('p'),
      image('q', { children: ['p'] }),
      image('s', { subject: 'p' }),
    ]
    const all = [root, ...rest].flatMap((each) => each ?? [])
    expect(order(all.toReversed(), [all.length - 1])).toEqual(order(all))
  })

  it('has every member of a circle once', () => {
    const circle = [
      image('root', { children: ['a'] }),
      image('a', { children: ['b'] }),
      image('b', { children: ['a'] }),
    ]
    expect(order(circle).toSorted()).toEqual(['a', 'b'])
  })
})

// A crash between two steps may leave garbage, never an index without its child.
it('never puts anything before an index that holds it, in any graph without circles', () => {
  const size = 8
  const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)))
  fc.assert(
    fc.property(edges, (pairs) => {
      const downward = pairs.filter(([from, to]) => from < to)
      const manifests = Array.from({ length: size }, (_, i) =>
        image(`n${i}`, { children: downward.flatMap(([from, to]) => (from === i ? [`n${to}`] : [])) }),
      )
      const places = new Map(order(manifests, []).map((label, place) => [label, place]))
      for (const [from, to] of downward)
        expect(places.get(`n${from}`) ?? 0).toBeLessThan(places.get(`n${to}`) ?? 0)
    }),
    { numRuns: 60 },
  )
})

describe('hostile images', () => {
  const many = 20_000
  const chain = (link: (i: number) => ManifestRecord): readonly ManifestRecord[] =>
    Array.from({ length: many }, (_, i) => link(i))

  it.each([
    {
      name: 'a chain of nested indexes',
      manifests: chain((i) => image(`n${i}`, { children: i + 1 < many ? [`n${i + 1}`] : [] })),
    },
    {
      name: 'a chain of signatures on signatures',
      manifests: chain((i) => image(`n${i}`, i > 0 ? { subject: `n${i - 1}` } : {})),
    },
    {
      name: 'an index of very many platforms',
      manifests: chain((i) =>
        image(`n${i}`, i > 0 ? {} : { children: Array.from({ length: many - 1 }, (_, j) => `n${j + 1}`) }),
      ),
    },
  ])('are ordered in time that grows with their size: $name', { timeout: 20_000 }, ({ manifests }) => {
    expect(order(manifests, [])).toHaveLength(many)
  })
})
