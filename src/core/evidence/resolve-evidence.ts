/**
 * Brings evidence to inventories: which manifests, of which repositories, are in use, and who says so.
 *
 * A digest in use is protected in every managed repository that has it, as manifest or as config, whatever name it came
 * by. A tag protects what it points to in the inventory; `repo` alone means `repo:latest`; `repo:tag@digest` protects
 * both. A tag in use that is not there in its own spelling protects the one in lower case: some registries list tags in
 * lower case only and resolve every spelling. More evidence only ever adds marks. The graph (children, indexes above, referrers) is the planner's to follow.
 *
 * One pass over the manifests with look-ups in sets made from the evidence: nothing is built per manifest, so a million
 * of them cost a million look-ups and no memory.
 */
import { shortDigest, type Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName } from '../image/names.ts'
import type { Inventory, ManifestRecord } from '../inventory/inventory.ts'
import type { Evidence } from './evidence.ts'
import {
  collectDemands,
  keyOf,
  united,
  within,
  type Demand,
  type Demands,
  type InUseMark,
  type Marks,
  type RepositoryKey,
} from './demands.ts'
import { markEverywhere } from './everywhere.ts'
import type { ManagedNames, ManagedRepository } from './managed-names.ts'

export type { InUseMark } from './demands.ts'

export interface MissingReference {
  readonly registry: RegistryName
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
  /** False when the inventory has no such repository at all. */
  readonly isRepositoryKnown: boolean
  readonly mark: InUseMark
}

export interface ForeignDigest {
  /** The name it is in use under, which no address or alias explains. */
  readonly reference: string
  readonly digest: Digest
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly mark: InUseMark
}

export interface ResolvedEvidence {
  /**
   * By registry and repository: the manifests that are in use themselves (target of a tag, named by digest, or through
   * their config), each with its witnesses. Empty for a repository of which nothing is known to be in use.
   */
  inUse(registry: RegistryName, repository: RepositoryName): ReadonlyMap<Digest, readonly InUseMark[]>
  /** References to managed repositories whose tag or digest no inventory has. */
  readonly missing: readonly MissingReference[]
  /** Digests of ours in use under somebody else's name: hints that an alias is missing. */
  readonly foreign: readonly ForeignDigest[]
  /**
   * Repositories of which nothing may be deleted, with the reason: a pod runs an image config that no manifest has, and
   * the tag it was started from is gone, so that what it needs cannot be told from what it does not.
   */
  readonly heldRepositories: ReadonlyMap<RegistryName, ReadonlyMap<RepositoryName, string>>
}

interface Home {
  readonly registry: RegistryName
  readonly repository: RepositoryName
}

/** What a pass over the inventories found. */
interface Found {
  readonly inUse: Map<RepositoryKey, Map<Digest, Marks>>
  readonly tagsSeen: ReadonlyMap<RepositoryKey, Set<string>>
  /** Where each digest in use was first found. */
  readonly digestsSeen: Map<Digest, Home>
  readonly registries: ReadonlySet<RegistryName>
  readonly repositories: ReadonlySet<RepositoryKey>
}

const none: ReadonlyMap<Digest, Marks> = new Map()

/** Which manifests of `inventories` the evidence says are in use (DESIGN sections 1 and 5). Pure, linear in all inputs. */
export function resolveEvidence(
  evidence: Evidence,
  inventories: readonly Inventory[],
  managed: ManagedNames,
): ResolvedEvidence {
  const collected = collectDemands(evidence, managed)
  const found = search(collected, inventories)
  const missing = missingOf(collected.demands, found)
  // Last, because what was asked for by name is told apart from what only belongs to it.
  markEverywhere(found.inUse, collected.digests, inventories)
  return {
    inUse: (registry, repository) => found.inUse.get(keyOf(registry, repository)) ?? none,
    missing,
    foreign: foreignOf(collected.demands, found),
    heldRepositories: heldOf(evidence, missing, collected, found),
  }
}

function search({ digests, tags }: Demands, inventories: readonly Inventory[]): Found {
  const inUse = new Map<RepositoryKey, Map<Digest, Marks>>()
  const tagsSeen = new Map<RepositoryKey, Set<string>>()
  const digestsSeen: Found['digestsSeen'] = new Map()
  const repositories = new Set<RepositoryKey>()
  for (const { registry, repositories: listed, capabilities } of inventories) {
    for (const { name: repository, manifests } of listed) {
      const key = keyOf(registry, repository)
      const home = { registry, repository }
      const wantedTags = tags.get(key)
      const foundTags = tagsSeen.get(key) ?? new Set<string>()
      for (const manifest of manifests) {
        const byDigest = digestMarks(manifest, digests, digestsSeen, home)
        const byTag = wantedTags && tagMarks(manifest, wantedTags, foundTags)
        addMarks(inUse, key, manifest, united(byDigest, byTag))
      }
      const inLowerCase = wantedTags && lowerCaseOf(wantedTags, foundTags)
      if (inLowerCase !== undefined) {
        const foundInLowerCase = new Set<string>()
        for (const manifest of manifests) {
          const marks = tagMarks(manifest, inLowerCase.marks, foundInLowerCase)
          addMarks(inUse, key, manifest, marks)
        }
        // Elsewhere the spelling that is in use is another tag, and still missing.
        if (capabilities?.foldsTagCase === true) {
          for (const [name, folded] of inLowerCase.names)
            if (foundInLowerCase.has(folded)) foundTags.add(name)
        }
      }
      repositories.add(key)
      tagsSeen.set(key, foundTags)
    }
  }
  return {
    inUse,
    tagsSeen,
    digestsSeen,
    registries: new Set(inventories.map((each) => each.registry)),
    repositories,
  }
}

