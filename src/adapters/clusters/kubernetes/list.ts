/**
 * Reads one list of a cluster to its end.
 *
 * Promises: when it returns, every object that the list had at one moment was visited exactly once by the visitor
 * whose count is kept; when that cannot be had, it throws. All pages carry the same resourceVersion; only the absence
 * of `continue` is the end. Refuses: to follow the token that a 410 offers, since what comes after it belongs to
 * another moment; lists marked as one shard of several; answers that are not lists; tokens that lead in a circle.
 * A list that expires under way is begun again three times and then asked for in one piece.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ApiClient } from './api-client.ts'
import { ClusterAnswerError } from './cluster-errors.ts'
import { asList, asText, metadataOf, type Shape } from './shape.ts'

export interface ListQuery {
  /** Objects a page; what kubectl asks for. @default 500 */
  readonly limit?: number
  readonly fieldSelector?: string
  readonly labelSelector?: string
}

/** Takes a page's objects; `begin` comes before the first page and again whenever the list is begun anew. */
export interface ListVisitor {
  /** What earlier pages brought no longer counts. */
  begin(): void
  /** Called once for each object; nothing of the page is kept afterwards. */
  visit(object: unknown): void
}

export interface ListSummary {
  readonly pages: number
  readonly objects: number
  readonly resourceVersion: string | undefined
}

const PAGE_LIMIT = 500
const PAGES_MAX = 20_000
const RESTARTS_MAX = 3
// One list in one piece may be long; a longer body would not fit into one string of this runtime.
const UNPAGED_BYTES_MAX = 480 * 1024 * 1024

/** @throws ClusterAnswerError and what ApiClient.request throws; a list that is not whole is never a summary */
export async function listAll(
  api: ApiClient,
  path: string,
  query: ListQuery,
  visitor: ListVisitor,
  options: RunOptions,
): Promise<ListSummary> {
  for (let restart = 0; ; restart++) {
    visitor.begin()
    // After three expired tries the pages are what takes too long: one list without pages has no moment to lose.
    const limit = restart <= RESTARTS_MAX ? (query.limit ?? PAGE_LIMIT) : undefined
    try {
      return await listOnce(api, path, { ...query, limit }, visitor, options)
    } catch (error) {
      if (!(error instanceof MomentLost) || restart > RESTARTS_MAX) throw told(error, path)
    }
  }
}

/** The snapshot the pages come from is gone; the list has to begin anew. */
class MomentLost extends Error {}

function told(error: unknown, path: string): unknown {
  if (!(error instanceof MomentLost)) return error
  return new ClusterAnswerError(
    410,
    `The list ${path} changed or expired under way ${RESTARTS_MAX + 2} times: ${error.message}.`,
    'Run again when the cluster is less busy, or raise --etcd-compaction-interval of the API server.',
  )
}

interface Pages extends Omit<ListQuery, 'limit'> {
  readonly limit: number | undefined
}

async function listOnce(
  api: ApiClient,
  path: string,
  query: Pages,
  visitor: ListVisitor,
  options: RunOptions,
): Promise<ListSummary> {
  let objects = 0
  let moment: string | undefined
  let token: string | undefined
  const seen = new Set<string>()
  for (let pages = 1; ; pages++) {
    const page = await readPage(api, path, query, token, options)
    const metadata = metadataOf(page)
    const version = asText(metadata['resourceVersion'])
    if (pages > 1 && version !== moment)
      throw new MomentLost('its resourceVersion is not the same on all pages')
    moment = version
    for (const object of objectsOf(page, path)) visitor.visit(object)
    objects += asList(page['items'])?.length ?? 0
    token = asText(metadata['continue'])
    if (token === undefined) return { pages, objects, resourceVersion: moment }
    if (seen.has(token) || pages >= PAGES_MAX) throw endless(path, pages)
    seen.add(token)
  }
}

async function readPage(
  api: ApiClient,
  path: string,
  { limit, fieldSelector, labelSelector }: Pages,
  token: string | undefined,
  options: RunOptions,
): Promise<Shape> {
  const query = {
    ...(limit !== undefined && { limit: String(limit) }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(token !== undefined && { continue: token }),
  }
  try {
    return await api.request(
      path,
      { query, ...(limit === undefined && { bodyBytesMax: UNPAGED_BYTES_MAX }) },
      options,
    )
  } catch (error) {
    const expired = error instanceof ClusterAnswerError && error.status === 410
    if (expired && token !== undefined)
      throw new MomentLost('the server had forgotten the moment it began at (410)')
    throw error
  }
}

function objectsOf(page: Shape, path: string): readonly unknown[] {
  const kind = asText(page['kind'])
  const items = page['items']
  // Go writes an empty list as null in places; a list without the field at all is something else.
  const objects = items === null ? [] : asList(items)
  if (kind?.endsWith('List') !== true || objects === undefined) {
    throw new ClusterAnswerError(
      200,
      `The answer to ${path} is not a list but ${kind ?? 'an object without kind'}.`,
      NOT_THE_SERVER,
    )
  }
  if (metadataOf(page)['shardInfo'] !== undefined) {
    throw new ClusterAnswerError(
      200,
      `The answer to ${path} is one shard of a list (shardInfo), not all of it.`,
      NOT_THE_SERVER,
    )
  }
  if (!objects.every((object) => typeof object === 'object' && object !== null)) {
    throw new ClusterAnswerError(
      200,
      `The answer to ${path} holds something that is not an object.`,
      NOT_THE_SERVER,
    )
  }
  return objects
}

const NOT_THE_SERVER = 'Check that nothing between Winnow and the API server changes its answers.'

function endless(path: string, pages: number): ClusterAnswerError {
  return new ClusterAnswerError(
    200,
    `The list ${path} did not end after ${pages} pages, or its pages lead in a circle.`,
    NOT_THE_SERVER,
  )
}
