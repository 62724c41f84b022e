/**
 * How the manifests that a run saved hang together: what each of them would lack if only it came back.
 *
 * It is made of bytes in the journal and of nothing that a registry says, because it is asked when the registry no
 * longer has them.
 */
import { attachedTo } from '../image/attached-tags.ts'
import type { Digest } from '../image/digest.ts'
import type { ManifestFacts } from '../image/manifest.ts'
import { ManifestUnreadableError } from '../image/manifest-fields.ts'
import { parseManifest } from '../image/parse-manifest.ts'
import type { JournalIntent, SavedEntry } from './entry.ts'

/** By each manifest, what hangs on it directly: its children, its referrers, and what its line takes along. */
export type SavedGraph = ReadonlyMap<Digest, ReadonlySet<Digest>>

/**
 * @param saved of one repository
 * @param intents of the same: a root holds what its line takes along, even where the bytes do not show why
 */
export function savedGraph(saved: readonly SavedEntry[], intents: readonly JournalIntent[]): SavedGraph {
  const graph = new Map<Digest, Set<Digest>>()
  const hang = (below: Digest, on: Digest | undefined): void => {
    if (on === undefined || on === below) return
    const others = graph.get(on)
    if (others === undefined) graph.set(on, new Set([below]))
    else others.add(below)
  }
  for (const entry of saved) {
    const facts = factsOf(entry)
    for (const child of facts?.children ?? []) hang(child.digest, entry.digest)
    hang(entry.digest, facts?.subject)
    for (const tag of entry.tags) hang(entry.digest, attachedTo(tag))
  }
  for (const { act, root } of intents) hang(act.digest, root)
  return graph
}

/** Undefined when it is no manifest that we can read: then nothing is known to hang on it. */
export function factsOf(entry: SavedEntry): ManifestFacts | undefined {
  try {
    return parseManifest(entry.bytes, entry.mediaType, entry.digest)
  } catch (error) {
    if (error instanceof ManifestUnreadableError) return undefined
    throw error
  }
}

/** These, and all that hangs on them. */
export function reachedFrom(graph: SavedGraph, from: Iterable<Digest>): ReadonlySet<Digest> {
  const reached = new Set(from)
  // A set visits what is added while it is walked.
  for (const digest of reached) for (const below of graph.get(digest) ?? []) reached.add(below)
  return reached
}

/**
 * Parts `digests` into families: whatever hangs together, by way of these digests, is in one of them. Families, and the
 * digests of each, stand in the order in which they were given.
 */
export function familiesOf(graph: SavedGraph, digests: Iterable<Digest>): readonly (readonly Digest[])[] {
  const heads = new Map([...digests].map((digest) => [digest, digest] as const))
  const headOf = (digest: Digest): Digest => {
    let head = digest
    for (let next = heads.get(head); next !== undefined && next !== head; next = heads.get(head)) {
      // Paths are halved on the way, so that long chains of referrers cost no square.
      heads.set(head, heads.get(next) ?? next)
      head = next
    }
    return head
  }
  for (const digest of heads.keys()) {
    for (const below of graph.get(digest) ?? []) {
      if (heads.has(below)) heads.set(headOf(below), headOf(digest))
    }
  }
  const families = new Map<Digest, Digest[]>()
  for (const digest of heads.keys()) {
    const head = headOf(digest)
    const family = families.get(head)
    if (family === undefined) families.set(head, [digest])
    else family.push(digest)
  }
  return [...families.values()]
}
