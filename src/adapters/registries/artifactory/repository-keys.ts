/**
 * Which repository keys there are, and which of them a name means. Virtual repositories show what lies in others, so
 * nothing is read or deleted through them; remote ones would fetch what is asked of them from elsewhere.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'
import { ArtifactoryKeyError, isHostOf, type ArtifactoryAddresses } from './addresses.ts'

export interface RepositoryKey {
  readonly key: string
  readonly type: string
}

/** An image inside a repository key. */
export interface Place {
  readonly key: string
  readonly image: string
}

export class RepositoryKeys {
  readonly #api: ProductApi
  readonly #addresses: ArtifactoryAddresses
  #all: Promise<readonly RepositoryKey[]> | undefined

  constructor(api: ProductApi, addresses: ArtifactoryAddresses) {
    this.#api = api
    this.#addresses = addresses
  }

  /** Every repository of images that the credentials may see. */
  async all(options?: RunOptions): Promise<readonly RepositoryKey[]> {
    this.#all ??= this.#read(options)
    try {
      return await this.#all
    } catch (error) {
      this.#all = undefined
      throw error
    }
  }

  /** The keys that are read; `only` is the one that an address means, then names go without it. */
  async wanted(
    options?: RunOptions,
  ): Promise<{ readonly keys: readonly string[]; readonly only: string | undefined }> {
    const all = await this.all(options)
    const { key, host, api } = this.#addresses
    const only = key ?? all.find((each) => isHostOf(each.key, host, api))?.key
    if (only === undefined) return { keys: all.filter(isLocal).map((each) => each.key), only }
    this.#requireUsable(only, all)
    return { keys: [only], only }
  }

  /** @throws ArtifactoryKeyError when the name begins with no key that can be used */
  async placeOf(repository: RepositoryName, options?: RunOptions): Promise<Place> {
    const { keys, only } = await this.wanted(options)
    if (only !== undefined) return { key: only, image: repository }
    const [key = '', ...image] = repository.split('/')
    if (!keys.includes(key)) this.#requireUsable(key, await this.all(options))
    return { key, image: image.join('/') }
  }

  #requireUsable(key: string, all: readonly RepositoryKey[]): void {
    const { name } = this.#api
    const found = all.find((each) => each.key === key)
    const isCache = all.some((each) => each.type === 'REMOTE' && `${each.key}-cache` === key)
    if (isCache || (found !== undefined && isLocal(found))) return
    if (found?.type === 'VIRTUAL') {
      throw new ArtifactoryKeyError(
        name,
        `${key} is a virtual repository, which shows what lies in others`,
        `Name the local repository behind it, and give the virtual one as another name of it: aliases: [host/${key}].`,
      )
    }
    if (found?.type === 'REMOTE') {
      throw new ArtifactoryKeyError(
        name,
        `${key} is a remote repository: reading it would fetch images from elsewhere`,
        `Name its cache, ${key}-cache, or leave it to Artifactory, which empties caches by itself.`,
      )
    }
    throw new ArtifactoryKeyError(
      name,
      `there is no Docker or OCI repository ${key} that these credentials may see`,
      'Check the repository key in url: and in the policy, and that the user may read that repository.',
    )
  }

  async #read(options: RunOptions | undefined): Promise<readonly RepositoryKey[]> {
    const what = 'Listing the repository keys'
    const rows = await this.#api.read(
      what,
      { method: 'GET', url: this.#api.url('/api/repositories') },
      options,
    )
    if (!Array.isArray(rows)) throw this.#api.mismatch(`${what} was answered with something that is no list`)
    return rows.flatMap((row: unknown) => {
      const { key, type, packageType } = isRecord(row) ? row : {}
      if (typeof key !== 'string' || typeof type !== 'string' || typeof packageType !== 'string')
        throw this.#api.content('the list of repository keys has a row without key, type or packageType')
      return /^(?:docker|oci)$/i.test(packageType) ? [{ key, type: type.toUpperCase() }] : []
    })
  }
}

function isLocal({ type }: RepositoryKey): boolean {
  return type === 'LOCAL' || type === 'FEDERATED'
}
