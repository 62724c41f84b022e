/**
 * Random registries: a pool of manifests as builders, signers and vandals make them, dealt out to repositories.
 *
 * One digest has one content everywhere, as content addressing has it, but its times, tags and locks differ from
 * repository to repository. Hostile edges (circles, manifests that name themselves) are rare and on purpose.
 */
import type { Random } from './random.ts'
import type { WorldInventory, WorldManifest, WorldRepository, WorldTag } from './world.ts'

export function digestOf(n: number): string {
  return `sha256:${(n * 2_654_435_761).toString(16).slice(0, 8).padStart(8, '0')}${n.toString(16).padStart(56, '0')}`
}

export const tagVocabulary = [
  ...[
    '1.0.0',
    '1.0.1',
    'v1.1.0',
    '1.2',
    '1.2.0-rc.1',
    'v2.0.0',
    '2.0.0_b5',
    'v0.69-6969',
    '2',
    '3.0.0-beta.2',
  ],
  ...['10.0.0', '1.2.0', 'latest', 'stable-1', 'stable-2', 'pr-1', 'pr-2', 'pr-3', 'nightly-1', 'nightly-2'],
  ...[
    'nightly-3',
    'main-7',
    'main-8',
    'main-9',
    'dev-1',
    'dev-2',
    '20240105',
    'deadbee',
    'main',
    '2024-01-05',
  ],
]

const hour = 3_600_000
const day = 24 * hour
/** Where rules change their mind: exactly at an age, and a second to either side. */
const edges = [hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day, 400 * day].flatMap((at) => [
  at - 1000,
  at,
  at + 1000,
])

/** A time as registries and builders write it, or null. */
export function someTime(random: Random, now: number, nullShare: number): string | null {
  if (random.chance(nullShare)) return null
  const kind = random.between(0, 19)
  if (kind === 0) return '1970-01-01T00:00:00Z'
  if (kind === 1) return '0001-01-01T00:00:00Z'
  if (kind === 2) return new Date(now + random.between(1, 50) * hour).toISOString()
  if (kind === 3) return random.pick(['2013-03-19T23:59:59Z', '2013-03-20T00:00:00Z'])
  if (kind < 9) return new Date(now - random.pick(edges)).toISOString()
  return new Date(now - random.between(0, 60 * 48) * (hour / 2)).toISOString()
}

export interface PooledManifest {
  readonly content: WorldManifest
  readonly attachedTag: string | undefined
}

/** The contents that a world is dealt from. */
export function somePool(random: Random): readonly PooledManifest[] {
  const pool: PooledManifest[] = []
  const count = random.between(3, 16)
  const earlier = (): string =>
    pool.length > 0 && random.chance(0.93)
      ? random.pick(pool).content.digest
      : digestOf(random.between(1, count + 4))
  for (let n = 1; n <= count; n++) pool.push(someContent(random, n, earlier))
  if (random.chance(0.06)) addCircle(random, pool)
  return pool
}

function someContent(random: Random, n: number, earlier: () => string): PooledManifest {
  const layer = (): { digest: string; sizeBytes: number } => {
    const which = random.between(1, 12)
    return { digest: digestOf(1000 + which), sizeBytes: which * 100 }
  }
  const base = {
    digest: digestOf(n),
    ...(random.chance(0.9) && { sizeBytes: n * 7 }),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
  }
  const config = { digest: digestOf(2000 + random.between(1, 12)), sizeBytes: 11 }
  const leaf = {
    ...base,
    config,
    layers: Array.from({ length: random.between(0, 3) }, layer),
    ...(random.chance(0.6) && { platform: random.pick(['linux/amd64', 'linux/arm64', 'linux/arm/v7']) }),
    ...(random.chance(0.3) && { labels: { team: random.pick(['red', 'blue']) } }),
    ...(random.chance(0.3) && { annotations: { keep: random.pick(['yes', 'no']) } }),
  }
  const kind = random.between(0, 9)
  if (kind < 5 || n === 1) return { content: leaf, attachedTag: undefined }
  if (kind < 7) {
    const children = [...new Set(Array.from({ length: random.between(1, 3) }, earlier))]
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    return { content: { ...base, mediaType, children }, attachedTag: undefined }
  }
  const subject = earlier()
  if (kind === 7) {
    const artifactType = random.pick(['application/vnd.example.sbom', 'application/vnd.example.signature'])
    return { content: { ...leaf, subject, artifactType }, attachedTag: undefined }
  }
  const attachedTag = subject.replace(':', '-') + random.pick(['', '.sig', '.att', '.sbom'])
  const isFallback = attachedTag.length === 71
  return { content: isFallback ? { ...base, children: [earlier()] } : leaf, attachedTag }
}

