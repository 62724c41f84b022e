import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import { ociIndexType, ociManifestType } from '../image/media-types.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { JournalIntent, SavedEntry } from './entry.ts'
import { familiesOf, reachedFrom, savedGraph, type SavedGraph } from './saved-graph.ts'

const registry = 'prod' as RegistryName
const repository = 'team/app' as RepositoryName
const place = { registry, repository }
const digest = (label: string): Digest => `sha256:${label.repeat(64).slice(0, 64)}` as Digest
const [root, child, other, referrer, signature] = ['a', 'b', 'c', 'd', 'e'].map(digest) as [
  Digest,
  Digest,
  Digest,
  Digest,
  Digest,
]

function saved(each: Digest, document: object, tags: readonly string[] = []): SavedEntry {
  const isIndex = 'manifests' in document
  const mediaType = isIndex ? ociIndexType : ociManifestType
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }))
  return { kind: 'manifest', ...place, digest: each, mediaType, bytes, tags: tags as readonly TagName[] }
}

const descriptor = (each: Digest): object => ({ mediaType: ociManifestType, digest: each, size: 1 })
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest('f'), size: 1 }

describe('what hangs together', () => {
  it.each([
    {
      name: 'a child on its index',
      entry: saved(root, { manifests: [descriptor(child)] }),
      below: child,
      on: root,
    },
    {
      name: 'a referrer on its subject',
      entry: saved(referrer, { config, layers: [], subject: descriptor(root) }),
      below: referrer,
      on: root,
    },
    {
      name: 'a signature on what its tag names',
      entry: saved(signature, { config, layers: [] }, [`${root.replace(':', '-')}.sig`]),
      below: signature,
      on: root,
    },
  ])('is $name', ({ entry, below, on }) => {
    expect(savedGraph([entry], []).get(on)).toEqual(new Set([below]))
  })

  it('is what a line takes along, where the bytes cannot be read', () => {
    const intent: JournalIntent = {
      sequence: 1,
      act: { kind: 'delete', ...place, digest: other, tags: [] },
      fence: 1,
      root,
    }
    const unreadable: SavedEntry = { ...saved(other, {}), bytes: Buffer.from('{') }
    expect(savedGraph([unreadable], [intent])).toEqual(new Map([[root, new Set([other])]]))
  })
})

describe('families', () => {
  const graphOf = (pairs: readonly (readonly [number, number])[]): SavedGraph => {
    const graph = new Map<Digest, Set<Digest>>()
    for (const [on, below] of pairs) {
      const all = graph.get(digest(`${on}`.padStart(4, '0'))) ?? new Set()
      graph.set(digest(`${on}`.padStart(4, '0')), all.add(digest(`${below}`.padStart(4, '0'))))
    }
    return graph
  }
  const all = Array.from({ length: 20 }, (_, each) => digest(`${each}`.padStart(4, '0')))

  // A part that went in another family than its owner would not be put back with it.
  it('have each digest once, and all that one of theirs reaches', () => {
    const pair = fc.tuple(fc.nat({ max: 19 }), fc.nat({ max: 19 }))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 25 }), (pairs) => {
        const graph = graphOf(pairs)
        const families = familiesOf(graph, all)
        expect(families.flat().toSorted()).toEqual(all.toSorted())
        for (const family of families) {
          expect([...reachedFrom(graph, family)].toSorted()).toEqual(family.toSorted())
        }
      }),
    )
  })

  it('are not joined by what is not asked about', () => {
    const graph = graphOf([
      [0, 1],
      [2, 1],
    ])
    const [a, , c] = all
    expect(
      familiesOf(
        graph,
        [a, c].flatMap((each) => each ?? []),
      ),
    ).toEqual([[a], [c]])
  })

  it('of a chain of a hundred thousand take no time', () => {
    const pairs = Array.from({ length: 100_000 }, (_, each) => {
      return [`sha256:${each}` as Digest, new Set([`sha256:${each + 1}` as Digest])] as const
    })
    const graph = new Map(pairs)
    expect(familiesOf(graph, graph.keys())).toHaveLength(1)
  })
})
