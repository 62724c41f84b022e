/**
 * Lists images by AQL: one query for a repository key, as long as the server does not trim the answer; a repository that
 * is read again, or that no list came before, costs a query of its own.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ListedRepository, RegistryListing } from '../oci/listing.ts'
import type { ProductApi } from '../product-api.ts'
import { findManifests } from './aql.ts'
import type { Looks } from './looks.ts'
import type { RepositoryKeys } from './repository-keys.ts'
import { listedRepository, storedManifest, type StoredManifest } from './stored-manifests.ts'

export class ArtifactoryListing implements RegistryListing {
  readonly #api: ProductApi
  readonly #keys: RepositoryKeys
  readonly #looks: Looks

  constructor(api: ProductApi, keys: RepositoryKeys, looks: Looks) {
    this.#api = api
    this.#keys = keys
    this.#looks = looks
  }

  async listRepositories(options: RunOptions): Promise<Iterable<string>> {
    const { keys, only } = await this.#keys.wanted(options)
    const found = new Map<string, StoredManifest[]>()
    for (const key of keys) {
      for (const file of await this.#read({ repo: key }, options)) {
        const repository = only === undefined ? `${key}/${file.image}` : file.image
        const files = found.get(repository)
        if (files === undefined) found.set(repository, [file])
        else files.push(file)
      }
    }
    this.#looks.keepWhole(found)
    return found.keys()
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const { key, image } = await this.#keys.placeOf(repository, options)
    if (image === '') return undefined
    const files = this.#looks.takeFromWhole(repository) ?? (await this.#readImage(key, image, options))
    this.#looks.saw(repository, files)
    return files.length === 0 ? undefined : listedRepository(files)
  }

  async #readImage(key: string, image: string, options: RunOptions): Promise<readonly StoredManifest[]> {
    // Images below this one match as well: team/app/web for team/app.
    const files = await this.#read({ repo: key, path: { $match: `${image}/*` } }, options)
    return files.filter((file) => file.image === image)
  }

  async #read(
    where: Readonly<Record<string, unknown>>,
    options: RunOptions,
  ): Promise<readonly StoredManifest[]> {
    const rows = await findManifests(this.#api, where, options)
    return rows.flatMap((row) => storedManifest(this.#api, row) ?? [])
  }
}
