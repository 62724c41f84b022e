/**
 * Evidence, gathered by what it demands of the inventories: which digests, and which tags of which repositories, with
 * the witnesses of each. `resolve-evidence.ts` looks these up; nothing here knows an inventory.
 */
import { invariant } from '../errors/invariant.ts'
import type { Digest } from '../image/digest.ts'
import type { RegistryName } from '../image/names.ts'
import { normalizeReference } from '../image/reference.ts'
import type { Evidence } from './evidence.ts'
import { managedRepositories, type ManagedNames, type ManagedRepository } from './managed-names.ts'

/** One witness. */
export interface InUseMark {
  /** The name of the source: `kubernetes:prod-eu`. */
  readonly source: string
  /** `Deployment shop/app`. */
  readonly where: string
}

export type Marks = readonly InUseMark[]
/** Registry and repository in one string. */
export type RepositoryKey = string

/** A reference that is brought home once, with all places it stands in. */
export interface Demand {
  readonly reference: string
  readonly targets: readonly ManagedRepository[]
  readonly digest: Digest | undefined
  readonly marks: InUseMark[]
  /** True until one place names it outright. */
  isGuess: boolean
}

export interface Demands {
  readonly demands: readonly Demand[]
  /** Every digest in use, by whatever name, with its witnesses. */
  readonly digests: ReadonlyMap<Digest, Marks>
  /** By repository: the tags in use. */
  readonly tags: ReadonlyMap<RepositoryKey, ReadonlyMap<string, Marks>>
}

/** Everything that `evidence` asks to keep, as a registry would name it. */
export function collectDemands(evidence: Evidence, managed: ManagedNames): Demands {
  const demands = new Map<string, Demand>()
  const digests = new Map<Digest, InUseMark[]>()
  for (const { name: source, references, digests: lone } of evidence.sources) {
    for (const { reference, where, isGuess = false } of references) {
      let demand = demands.get(reference)
      if (demand === undefined) demands.set(reference, (demand = demandOf(reference, managed)))
      demand.marks.push({ source, where })
      demand.isGuess &&= isGuess
    }
    for (const { digest, where } of lone) append(digests, digest, [{ source, where }])
  }

  const tags = new Map<RepositoryKey, Map<string, InUseMark[]>>()
  for (const { targets, digest, marks } of demands.values()) {
    if (digest !== undefined) append(digests, digest, marks)
    for (const { registry, repository, tag } of targets) {
      const wanted = tag ?? (digest === undefined ? 'latest' : undefined)
      if (wanted !== undefined) append(within(tags, keyOf(registry, repository)), wanted, marks)
    }
  }
  return {
    demands: [...demands.values()],
    digests: eachOnce(digests),
    tags: new Map([...tags].map(([key, byTag]) => [key, eachOnce(byTag)])),
  }
}

function demandOf(reference: string, managed: ManagedNames): Demand {
  const normalized = normalizeReference(reference)
  // Sources normalise, and own up to what they cannot; a text that got past them would protect nothing, in silence.
  invariant(normalized !== undefined, `evidence holds ${JSON.stringify(reference)}, which is no reference`)
  const targets = managedRepositories(managed, normalized)
  return { reference, targets, digest: normalized.digest, marks: [], isGuess: true }
}

/** How maps here name a repository. */
export function keyOf(registry: RegistryName, repository: string): RepositoryKey {
  return `${registry}\n${repository}`
}

function append<K>(lists: Map<K, InUseMark[]>, key: K, marks: Marks): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [...marks])
  else for (const mark of marks) list.push(mark)
}

/** The map of maps' map under `key`, made when there is none. */
export function within<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const map = maps.get(key) ?? new Map<L, V>()
  maps.set(key, map)
  return map
}

/** Both lists, each witness once; shared instead of copied where one of them is empty. */
export function united(one: Marks | undefined, other: Marks | undefined): Marks | undefined {
  if (one === undefined || one === other) return other
  if (other === undefined) return one
  return distinct([...one, ...other])
}

function eachOnce<K>(lists: ReadonlyMap<K, Marks>): ReadonlyMap<K, Marks> {
  return new Map([...lists].map(([key, marks]) => [key, marks.length > 1 ? distinct(marks) : marks]))
}

function distinct(marks: Marks): Marks {
  return [...new Map(marks.map((mark) => [`${mark.source}\n${mark.where}`, mark])).values()]
}
