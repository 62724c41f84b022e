/** Reads lists of ECR, page by page by their `nextToken`, to the end or not at all. */
import type { Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { guardPages } from '../../http/link-header.ts'
import type { AwsApi, AwsOperation } from './api.ts'
import { imageRow, nextTokenIn, rowsIn, unreadable, type ImageRow } from './rows.ts'

/** The most that every one of these lists gives at once; left out, it is 100. */
export const PAGE_SIZE_MAX = 1000

type Fields = Readonly<Record<string, unknown>>

/**
 * All rows; undefined when the repository is not there.
 *
 * @throws PagingError for pages in a circle, RegistryContentError, and what the API throws
 */
export async function readPages(
  api: AwsApi,
  operation: AwsOperation,
  field: string,
  input: object,
  options: RunOptions | undefined,
): Promise<readonly Fields[] | undefined> {
  const what = api.action(operation)
  const guard = guardPages()
  const rows: Fields[] = []
  let nextToken: string | undefined
  do {
    // A token that came before leads to a page that was read before.
    guard.enter(`${what}?page=${encodeURIComponent(nextToken ?? '')}`)
    const page = { ...input, maxResults: PAGE_SIZE_MAX, ...(nextToken !== undefined && { nextToken }) }
    const answer = await api.call(operation, page, options)
    if (answer.kind === 'absent') return undefined
    for (const row of rowsIn(api.registry, answer.output, field, what)) rows.push(row)
    nextToken = nextTokenIn(api.registry, answer.output, what)
  } while (nextToken !== undefined)
  return rows
}

/** Every image of a repository, archived ones included; undefined when there is no such repository. */
export async function describeImages(
  api: AwsApi,
  repositoryName: string,
  options: RunOptions | undefined,
): Promise<readonly ImageRow[] | undefined> {
  // Left out, only active images are listed, and archived ones would seem not to exist. ECR Public knows no filter.
  const filter = api.place.isPublic ? {} : { filter: { imageStatus: 'ANY' } }
  const rows = await readPages(api, 'DescribeImages', 'imageDetails', { repositoryName, ...filter }, options)
  return rows?.map((row) => imageRow(api.registry, row, api.action('DescribeImages')))
}

/**
 * Images by their digests, as they are now; at most a hundred. What is not there is left out: AWS then describes none, so
 * the others are asked for in halves.
 *
 * @throws RegistryContentError for an answer without one of them, and what the API throws
 */
export async function describeSome(
  api: AwsApi,
  repositoryName: string,
  digests: readonly Digest[],
  options: RunOptions | undefined,
): Promise<readonly ImageRow[]> {
  const imageIds = digests.map((imageDigest) => ({ imageDigest }))
  const answer = await api.call('DescribeImages', { repositoryName, imageIds }, options)
  if (answer.kind === 'absent') {
    if (digests.length === 1 || answer.what === 'repository') return []
    const middle = Math.ceil(digests.length / 2)
    const first = await describeSome(api, repositoryName, digests.slice(0, middle), options)
    return [...first, ...(await describeSome(api, repositoryName, digests.slice(middle), options))]
  }
  const what = api.action('DescribeImages')
  const rows = rowsIn(api.registry, answer.output, 'imageDetails', what)
  const images = rows.map((row) => imageRow(api.registry, row, what))
  const missing = digests.find((digest) => images.every((image) => image.digest !== digest))
  if (missing === undefined) return images
  throw unreadable(api.registry, what, `it says nothing of ${missing}, which it was asked for`)
}

/** One image, by a tag or by its digest, as it is now; undefined when it is not there. */
export async function describeImage(
  api: AwsApi,
  repositoryName: string,
  image: { readonly imageTag: string } | { readonly imageDigest: Digest },
  options: RunOptions | undefined,
): Promise<ImageRow | undefined> {
  // No filter goes along: AWS documents it for lists only.
  const answer = await api.call('DescribeImages', { repositoryName, imageIds: [image] }, options)
  if (answer.kind === 'absent') return undefined
  const what = api.action('DescribeImages')
  const [row] = rowsIn(api.registry, answer.output, 'imageDetails', what)
  return row === undefined ? undefined : imageRow(api.registry, row, what)
}
