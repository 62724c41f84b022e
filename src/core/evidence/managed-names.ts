/**
 * The names under which the world may know the registries we manage, for finding references in free text and for
 * bringing every reference back to the repository it means.
 *
 * Names only ever add: every registry and every alias that fits a reference counts, because a reference brought to one
 * repository too many keeps an image, and one brought to a repository too few loses it.
 */
import { OperationalError, type ErrorCategory } from '../errors/errors.ts'
import type { Digest } from '../image/digest.ts'
import type { RegistryName } from '../image/names.ts'
import { hubHosts, type NormalizedReference } from '../image/reference.ts'
import { otherGoogleNames } from './google-names.ts'

export interface ManagedNames {
  readonly registries: readonly ManagedRegistry[]
  /**
   * The tags that the inventory has for a repository (`registry`, then repository name), for references whose
   * repository and tag stand in two fields of an object. Empty for repositories that are not known.
   */
  readonly tagsOf: (registry: RegistryName, repository: string) => ReadonlySet<string>
}

export interface ManagedRegistry {
  readonly name: RegistryName
  /** `host[:port][/prefix]`, lower-case host, default ports dropped: its own address and all its aliases. */
  readonly prefixes: readonly string[]
}

/** A reference brought to a registry of ours. */
export interface ManagedRepository {
  readonly registry: RegistryName
  /** As the registry names it, without host and alias prefix. */
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

/** An alias that can never match would silently leave images unprotected, so it is refused. */
export class AliasInvalidError extends OperationalError {
  readonly code = 'ALIAS_INVALID'
  override readonly category: ErrorCategory = 'configuration'
  readonly hint =
    'Write a host, with a port and a path where clusters use them, such as mirror.example.com:5000/prod, without tag and wildcards.'

  constructor(alias: string) {
    super(
      `The alias ${JSON.stringify(withoutUserInfo(alias))} is not a name that an image reference can begin with.`,
    )
  }
}

const address = /^(?:(https?|oci|docker):\/\/)?(?:[^/@]*@)?([^/]+)(?:\/(.*))?$/i
const hostText =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[a-f0-9:]+\])(?::[0-9]+)?$/
const pathText = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/

/**
 * The prefixes of references that mean a registry: from its `url` (undefined when it is read from storage) and its
 * `aliases`, in one spelling, each once.
 *
 * Of a URL with a path both the host alone and the host with the path are prefixes, because registries differ in
 * whether the path belongs to the repository's name. A plain http registry is also meant by an explicit port 80. Where
 * Google serves the same images under a second name, that is a prefix as well.
 *
 * @throws AliasInvalidError for an alias that no reference can begin with.
 */
export function managedPrefixes(url: string | undefined, aliases: readonly string[]): string[] {
  const own = url === undefined ? [] : urlPrefixes(url)
  const others = aliases.map((alias) => {
    const prefix = normalizePrefix(alias)
    if (prefix === undefined) throw new AliasInvalidError(alias)
    return prefix
  })
  const written = [...new Set([...own, ...others])]
  // Where a project is named, only its images are ours, whatever else the other host serves.
  const narrow = written.filter((prefix) => !written.some((other) => other.startsWith(`${prefix}/`)))
  return [...new Set([...written, ...narrow.flatMap(otherGoogleNames)])]
}

/**
 * Every repository of ours that a reference may mean, under all registries, addresses and aliases.
 * Empty for a reference to somebody else's registry.
 */
export function managedRepositories(
  managed: ManagedNames,
  reference: NormalizedReference,
): readonly ManagedRepository[] {
  const written = `${hostKey(reference.domain)}/${reference.path}`
  const { tag, digest } = reference
  const found = new Map<string, ManagedRepository>()
  for (const name of [written, ...otherGoogleNames(written)]) {
    for (const { name: registry, prefixes } of managed.registries) {
      for (const prefix of prefixes) {
        if (!name.startsWith(prefix) || name.charAt(prefix.length) !== '/') continue
        const repository = name.slice(prefix.length + 1)
        found.set(`${registry}\n${repository}`, { registry, repository, tag, digest })
      }
    }
  }
  return [...found.values()]
}

/** The host of a reference as prefixes spell it; here a host stands apart from the path, so one word may be a host. */
export function hostKey(host: string): string {
  const key = host
    .toLowerCase()
    .replace(/:0+(?=[0-9])/, ':')
    .replace(/:443$/, '')
  return hubHosts.has(key) ? 'docker.io' : key
}

function normalizePrefix(text: string): string | undefined {
  const [, , host = '', path = ''] = address.exec(text.trim()) ?? []
  const prefix = path.replace(/\/+$/, '')
  if (!hostText.test(host.toLowerCase()) || (prefix !== '' && !pathText.test(prefix))) return undefined
  return prefix === '' ? hostKey(host) : `${hostKey(host)}/${prefix}`
}

function urlPrefixes(url: string): string[] {
  const [, scheme = 'https', host = '', path = ''] = address.exec(url) ?? []
  if (host === '') return []
  const key = hostKey(host)
  const isPlainHttp = scheme.toLowerCase() === 'http'
  const bare = isPlainHttp ? key.replace(/:80$/, '') : key
  const hosts = isPlainHttp && !/:[0-9]+$/.test(bare) ? [bare, `${bare}:80`] : [bare]
  // `/v2` is where the API lives; it is no part of any reference.
  const prefix = path
    .replace(/[?#].*$/s, '')
    .replace(/(?:^|\/)v2\/?$/, '')
    .replace(/\/+$/, '')
  return prefix === '' ? hosts : [...hosts, ...hosts.map((each) => `${each}/${prefix}`)]
}

function withoutUserInfo(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//')
}
