/**
 * Random repositories through plan, apply and undo, on any registry: what stays is whole, what was to go is gone, and an
 * undo brings back the same bytes. The same property for every driver, beside its fake and beside real registries.
 *
 * Indexes share children, referrers and signatures hang on children, digests have tags of both kinds, and untagged indexes
 * lie about: whatever a product does when something is deleted, an image that stays keeps all of its parts.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import { ociIndexType, ociManifestType } from '../../src/core/image/media-types.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
  type TagName,
} from '../../src/core/image/names.ts'
import type { Capabilities } from '../../src/core/inventory/inventory.ts'
import { Random } from '../oracle/random.ts'
import { runOn } from '../registries/run-on.ts'
import type { RegistryUnderTest } from './registry.ts'

export interface SurvivalExpectations {
  /** @default `team/MARK` */
  readonly repositoryOf?: (mark: string) => string
  /** Manifests with a subject that the product does not take, or hides without a fallback tag. @default true */
  readonly takesSubjects?: boolean
  /** Whether an undo brings everything back. @default true */
  readonly canUndo?: boolean
}

const worlds = Number(process.env['WINNOW_SURVIVALS'] ?? 8)
const firstSeed = Number(process.env['WINNOW_SEED'] ?? 0)

export function registrySurvival(
  name: string,
  expected: SurvivalExpectations,
  setup: () => Promise<RegistryUnderTest>,
): void {
  describe(`${name}: what stays is whole`, () => {
    let subject: RegistryUnderTest
    beforeAll(async () => {
      subject = await setup()
    })
    afterAll(async () => {
      await subject.stop()
    })
    it.each(Array.from({ length: worlds }, (_, each) => firstSeed + each))('in world %i', async (seed) => {
      const repository = named(expected.repositoryOf?.(`world-${seed}`) ?? `team/world-${seed}`)
      const capabilities = await subject.reader.capabilities()
      const world = await push(subject, repository, seed, expected, capabilities)
      const before = await look(subject, world)
      const { report, undo } = await runOn(subject, repository, 'keep-*')
      expect(report.lines.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      await expectWhole(subject, world)
      // An index that the registry protects and does not list may need an image; that line says so.
      const blocked = report.lines.filter(({ outcome }) => outcome === 'blocked')
      if (!capabilities.protectsChildren) expect(blocked).toEqual([])
      const refused = new Set(blocked.flatMap(({ action }) => (action.kind === 'delete' ? action.tags : [])))
      for (const tag of world.dropped.filter((each) => !refused.has(each)))
        expect(await subject.reader.resolveTag(repository, tag), tag).toBeUndefined()
      if (expected.canUndo === false || report.run === undefined) return
      expect((await undo()).map(({ outcome }) => outcome)).not.toContain('failed')
      expect(await look(subject, world)).toEqual(before)
    })
  })
}

interface World {
  readonly repository: RepositoryName
  readonly tags: ReadonlyMap<TagName, Digest>
  /** Tags of images that no rule keeps: these go. */
  readonly dropped: readonly TagName[]
  readonly children: ReadonlyMap<Digest, readonly Digest[]>
  readonly blobs: ReadonlyMap<Digest, readonly Digest[]>
  /** By subject. */
  readonly referrers: ReadonlyMap<Digest, readonly Digest[]>
}

/** Pushes a random repository, as clients would. */
async function push(
  { seeder }: RegistryUnderTest,
  repository: RepositoryName,
  seed: number,
  { takesSubjects = true }: SurvivalExpectations,
  { referrersApi, listsUntagged }: Capabilities,
): Promise<World> {
  const random = new Random(seed + 1)
  const tags = new Map<TagName, Digest>()
  const children = new Map<Digest, readonly Digest[]>()
  const blobs = new Map<Digest, readonly Digest[]>()
  const referrers = new Map<Digest, Digest[]>()
  const blob = async (content: unknown): Promise<{ digest: Digest; size: number }> => {
    const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
    await seeder.putBlob(repository, bytes)
    return { digest: digestOf(bytes), size: bytes.length }
  }
  const put = async (document: object, mediaType: string, names: readonly TagName[]): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }))
    const digest = digestOf(bytes)
    for (const reference of names.length === 0 ? [digest] : names)
      await seeder.putManifest(repository, bytes, mediaType, reference)
    for (const tag of names) tags.set(tag, digest)
    return { mediaType, digest, size: bytes.length }
  }
  let count = 0
  const image = async (names: readonly TagName[], subject?: Descriptor): Promise<Descriptor> => {
    count += 1
    const mark = `${repository} ${count}`
    const created = '2024-01-01T00:00:00Z'
    const config = {
      ...(await blob({ mark, created, os: 'linux', architecture: 'amd64' })),
      mediaType: configType,
    }
    const layer = { ...(await blob(`layer ${mark}`)), mediaType: layerType }
    const document = { config, layers: [layer], ...(subject && { subject }) }
    const made = await put(document, ociManifestType, names)
    blobs.set(made.digest, [config.digest, layer.digest])
    return made
  }
  const index = async (names: readonly TagName[], parts: readonly Descriptor[]): Promise<void> => {
    const made = await put({ manifests: parts }, ociIndexType, names)
    children.set(
      made.digest,
      parts.map(({ digest }) => digest),
    )
  }
  const someTags = (kinds: readonly string[]): readonly TagName[] =>
    kinds.map((kind) => tagged(`${kind}-${(count += 1)}`))
  const bases: Descriptor[] = []
  for (let each = random.between(3, 6); each > 0; each--)
    bases.push(
      await image(someTags(random.pick([[], [], ['keep'], ['drop'], ['keep', 'drop'], ['drop', 'drop']]))),
    )
  for (let each = random.between(2, 4); each > 0; each--) {
    const parts = bases.filter(() => random.next() < 0.5)
    const kinds = random.pick([[], ['keep'], ['drop'], ['keep', 'drop'], ['drop', 'drop']])
    if (parts.length > 0) await index(someTags(kinds), parts)
  }
  for (const base of bases) {
    if (random.next() < 0.4) await image([tagged(`${base.digest.replace(':', '-')}.sig`)])
    if (!takesSubjects || random.next() < 0.5) continue
    const referrer = await image([], base)
    referrers.set(base.digest, [...(referrers.get(base.digest) ?? []), referrer.digest])
    // Without the referrers API a client leaves the list under a tag (distribution-spec, "Referrers Tag Schema").
    if (!referrersApi && !listsUntagged) await index([tagged(base.digest.replace(':', '-'))], [referrer])
  }
  const kept = new Set([...tags].flatMap(([tag, digest]) => (tag.startsWith('keep-') ? [digest] : [])))
  const reached = new Set([...kept, ...[...kept].flatMap((digest) => children.get(digest) ?? [])])
  const dropped = [...tags].flatMap(([tag, digest]) =>
    tag.startsWith('drop-') && !reached.has(digest) ? [tag] : [],
  )
  return { repository, tags, dropped, children, blobs, referrers }
}

