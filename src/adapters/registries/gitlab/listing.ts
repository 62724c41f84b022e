/**
 * GitLab's listing: tags with digests and times from the registry's own list where there is one, else names alone, each of
 * which is then asked for; and which of them GitLab protects. Neither shows untagged manifests.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { saysAbsent } from '../oci/answers.ts'
import { pullScopes, type OciConnection } from '../oci/connection.ts'
import type { KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { readNames } from '../oci/names.ts'
import type { ProductApi } from '../product-api.ts'
import type { Protection } from './protection.ts'
import { listRepositories, type BusyRepositories } from './repositories.ts'
import type { Surfaces } from './surfaces.ts'
import { readTagRows, type ListedTags } from './tag-rows.ts'

export interface GitLabListingParts {
  readonly connection: OciConnection
  /** The registry's own list. */
  readonly registry: ProductApi
  readonly api: (options?: RunOptions) => Promise<ProductApi>
  readonly surfaces: (options?: RunOptions) => Promise<Surfaces>
  readonly protection: Protection
  readonly namespaces: readonly string[] | undefined
}

export class GitLabListing implements RegistryListing {
  readonly #parts: GitLabListingParts
  readonly #busy: BusyRepositories = new Map()
  #isWarned = false

  constructor(parts: GitLabListingParts) {
    this.#parts = parts
  }

  async listRepositories(options: RunOptions): Promise<ReadonlySet<string>> {
    const { api, namespaces } = this.#parts
    return listRepositories(await api(options), namespaces, this.#busy, options)
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const { hasOwnList } = await this.#parts.surfaces(options)
    const listed = hasOwnList
      ? await readTagRows(this.#parts.registry, repository, options)
      : await this.#namesOnly(repository, options)
    if (listed === undefined) return undefined
    const isLocked = listed.tags.length === 0 ? undefined : await this.#locks(repository, options)
    const busy = this.#busy.get(repository)
    return {
      tags: listed.tags.map((tag): KnownTag => ({ ...tag, isLocked: isLocked?.(tag.name) ?? false })),
      manifests: listed.referrers.map((digest) => ({ digest })),
      isExhaustive: false,
      ...(busy !== undefined && { problems: [`GitLab is at work on ${repository} itself: ${busy}.`] }),
    }
  }

  /** A thousand names at a time; the REST API gives a hundred, and no digests either. */
  async #namesOnly(repository: RepositoryName, options: RunOptions): Promise<ListedTags | undefined> {
    const { connection } = this.#parts
    const list = { path: `${repository}/tags/list`, field: 'tags', scopes: pullScopes(repository) } as const
    const answer = await readNames(connection, list, options)
    if (answer.kind === 'names')
      return { tags: [...answer.names].map((name) => ({ name, digest: undefined })), referrers: [] }
    if (saysAbsent(answer.response)) return undefined
    throw connection.unexpected(`Listing the tags of ${repository}`, answer.response)
  }

  async #locks(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<((tag: string) => boolean) | undefined> {
    const answer = await this.#parts.protection.of(repository, options)
    if (answer.kind === 'rules') return answer.isLocked
    if (!this.#isWarned) {
      this.#isWarned = true
      const text = `${this.#parts.registry.name}: which tags GitLab protects cannot be read (${answer.why}), so protected ones may be planned; GitLab refuses their deletion.`
      options.onEvent?.({ kind: 'warning', text })
    }
    return undefined
  }
}
