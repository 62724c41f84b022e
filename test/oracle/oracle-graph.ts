/**
 * What hangs on what, by walking lists of edges until nothing new turns up (DESIGN section 1, promise 3).
 * Quadratic and obvious on purpose.
 */
import type { WorldInventory, WorldManifest, WorldRepository } from './world.ts'

const attachedTag = /^(?:(sha256|sha512)-([0-9a-f]+)|(?:.*-)?(sha256|sha512)-([0-9a-f]+)\.(?:sig|att|sbom))$/

/** The digest that a fallback tag or a cosign tag hangs its bearer on. */
export function subjectOfTag(tag: string): string | undefined {
  const [, algorithm, hex, cosignAlgorithm, cosignHex] = attachedTag.exec(tag) ?? []
  const name = algorithm ?? cosignAlgorithm
  const text = hex ?? cosignHex ?? ''
  return name !== undefined && text.length === (name === 'sha256' ? 64 : 128) ? `${name}:${text}` : undefined
}

export function tagNames(manifest: WorldManifest): string[] {
  return (manifest.tags ?? []).map((tag) => tag.name)
}

export function ordinaryTags(manifest: WorldManifest): string[] {
  return tagNames(manifest).filter((tag) => subjectOfTag(tag) === undefined)
}

/** Every digest that the manifest says it hangs on; what names itself says nothing. */
export function subjectsOf(manifest: WorldManifest): string[] {
  const named = [manifest.subject ?? undefined, ...tagNames(manifest).map(subjectOfTag)]
  return [
    ...new Set(
      named.filter((digest): digest is string => digest !== undefined && digest !== manifest.digest),
    ),
  ]
}

export function childrenOf(manifest: WorldManifest): string[] {
  return (manifest.children ?? []).filter((digest) => digest !== manifest.digest)
}

export function find(repository: WorldRepository, digest: string): WorldManifest | undefined {
  return repository.manifests.find((manifest) => manifest.digest === digest)
}

function grow(start: readonly string[], next: (digest: string) => readonly string[]): Set<string> {
  const reached = new Set(start)
  // A set visits what is added while it is walked.
  for (const digest of reached) for (const more of next(digest)) reached.add(more)
  return reached
}

/** The manifest, everything below it, and all that refers to any of these, in this repository. */
export function closure(repository: WorldRepository, digest: string): Set<string> {
  return grow([digest], (at) => {
    const manifest = find(repository, at)
    const below = manifest ? childrenOf(manifest).filter((child) => find(repository, child)) : []
    const referrers = repository.manifests.filter((other) => subjectsOf(other).includes(at))
    return [...below, ...referrers.map((other) => other.digest)]
  })
}

/** All that is below a manifest by `children`, itself included; also digests that nobody holds. */
export function below(repository: WorldRepository, digest: string): Set<string> {
  return grow([digest], (at) => {
    const manifest = find(repository, at)
    return manifest ? childrenOf(manifest) : []
  })
}

export type Standing = 'image' | 'orphaned-referrer' | 'referrer-of-elsewhere' | 'part'

/** What a manifest is in its repository. */
export function standing(
  inventory: WorldInventory,
  repository: WorldRepository,
  manifest: WorldManifest,
): Standing {
  if (ordinaryTags(manifest).length > 0) return 'image'
  const isChild = repository.manifests.some(
    (other) => other.digest !== manifest.digest && childrenOf(other).includes(manifest.digest),
  )
  if (isChild) return 'part'
  const subjects = subjectsOf(manifest)
  if (subjects.length === 0) return 'image'
  if (subjects.some((subject) => find(repository, subject))) return 'part'
  return hangsElsewhere(inventory, repository, manifest) ? 'referrer-of-elsewhere' : 'orphaned-referrer'
}

/** Whether its subject is not here, but in another repository of the registry, or may be in one that was not read. */
export function hangsElsewhere(
  inventory: WorldInventory,
  repository: WorldRepository,
  manifest: WorldManifest,
): boolean {
  const subjects = subjectsOf(manifest)
  if (subjects.some((subject) => find(repository, subject))) return false
  const isAnyUnread = inventory.repositories.some((other) => other.complete === false)
  return subjects.some(
    (subject) => isAnyUnread || inventory.repositories.some((other) => find(other, subject)),
  )
}

/** The lines of a repository in a plan: images, and referrers whose subject is not here. */
export function rootsOf(inventory: WorldInventory, repository: WorldRepository): WorldManifest[] {
  return repository.manifests.filter((manifest) => standing(inventory, repository, manifest) !== 'part')
}

/** The manifests that evidence names, by themselves or by their config; also digests that nobody holds. */
export function namedManifests(
  inventories: readonly WorldInventory[],
  digests: ReadonlySet<string>,
): Set<string> {
  const all = inventories.flatMap(({ repositories }) => repositories.flatMap(({ manifests }) => manifests))
  const byConfig = all.filter((manifest) => manifest.config && digests.has(manifest.config.digest))
  return new Set([...digests, ...byConfig.map((manifest) => manifest.digest)])
}

/**
 * What is in use in a repository, its own graph aside: the manifests named; and of those that it does not have, every
 * index above, everything below, and the referrers, as any repository knows them.
 */
export function inUseIn(
  inventories: readonly WorldInventory[],
  repository: WorldRepository,
  named: ReadonlySet<string>,
): Set<string> {
  const all = inventories.flatMap(({ repositories }) => repositories.flatMap(({ manifests }) => manifests))
  const elsewhere = [...named].filter((digest) => !find(repository, digest))
  const related = elsewhere.flatMap((start) => [
    ...grow([start], (at) =>
      all.filter((other) => childrenOf(other).includes(at)).map(({ digest }) => digest),
    ),
    ...grow([start], (at) => all.filter(({ digest }) => digest === at).flatMap(childrenOf)),
    ...all.filter((other) => subjectsOf(other).includes(start)).map(({ digest }) => digest),
  ])
  return new Set([...named, ...related])
}
