/**
 * The oracle: what must stay and what must go, computed from the design page alone, by the plainest means.
 *
 * It shares no code with the program. Where both agree on thousands of hostile worlds, a mistake would have to be made
 * twice, in two forms. It refuses nothing and optimises nothing.
 */
import { clocksOf, durationMs, isYoung, plausibleCreated } from './oracle-clock.ts'
import {
  childrenOf,
  closure,
  find,
  hangsElsewhere,
  inUseIn,
  namedManifests,
  ordinaryTags,
  rootsOf,
  standing,
  subjectsOf,
  tagNames,
} from './oracle-graph.ts'
import { matchesRepository, matchesTagList } from './oracle-match.ts'
import { judgeRows, type RatedRow, type RowVerdict } from './oracle-rules.ts'
import type { World, WorldInventory, WorldManifest, WorldPolicy, WorldRepository } from './world.ts'

/** Why something stays. */
export type Promised =
  | 'in-use'
  | 'locked'
  | 'young'
  | 'protected-tag'
  | 'incomplete'
  | 'ungoverned'
  | 'kept-by-rule'
  | 'spared'
  | 'unmatched-keep'
  | 'orphan-without-state-rule'
  | 'subject-elsewhere'
  | 'needed-by'
  | 'emptied'
  | 'no-root'

export interface Expected {
  /** `registry repository digest` of what must stay. */
  readonly needed: ReadonlyMap<string, Promised>
  /** `registry repository digest tag` of what must stay. */
  readonly neededTags: ReadonlyMap<string, Promised>
  readonly deletedRoots: ReadonlySet<string>
  /** Everything that goes: the roots, and what goes along. */
  readonly deleted: ReadonlySet<string>
  readonly untags: ReadonlySet<string>
  /** Every line a plan must have: the images of governed repositories. */
  readonly roots: ReadonlySet<string>
  readonly bytesFreed: number
  readonly bytesApparent: number
  /** `maxDeletions`, `maxShare registry`, `minSurvivors registry repository`. */
  readonly limitsBroken: ReadonlySet<string>
}

export function keyOf(registry: string, repository: string, digest: string, tag?: string): string {
  return [registry, repository, digest, ...(tag === undefined ? [] : [tag])].join(' ')
}

/** The digests and `registry repository tag`s that evidence names, aliases resolved. */
function namedInUse(world: World): Set<string> {
  const digests = new Set<string>()
  for (const source of world.evidence.sources) {
    for (const { digest } of source.digests ?? []) digests.add(digest)
    for (const { reference } of source.references ?? []) {
      const [name = '', digest] = reference.split('@')
      if (digest !== undefined) digests.add(digest)
      const colon = name.lastIndexOf(':')
      const hasTag = colon > name.lastIndexOf('/')
      const tag = hasTag ? name.slice(colon + 1) : digest === undefined ? 'latest' : undefined
      if (tag !== undefined) addTagTarget(world, hasTag ? name.slice(0, colon) : name, tag, digests)
    }
  }
  return digests
}

