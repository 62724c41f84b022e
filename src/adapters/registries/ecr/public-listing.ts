/**
 * What ECR Public lists: manifests by DescribeImages, and when each tag was made by DescribeImageTags. It has no call for
 * manifests and no times of pulls, so manifests come over the distribution API.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord } from '../oci/answers.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { ListedRepository, RegistryListing } from '../oci/listing.ts'
import type { AwsApi } from './api.ts'
import { AwsAccessDeniedError } from './ecr-errors.ts'
import { describeImage, describeImages, readPages } from './pages.ts'
import { listedRows } from './private-listing.ts'
import type { PublicNames } from './public-names.ts'
import { instant, text, unreadable } from './rows.ts'

export class PublicListing implements RegistryListing {
  readonly #api: AwsApi
  readonly #names: PublicNames

  constructor(api: AwsApi, names: PublicNames) {
    this.#api = api
    this.#names = names
  }

  async listRepositories(options: RunOptions): Promise<readonly string[]> {
    try {
      return await this.#names.list(options)
    } catch (error) {
      if (error instanceof AwsAccessDeniedError)
        throw new CatalogRefusedError(this.#api.registry, 400, `AWS does not allow ${error.action}`)
      throw error
    }
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const name = await this.#names.apiName(repository, options)
    if (name === undefined) return undefined
    const rows = await describeImages(this.#api, name, options)
    if (rows === undefined) return undefined
    const made = await this.#tagTimes(name, options)
    const listed = listedRows(rows)
    return {
      ...listed,
      tags: listed.tags.map((tag) => {
        const time = made.get(tag.name)
        return time?.digest === tag.digest ? { ...tag, pushedAt: time?.at } : tag
      }),
    }
  }

  async resolveTag(
    repository: RepositoryName,
    tag: TagName,
    options?: RunOptions,
  ): Promise<Digest | undefined> {
    const name = await this.#names.apiName(repository, options)
    if (name === undefined) return undefined
    return (await describeImage(this.#api, name, { imageTag: tag }, options))?.digest
  }

  async #tagTimes(
    repositoryName: string,
    options: RunOptions,
  ): Promise<
    ReadonlyMap<string, { readonly digest: Digest | undefined; readonly at: InstantMs | undefined }>
  > {
    const what = this.#api.action('DescribeImageTags')
    const input = { repositoryName }
    const rows = await readPages(this.#api, 'DescribeImageTags', 'imageTagDetails', input, options)
    return new Map(
      (rows ?? []).map((row) => {
        const tag = text(row['imageTag'])
        if (tag === undefined) throw unreadable(this.#api.registry, what, 'a row has no tag')
        const image = row['imageDetail']
        const digest = parseDigest(isRecord(image) ? (text(image['imageDigest']) ?? '') : '')
        return [tag, { digest, at: instant(this.#api.registry, row['createdAt'], what) }] as const
      }),
    )
  }
}
