/** From the name of an image to the registry that is asked for it: one of winnow.yaml, else the one in the name. */
import {
  managedPrefixes,
  managedRepositories,
  type ManagedRegistry,
} from '../../core/evidence/managed-names.ts'
import type { Configuration, RegistrySettings } from '../../config/configuration.ts'
import type { Digest } from '../../core/image/digest.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
  type TagName,
} from '../../core/image/names.ts'
import { normalizeReference, type NormalizedReference } from '../../core/image/reference.ts'
import { UsageError } from '../report-error.ts'
import { plain } from '../views/format.ts'

export interface ImagePlace {
  /** Undefined without a configuration: then the host of the name is the registry. */
  readonly settings: RegistrySettings | undefined
  readonly host: string
  /** Where it may be, the likeliest first: a registry below a path may or may not count the path to names. */
  readonly repositories: readonly RepositoryName[]
  readonly reference: TagName | Digest
}

/**
 * Which registry a name means.
 *
 * @param configuration undefined where there is none
 * @throws UsageError when the name is no full reference, means no registry of the configuration, or several
 */
export function placeOfImage(
  word: string,
  configuration: Configuration | undefined,
  registries: readonly ManagedRegistry[],
): ImagePlace {
  const own = configuration === undefined ? undefined : namedByKey(word, configuration)
  const named = own?.named ?? normalizeReference(word)
  if (named === undefined) {
    throw new UsageError(
      `${plain(word)} is no image reference.`,
      'Write it as it was pushed: registry.example.com/team/app:1.2',
    )
  }
  const reference = referenceOf(word, named)
  if (configuration === undefined) {
    return { settings: undefined, host: named.domain, repositories: repositoriesOf([named.path]), reference }
  }
  const places = own === undefined ? managedRepositories({ registries, tagsOf: () => new Set() }, named) : []
  const settings = own?.settings ?? onlyRegistry(word, configuration, places)
  const paths = own === undefined ? places.map(({ repository }) => repository) : [named.path]
  const longestPrefixFirst = paths.toSorted((a, b) => a.length - b.length)
  return { settings, host: named.domain, repositories: repositoriesOf(longestPrefixFirst), reference }
}

/** `prod/team/app:1.2`, with the registry's name from winnow.yaml, as plans print images. */
function namedByKey(
  word: string,
  { registries }: Configuration,
): { readonly settings: RegistrySettings; readonly named: NormalizedReference | undefined } | undefined {
  const slash = word.indexOf('/')
  const settings = [...registries.values()].find(({ name }) => name === word.slice(0, Math.max(0, slash)))
  if (settings === undefined) return undefined
  // A host that is nobody's: only what follows it is read here.
  const named = normalizeReference(`registry.invalid/${word.slice(slash + 1)}`)
  const [prefix] = managedPrefixes(settings.url, settings.aliases)
  return { settings, named: named && { ...named, domain: prefix ?? '' } }
}

function referenceOf(word: string, { digest, tag }: NormalizedReference): TagName | Digest {
  // Beside a digest a tag is a remark (as docker pull takes it); the digest says what was built.
  const reference = digest ?? parseTagName(tag ?? '')
  if (reference !== undefined) return reference
  throw new UsageError(
    `${plain(word)} names neither a tag nor a digest, and whatever is called latest may not be what was built.`,
    'Name the tag or the digest that was pushed.',
  )
}

function onlyRegistry(
  word: string,
  configuration: Configuration,
  places: readonly { readonly registry: RegistrySettings['name'] }[],
): RegistrySettings {
  const names = [...new Set(places.map(({ registry }) => registry))]
  const [first, ...others] = names
  const settings = first === undefined ? undefined : configuration.registries.get(first)
  if (settings !== undefined && others.length === 0) return settings
  const listed = (settings === undefined ? [...configuration.registries.keys()] : names)
    .map((name) => `  ${name}`)
    .join('\n')
  throw settings === undefined
    ? new UsageError(
        `${plain(word)} is in no registry of ${configuration.file}, so no plan would look for its links.`,
        `Add the host to the aliases of its registry, or put the registry's name before the repository. The registries are:\n${listed}`,
      )
    : new UsageError(
        `${plain(word)} may be in several registries of ${configuration.file}.`,
        `Put the name of one before the repository:\n${listed}`,
      )
}

function repositoriesOf(paths: readonly string[]): readonly RepositoryName[] {
  return paths.flatMap((path) => parseRepositoryName(path) ?? [])
}
