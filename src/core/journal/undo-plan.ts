/**
 * What it takes to put back what a run removed, in an order in which a registry accepts it.
 *
 * Promises: nothing is restored that the run did not certainly remove, save what it may have removed when it was cut
 * off (`unsettled`); no manifest comes before what it refers to, and no tag before all manifests of its repository;
 * what cannot be put back is named with its reason, never left out in silence. Putting back never deletes: the undo
 * plan of an undo is therefore empty.
 */
import type { Digest } from '../image/digest.ts'
import { ManifestUnreadableError } from '../image/manifest-fields.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import { parseManifest } from '../image/parse-manifest.ts'
import type { ActOutcome, JournalIntent, JournalRun, RunId, RunRecord, SavedEntry } from './entry.ts'

export interface UndoPlan {
  readonly run: RunId
  /** In the order of restoring. */
  readonly lines: readonly UndoLine[]
  /** Removed by the run, and beyond what the journal can put back. */
  readonly unrestorable: readonly UnrestorableLine[]
}

export interface UndoLine {
  readonly kind: 'manifest' | 'tag'
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  /** With kind `tag` only. */
  readonly tag?: TagName
  /** Position in the plan, from 0. */
  readonly order: number
  /** The run was cut off here: it may or may not have removed this, and `settle` asks the registry first. */
  readonly unsettled: boolean
}

export interface UnrestorableLine {
  readonly kind: 'manifest' | 'tag'
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly tag?: TagName
  readonly reason: 'not-saved'
}

/** What of a run to put back; a line has to satisfy every field that is given. */
export interface UndoSelection {
  readonly registries?: readonly RegistryName[]
  readonly repositories?: readonly RepositoryName[]
  /** A digest stands for everything that belongs to the same root, so that what comes back is whole. */
  readonly digests?: readonly Digest[]
  /** `repository:tag`, standing for the root that had the tag. */
  readonly references?: readonly { readonly repository: RepositoryName; readonly tag: TagName }[]
}

/** What a plan to undo is made of: a run of the journal, or the part of one that is to be taken back at once. */
export interface UndoSource extends Pick<JournalRun, 'saved' | 'intents' | 'outcomes'> {
  readonly run: Pick<RunRecord, 'id'>
}

/** The undo plan of a run, or of what `selection` picks from it (DESIGN sections 1.9 and 7). */
export function buildUndoPlan(run: UndoSource, selection: UndoSelection = {}): UndoPlan {
  const removed = select(removedActs(run), selection)
  const places = new Map<string, RemovedAct[]>()
  for (const act of removed) {
    const key = JSON.stringify([act.registry, act.repository])
    const place = places.get(key)
    if (place === undefined) places.set(key, [act])
    else place.push(act)
  }
  const lines: Omit<UndoLine, 'order'>[] = []
  const unrestorable: UnrestorableLine[] = []
  for (const key of [...places.keys()].sort()) {
    const place = restorePlace(places.get(key) ?? [], savedIn(run, key))
    lines.push(...place.lines)
    unrestorable.push(...place.unrestorable)
  }
  return { run: run.run.id, lines: lines.map((line, order) => ({ ...line, order })), unrestorable }
}

interface RemovedAct {
  readonly kind: 'delete' | 'untag'
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly tags: readonly TagName[]
  readonly root: Digest
  readonly unsettled: boolean
}

function removedActs(run: UndoSource): readonly RemovedAct[] {
  const last = new Map<number, ActOutcome>(run.outcomes.map(({ sequence, outcome }) => [sequence, outcome]))
  return run.intents.flatMap((intent) => {
    const outcome = last.get(intent.sequence)
    // `absent` was gone before us: whoever removed it may have meant it. `settled-done` is ours.
    if (outcome !== undefined && outcome !== 'done' && outcome !== 'settled-done') return []
    return removedBy(intent, outcome === undefined)
  })
}

function removedBy({ act, root }: JournalIntent, unsettled: boolean): readonly RemovedAct[] {
  const { registry, repository, digest } = act
  const place = { registry, repository, digest, root, unsettled }
  switch (act.kind) {
    case 'put':
      return []
    case 'untag':
      return [{ kind: 'untag', ...place, tags: [act.tag] }]
    case 'delete':
      return [{ kind: 'delete', ...place, tags: act.tags }]
  }
}

function select(acts: readonly RemovedAct[], selection: UndoSelection): readonly RemovedAct[] {
  const { registries, repositories, digests, references } = selection
  const inPlace = acts.filter(
    (act) => (registries?.includes(act.registry) ?? true) && (repositories?.includes(act.repository) ?? true),
  )
  if (digests === undefined && references === undefined) return inPlace
  const isNamed = (act: RemovedAct): boolean =>
    (digests?.includes(act.digest) ?? false) ||
    (digests?.includes(act.root) ?? false) ||
    (references?.some(({ repository, tag }) => repository === act.repository && act.tags.includes(tag)) ??
      false)
  const rootOf = (act: RemovedAct): string => JSON.stringify([act.registry, act.repository, act.root])
  const roots = new Set(inPlace.filter(isNamed).map(rootOf))
  return inPlace.filter((act) => roots.has(rootOf(act)))
}