/** Makes some manifest name a later one, or itself. */
function addCircle(random: Random, pool: PooledManifest[]): void {
  const i = random.between(0, pool.length - 1)
  const victim = pool[i]
  const target = random.pick(pool.slice(i)).content.digest
  if (victim === undefined) return
  const content = random.chance(0.5)
    ? { ...victim.content, children: [...(victim.content.children ?? []), target] }
    : { ...victim.content, subject: target }
  pool[i] = { ...victim, content }
}

export function someInventory(
  random: Random,
  registry: string,
  repositories: readonly string[],
  pool: readonly PooledManifest[],
  now: number,
): WorldInventory {
  return {
    schemaVersion: 'inventory/v1',
    registry,
    takenAt: new Date(now).toISOString(),
    repositories: repositories.map((name) => someRepository(random, name, pool, now)),
  }
}

function someRepository(
  random: Random,
  name: string,
  pool: readonly PooledManifest[],
  now: number,
): WorldRepository {
  const share = random.pick([0.4, 0.8, 1])
  const nullShare = random.pick([0.05, 0.2, 0.6])
  const vocabulary = random.shuffle(tagVocabulary)
  const manifests = pool
    .filter(() => random.chance(share))
    .map(({ content, attachedTag }): WorldManifest => {
      const tags: WorldTag[] = []
      const isAttachedHere = attachedTag !== undefined && !random.chance(0.05)
      const wanted = isAttachedHere
        ? Number(random.chance(0.05))
        : Number(random.chance(0.7)) * random.between(1, 3)
      for (let i = 0; i < wanted; i++) {
        const tag = vocabulary.pop()
        if (tag !== undefined) tags.push(someTag(random, tag, now))
      }
      if (isAttachedHere) tags.push(someTag(random, attachedTag, now))
      return {
        ...content,
        tags,
        createdAt: content.children ? null : someTime(random, now, nullShare),
        pushedAt: someTime(random, now, nullShare),
        ...(random.chance(0.3) && { uploadedAt: someTime(random, now, 0.2) }),
        pulledAt: someTime(random, now, 0.5),
        ...(random.chance(0.15) && { recordedAt: someTime(random, now, 0.2) }),
        ...(random.chance(0.15) && { firstSeenAt: someTime(random, now, 0.2) }),
        ...(random.chance(0.04) && { locked: true }),
      }
    })
  return {
    name,
    ...(random.chance(0.05) && { complete: false }),
    manifests: random.shuffle(withoutTwins(manifests)),
  }
}

/** A tag stands once in a repository; of two bearers the second goes without. */
function withoutTwins(manifests: readonly WorldManifest[]): WorldManifest[] {
  const seen = new Set<string>()
  return manifests.map((manifest) => ({
    ...manifest,
    tags: (manifest.tags ?? []).filter(({ name }) => {
      const isFirst = !seen.has(name)
      seen.add(name)
      return isFirst
    }),
  }))
}

function someTag(random: Random, name: string, now: number): WorldTag {
  return {
    name,
    ...(random.chance(0.3) && { pushedAt: someTime(random, now, 0.1) }),
    ...(random.chance(0.3) && { pulledAt: someTime(random, now, 0.1) }),
  }
}
