/**
 * What is in use because of what it has to do with a digest in use, in repositories that do not have that digest.
 *
 * In use means the manifest, every index above it, everything below it, and its referrers, in every repository (DESIGN
 * section 1, promise 3). Where a repository has the digest itself, its own graph says what belongs to it; here the same
 * is found across repositories: a platform that was copied without its index, an index whose platform is gone, and what
 * a tag in use points to under its other names. Each digest in use adds its own marks and takes none away, so more
 * evidence never protects less.
 */
import { attachedTo } from '../image/attached-tags.ts'
import type { Digest } from '../image/digest.ts'
import type { Inventory, ManifestRecord } from '../inventory/inventory.ts'
import { keyOf, united, within, type Marks, type RepositoryKey } from './demands.ts'

type MarksByRepository = Map<RepositoryKey, Map<Digest, Marks>>

interface Links {
  readonly below: ReadonlyMap<Digest, readonly Digest[]>
  readonly above: ReadonlyMap<Digest, readonly Digest[]>
  readonly referrers: ReadonlyMap<Digest, readonly Digest[]>
}

/**
 * Adds those marks to `inUse`.
 *
 * @param named every digest that evidence names; the manifests in `inUse` count as well
 */
export function markEverywhere(
  inUse: MarksByRepository,
  named: ReadonlyMap<Digest, Marks>,
  inventories: readonly Inventory[],
): void {
  const starts = new Map(named)
  for (const marks of inUse.values()) {
    for (const [digest, own] of marks) starts.set(digest, united(starts.get(digest), own) ?? own)
  }
  if (starts.size === 0) return
  const links = linksOf(inventories)
  /** By what belongs to them: the digests in use. */
  const relatives = new Map<Digest, Set<Digest>>()
  for (const start of starts.keys()) {
    for (const each of related(start, links)) {
      const others = relatives.get(each)
      if (others === undefined) relatives.set(each, new Set([start]))
      else others.add(start)
    }
  }
  for (const { registry, repositories } of inventories) {
    for (const { name, manifests } of repositories) {
      const wanted = manifests.filter(({ digest }) => relatives.has(digest))
      if (wanted.length === 0) continue
      const present = new Set(manifests.map(({ digest }) => digest).filter((digest) => starts.has(digest)))
      for (const { digest } of wanted) {
        const from = [...(relatives.get(digest) ?? [])].filter(
          (start) => start === digest || !present.has(start),
        )
        if (from.length === 0) continue
        const here = within(inUse, keyOf(registry, name))
        const marks = from
          .toSorted()
          .reduce<Marks | undefined>((all, start) => united(all, starts.get(start)), undefined)
        const own = united(here.get(digest), marks)
        if (own !== undefined) here.set(digest, own)
      }
    }
  }
}

/** A digest, every index above it, everything below it, and its referrers. */
function related(start: Digest, { above, below, referrers }: Links): Set<Digest> {
  return new Set([...walk(start, above), ...walk(start, below), ...(referrers.get(start) ?? [])])
}

function walk(start: Digest, edges: ReadonlyMap<Digest, readonly Digest[]>): Set<Digest> {
  const reached = new Set([start])
  // A set visits what is added while it is walked; what is there already is not visited again, so circles end.
  for (const digest of reached) for (const next of edges.get(digest) ?? []) reached.add(next)
  return reached
}

/** Edges of all repositories; manifests without any, which are nearly all, leave nothing behind. */
function linksOf(inventories: readonly Inventory[]): Links {
  const below = new Map<Digest, Digest[]>()
  const above = new Map<Digest, Digest[]>()
  const referrers = new Map<Digest, Digest[]>()
  for (const { repositories } of inventories) {
    for (const { manifests } of repositories) {
      for (const manifest of manifests) {
        for (const child of manifest.children) {
          append(below, manifest.digest, child)
          append(above, child, manifest.digest)
        }
        for (const subject of subjectsOf(manifest)) append(referrers, subject, manifest.digest)
      }
    }
  }
  return { below, above, referrers }
}

function subjectsOf({ subject, tags }: ManifestRecord): readonly Digest[] {
  const byTag = tags.flatMap(({ name }) => attachedTo(name) ?? [])
  return subject === undefined ? byTag : [subject, ...byTag]
}

function append(edges: Map<Digest, Digest[]>, from: Digest, to: Digest): void {
  const known = edges.get(from)
  if (known === undefined) edges.set(from, [to])
  else if (!known.includes(to)) known.push(to)
}
