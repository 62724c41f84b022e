/**
 * What Docker Hub lists: repositories by namespace, and every tag with its digest, times and platforms; a request a hundred of
 * each, and one for a repository, which tells what is immutable. Manifests without a tag are not listed.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quotable } from '../oci/answers.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { KnownManifest, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { pathOf, type HubApi } from './hub-api.ts'
import type { HubLogin } from './hub-login.ts'
import { parseRepositoryRow, parseTagRow, type HubTag } from './hub-rows.ts'
import { immutableTags } from './immutable-tags.ts'

export interface HubListingParts {
  readonly name: RegistryName
  readonly api: HubApi
  readonly login: HubLogin
  /** First segments of everything that policies govern; undefined where that may be anything. */
  readonly namespaces: readonly string[] | undefined
  /** What policies name without wildcards. */
  readonly repositories: readonly RepositoryName[]
}

export function hubListing(parts: HubListingParts): RegistryListing {
  return {
    listRepositories: (options) => listRepositories(parts, options),
    readRepository: (repository, options) => readRepository(parts.api, repository, options),
  }
}

/** The namespaces whose repositories are listed: those of the policies, else the user's own. */
export async function namespacesOf(
  { login, namespaces, repositories }: HubListingParts,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (namespaces !== undefined) return namespaces
  const user = await login.user(signal)
  const named = repositories.flatMap((name) => (name.includes('/') ? [name.slice(0, name.indexOf('/'))] : []))
  return [...new Set([...(user === undefined ? [] : [user]), ...named])]
}

async function listRepositories(parts: HubListingParts, options: RunOptions): Promise<readonly string[]> {
  const { name, repositories } = parts
  const namespaces = await namespacesOf(parts, options.signal)
  if (namespaces.length === 0) {
    const said = 'nobody is logged in, and no policy names a namespace'
    throw new CatalogRefusedError(name, 401, said)
  }
  const found = new Set<string>()
  for (const namespace of namespaces)
    for (const repository of await listNamespace(parts, namespace, options)) found.add(repository)
  const unseen = repositories.filter((repository) => !found.has(repository))
  if (unseen.length > 0) options.onEvent?.({ kind: 'warning', text: unseenText(name, unseen) })
  return [...new Set([...found, ...repositories])]
}

/** A login without the right to list gets a list of what is public, as if that were all. */
function unseenText(name: RegistryName, unseen: readonly string[]): string {
  return `${name}: Docker Hub does not list ${unseen.map(quotable).join(', ')}, which a policy names. The login may lack the right to list private repositories; then others are missing as well.`
}

async function listNamespace(
  { api, name }: HubListingParts,
  namespace: string,
  options: RunOptions,
): Promise<readonly string[]> {
  const list = {
    what: `the list of repositories of ${namespace}`,
    path: `/namespaces/${encodeURIComponent(namespace)}/repositories`,
    parse: parseRepositoryRow,
    keyOf: (row: string) => row,
  }
  const rows = await api.list(list, options)
  if (rows !== undefined) return rows.map((row) => `${namespace}/${row}`)
  const text = `${name}: Docker Hub knows no namespace ${quotable(namespace)}, or does not show it to this login; nothing of it is read.`
  options.onEvent?.({ kind: 'warning', text })
  return []
}

async function readRepository(
  api: HubApi,
  repository: RepositoryName,
  options: RunOptions,
): Promise<ListedRepository | undefined> {
  // What has no namespace, or several, is no repository of Docker Hub.
  if (repository.split('/').length !== 2) return undefined
  const own = await api.repository(repository, options)
  if (own === undefined) return undefined
  const isLocked = immutableTags(own)
  const list = {
    what: `the list of tags of ${repository}`,
    path: `/namespaces/${pathOf(repository)}/tags`,
    parse: parseTagRow,
    keyOf: (row: HubTag) => row.name,
  }
  const tags = await api.list(list, options)
  if (tags === undefined) return undefined
  return {
    tags: tags.map(({ images: _images, ...tag }) => ({ ...tag, isLocked: isLocked(tag.name) })),
    manifests: newestOfEach(tags.flatMap(({ images }) => images)),
    isExhaustive: false,
  }
}

/** A platform may be in several tags, with other times in each. */
function newestOfEach(images: readonly KnownManifest[]): readonly KnownManifest[] {
  const known = new Map<Digest, KnownManifest>()
  for (const { digest, pushedAt, pulledAt } of images) {
    const before = known.get(digest)
    known.set(digest, {
      digest,
      pushedAt: newest(pushedAt, before?.pushedAt),
      pulledAt: newest(pulledAt, before?.pulledAt),
    })
  }
  return [...known.values()]
}

function newest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}
