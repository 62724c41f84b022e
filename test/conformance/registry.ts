/**
 * The contract of a registry driver. Every driver passes it, the one in memory included. What a registry cannot do is
 * asserted as refused, never skipped, so that what a driver declares is true.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
  type TagName,
} from '../../src/core/image/names.ts'
import type { Capabilities, RepositoryInventory } from '../../src/core/inventory/inventory.ts'
import type { ChangeOutcome, MutableRegistry, RefusalReason } from '../../src/ports/mutable-registry.ts'
import type { RawManifest, ReadableRegistry } from '../../src/ports/readable-registry.ts'
import {
  entriesOf,
  plant,
  seedGraph,
  type Graph,
  type Planted,
  type PlantedName,
  type Seeder,
} from './registry-fixture.ts'

export interface RegistryUnderTest {
  readonly reader: ReadableRegistry
  readonly writer: MutableRegistry
  readonly seeder: Seeder
  /** A reader as the next run would make it: the same cache, nothing else remembered. */
  readonly nextReader?: () => ReadableRegistry
  /** HTTP requests sent so far; left out by drivers that send none. */
  readonly requestCount?: () => number
  readonly stop: () => Promise<void>
}

export interface RegistryExpectations {
  readonly capabilities: Partial<Capabilities>
  /** What the registry does not take from a client, with the reason in the suite that says so. @default [] */
  readonly without?: readonly PlantedName[]
  /** How every deletion is refused; undefined when deletions work. */
  readonly refuses?: RefusalReason
  /** Manners that no driver can mend; whoever applies a plan has to live with them. @default [] */
  readonly manners?: readonly RegistryManner[]
  /** How repositories of this product are called; each of them is used once. @default `team/app-1`, … */
  readonly repositoryOf?: (mark: string) => string
  /** What a repository costs to read. @default what the distribution specification makes it cost */
  readonly requests?: (counts: ReadingCounts) => {
    /** At most so many the first time. */
    readonly cold: number
    /** Exactly so many with everything in the cache. */
    readonly warm: number
  }
}

export interface ReadingCounts {
  readonly tags: number
  /** Manifests that are listed or found. */
  readonly manifests: number
  readonly configs: number
}

/**
 * Tags that outlive their manifest; manifests that are taken without their blobs; manifests without a tag that nobody but
 * the registry's own collector removes, so that they stay readable by digest for a while; manifests that are not deleted
 * while they have referrers; layers that go at once with the last manifest that has them.
 */
type RegistryManner =
  'keeps-tags' | 'takes-manifests-without-blobs' | 'collects-untagged' | 'refuses-subjects' | 'forgets-layers'

/** Declares the suite. `setup` starts a registry of its own; each test uses a repository of its own in it. */
export function registryConformance(
  name: string,
  expected: RegistryExpectations,
  setup: () => Promise<RegistryUnderTest>,
): void {
  describe(`${name} as a registry`, () => {
    let subject: RegistryUnderTest
    let count = 0
    beforeAll(async () => {
      subject = await setup()
    })
    afterAll(async () => {
      await subject.stop()
    })
    const seeded = async (): Promise<Seeded> => {
      const repository = repositoryFor(expected, `app-${(count += 1)}`)
      const graph = await seedGraph(subject.seeder, repository, expected.without ?? [])
      return { ...subject, repository, graph, expected }
    }
    // Pushing is what takes time; tests that change nothing share what was pushed.
    let untouched: Promise<Seeded> | undefined
    const shared = (): Promise<Seeded> => (untouched ??= seeded())
    readingTests(shared)
    countingTest(seeded)
    changingTests(seeded)
    refusingTests(shared)
    it('declares what it can do', async () => {
      await shared()
      expect(await subject.reader.capabilities()).toMatchObject(expected.capabilities)
    })
  })
}

interface Seeded extends RegistryUnderTest {
  readonly repository: RepositoryName
  readonly graph: Graph
  readonly expected: RegistryExpectations
}

