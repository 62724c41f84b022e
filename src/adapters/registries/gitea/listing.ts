/**
 * Lists images by the packages of their owner, fifty versions a page, with one HEAD for each tag, because a version does not
 * tell its digest. Nothing is hidden: what was pushed without a tag is a version named by its digest.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { quotable, saidIn } from '../oci/answers.ts'
import { catalogScopes, type OciConnection } from '../oci/connection.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { KnownManifest, KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { resolveTag } from '../oci/manifests.ts'
import { readNames } from '../oci/names.ts'
import { mapParallel } from '../oci/parallel.ts'
import type { ProductApi } from '../product-api.ts'
import type { Looks } from './looks.ts'
import { listVersions, type PackageVersion } from './versions.ts'

export interface GiteaListingParts {
  readonly api: ProductApi
  readonly connection: OciConnection
  readonly looks: Looks
  readonly concurrency: number
}

export class GiteaListing implements RegistryListing {
  readonly #parts: GiteaListingParts
  #isLoggedIn = false

  constructor(parts: GiteaListingParts) {
    this.#parts = parts
  }

  async listRepositories(options: RunOptions): Promise<Iterable<string>> {
    const names = await this.#catalog(options)
    this.#parts.looks.announce(names)
    return names
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const versions = await this.#versionsOf(repository, options)
    const tags = await this.#resolve(repository, versions, options)
    this.#parts.looks.saw(repository, tagsByDigest(tags))
    const manifests = versions.flatMap(({ version, createdAt }): readonly KnownManifest[] => {
      const digest = parseDigest(version)
      return digest === undefined ? [] : [{ digest, pushedAt: createdAt }]
    })
    return versions.length === 0 ? undefined : { tags, manifests, isExhaustive: true }
  }

  async #versionsOf(repository: RepositoryName, options: RunOptions): Promise<readonly PackageVersion[]> {
    const { api, looks } = this.#parts
    const { owner, image } = ownerAndImage(repository)
    if (image === '') return []
    const versions = looks.mayUseWhole(repository)
      ? await looks.wholeOf(owner, () => listVersions(api, owner, undefined, options))
      : await listVersions(api, owner, image, options)
    // The search finds every name that contains this one.
    return (versions ?? []).filter(({ name }) => name.toLowerCase() === image)
  }

  async #resolve(
    repository: RepositoryName,
    versions: readonly PackageVersion[],
    options: RunOptions,
  ): Promise<readonly KnownTag[]> {
    const { connection, concurrency } = this.#parts
    const named = versions.filter(({ version }) => parseDigest(version) === undefined)
    const resolve = async ({ version, createdAt }: PackageVersion): Promise<readonly KnownTag[]> => {
      const tag = parseTagName(version)
      if (tag === undefined) throw connection.notATag(repository, quotable(version))
      const resolved = await resolveTag(connection, repository, tag, options)
      // One that the registry does not know went away meanwhile, or is hidden: the reader finds out which.
      return [{ name: tag, digest: resolved?.digest, pushedAt: createdAt }]
    }
    // The first question is the one that is answered with a login; sixteen at once would all be.
    const alone = this.#isLoggedIn ? [] : named.slice(0, 1)
    const first = await mapParallel(alone, 1, resolve)
    this.#isLoggedIn ||= alone.length > 0
    const rest = await mapParallel(named.slice(alone.length), concurrency, resolve)
    return [...first, ...rest].flat()
  }

  async #catalog(options: RunOptions): Promise<ReadonlySet<string>> {
    const { connection } = this.#parts
    try {
      const list = { path: '_catalog', field: 'repositories', scopes: catalogScopes } as const
      const answer = await readNames(connection, list, options)
      if (answer.kind === 'names') return answer.names
      const { response } = answer
      if ([401, 403, 404].includes(response.status))
        throw new CatalogRefusedError(connection.name, response.status, saidIn(response))
      throw connection.unexpected('Listing the repositories', response)
    } catch (error) {
      if (error instanceof UnauthorizedError)
        throw new CatalogRefusedError(connection.name, 401, error.message)
      throw error
    }
  }
}

/** `acme` and `web/app` of `acme/web/app`. */
export function ownerAndImage(repository: RepositoryName): {
  readonly owner: string
  readonly image: string
} {
  const [owner = '', ...image] = repository.split('/')
  return { owner, image: image.join('/') }
}

function tagsByDigest(tags: readonly KnownTag[]): ReadonlyMap<Digest, readonly TagName[]> {
  const byDigest = new Map<Digest, TagName[]>()
  for (const { name, digest } of tags) {
    const tag = parseTagName(name)
    if (digest === undefined || tag === undefined) continue
    const siblings = byDigest.get(digest)
    if (siblings === undefined) byDigest.set(digest, [tag])
    else siblings.push(tag)
  }
  return byDigest
}
