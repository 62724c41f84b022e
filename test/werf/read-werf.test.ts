/** What is recognised in a repository of werf's, and what is not. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { readWerfRepository } from '../../src/core/werf/werf-repository.ts'
import { image } from '../builders/images.ts'
import { sha3, WerfBuilder } from './make-werf-repository.ts'
import { commit, find, hour, tellStory } from './stories.ts'

/** Digests in place of positions, so that what was read can be compared whatever the order. */
function readByDigest(manifests: readonly ManifestRecord[]): unknown {
  const werf = readWerfRepository(manifests)
  const at = (node: number): string => manifests[node]?.digest ?? ''
  const all = (nodes: Iterable<number>): readonly string[] => [...nodes].map(at).toSorted()
  const map = (nodes: ReadonlyMap<number, readonly number[]>): readonly unknown[] =>
    [...nodes].map(([node, others]) => [at(node), all(others)]).toSorted()
  return (
    werf && {
      stages: all(werf.stages),
      rejected: all(werf.rejected),
      records: all(werf.records),
      hanging: map(werf.hanging),
      sources: map(werf.sources.all),
      commits: werf.commits.map((one) => [at(one.stage), one.commit, one.nameId].join()).toSorted(),
    }
  )
}

describe.each([2, 3] as const)('a repository of werf %i', (version) => {
  const { werf, stages, records, whole } = tellStory(version)
  const manifests = werf.manifests()
  const graph = buildGraph(manifests)
  const digests = (nodes: Iterable<number>): readonly string[] =>
    [...nodes].map((node) => manifests[node]?.digest ?? '').toSorted()
  const node = (digest: string): number => manifests.findIndex((manifest) => manifest.digest === digest)

  it('has its stages, and the one that was rejected', () => {
    expect(digests(graph.werf?.stages ?? [])).toEqual(
      Object.values(stages)
        .map((stage) => stage.digest)
        .toSorted(),
    )
    expect(digests(graph.werf?.rejected ?? [])).toEqual([stages.rejected.digest])
  })

  it('has records that hang on their stages, which are no images', () => {
    for (const [record, stage] of [
      [records.front, stages.front],
      [records.multi, stages.multi],
      [records.rejectedMark, stages.rejected],
      [records.custom, stages.older],
    ] as const) {
      expect(digests(graph.owners(node(record)))).toEqual([stage.digest])
      expect(graph.images).not.toContain(node(record))
      expect(graph.ordinaryTags(node(record))).toEqual([])
      expect(graph.attachedTags(node(record))).toHaveLength(1)
    }
  })

  it('has records on the whole, which are images of their own', () => {
    const imports = manifests.filter(({ tags }) =>
      tags.some(({ name }) => name.startsWith('import-metadata-')),
    )
    expect(imports).toHaveLength(version === 2 ? 1 : 0)
    expect(digests(graph.werf?.records ?? [])).toEqual(
      [...whole, ...imports.map(({ digest }) => digest)].toSorted(),
    )
  })

  it('knows what each stage was built from', () => {
    const sourcesOf = (stage: { readonly digest: string }): readonly string[] =>
      digests(graph.werf?.sources.all.get(node(stage.digest)) ?? [])
    expect(sourcesOf(stages.front)).toEqual([stages.base.digest, stages.assets.digest].toSorted())
    expect(sourcesOf(stages.older)).toEqual([stages.base.digest])
    expect(sourcesOf(stages.back)).toEqual([stages.front.digest])
    expect(sourcesOf(stages.base)).toEqual([])
  })

  it('says the same whatever the order of its manifests', () => {
    const expected = readByDigest(manifests)
    fc.assert(
      fc.property(fc.shuffledSubarray([...manifests], { minLength: manifests.length }), (shuffled) => {
        expect(readByDigest(shuffled)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('is recognised without labels where a commit record names a stage', () => {
    const silent = readWerfRepository(werf.manifests({ labels: false }))
    const linked = [stages.older, stages.front, stages.back, stages.multi, stages.rejected]
    expect(digests(silent?.stages ?? [])).toEqual(linked.map((stage) => stage.digest).toSorted())
    expect(silent?.commits).toHaveLength(5)
  })
})

it('finds a parent of werf 2 by the digest of its config', () => {
  const werf = new WerfBuilder({ version: 2 })
  const parent = werf.stage({ content: 'parent', at: hour(0) })
  const child = werf.stage({
    content: 'child',
    at: hour(1),
    labels: { 'werf.io/base-image-id': parent.configDigest ?? '' },
  })
  const manifests = werf.manifests()
  const read = readWerfRepository(manifests)
  expect(read?.sources.all.get(manifests.indexOf(find(manifests, child.digest)))).toEqual([
    manifests.indexOf(find(manifests, parent.digest)),
  ])
})

it('finds every source of an import of werf 2 by its checksum', () => {
  const werf = new WerfBuilder({ version: 2 })
  const assets = werf.stage({ content: 'assets', at: hour(0) })
  const again = werf.stage({ content: 'assets', at: hour(1) })
  const user = werf.stage({ content: 'user', at: hour(2), labels: { 'werf-import-checksum-x': 'same' } })
  for (const source of [assets, again]) {
    werf.record([`import-metadata-${'ab'.repeat(31)}${source === assets ? '01' : '02'}`], hour(3), {
      checksum: 'same',
      'source-stage-id': source.id,
    })
  }
  const manifests = werf.manifests()
  const sources = readWerfRepository(manifests)?.sources.all.get(
    manifests.indexOf(find(manifests, user.digest)),
  )
  expect(sources?.map((node) => manifests[node]?.digest).toSorted()).toEqual(
    [assets.digest, again.digest].toSorted(),
  )
})

it('lets a record that speaks of the repository as well go with no stage', () => {
  const werf = new WerfBuilder()
  const stage = werf.stage({ content: 'a', at: hour(0) })
  const digest = werf.record([`meta-1_${commit(1)}_${stage.id}`, 'managed-image-app'], hour(1))
  const graph = buildGraph(werf.manifests())
  const node = graph.nodeOf(digest) ?? -1
  expect(graph.werf?.records.has(node)).toBe(true)
  expect(graph.images).toContain(node)
  expect(graph.werf?.commits).toHaveLength(1)
})

it('takes no notice of a stage that names itself', () => {
  const werf = new WerfBuilder()
  const id = `${sha3('a')}-${hour(0)}`
  werf.stage({ content: 'a', at: hour(0), labels: { 'werf.io/parent-stage-id': id } })
  expect(readWerfRepository(werf.manifests())?.sources.all.size).toBe(0)
})

describe('what only looks like a record stays an image', () => {
  const stageLike = `${sha3('x')}-1718452800000`

  it.each(['cleanup', 'custom-tag-meta-release', 'managed-image-app', `meta-1_${commit(1)}_${stageLike}`])(
    'a custom tag called %s on a stage',
    (name) => {
      const werf = new WerfBuilder()
      const stage = werf.stage({ content: 'a', at: hour(0) })
      werf.customTag(name, stage, hour(1))
      const graph = buildGraph(werf.manifests())
      const node = graph.nodeOf(stage.digest) ?? -1
      expect(graph.images).toContain(node)
      expect(
        graph
          .ordinaryTags(node)
          .map((tag) => tag.name)
          .toSorted(),
      ).toEqual([name, stage.id].toSorted())
      expect(graph.werf?.records.has(node)).toBe(false)
    },
  )

  it('an image of somebody else, built on a stage and so with its labels', () => {
    const werf = new WerfBuilder()
    werf.stage({ content: 'a', at: hour(0) })
    const digest = werf.foreign('b', ['cleanup'], hour(1), {
      werf: 'app',
      'werf-stage-content-digest': sha3('a'),
    })
    const graph = buildGraph(werf.manifests())
    expect(graph.werf?.records.has(graph.nodeOf(digest) ?? -1)).toBe(false)
  })

  it('an image with labels, none of them of werf', () => {
    const werf = new WerfBuilder()
    const stage = werf.stage({ content: 'a', at: hour(0) })
    const digest = werf.foreign('b', [`meta-1_${commit(1)}_${stage.id}`], hour(1), { maintainer: 'x' })
    const graph = buildGraph(werf.manifests())
    expect(graph.images).toContain(graph.nodeOf(digest))
    expect(graph.werf?.commits).toEqual([])
  })

  it('a record that was given an ordinary tag besides', () => {
    const werf = new WerfBuilder()
    const stage = werf.stage({ content: 'a', at: hour(0) })
    const digest = werf.record([`meta-1_${commit(1)}_${stage.id}`, 'keep-me'], hour(1))
    const graph = buildGraph(werf.manifests())
    expect(graph.images).toContain(graph.nodeOf(digest))
  })

  it('an index under the name of a record', () => {
    const werf = new WerfBuilder()
    const stage = werf.stage({ content: 'a', at: hour(0) })
    const graph = buildGraph([
      ...werf.manifests(),
      image('i', { tags: [`meta-1_${commit(1)}_${stage.id}`], children: ['p'] }),
    ])
    expect(graph.werf?.commits).toEqual([])
  })
})

it('does not take 56 hexadecimal digits for a stage, as werf does, when nothing else says so', () => {
  expect(
    readWerfRepository([image('a', { tags: [sha3('a')] }), image('b', { tags: ['cleanup'] })]),
  ).toBeUndefined()
})

it('is not misled by labels that every object has', () => {
  expect(
    readWerfRepository([image('a', { tags: [sha3('a')], labels: { constructor: 'x' } })]),
  ).toBeUndefined()
})

it('reads no tag of any repository without stages as a record', () => {
  const stage = `${sha3('x')}-1718452800000`
  const name = fc.constantFrom(
    'cleanup',
    'sync-server',
    'managed-image-a',
    'custom-tag-meta-a',
    `${stage}-rejected`,
    `meta-0_${commit(1)}_${stage}`,
    'latest',
    stage,
    sha3('x'),
  )
  const labels = fc.constantFrom({ werf: 'app' }, { maintainer: 'x' })
  const one = fc.tuple(fc.uniqueArray(name, { maxLength: 3 }), labels)
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), (all) => {
      // No label marks a stage, and none is missing: nothing here is werf's.
      const graph = buildGraph(all.map(([tags, each], i) => image(`i${i}`, { tags, labels: each })))
      expect(graph.werf).toBeUndefined()
      expect(graph.images).toHaveLength(all.length)
      all.forEach(([tags], i) => expect(graph.ordinaryTags(i)).toHaveLength(tags.length))
    }),
  )
})
