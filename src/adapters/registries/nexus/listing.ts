/**
 * Lists images by the components of their repository: all of them at once, a hundred a page, with their digests and times.
 *
 * An image that is read again is asked for by itself. That search may lag behind what was pushed, so its tags come from the
 * registry then, each asked for what it points to; the search only adds times, and manifests without a tag.
 */
import { parseDigest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { saysAbsent } from '../oci/answers.ts'
import { pullScopes, type OciConnection } from '../oci/connection.ts'
import type { KnownManifest, KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { readNames } from '../oci/names.ts'
import type { ProductApi } from '../product-api.ts'
import { listComponents, type Component } from './components.ts'
import type { Looks } from './looks.ts'

export interface NexusListingParts {
  readonly api: ProductApi
  readonly connection: OciConnection
  readonly looks: Looks
  /** The name of the repository in Nexus. */
  readonly repository: (options?: RunOptions) => Promise<string>
}

export class NexusListing implements RegistryListing {
  readonly #parts: NexusListingParts

  constructor(parts: NexusListingParts) {
    this.#parts = parts
  }

  async listRepositories(options: RunOptions): Promise<Iterable<string>> {
    const { api, looks, repository } = this.#parts
    const query = { repository: await repository(options) }
    looks.keepWhole(await listComponents(api, '/components', query, options))
    return [...looks.images()]
  }

  async readRepository(image: RepositoryName, options: RunOptions): Promise<ListedRepository | undefined> {
    const whole = this.#parts.looks.takeFromWhole(image)
    if (whole !== undefined) {
      this.#parts.looks.saw(image, whole)
      return { tags: tagsOf(whole), manifests: manifestsOf(whole), isExhaustive: true }
    }
    const names = await this.tagNames(image, options)
    const found = await this.search(image, options)
    if (names.size === 0 && found.length === 0) return undefined
    const known = new Map(tagsOf(found).map((tag) => [tag.name, tag]))
    const tags = [...names].map((name) => ({ ...known.get(name), name, digest: undefined }))
    return { tags, manifests: manifestsOf(found), isExhaustive: true }
  }

  /** The components of one image as the search knows them. */
  async search(image: RepositoryName, options: RunOptions | undefined): Promise<readonly Component[]> {
    const { api, looks, repository } = this.#parts
    const query = { repository: await repository(options), 'docker.imageName': image }
    const found = await listComponents(api, '/search', query, options)
    const own = found.filter((component) => component.image === image)
    looks.saw(image, own)
    return own
  }

  /** The tags of one image as the registry knows them. */
  async tagNames(image: RepositoryName, options: RunOptions): Promise<ReadonlySet<string>> {
    const { connection } = this.#parts
    const list = { path: `${image}/tags/list`, field: 'tags', scopes: pullScopes(image) } as const
    const answer = await readNames(connection, list, options)
    if (answer.kind === 'names')
      return new Set([...answer.names].filter((name) => parseDigest(name) === undefined))
    if (saysAbsent(answer.response)) return new Set()
    throw connection.unexpected(`Listing the tags of ${image}`, answer.response)
  }
}

function tagsOf(components: readonly Component[]): readonly KnownTag[] {
  return components
    .filter(({ version }) => parseDigest(version) === undefined)
    .map(({ version, digest, pushedAt, pulledAt }) => ({ name: version, digest, pushedAt, pulledAt }))
}

function manifestsOf(components: readonly Component[]): readonly KnownManifest[] {
  return components.flatMap(({ version, digest, digests, pushedAt, pulledAt }) => {
    // What lies beside a tag's own manifest is a manifest without a tag.
    const others = digests.filter((each) => each !== digest).map((each) => ({ digest: each, pushedAt }))
    const isUntagged = parseDigest(version) !== undefined
    return isUntagged && digest !== undefined ? [{ digest, pushedAt, pulledAt }, ...others] : others
  })
}