/** What everybody can see of it: every tag, and every manifest behind one, byte for byte. */
async function look(
  { reader }: RegistryUnderTest,
  { repository, tags, children }: World,
): Promise<readonly unknown[]> {
  const seen: unknown[] = []
  for (const tag of [...tags.keys()].toSorted()) {
    const digest = await reader.resolveTag(repository, tag)
    const all = digest === undefined ? [] : [digest, ...(children.get(digest) ?? [])]
    const bytes = await Promise.all(
      all.map(async (each) => {
        const raw = await reader.readManifest(repository, each)
        return raw && `${raw.mediaType} ${Buffer.from(raw.bytes).toString('utf8')}`
      }),
    )
    seen.push({ tag, digest, bytes })
  }
  return seen
}

/** Every image with a tag to keep can be pulled, with what refers to it. */
async function expectWhole({ reader }: RegistryUnderTest, world: World): Promise<void> {
  const { repository, tags, children, blobs, referrers } = world
  for (const [tag, digest] of tags) {
    if (!tag.startsWith('keep-')) continue
    expect(await reader.resolveTag(repository, tag), tag).toBe(digest)
    const parts = [digest, ...(children.get(digest) ?? [])]
    for (const part of [...parts, ...parts.flatMap((each) => referrers.get(each) ?? [])]) {
      expect(await reader.readManifest(repository, part), `${tag}: ${part}`).toBeDefined()
      for (const blob of blobs.get(part) ?? [])
        expect(await reader.hasBlob(repository, blob), `${tag}: ${blob}`).toBe(true)
    }
  }
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

const configType = 'application/vnd.oci.image.config.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

function named(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}

function tagged(text: string): TagName {
  const tag = parseTagName(text)
  if (tag === undefined) throw new Error(`${text} is no tag`)
  return tag
}
