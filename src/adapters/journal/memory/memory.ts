/** Winnow's own memory, kept in memory: for tests and for trials that leave nothing behind. */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { InUseSighting, Memory, RememberedUse, SourceSnapshot } from '../../../ports/memory.ts'

interface Listing {
  readonly at: InstantMs
  /** The first sighting of each digest; undefined for those of the first inventory. */
  readonly digests: ReadonlyMap<Digest, InstantMs | undefined>
}

export function createMemoryMemory(): Memory {
  const inUse = new Map<RegistryName, Map<Digest, RememberedUse>>()
  const listings = new Map<string, Listing>()
  const snapshots = new Map<string, SourceSnapshot>()
  const pushes = new Map<string, Map<Digest, InstantMs>>()
  return {
    async rememberInUse(registry, seen, at) {
      const known = inUse.get(registry) ?? new Map<Digest, RememberedUse>()
      inUse.set(registry, known)
      for (const sighting of seen) rememberUse(known, sighting, at)
    },
    async seenInUse(registry, since) {
      return new Map([...(inUse.get(registry) ?? [])].filter(([, use]) => use.lastSeenAt >= since))
    },
    async rememberListed(registry, repository, digests, at) {
      const key = keyOf(registry, repository)
      const next = nextListing(listings.get(key), digests, at)
      if (next !== undefined) listings.set(key, next)
    },
    async firstSightings(registry, repository) {
      const listed = listings.get(keyOf(registry, repository))?.digests ?? new Map<Digest, undefined>()
      return new Map([...listed].flatMap(([digest, at]) => (at === undefined ? [] : [[digest, at] as const])))
    },
    async lastSnapshot(source) {
      return snapshots.get(source)
    },
    async rememberSnapshot(source, snapshot) {
      snapshots.set(source, snapshot)
    },
    async rememberPushes(registry, events) {
      for (const { repository, digest, at } of events) {
        const key = keyOf(registry, repository)
        const known = pushes.get(key) ?? new Map<Digest, InstantMs>()
        pushes.set(key, known.set(digest, Math.max(at, known.get(digest) ?? at)))
      }
    },
    async recordedPushes(registry, repository) {
      return new Map(pushes.get(keyOf(registry, repository)))
    },
  }
}

function keyOf(registry: RegistryName, repository: RepositoryName): string {
  return JSON.stringify([registry, repository])
}

function rememberUse(
  known: Map<Digest, RememberedUse>,
  { digest, source, where }: InUseSighting,
  at: InstantMs,
): void {
  const before = known.get(digest)
  const isNews =
    before === undefined ||
    at > before.lastSeenAt ||
    (at === before.lastSeenAt && order(source, where) < order(before.source, before.where))
  if (isNews) known.set(digest, { lastSeenAt: at, source, where })
}

function order(source: string, where: string): string {
  return JSON.stringify([source, where])
}

/** The same rules as in SQLite (sqlite/memory.ts says why): gone and back is new, older inventories teach nothing. */
function nextListing(
  last: Listing | undefined,
  digests: readonly Digest[],
  at: InstantMs,
): Listing | undefined {
  if (last === undefined) return { at, digests: new Map(digests.map((digest) => [digest, undefined])) }
  if (at < last.at) return undefined
  const seen = (digest: Digest): InstantMs | undefined =>
    last.digests.has(digest) ? last.digests.get(digest) : at
  return { at, digests: new Map(digests.map((digest) => [digest, seen(digest)])) }
}