function addMarks(
  inUse: Found['inUse'],
  key: RepositoryKey,
  { digest }: ManifestRecord,
  marks: Marks | undefined,
): void {
  if (marks === undefined) return
  const ofRepository = within(inUse, key)
  ofRepository.set(digest, united(ofRepository.get(digest), marks) ?? marks)
}

interface InLowerCase {
  readonly marks: ReadonlyMap<string, Marks>
  /** By the tag as it is in use. */
  readonly names: ReadonlyMap<string, string>
}

/**
 * The wanted tags that were not found and have capitals, in lower case; undefined when there are none. Also where nobody
 * said that the registry folds case (an inventory from a file, a registry that was not recognised): a mark too many only
 * keeps.
 */
function lowerCaseOf(
  wanted: ReadonlyMap<string, Marks>,
  found: ReadonlySet<string>,
): InLowerCase | undefined {
  const marks = new Map<string, Marks>()
  const names = new Map<string, string>()
  for (const [name, own] of wanted) {
    const folded = name.toLowerCase()
    if (folded === name || found.has(name)) continue
    marks.set(folded, united(marks.get(folded), own) ?? own)
    names.set(name, folded)
  }
  return marks.size === 0 ? undefined : { marks, names }
}

function digestMarks(
  { digest, config }: ManifestRecord,
  digests: Demands['digests'],
  digestsSeen: Found['digestsSeen'],
  home: Home,
): Marks | undefined {
  const own = digests.get(digest)
  if (own !== undefined && !digestsSeen.has(digest)) digestsSeen.set(digest, home)
  const ofConfig = config === undefined ? undefined : digests.get(config.digest)
  if (config !== undefined && ofConfig !== undefined) digestsSeen.set(config.digest, home)
  return united(own, ofConfig)
}

function tagMarks(
  { tags }: ManifestRecord,
  wanted: ReadonlyMap<string, Marks>,
  foundTags: Set<string>,
): Marks | undefined {
  let marks: Marks | undefined
  for (const { name } of tags) {
    const byTag = wanted.get(name)
    if (byTag === undefined) continue
    foundTags.add(name)
    marks = united(marks, byTag)
  }
  return marks
}

/** References to registries whose inventory is here, of which no reading has the tag, or nothing has the digest. */
function missingOf(demands: readonly Demand[], found: Found): readonly MissingReference[] {
  return demands.flatMap(({ targets, marks, isGuess }) => {
    const read = targets.filter(({ registry }) => found.registries.has(registry))
    const [mark] = marks
    if (isGuess || mark === undefined || read.length === 0 || read.some((target) => isThere(target, found)))
      return []
    const known = read.filter(({ registry, repository }) =>
      found.repositories.has(keyOf(registry, repository)),
    )
    return (known.length > 0 ? known : read.slice(0, 1)).map(({ registry, repository, tag, digest }) => ({
      registry,
      repository,
      ...(digest === undefined
        ? { tag: tag ?? 'latest' }
        : { digest, ...(tag === undefined ? {} : { tag }) }),
      isRepositoryKnown: known.length > 0,
      mark,
    }))
  })
}

/** Pulling by digest needs no tag, so a tag beside a digest may be gone. */
function isThere({ registry, repository, tag, digest }: ManagedRepository, found: Found): boolean {
  const key = keyOf(registry, repository)
  if (digest !== undefined) return found.inUse.get(key)?.has(digest) ?? false
  return found.tagsSeen.get(key)?.has(tag ?? 'latest') ?? false
}

function foreignOf(demands: readonly Demand[], found: Found): readonly ForeignDigest[] {
  return demands.flatMap(({ reference, targets, digest, marks: [mark] }) => {
    const home = digest === undefined ? undefined : found.digestsSeen.get(digest)
    if (targets.length > 0 || digest === undefined || home === undefined || mark === undefined) return []
    return [{ reference, digest, ...home, mark }]
  })
}

/**
 * A config digest that runs in a pod and belongs to no manifest we know, while the tag that the same pod was started
 * from is gone: any manifest of that repository may be the one (reference: kubernetes, section 1.2, trap 3).
 */
function heldOf(
  evidence: Evidence,
  missing: readonly MissingReference[],
  { demands }: Demands,
  found: Found,
): ResolvedEvidence['heldRepositories'] {
  const held = new Map<RegistryName, Map<RepositoryName, string>>()
  if (missing.length === 0) return held
  const unknown = new Map<string, Digest>()
  for (const { name, digests: lone } of evidence.sources) {
    for (const { digest, where, isManifest = false } of lone) {
      const mayBeConfig = !isManifest && !found.digestsSeen.has(digest)
      if (mayBeConfig && where.startsWith('Pod ')) unknown.set(`${name}\n${where}`, digest)
    }
  }
  if (unknown.size === 0) return held

  for (const { targets, marks, isGuess } of demands) {
    if (isGuess) continue
    const gone = targets.filter(
      (target) => target.digest === undefined && found.registries.has(target.registry),
    )
    if (gone.length === 0 || gone.some((target) => isThere(target, found))) continue
    const mark = marks.find(({ source, where }) => unknown.has(`${source}\n${where}`))
    const digest = mark && unknown.get(`${mark.source}\n${mark.where}`)
    if (mark === undefined || digest === undefined) continue
    for (const { registry, repository, tag = 'latest' } of gone) {
      if (!found.repositories.has(keyOf(registry, repository))) continue
      within(held, registry).set(
        repository as RepositoryName,
        `${mark.where} (${mark.source}) runs an image with config ${shortDigest(digest)} that no known manifest has, and its tag ${tag} is gone; any manifest of ${repository} may be the one it runs.`,
      )
    }
  }
  return held
}