function readingTests(seeded: () => Promise<Seeded>): void {
  it('lists every repository once', async () => {
    const { reader, repository } = await seeded()
    const names = await reader.listRepositories()
    expect(names).toContain(repository)
    expect(new Set(names).size).toBe(names.length)
  })

  it('reads everything that hangs on the tags of a repository, and says it is complete', async () => {
    const at = await seeded()
    const read = await at.reader.readRepository(at.repository)
    expect(read).toMatchObject({ name: at.repository, complete: true, problems: [] })
    expect(described(read)).toEqual(expectedRows(at))
  })

  it('reads the same a second time', async () => {
    const { reader, nextReader, repository } = await seeded()
    const first = await reader.readRepository(repository)
    expect(await (nextReader?.() ?? reader).readRepository(repository)).toEqual(first)
  })

  it('takes a repository that is not there for an empty one', async () => {
    const { reader, expected } = await seeded()
    const name = repositoryFor(expected, 'nothing')
    expect(await reader.readRepository(name)).toEqual({ name, complete: true, problems: [], manifests: [] })
  })

  it('resolves tags, and tells a tag that is not there from a failure', async () => {
    const { reader, repository, graph, expected } = await seeded()
    expect(await reader.resolveTag(repository, tagNamed('latest'))).toBe(graph.index.digest)
    expect(await reader.resolveTag(repository, tagNamed('no-such-tag'))).toBeUndefined()
    expect(await reader.resolveTag(repositoryFor(expected, 'nothing'), tagNamed('latest'))).toBeUndefined()
  })

  it('gives the exact bytes of manifests under the media type to put them back with', async () => {
    const { reader, repository, graph } = await seeded()
    for (const { digest, bytes, mediaType } of [graph.index, graph.amd64, graph.referrer]) {
      const manifest = await reader.readManifest(repository, digest)
      expect(manifest).toMatchObject({ digest, mediaType })
      expect(Buffer.from(manifest?.bytes ?? []).equals(bytes)).toBe(true)
    }
    expect(await reader.readManifest(repository, absentDigest)).toBeUndefined()
  })

  it('knows which blobs are there', async () => {
    const { reader, repository, graph } = await seeded()
    expect(await reader.hasBlob(repository, graph.amd64.layers[0] ?? absentDigest)).toBe(true)
    expect(await reader.hasBlob(repository, absentDigest)).toBe(false)
  })

  it('throws when it is cancelled, and never answers with less', async () => {
    const { reader, repository, graph } = await seeded()
    const options = { signal: AbortSignal.abort() }
    await expect(reader.listRepositories(options)).rejects.toBeInstanceOf(InterruptedError)
    await expect(reader.readRepository(repository, options)).rejects.toBeInstanceOf(InterruptedError)
    await expect(reader.resolveTag(repository, tagNamed('v1'), options)).rejects.toBeInstanceOf(
      InterruptedError,
    )
    await expect(reader.readManifest(repository, graph.index.digest, options)).rejects.toBeInstanceOf(
      InterruptedError,
    )
    await expect(reader.hasBlob(repository, absentDigest, options)).rejects.toBeInstanceOf(InterruptedError)
  })
}

function countingTest(seeded: () => Promise<Seeded>): void {
  it('asks for each manifest and config once, and on the next run for tags only', async () => {
    const at = await seeded()
    if (at.requestCount === undefined || at.nextReader === undefined) return
    const rows = expectedRows(at)
    const counts = {
      tags: rows.flatMap((row) => row.tags).length,
      manifests: rows.length,
      configs: new Set(rows.flatMap((row) => row.configDigest ?? [])).size,
    }
    const { cold, warm } = (at.expected.requests ?? distributionRequests(at.expected))(counts)
    const fresh = async (): Promise<number> => {
      const before = at.requestCount?.() ?? 0
      await at.nextReader?.().readRepository(at.repository)
      return (at.requestCount?.() ?? 0) - before
    }
    expect(await fresh()).toBeLessThanOrEqual(cold)
    expect(await fresh()).toBe(warm)
  })
}

/** One list of tags and the probe for the referrers API; where there is one, a question for each manifest. */
function distributionRequests({
  capabilities,
}: RegistryExpectations): NonNullable<RegistryExpectations['requests']> {
  return ({ tags, manifests, configs }) => {
    const warm = 2 + tags + (capabilities.referrersApi === true ? manifests : 0)
    return { cold: warm + manifests + configs, warm }
  }
}

