import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attachedTag, digest, image, labelOf } from '../../../test/builders/images.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { buildGraph, type ImageGraph, type Node } from './graph.ts'

function node(graph: ImageGraph, label: string): Node {
  return graph.nodeOf(digest(label)) ?? -1
}

function names(graph: ImageGraph, nodes: readonly Node[]): readonly string[] {
  return nodes.map((each) => labelOf(graph.manifests[each]?.digest ?? ''))
}

const imagesOf = (manifests: readonly ManifestRecord[]): readonly string[] => {
  const graph = buildGraph(manifests)
  return names(graph, graph.images)
}

describe('images', () => {
  it.each([
    { name: 'a manifest alone is an image', manifests: [image('a')], images: ['a'] },
    {
      name: 'a child of an index is none',
      manifests: [image('i', { children: ['a'], tags: ['1'] }), image('a')],
      images: ['i'],
    },
    {
      name: 'a child with a tag of its own is an image too',
      manifests: [image('i', { children: ['a'] }), image('a', { tags: ['amd64'] })],
      images: ['i', 'a'],
    },
    {
      name: 'a referrer by subject is none',
      manifests: [image('a', { tags: ['1'] }), image('s', { subject: 'a' })],
      images: ['a'],
    },
    {
      name: 'a referrer with a tag of its own is an image too',
      manifests: [image('a', { tags: ['1'] }), image('s', { subject: 'a', tags: ['sbom'] })],
      images: ['a', 's'],
    },
    {
      name: 'a cosign signature is none, for its tag is no name',
      manifests: [image('a', { tags: ['1'] }), image('s', { tags: [attachedTag('a', 'sig')] })],
      images: ['a'],
    },
    {
      name: 'a signature whose subject is gone is a root',
      manifests: [image('s', { tags: [attachedTag('gone', 'sig')] })],
      images: ['s'],
    },
    {
      name: 'a manifest that names itself is still a root',
      manifests: [image('a', { children: ['a'], subject: 'a' })],
      images: ['a'],
    },
    {
      name: 'two that hold each other belong to no image, so nothing deletes them',
      manifests: [image('a', { children: ['b'] }), image('b', { children: ['a'] })],
      images: [],
    },
    {
      name: 'a cycle that a tag reaches belongs to the tagged one',
      manifests: [image('a', { children: ['b'], tags: ['1'] }), image('b', { children: ['a'] })],
      images: ['a'],
    },
  ])('$name', ({ manifests, images }) => {
    expect(imagesOf(manifests)).toEqual(images)
  })
})

describe('what an image reaches', () => {
  const graph = buildGraph([
    image('outer', { children: ['inner'], tags: ['1'] }),
    image('inner', { children: ['leaf', 'lost'] }),
    image('leaf'),
    image('sig', { tags: [attachedTag('inner', 'sig')] }),
    image('fallback', { tags: [attachedTag('leaf')], children: ['sbom'] }),
    image('sbom', { subject: 'leaf' }),
    image('of-sig', { subject: 'sig' }),
    image('alone', { tags: ['2'] }),
  ])

  it('is everything below and attached, at any depth, without itself', () => {
    expect(names(graph, graph.reachable(node(graph, 'outer')))).toEqual([
      'inner',
      'leaf',
      'sig',
      'fallback',
      'sbom',
      'of-sig',
    ])
  })

  it('holds children at any depth, and no referrer', () => {
    expect(names(graph, graph.held(node(graph, 'outer')))).toEqual(['inner', 'leaf'])
  })

  it('misses the children that the repository does not have, wherever they are named', () => {
    expect(graph.missingChildren(node(graph, 'outer'))).toEqual([digest('lost')])
    expect(graph.missingChildren(node(graph, 'alone'))).toEqual([])
  })

  it('is below one image, however it hangs there', () => {
    for (const label of ['leaf', 'of-sig', 'sbom'])
      expect(names(graph, graph.imagesAbove(node(graph, label)))).toEqual(['outer'])
  })

  it('has direct owners: indexes that name it and subjects it refers to', () => {
    expect(names(graph, graph.owners(node(graph, 'sbom'))).toSorted()).toEqual(['fallback', 'leaf'])
  })

  it('tells ordinary from attached tags', () => {
    const sig = node(graph, 'sig')
    expect([graph.ordinaryTags(sig), graph.attachedTags(sig).length]).toEqual([[], 1])
    expect(graph.ordinaryTags(node(graph, 'alone')).map(({ name }) => name)).toEqual(['2'])
  })

  it('knows no node for a foreign digest', () => {
    expect(graph.nodeOf(digest('foreign'))).toBeUndefined()
  })
})

