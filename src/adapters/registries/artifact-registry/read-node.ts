/**
 * The list of tags with Google's additions: one answer holds every manifest of a repository, tagged or not, children of
 * indexes too, with its upload time, and the names of the folders below it.
 *
 * It is asked for with n=10000, because without a number the answer ends after about a thousand entries and does not say
 * so. All numbers in it are texts. `timeCreatedMs` is what the builder wrote (often 1970) and is not read here: when
 * something was uploaded is the registry's own word, and the image's config tells the rest.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { paginate, type Page } from '../../http/link-header.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { isRecord, quotable, saysAbsent } from '../oci/answers.ts'
import type { OciConnection } from '../oci/connection.ts'
import { RegistryContentError } from '../oci/errors.ts'
import type { KnownManifest, ListedRepository } from '../oci/listing.ts'
import { ProductMismatchError } from '../product-api.ts'

export const PRODUCT = 'Google Artifact Registry'
export const PAGE_SIZE_MAX = 10_000
/** A page of the most entries, each with a few tags, is some 5 MB. */
const PAGE_BYTES_MAX = 64 * 1024 * 1024

/** A repository, a folder of repositories, or both. */
export interface GoogleNode {
  /** Names of what lies right below, without a slash. */
  readonly children: readonly string[]
  readonly listed: ListedRepository
}

/** One entry of `manifest`. */
interface Entry extends KnownManifest {
  readonly tags: readonly string[]
}

interface NodePage {
  readonly children: readonly string[]
  readonly tags: readonly string[]
  readonly entries: readonly Entry[]
}

/**
 * Everything listed under a name; undefined when it is certainly not there. A tag that two pages put on two manifests was
 * moved meanwhile; it is listed without a digest, so that it is asked for.
 *
 * @param name below `/v2/`: `project/repository/image`
 * @throws ProductMismatchError, RegistryContentError, RegistryAnswerError
 */
export async function readNode(
  connection: OciConnection,
  name: string,
  options: RunOptions,
): Promise<GoogleNode | undefined> {
  const pages: NodePage[] = []
  const first = connection.url(`${name}/tags/list?n=${PAGE_SIZE_MAX}`)
  const read = async (url: string): Promise<Page<NodePage | undefined>> => {
    const response = await ask(connection, name, url, options)
    const isAbsent = url === first && saysAbsent(response)
    if (response.status !== 200 && !isAbsent)
      throw connection.unexpected(`Listing what is in ${name}`, response)
    const content = isAbsent ? undefined : pageOf(connection, name, response)
    return { headers: response.headers, content }
  }
  let isCut = false
  for await (const page of paginate(first, read)) {
    if (page === undefined) return undefined
    pages.push(page)
    isCut = page.entries.length === PAGE_SIZE_MAX || page.tags.length === PAGE_SIZE_MAX
  }
  return joined(name, pages, isCut)
}

function ask(
  connection: OciConnection,
  name: string,
  url: string,
  options: RunOptions,
): Promise<HttpResponse> {
  const headers = { accept: 'application/json' }
  const scopes = [`repository:${name}:pull`]
  return connection.send({ method: 'GET', url, scopes, headers, bodyBytesMax: PAGE_BYTES_MAX }, options)
}

function joined(name: string, pages: readonly NodePage[], isCut: boolean): GoogleNode {
  const manifests = new Map<Digest, KnownManifest>()
  const digests = new Map<string, Digest | undefined>()
  for (const { tags, digest, pushedAt } of pages.flatMap(({ entries }) => entries)) {
    manifests.set(digest, { digest, pushedAt: pushedAt ?? manifests.get(digest)?.pushedAt })
    for (const tag of tags) {
      const isMoved = digests.has(tag) && digests.get(tag) !== digest
      digests.set(tag, isMoved ? undefined : digest)
    }
  }
  // A tag on no manifest of the list is asked for, not dropped.
  for (const tag of pages.flatMap(({ tags }) => tags)) if (!digests.has(tag)) digests.set(tag, undefined)
  const problem = `The list of ${name} ended with exactly ${PAGE_SIZE_MAX} entries and no next page, so it may have been cut.`
  return {
    children: [...new Set(pages.flatMap(({ children }) => children))],
    listed: {
      tags: [...digests].map(([tag, digest]) => ({ name: tag, digest })),
      manifests: [...manifests.values()],
      isExhaustive: true,
      ...(isCut && { problems: [problem] }),
    },
  }
}

function pageOf(connection: OciConnection, name: string, response: HttpResponse): NodePage {
  const body = response.json()
  if (!isRecord(body)) throw notAList(connection, name)
  const { child = [], manifest, tags } = body
  if (manifest === undefined && Array.isArray(tags)) {
    const why = `its list of the tags of ${name} lacks the manifests that Google adds to it`
    throw new ProductMismatchError(connection.name, PRODUCT, why)
  }
  if (!isRecord(manifest) || !isTexts(child) || !isTexts(tags ?? [])) throw notAList(connection, name)
  return {
    children: child,
    tags: (tags ?? []) as readonly string[],
    entries: Object.entries(manifest).map(([digest, entry]) => entryOf(connection, name, digest, entry)),
  }
}

function entryOf(connection: OciConnection, name: string, text: string, entry: unknown): Entry {
  const digest = parseDigest(text)
  const tags: unknown = isRecord(entry) ? (entry['tag'] ?? []) : undefined
  const uploaded = isRecord(entry) ? timeOf(entry['timeUploadedMs']) : undefined
  if (digest === undefined || !isTexts(tags) || uploaded === undefined) {
    const what = `the list of ${name} holds ${quotable(text)} with something that is no entry of it`
    throw new RegistryContentError(connection.name, what)
  }
  return { digest, tags, pushedAt: uploaded.at }
}

/** Undefined for what is no time at all; a time before all uploads means that there is none. */
function timeOf(value: unknown): { readonly at: number | undefined } | undefined {
  if (value === undefined || value === null || value === '') return { at: undefined }
  const ms = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof ms !== 'number' || !Number.isSafeInteger(ms)) return undefined
  return { at: ms > 0 ? ms : undefined }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function notAList(connection: OciConnection, name: string): RegistryContentError {
  return new RegistryContentError(connection.name, `what came for the list of ${name} is no such list`)
}