/** Adds what a tag points to now, in every repository that its name may mean. */
function addTagTarget(world: World, name: string, tag: string, digests: Set<string>): void {
  for (const inventory of world.inventories) {
    const registry = world.config.registries[inventory.registry]
    const prefixes = [registry?.url.replace(/^https?:\/\//, '') ?? '', ...(registry?.aliases ?? [])]
    for (const repository of inventory.repositories) {
      const slash = name.indexOf('/')
      const host = name.slice(0, slash).toLowerCase().replace(/:443$/, '')
      const asked = `${host}${name.slice(slash)}`
      if (!prefixes.some((prefix) => `${prefix}/${repository.name}` === asked)) continue
      for (const manifest of repository.manifests) {
        if (tagNames(manifest).includes(tag)) digests.add(manifest.digest)
      }
    }
  }
}

interface Place {
  readonly world: World
  readonly now: number
  readonly inventory: WorldInventory
  readonly repository: WorldRepository
  readonly policy: WorldPolicy
  readonly inUse: ReadonlySet<string>
}

function protection(place: Place, root: WorldManifest): Promised | undefined {
  const { world, now, inventory, repository, policy, inUse } = place
  const protect = world.config.protect ?? {}
  const hanging = [...closure(repository, root.digest)]
  if (repository.complete === false) return 'incomplete'
  if (hanging.some((digest) => inUse.has(digest))) return 'in-use'
  if (hanging.some((digest) => find(repository, digest)?.locked === true)) return 'locked'
  if (isYoung(repository, root, durationMs(protect.youngerThan ?? '24h'), now)) return 'young'
  const isProtectedTag = ordinaryTags(root).some((tag) => matchesTagList(protect.tags ?? [], tag))
  if (policy.unit !== 'tag' && (protect.tags ?? []).length > 0 && isProtectedTag) return 'protected-tag'
  return hangsElsewhere(inventory, repository, root) ? 'subject-elsewhere' : undefined
}

function sizeOf(manifests: readonly WorldManifest[]): number {
  const sizes = new Map<string, number>()
  for (const manifest of manifests) {
    sizes.set(manifest.digest, manifest.sizeBytes ?? 0)
    for (const blob of blobsOf(manifest)) sizes.set(blob.digest, blob.sizeBytes)
  }
  return [...sizes.values()].reduce((total, size) => total + size, 0)
}

function blobsOf(manifest: WorldManifest): { readonly digest: string; readonly sizeBytes: number }[] {
  return [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? [])]
}

function isPart(repository: WorldRepository, root: WorldManifest): boolean {
  const others = repository.manifests.filter(({ digest }) => digest !== root.digest)
  return (
    others.some((other) => childrenOf(other).includes(root.digest)) ||
    subjectsOf(root).some((subject) => others.some(({ digest }) => digest === subject))
  )
}

/** The rows of an image: itself, or each of its ordinary tags. */
function rowsOf(place: Place, root: WorldManifest): RatedRow[] {
  const { repository, inventory, policy, now } = place
  const hanging = [...closure(repository, root.digest)].map((digest) => find(repository, digest))
  const present = hanging.filter((manifest) => manifest !== undefined)
  // An index has no labels and no platform of its own; those of its platforms stand for it.
  const platforms = [root.digest, ...childrenOf(root)].map((digest) => find(repository, digest))
  const partManifests = platforms.filter((manifest) => manifest !== undefined)
  const isOrphan = standing(inventory, repository, root) === 'orphaned-referrer'
  const hasMissing = present.some((manifest) =>
    childrenOf(manifest).some((child) => !find(repository, child)),
  )
  const ordinary = ordinaryTags(root)
  const row = (tags: readonly string[]): RatedRow => ({
    digest: root.digest,
    manifest: root,
    tags,
    state: [
      ...(hasMissing ? ['missing-children'] : ['complete']),
      ...(isOrphan ? ['orphaned-referrer'] : []),
    ],
    platforms: partManifests.flatMap((manifest) => manifest.platform ?? []),
    labels: partManifests.map((manifest) => manifest.labels ?? {}),
    annotations: partManifests.map((manifest) => manifest.annotations ?? {}),
    imageBytes: sizeOf(present),
    hanging: present.map(({ digest }) => digest),
    tagsInRepository: repository.manifests.reduce((total, { tags = [] }) => total + tags.length, 0),
    isOrphan,
    isPart: isPart(repository, root),
    isBuildKnown: childrenOf(root).length === 0 && plausibleCreated(root, now) !== undefined,
    isUnreachable: standing(inventory, repository, root) === 'referrer-of-elsewhere',
    needsTaggedFalse: policy.unit === 'tag' && ordinary.length === 0,
    clocks: clocksOf(
      repository,
      root,
      (root.tags ?? []).filter(
        (tag) => policy.unit !== 'tag' || ordinary.length === 0 || tags.includes(tag.name),
      ),
      now,
      (root.tags ?? []).filter((tag) => tags.includes(tag.name)),
    ),
    isLocked: root.locked === true,
  })
  if (policy.unit !== 'tag') return [row(ordinary)]
  return ordinary.length === 0 ? [row([])] : ordinary.map((tag) => row([tag]))
}

/** Protection > keep > delete > spared by a delete rule > unmatched; undefined when it may go. */
function stays(place: Place, row: RatedRow, verdict: RowVerdict): Promised | undefined {
  const protectTags = place.world.config.protect?.tags ?? []
  if (place.policy.unit === 'tag' && protectTags.length > 0) {
    if (row.tags.some((tag) => matchesTagList(protectTags, tag))) return 'protected-tag'
  }
  if (verdict.keptBy !== undefined) return 'kept-by-rule'
  if (verdict.takenBy.length > 0) return undefined
  if (verdict.isReachedByDelete) return 'spared'
  if (row.isOrphan) return 'orphan-without-state-rule'
  return place.policy.unmatched === 'keep' ? 'unmatched-keep' : undefined
}

interface RepositoryOutcome {
  readonly place: Place | undefined
  readonly inventory: WorldInventory
  readonly repository: WorldRepository
  /** By digest. */
  readonly staying: Map<string, Promised>
  /** By `digest tag`. */
  readonly stayingTags: Map<string, Promised>
  readonly goneRoots: string[]
  readonly gone: string[]
  readonly untags: string[]
}

function judgeRepository(place: Place): RepositoryOutcome {
  const { inventory, repository, policy, now } = place
  const roots = rootsOf(inventory, repository)
  const rows = roots.flatMap((root) => rowsOf(place, root))
  const verdicts = judgeRows(policy.rules, policy.unit ?? 'image', rows, now)
  const staying = new Map<string, Promised>()
  const stayingTags = new Map<string, Promised>()
  const untaggable: string[] = []
  const unwantedTags = new Map<string, string[]>()
  for (const root of roots) {
    const whole = protection(place, root)
    const own = rows
      .filter(({ digest }) => digest === root.digest)
      .map((row) => {
        const verdict = verdicts.get(row)
        return { row, why: whole ?? (verdict && stays(place, row, verdict)) }
      })
    const unwanted = own.filter((one) => policy.unit === 'tag' && one.why === undefined)
    unwantedTags.set(
      root.digest,
      unwanted.flatMap(({ row }) => row.tags.map((tag) => `${root.digest} ${tag}`)),
    )
    const why = own.find((one) => one.why !== undefined)?.why
    if (why !== undefined) staying.set(root.digest, why)
    else if (policy.emptied === 'keep' && unwanted.some(({ row }) => row.tags.length > 0)) {
      staying.set(root.digest, 'emptied')
    }
  }
  for (const root of [...staying.keys()]) {
    for (const digest of closure(repository, root)) {
      if (!staying.has(digest)) staying.set(digest, 'needed-by')
    }
  }
  // A manifest that stays only because something needs it keeps no tag for that.
  for (const [digest, tags] of unwantedTags) if (staying.has(digest)) untaggable.push(...tags)
  // What hangs on no image at all (a circle) is nobody's to delete.
  const hanging = new Set(roots.flatMap((root) => [...closure(repository, root.digest)]))
  for (const { digest } of repository.manifests) {
    if (!hanging.has(digest)) staying.set(digest, 'no-root')
  }
  for (const manifest of repository.manifests) {
    const why = staying.get(manifest.digest)
    if (why === undefined) continue
    for (const tag of tagNames(manifest)) {
      const name = `${manifest.digest} ${tag}`
      if (!untaggable.includes(name)) stayingTags.set(name, why)
    }
  }
  const gone = repository.manifests.map(({ digest }) => digest).filter((digest) => !staying.has(digest))
  const goneRoots = roots.map(({ digest }) => digest).filter((digest) => !staying.has(digest))
  return { place, inventory, repository, staying, stayingTags, goneRoots, gone, untags: untaggable }
}

function untouched(inventory: WorldInventory, repository: WorldRepository): RepositoryOutcome {
  const digests = repository.manifests.map(({ digest }) => digest)
  const tags = repository.manifests.flatMap((manifest) =>
    tagNames(manifest).map((tag) => `${manifest.digest} ${tag}`),
  )
  return {
    place: undefined,
    inventory,
    repository,
    staying: new Map(digests.map((digest) => [digest, 'ungoverned'])),
    stayingTags: new Map(tags.map((tag) => [tag, 'ungoverned'])),
    goneRoots: [],
    gone: [],
    untags: [],
  }
}

/** Everything the plan of a world must be, and must not be. */
export function oracle(world: World): Expected {
  const now = Date.parse(world.now)
  const named = namedManifests(world.inventories, namedInUse(world))
  const outcomes = world.inventories.flatMap((inventory) =>
    inventory.repositories.map((repository) => {
      const policy = world.config.policies.find(
        (one) =>
          (one.registry === undefined || one.registry === inventory.registry) &&
          matchesRepository(one.repositories, repository.name),
      )
      const inUse = inUseIn(world.inventories, repository, named)
      return policy
        ? judgeRepository({ world, now, inventory, repository, policy, inUse })
        : untouched(inventory, repository)
    }),
  )
  const keyed = (pick: (outcome: RepositoryOutcome) => readonly string[]): Set<string> =>
    new Set(
      outcomes.flatMap((outcome) =>
        pick(outcome).map((rest) => keyOf(outcome.inventory.registry, outcome.repository.name, rest)),
      ),
    )
  const keyedMap = (pick: (outcome: RepositoryOutcome) => Map<string, Promised>): Map<string, Promised> =>
    new Map(
      outcomes.flatMap((outcome) =>
        [...pick(outcome)].map(([rest, why]): [string, Promised] => [
          keyOf(outcome.inventory.registry, outcome.repository.name, rest),
          why,
        ]),
      ),
    )
  return {
    needed: keyedMap(({ staying }) => staying),
    neededTags: keyedMap(({ stayingTags }) => stayingTags),
    deletedRoots: keyed(({ goneRoots }) => goneRoots),
    deleted: keyed(({ gone }) => gone),
    untags: keyed(({ untags }) => untags),
    roots: keyed(({ place, inventory, repository }) =>
      place ? rootsOf(inventory, repository).map(({ digest }) => digest) : [],
    ),
    ...bytes(outcomes),
    limitsBroken: brokenLimits(world, outcomes),
  }
}

/** What is freed, each blob and manifest once for each registry; and the plain sum. */
function bytes(outcomes: readonly RepositoryOutcome[]): { bytesFreed: number; bytesApparent: number } {
  let bytesApparent = 0
  let bytesFreed = 0
  for (const inventory of new Set(outcomes.map((outcome) => outcome.inventory))) {
    const here = outcomes.filter((outcome) => outcome.inventory === inventory)
    const held = new Set<string>()
    const going = new Map<string, number>()
    for (const { repository, gone } of here) {
      for (const manifest of repository.manifests) {
        const parts = [{ digest: manifest.digest, sizeBytes: manifest.sizeBytes ?? 0 }, ...blobsOf(manifest)]
        if (gone.includes(manifest.digest)) {
          for (const { digest, sizeBytes } of parts) going.set(digest, sizeBytes)
          bytesApparent += parts.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
        } else {
          for (const { digest } of parts) held.add(digest)
          for (const child of manifest.children ?? []) held.add(child)
        }
      }
    }
    for (const [digest, sizeBytes] of going) if (!held.has(digest)) bytesFreed += sizeBytes
  }
  return { bytesFreed, bytesApparent }
}

function brokenLimits(world: World, outcomes: readonly RepositoryOutcome[]): Set<string> {
  const limits = world.config.limits ?? {}
  const broken = new Set<string>()
  const governed = outcomes.filter((outcome) => outcome.place !== undefined)
  // An image that loses its last tag is as good as gone to those who know it by name.
  const lost = ({ goneRoots, staying }: RepositoryOutcome): number =>
    goneRoots.length + [...staying.values()].filter((why) => why === 'emptied').length
  const deletions = governed.reduce((total, outcome) => total + lost(outcome), 0)
  if (deletions > (limits.maxDeletions ?? 500)) broken.add('maxDeletions')
  const share = Number((limits.maxShare ?? '30%').replace('%', ''))
  for (const inventory of world.inventories) {
    const here = governed.filter((outcome) => outcome.inventory === inventory)
    const gone = here.reduce((total, outcome) => total + lost(outcome), 0)
    const all = here.reduce((total, { repository }) => total + rootsOf(inventory, repository).length, 0)
    if (gone * 100 > share * all) broken.add(`maxShare ${inventory.registry}`)
  }
  for (const { inventory, repository, goneRoots, untags } of governed) {
    const tagged = repository.manifests.filter((manifest) => ordinaryTags(manifest).length > 0)
    const surviving = tagged.filter(
      (manifest) =>
        !goneRoots.includes(manifest.digest) &&
        ordinaryTags(manifest).some((tag) => !untags.includes(`${manifest.digest} ${tag}`)),
    )
    const isTouched = surviving.length < tagged.length
    if (isTouched && surviving.length < (limits.minSurvivors ?? 1)) {
      broken.add(`minSurvivors ${inventory.registry} ${repository.name}`)
    }
  }
  return broken
}
