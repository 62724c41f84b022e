/**
 * Finds the image that a person means: `repository:tag`, `repository@digest`, with a host or the registry's name before
 * it, a digest alone, or the beginning of one as a plan prints it. What fits several images is listed, never guessed.
 */
import { distance } from 'fastest-levenshtein'
import {
  managedRepositories,
  type ManagedRegistry,
  type ManagedRepository,
} from '../core/evidence/managed-names.ts'
import { OperationalError } from '../core/errors/errors.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName } from '../core/image/names.ts'
import { normalizeReference } from '../core/image/reference.ts'
import type { Inventory, ManifestRecord, RepositoryInventory } from '../core/inventory/inventory.ts'
import { UsageError } from './report-error.ts'
import { plain } from './views/format.ts'

export interface FoundImage {
  readonly registry: RegistryName
  readonly repository: RepositoryInventory
  readonly digest: Digest
}

/** The inventory has no such image. */
export class UnknownImageError extends OperationalError {
  readonly code = 'UNKNOWN_IMAGE'
  readonly hint: string

  constructor(word: string, near: readonly string[]) {
    super(`There is no image called ${plain(word)} in the configured registries.`)
    const listed = near.map((name) => `  ${name}`).join('\n')
    this.hint =
      near.length === 0 ? 'The images are listed by:\n  winnow inventory' : `Near to it are:\n${listed}`
  }
}

const nearShown = 5

/**
 * Finds one manifest.
 *
 * @throws UnknownImageError, UsageError when several fit
 */
export function findImage(
  word: string,
  inventories: readonly Inventory[],
  registries: readonly ManagedRegistry[],
): FoundImage {
  const found = candidates(word, inventories, registries)
  const [first, ...others] = found
  if (first === undefined) throw new UnknownImageError(word, nearTo(word, inventories))
  if (others.length === 0) return first
  const names = found.slice(0, 20).map((each) => `  ${each.registry}/${each.repository.name}@${each.digest}`)
  throw new UsageError(
    `${plain(word)} fits ${found.length} images.`,
    `Name one of them:\n${names.join('\n')}`,
  )
}

const digestStart = /^(?:sha256|sha512):[0-9a-f]{4,128}(?:…|\.\.\.)?$/

function candidates(
  word: string,
  inventories: readonly Inventory[],
  registries: readonly ManagedRegistry[],
): readonly FoundImage[] {
  if (digestStart.test(word)) {
    const start = word.replace(/(?:…|\.\.\.)$/, '')
    return search(
      inventories,
      () => true,
      ({ digest }) => digest.startsWith(start),
    )
  }
  const [name, digest] = splitOnce(word, '@')
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  const repository = hasTag ? name.slice(0, colon) : name
  const tag = hasTag ? name.slice(colon + 1) : 'latest'
  const places = [...namedDirectly(repository, inventories), ...namedByHost(repository, registries)]
  const isThere = (registry: RegistryName, at: RepositoryInventory): boolean =>
    places.some((place) => place.registry === registry && place.repository === at.name)
  const start = digest?.replace(/(?:…|\.\.\.)$/, '')
  return search(inventories, isThere, (manifest) =>
    start === undefined ? manifest.tags.some((each) => each.name === tag) : manifest.digest.startsWith(start),
  )
}

type Place = Pick<ManagedRepository, 'registry' | 'repository'>

/** `team/app`, or `prod/team/app` with the registry's name from winnow.yaml. */
function namedDirectly(repository: string, inventories: readonly Inventory[]): readonly Place[] {
  return inventories.flatMap(({ registry }) => [
    { registry, repository },
    ...(repository.startsWith(`${registry}/`)
      ? [{ registry, repository: repository.slice(registry.length + 1) }]
      : []),
  ])
}

/** `registry.example.com/team/app`, by address or alias. */
function namedByHost(repository: string, registries: readonly ManagedRegistry[]): readonly Place[] {
  const reference = normalizeReference(repository)
  return reference === undefined
    ? []
    : managedRepositories({ registries, tagsOf: () => new Set<string>() }, reference)
}

function search(
  inventories: readonly Inventory[],
  inRepository: (registry: RegistryName, repository: RepositoryInventory) => boolean,
  fits: (manifest: ManifestRecord) => boolean,
): readonly FoundImage[] {
  return inventories.flatMap(({ registry, repositories }) =>
    repositories
      .filter((repository) => inRepository(registry, repository))
      .flatMap((repository) =>
        repository.manifests.filter(fits).map(({ digest }) => ({ registry, repository, digest })),
      ),
  )
}

function splitOnce(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** Names that differ little; a list of a million names is looked through once. */
function nearTo(word: string, inventories: readonly Inventory[]): readonly string[] {
  const far = Math.max(3, Math.ceil(word.length / 4))
  return inventories
    .flatMap(({ repositories }) =>
      repositories.flatMap(({ name, manifests }) =>
        manifests.flatMap(({ tags }) => tags.map((tag) => `${name}:${tag.name}`)),
      ),
    )
    .filter((name) => Math.abs(name.length - word.length) <= far)
    .map((name) => ({ name, by: distance(name, word) }))
    .filter(({ by }) => by <= far)
    .sort((a, b) => a.by - b.by || (a.name < b.name ? -1 : 1))
    .slice(0, nearShown)
    .map(({ name }) => plain(name))
}