function changingTests(seeded: () => Promise<Seeded>): void {
  it('removes one tag and nothing else, or refuses and leaves everything', async () => {
    const { reader, writer, repository, graph, expected } = await seeded()
    const outcome = await writer.untag(repository, tagNamed('v1'))
    const works = expected.refuses === undefined && expected.capabilities.deleteByTag === true
    if (works) {
      expect(outcome).toEqual({ kind: 'done' })
      expect(await writer.untag(repository, tagNamed('v1'))).toEqual({ kind: 'absent' })
    } else {
      expect(outcome).toMatchObject({ kind: 'refused', reason: expected.refuses ?? 'unsupported' })
    }
    expect(await reader.resolveTag(repository, tagNamed('v1'))).toBe(works ? undefined : graph.index.digest)
    expect(await reader.resolveTag(repository, tagNamed('latest'))).toBe(graph.index.digest)
    expect(await reader.readManifest(repository, graph.index.digest)).toBeDefined()
  })

  it('removes a manifest with all its tags, or refuses and leaves everything', async () => {
    const at = await seeded()
    const { reader, writer, repository, graph, expected } = at
    const outcome = await removeWhole(at, graph.index)
    if (expected.refuses !== undefined) {
      expect(outcome).toMatchObject({ kind: 'refused', reason: expected.refuses })
      expect(await reader.resolveTag(repository, tagNamed('v1'))).toBe(graph.index.digest)
      return
    }
    expect(outcome).toEqual({ kind: 'done' })
    if (!isCollecting(expected))
      expect(await reader.readManifest(repository, graph.index.digest)).toBeUndefined()
    const left = expected.manners?.includes('keeps-tags') === true ? graph.index.digest : undefined
    expect(await reader.resolveTag(repository, tagNamed('v1'))).toBe(left)
    expect(await reader.resolveTag(repository, tagNamed('latest'))).toBe(left)
    const again = await writer.deleteManifest(repository, graph.index.digest)
    expect(isCollecting(expected) ? 'absent' : again.kind).toBe('absent')
  })

  it('leaves the other images whole when one goes', async () => {
    const seed = await seeded()
    const { reader, repository, graph, expected } = seed
    await removeWhole(seed, graph.epoch)
    const there = (await reader.readRepository(repository)).manifests.map(({ digest }) => digest)
    const { index, amd64, arm64, referrer, chart } = graph
    const planted = [index, amd64, arm64, referrer, chart].filter((each) => isPlanted(seed, each))
    expect(there).toEqual(expect.arrayContaining(planted.map(({ digest }) => digest)))
    expect(there.includes(graph.epoch.digest)).toBe(expected.refuses !== undefined)
  })

  it('protects the child of an index that stays, where it says so', async () => {
    const { reader, writer, repository, graph, expected } = await seeded()
    const outcome = await writer.deleteManifest(repository, graph.arm64.digest)
    const refusal =
      expected.refuses ?? (expected.capabilities.protectsChildren === true ? 'referenced' : undefined)
    expect(outcome).toMatchObject(
      refusal === undefined ? { kind: 'done' } : { kind: 'refused', reason: refusal },
    )
    expect((await reader.readManifest(repository, graph.arm64.digest)) !== undefined).toBe(
      refusal !== undefined || isCollecting(expected),
    )
  })

  it('puts an image back byte for byte, with its tags', async () => {
    const at = await seeded()
    const { reader, writer, repository, graph, expected } = at
    if (expected.refuses !== undefined) return
    const before = described(await reader.readRepository(repository))
    const [root, ...rest] = [
      graph.index,
      graph.amd64,
      graph.arm64,
      graph.attestationAmd64,
      graph.attestationArm64,
    ]
    const saved = await savedManifests(reader, repository, [root, ...rest])
    const refuses = expected.manners?.includes('refuses-subjects') === true
    const referrers = refuses ? [graph.fallback, graph.referrer] : []
    for (const { tags } of [graph.index, ...referrers]) await untagFirst(at, tags)
    // The untagged index shares a child, and must go first where children are protected.
    await writer.deleteManifest(repository, graph.orphan.digest)
    for (const { digest } of [...referrers, ...saved])
      expect(['done', 'absent']).toContain((await writer.deleteManifest(repository, digest)).kind)
    if (!isCollecting(expected))
      expect(await reader.readManifest(repository, graph.index.digest)).toBeUndefined()
    if (expected.manners?.includes('forgets-layers') === true) {
      const outcome = await writer.putManifest(repository, saved.at(-1) as RawManifest, undefined)
      expect(outcome).toMatchObject({ kind: 'refused', reason: 'missing-blob' })
      return
    }
    for (const manifest of saved.toReversed())
      expect(await writer.putManifest(repository, manifest, undefined)).toEqual(done)
    for (const tag of root?.tags ?? [])
      expect(await writer.putManifest(repository, saved[0] as RawManifest, tag)).toEqual(done)
    for (const referrer of referrers.toReversed())
      expect(await writer.putManifest(repository, referrer, referrer.tags[0])).toEqual(done)
    // Products that know cosign's tags let its signatures go along.
    for (const tag of graph.signature.tags)
      if (isPlanted(at, graph.signature) && (await reader.resolveTag(repository, tag)) === undefined)
        expect(await writer.putManifest(repository, graph.signature, tag)).toEqual(done)
    const after = described(await reader.readRepository(repository))
    expect(after.filter(({ digest }) => digest !== graph.orphan.digest)).toEqual(
      before.filter(({ digest }) => digest !== graph.orphan.digest),
    )
  })
}

