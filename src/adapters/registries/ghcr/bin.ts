/** GitHub's bin: deleted versions can be restored for 30 days, by their id. */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { refused } from '../oci/refusals.ts'
import { readPages } from './pages.ts'
import { apiRefusal } from './refusals.ts'
import { saidBy } from './github-api.ts'
import { parseVersion, type PackageVersion } from './version.ts'
import { versionList, type ListedVersions, type Versions } from './versions.ts'

export class Bin {
  readonly #versions: Versions
  /** Listed once a repository and run: undoing only ever takes out. */
  readonly #deleted = new Map<RepositoryName, Promise<ReadonlyMap<Digest, PackageVersion>>>()

  constructor(versions: Versions) {
    this.#versions = versions
  }

  /** @param active what the package has now; undefined when it has nothing */
  async restore(
    repository: RepositoryName,
    digest: Digest,
    active: ListedVersions | undefined,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const version = (await this.#listed(repository, options)).get(digest)
    const place = version && (await this.#versions.place(repository, options))
    if (version === undefined || place === undefined) return { kind: 'absent' }
    // Its tags come back with it. That GitHub would leave a tag where it is now is not documented, so it is not asked to.
    if (version.tags.some((tag) => active?.withTag(tag) !== undefined)) return { kind: 'absent' }
    const { api } = this.#versions
    const path = `${place.base.path}/packages/container/{package_name}/versions/{id}/restore`
    const answer = await api.send(`POST ${path}`, { ...place.parameters, id: version.id }, options)
    this.#versions.forget(repository)
    if (answer.status === 204) return { kind: 'done' }
    if (answer.status === 404) return { kind: 'absent' }
    if (answer.status === 400)
      return refused('unsupported', `GitHub does not restore it (${saidBy(answer.body) || 'status 400'}).`)
    const refusal = apiRefusal(answer)
    if (refusal === undefined) throw api.unexpected(`Restoring ${repository}@${digest}`, answer)
    return refusal
  }

  #listed(
    repository: RepositoryName,
    options: RunOptions | undefined,
  ): Promise<ReadonlyMap<Digest, PackageVersion>> {
    const listing = this.#deleted.get(repository) ?? this.#list(repository, options)
    this.#deleted.set(repository, listing)
    listing.catch(() => this.#deleted.delete(repository))
    return listing
  }

  /** Of a digest that was deleted more than once, the one that was pushed last. */
  async #list(
    repository: RepositoryName,
    options: RunOptions | undefined,
  ): Promise<ReadonlyMap<Digest, PackageVersion>> {
    const place = await this.#versions.place(repository, options)
    if (place === undefined) return new Map()
    const { api } = this.#versions
    const list = versionList(place, repository, 'deleted')
    const pages = await readPages(api, list, options)
    if (pages.kind === 'refused') {
      if (pages.answer.status === 404) return new Map()
      throw api.unexpected(`Listing ${list.what}`, pages.answer)
    }
    const rows = pages.rows.map((row) => parseVersion(api, list.what, row))
    return new Map(rows.toSorted((a, b) => a.id - b.id).map((row) => [row.digest, row]))
  }
}