/** What was saved of one repository, without the tags that the run spoke of one by one. */
function savedIn(run: UndoSource, key: string): ReadonlyMap<Digest, SavedEntry> {
  const isHere = (place: { readonly registry: RegistryName; readonly repository: RepositoryName }): boolean =>
    JSON.stringify([place.registry, place.repository]) === key
  const untagged = new Set(
    run.intents.flatMap(({ act }) => (act.kind === 'untag' && isHere(act) ? [act.tag] : [])),
  )
  return new Map(
    run.saved
      .filter(isHere)
      .map((entry) => [entry.digest, { ...entry, tags: entry.tags.filter((tag) => !untagged.has(tag)) }]),
  )
}

interface RestoredPlace {
  readonly lines: readonly Omit<UndoLine, 'order'>[]
  readonly unrestorable: readonly UnrestorableLine[]
}

function restorePlace(acts: readonly RemovedAct[], saved: ReadonlyMap<Digest, SavedEntry>): RestoredPlace {
  const manifests = new Map(acts.filter(({ kind }) => kind === 'delete').map((act) => [act.digest, act]))
  const isLost = (digest: Digest): boolean => manifests.has(digest) && !saved.has(digest)
  const references = new Map<Digest, readonly Digest[]>()
  const unclear: Digest[] = []
  for (const digest of [...manifests.keys()].sort()) {
    const entry = saved.get(digest)
    const found = entry === undefined ? [] : referencesOf(entry)
    if (found === undefined) unclear.push(digest)
    else references.set(digest, found)
  }
  // What cannot be read may refer to anything, so it comes after everything.
  const lines = [...inOrder(references), ...unclear].flatMap((digest) => {
    const act = manifests.get(digest)
    return act === undefined ? [] : [{ kind: 'manifest' as const, ...placeOf(act), unsettled: act.unsettled }]
  })
  // A tag of a manifest that stayed needs no bytes from this journal: the registry has them.
  const tags = tagsOf(acts, saved).map(({ act, tag }) => {
    return { kind: 'tag' as const, ...placeOf(act), tag, unsettled: act.unsettled }
  })
  const all = [...lines, ...tags]
  return {
    lines: all.filter(({ digest }) => !isLost(digest)),
    unrestorable: all
      .filter(({ digest }) => isLost(digest))
      .map(({ unsettled: _unsettled, ...line }) => ({ ...line, reason: 'not-saved' as const })),
  }
}

function placeOf({
  registry,
  repository,
  digest,
}: RemovedAct): Pick<UndoLine, 'registry' | 'repository' | 'digest'> {
  return { registry, repository, digest }
}

/** What must be there before this manifest: its children, and what it is attached to. Undefined when unreadable. */
function referencesOf(entry: SavedEntry): readonly Digest[] | undefined {
  try {
    const facts = parseManifest(entry.bytes, entry.mediaType, entry.digest)
    return [
      ...facts.children.map((child) => child.digest),
      ...(facts.subject === undefined ? [] : [facts.subject]),
    ]
  } catch (error) {
    if (error instanceof ManifestUnreadableError) return undefined
    throw error
  }
}

/** Depth first, what is referred to before what refers to it; otherwise in the order of digests. */
function inOrder(references: ReadonlyMap<Digest, readonly Digest[]>): readonly Digest[] {
  const placed = new Set<Digest>()
  const begun = new Set<Digest>()
  // A stack of our own: chains of indexes may be deeper than the call stack.
  const stack = [...references.keys()].sort().reverse()
  for (let digest = stack.at(-1); digest !== undefined; digest = stack.at(-1)) {
    const waiting = begun.has(digest)
      ? []
      : (references.get(digest) ?? []).filter((other) => references.has(other) && !begun.has(other))
    begun.add(digest)
    if (waiting.length > 0) {
      stack.push(...waiting)
      continue
    }
    stack.pop()
    placed.add(digest)
  }
  return [...placed]
}

interface RemovedTag {
  readonly act: RemovedAct
  readonly tag: TagName
}

/**
 * The tags that went, each once; of two acts that removed the same name, the later one saw the newer target. A deletion
 * takes along the tags that were saved with its manifest, save those the run spoke of one by one: such a tag went by
 * its own act, or it had moved and was spared.
 */
function tagsOf(acts: readonly RemovedAct[], saved: ReadonlyMap<Digest, SavedEntry>): readonly RemovedTag[] {
  const tags = new Map<TagName, RemovedTag>()
  for (const act of acts) {
    const alongside = act.kind === 'delete' ? (saved.get(act.digest)?.tags ?? []) : []
    for (const tag of [...act.tags, ...alongside]) tags.set(tag, { act, tag })
  }
  return [...tags.values()].sort((a, b) => (a.tag < b.tag ? -1 : 1))
}