describe('orphaned referrers', () => {
  const orphanOf = (manifest: ManifestRecord, elsewhere = false): readonly boolean[] => {
    const graph = buildGraph([manifest, image('a', { tags: ['1'] })], () => elsewhere)
    return [graph.isOrphanedReferrer(0), graph.hangsElsewhere(0)]
  }

  it.each([
    {
      name: 'a subject that is gone makes an orphan',
      of: image('s', { subject: 'gone' }),
      is: [true, false],
    },
    {
      name: 'a cosign tag for a digest that is gone makes an orphan',
      of: image('s', { tags: [attachedTag('gone', 'att')] }),
      is: [true, false],
    },
    { name: 'a subject that is there makes none', of: image('s', { subject: 'a' }), is: [false, false] },
    {
      name: 'with a tag of its own it is an image, and no orphan',
      of: image('s', { subject: 'gone', tags: ['v1'] }),
      is: [false, false],
    },
    {
      name: 'one subject that is there is enough',
      of: image('s', { subject: 'gone', tags: [attachedTag('a', 'sig')] }),
      is: [false, false],
    },
    { name: 'a manifest without a subject is none', of: image('s'), is: [false, false] },
  ])('$name', ({ of, is }) => {
    expect(orphanOf(of)).toEqual(is)
  })

  it('is none while another repository has its subject', () => {
    expect(orphanOf(image('s', { subject: 'gone' }), true)).toEqual([false, true])
  })
})

describe('a repository of single manifests, which needs no maps', () => {
  it('answers as the full graph does', () => {
    const plain = [image('a', { tags: ['1'] }), image('b')]
    const linked = [...plain, image('x', { children: ['y'] })]
    const [short, long] = [buildGraph(plain), buildGraph(linked)]
    for (const each of [0, 1]) {
      const answers = (graph: ImageGraph): readonly unknown[] => [
        graph.images.includes(each),
        graph.ordinaryTags(each),
        graph.attachedTags(each),
        graph.reachable(each),
        graph.held(each),
        graph.owners(each),
        graph.imagesAbove(each),
        graph.hangsElsewhere(each),
        graph.isOrphanedReferrer(each),
        graph.missingChildren(each),
        graph.nodeOf(digest('b')),
        graph.nodeOf(digest('nowhere')),
      ]
      expect(answers(short)).toEqual(answers(long))
    }
  })
})

describe('hostile graphs', () => {
  it('walks a chain of 20,000 nested indexes without a deep stack', () => {
    const depth = 20_000
    const chain = Array.from({ length: depth }, (_, i) =>
      image(`n${i}`, { children: i + 1 < depth ? [`n${i + 1}`] : [], tags: i === 0 ? ['1'] : [] }),
    )
    const graph = buildGraph(chain)
    expect(graph.images).toEqual([0])
    expect(graph.reachable(0)).toHaveLength(depth - 1)
    expect(graph.imagesAbove(depth - 1)).toEqual([0])
  })

  // Whatever points at whatever: no walk hangs, none contains its start, and what is owned by an image says so.
  it('answers for every random tangle of children, subjects and attached tags', () => {
    const labels = ['a', 'b', 'c', 'd', 'e', 'gone']
    const some = fc.array(fc.constantFrom(...labels), { maxLength: 3 })
    const tangle = fc.tuple(
      ...labels.slice(0, 5).map((label) =>
        fc
          .record({
            children: some,
            subject: fc.option(fc.constantFrom(...labels)),
            isTagged: fc.boolean(),
          })
          .map(({ children, subject, isTagged }) =>
            image(label, { children, tags: isTagged ? [label] : [], ...(subject !== null && { subject }) }),
          ),
      ),
    )
    fc.assert(
      fc.property(tangle, (manifests) => {
        const graph = buildGraph(manifests)
        manifests.forEach((manifest, each) => {
          const reachable = graph.reachable(each)
          expect(reachable).not.toContain(each)
          expect(new Set(reachable).size).toBe(reachable.length)
          expect(reachable).toEqual(expect.arrayContaining([...graph.held(each)]))
          for (const below of reachable)
            if (graph.images.includes(each)) expect(graph.imagesAbove(below)).toContain(each)
          if (manifest.tags.length > 0) expect(graph.images).toContain(each)
        })
      }),
    )
  })
})