/** Changes that change nothing. */
function refusingTests(seeded: () => Promise<Seeded>): void {
  it('deletes what is not there as absent', async () => {
    const { writer, repository, expected } = await seeded()
    const outcome = await writer.deleteManifest(repository, absentDigest)
    if (isCollecting(expected)) expect(['absent', 'done']).toContain(outcome.kind)
    else expect(outcome.kind).toBe(expected.refuses === undefined ? 'absent' : 'refused')
  })

  it('says which blobs are missing when an image can no longer be put back', async () => {
    const { writer, repository, expected } = await seeded()
    // The same graph for another name: its blobs were never pushed.
    const foreign = plant(repositoryFor(expected, 'elsewhere')).graph.epoch
    const outcome = await writer.putManifest(repository, foreign, undefined)
    if (expected.manners?.includes('takes-manifests-without-blobs') === true) {
      expect(outcome).toEqual(done)
      return
    }
    const reason = expected.refuses === 'read-only' ? 'read-only' : 'missing-blob'
    expect(outcome).toMatchObject({ kind: 'refused', reason })
    if (reason === 'missing-blob') expect(textOf(outcome)).toContain(foreign.layers[0])
  })

  it('throws when a change is cancelled', async () => {
    const { writer, repository, graph } = await seeded()
    const options = { signal: AbortSignal.abort() }
    await expect(writer.deleteManifest(repository, graph.index.digest, options)).rejects.toBeInstanceOf(
      InterruptedError,
    )
    await expect(writer.untag(repository, tagNamed('epoch'), options)).rejects.toBeInstanceOf(
      InterruptedError,
    )
  })
}

/** As applying does it: where deleting a digest leaves or refuses its tags, they go first. */
async function removeWhole(at: Seeded, { digest, tags }: Planted): Promise<ChangeOutcome> {
  await untagFirst(at, tags)
  return at.writer.deleteManifest(at.repository, digest)
}

async function untagFirst({ writer, repository, expected }: Seeded, tags: readonly TagName[]): Promise<void> {
  if (expected.capabilities.deleteRemovesSiblings !== false || expected.refuses !== undefined) return
  for (const name of tags) expect(await writer.untag(repository, name)).toEqual(done)
}

function isCollecting({ manners = [] }: RegistryExpectations): boolean {
  return manners.includes('collects-untagged')
}

function isPlanted({ graph, expected }: Seeded, planted: Planted): boolean {
  return (expected.without ?? []).every((name) => graph[name] !== planted)
}

const done: ChangeOutcome = { kind: 'done' }
const absentDigest = `sha256:${'ab'.repeat(32)}` as Digest

async function savedManifests(
  reader: ReadableRegistry,
  repository: RepositoryName,
  planted: readonly (Planted | undefined)[],
): Promise<readonly RawManifest[]> {
  const saved: RawManifest[] = []
  for (const each of planted) {
    const manifest = await reader.readManifest(repository, each?.digest ?? absentDigest)
    if (manifest === undefined) throw new Error('the fixture is not there')
    saved.push(manifest)
  }
  return saved
}

interface Row {
  readonly digest: Digest
  readonly mediaType: string | undefined
  readonly sizeBytes: number | undefined
  readonly tags: readonly TagName[]
  readonly children: readonly Digest[]
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly platform: string | undefined
  readonly createdAt: number | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly layers: readonly Digest[]
  readonly configDigest: Digest | undefined
}

/** What of an inventory follows from the fixture alone; times that a registry tells are its own business. */
function described({ manifests }: RepositoryInventory): readonly Row[] {
  return manifests
    .map((manifest) => ({
      digest: manifest.digest,
      mediaType: manifest.mediaType,
      sizeBytes: manifest.sizeBytes,
      tags: manifest.tags.map(({ name }) => name),
      children: manifest.children,
      subject: manifest.subject,
      artifactType: manifest.artifactType,
      platform: manifest.platform,
      createdAt: manifest.createdAt,
      labels: manifest.labels,
      layers: manifest.layers.map(({ digest }) => digest),
      configDigest: manifest.config?.digest,
    }))
    .toSorted(byDigest)
}

function expectedRows({ graph, expected }: Pick<Seeded, 'graph' | 'expected'>): readonly Row[] {
  const hidden = expected.capabilities.listsUntagged === true ? [] : ['orphan']
  return entriesOf(graph)
    .filter(([name]) => !hidden.includes(name) && !(expected.without ?? []).includes(name))
    .map(([, { bytes, ...planted }]) => ({
      ...planted,
      sizeBytes: bytes.length,
      tags: planted.tags.toSorted(),
    }))
    .toSorted(byDigest)
}

function byDigest(a: { readonly digest: Digest }, b: { readonly digest: Digest }): number {
  return a.digest < b.digest ? -1 : 1
}

function textOf(outcome: ChangeOutcome): string {
  return outcome.kind === 'refused' ? outcome.text : ''
}

function repositoryFor({ repositoryOf }: RegistryExpectations, mark: string): RepositoryName {
  return repositoryNamed(repositoryOf?.(mark) ?? `team/${mark}`)
}

function repositoryNamed(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}

function tagNamed(text: string): TagName {
  const name = parseTagName(text)
  if (name === undefined) throw new Error(`${text} is no tag`)
  return name
}
