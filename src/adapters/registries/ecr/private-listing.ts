/**
 * What private ECR lists: every manifest with its tags and times by DescribeImages, a thousand a page, and the manifests
 * themselves by BatchGetImage, a hundred at a time. A GET over the distribution API would count as a pull, and make what
 * nobody uses look used, so none is sent for manifests and tags.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import type { AwsApi } from './api.ts'
import { withArchived } from './archived.ts'
import { batchGetImages, getImage } from './batch-get.ts'
import { AwsAccessDeniedError } from './ecr-errors.ts'
import { describeImage, describeImages, readPages } from './pages.ts'
import { isArchived, repositoryRow, type ImageRow, type RepositoryRow } from './rows.ts'

export class PrivateListing implements RegistryListing {
  readonly #api: AwsApi
  readonly #cache: ManifestCache
  /** What the last listing of a repository showed. */
  readonly #listed = new Map<RepositoryName, ReadonlySet<Digest>>()

  constructor(api: AwsApi, cache: ManifestCache) {
    this.#api = api
    this.#cache = cache
  }

  async listRepositories(options: RunOptions): Promise<readonly string[]> {
    return (await describeRepositories(this.#api, options)).map(({ name }) => name)
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const rows = await describeImages(this.#api, repository, options)
    if (rows === undefined) return undefined
    const archive = { api: this.#api, cache: this.#cache, repository, options }
    const { kept, problems } = await withArchived(rows, archive)
    this.#listed.set(repository, new Set(kept.map(({ digest }) => digest)))
    return { ...listedRows(kept), problems }
  }

  readManifests(
    repository: RepositoryName,
    digests: readonly Digest[],
    options: RunOptions,
  ): Promise<readonly RawManifest[]> {
    const listed = this.#listed.get(repository)
    const there = digests.filter((digest) => listed?.has(digest) === true)
    return batchGetImages(this.#api, repository, there, options)
  }

  /**
   * What was not listed is looked for first: asking a pull-through cache for the bytes of something it does not have
   * would make it fetch that from upstream.
   */
  async readManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<RawManifest | undefined> {
    if (this.#listed.get(repository)?.has(digest) !== true) {
      const row = await describeImage(this.#api, repository, { imageDigest: digest }, options)
      if (row === undefined) return undefined
    }
    return getImage(this.#api, repository, digest, options)
  }

  async resolveTag(
    repository: RepositoryName,
    tag: TagName,
    options?: RunOptions,
  ): Promise<Digest | undefined> {
    return (await describeImage(this.#api, repository, { imageTag: tag }, options))?.digest
  }
}

/** @throws CatalogRefusedError where IAM allows single repositories only: then those that policies name are read */
export async function describeRepositories(
  api: AwsApi,
  options: RunOptions,
): Promise<readonly RepositoryRow[]> {
  const what = api.action('DescribeRepositories')
  try {
    const rows = await readPages(api, 'DescribeRepositories', 'repositories', {}, options)
    return (rows ?? []).map((row) => repositoryRow(api.registry, row, what))
  } catch (error) {
    if (error instanceof AwsAccessDeniedError)
      throw new CatalogRefusedError(api.registry, 400, `AWS does not allow ${error.action}`)
    throw error
  }
}

/** Rows as the reader takes them. Every row is there, tagged or not, so nobody is asked for referrers. */
export function listedRows(rows: readonly ImageRow[]): ListedRepository {
  const tags = new Map<string, KnownTag>()
  for (const { digest, tags: names, status } of rows) {
    for (const name of names) {
      const other = tags.get(name)
      // A tag that moved while the pages were read shows twice; then only asking for it tells.
      const isSame = other === undefined || other.digest === digest
      tags.set(name, { name, digest: isSame ? digest : undefined, isLocked: isArchived(status) })
    }
  }
  const manifests = rows.map(({ digest, pushedAt, pulledAt, status }) => ({
    digest,
    pushedAt,
    pulledAt,
    isLocked: isArchived(status),
  }))
  return { tags: [...tags.values()], manifests, isExhaustive: true }
}
