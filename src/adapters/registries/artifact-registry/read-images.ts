/**
 * Every image of a repository of Artifact Registry by the API: a thousand a page, over all names, tagged or not.
 *
 * What it tells of an image is the same as the list of tags of its name tells, so that either may stand for the other.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quotable } from '../oci/answers.ts'
import type { KnownManifest, KnownTag, ListedRepository } from '../oci/listing.ts'
import type { ArtifactApi, Row } from './artifact-api.ts'
import type { ArtifactSource } from './find-sources.ts'

/**
 * Lists of tags in this API are known to end at about a hundred without saying so (those of versions do). An image with
 * as many is not believed, and its name is read from the registry itself.
 */
const TAGS_BELIEVED = 100

interface ImageRow {
  /** Below the repository; may have slashes. */
  readonly image: string
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly pushedAt: number | undefined
}

/** By name below `/v2/`, what was listed; undefined where the name has to be read by itself. */
export async function readImages(
  api: ArtifactApi,
  source: ArtifactSource,
  options: RunOptions,
): Promise<ReadonlyMap<string, ListedRepository | undefined>> {
  const rows = await api.list(`${source.resource}/dockerImages`, 'dockerImages', options)
  const byImage = new Map<string, ImageRow[]>()
  for (const row of rows.map((each) => imageOf(api, each))) {
    const known = byImage.get(row.image)
    if (known === undefined) byImage.set(row.image, [row])
    else known.push(row)
  }
  return new Map(
    [...byImage].map(([image, images]) => [`${source.names}/${image}`, listedOf(images)] as const),
  )
}

function listedOf(images: readonly ImageRow[]): ListedRepository | undefined {
  const manifests: KnownManifest[] = images.map(({ digest, pushedAt }) => ({ digest, pushedAt }))
  const tags = new Map<string, KnownTag>()
  for (const { digest, tags: names } of images) {
    if (names.length >= TAGS_BELIEVED) return undefined
    // On two images: it was moved between two pages, so it is asked for.
    for (const name of names) tags.set(name, { name, digest: tags.has(name) ? undefined : digest })
  }
  return { tags: [...tags.values()], manifests, isExhaustive: true }
}

function imageOf(api: ArtifactApi, row: Row): ImageRow {
  const { name, tags = [], uploadTime } = row
  const [, encoded, text] = /\/dockerImages\/([^/]+)@([^@/]+)$/.exec(String(name)) ?? []
  const digest = parseDigest(text ?? '')
  const image = decoded(encoded)
  const pushedAt = typeof uploadTime === 'string' ? Date.parse(uploadTime) : undefined
  const isTexts = Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')
  if (digest === undefined || image === undefined || !isTexts || Number.isNaN(pushedAt)) {
    throw api.content(`the list of images holds ${quotable(String(name))}, which is no image of it`)
  }
  return { image, digest, tags, pushedAt: pushedAt !== undefined && pushedAt > 0 ? pushedAt : undefined }
}

/** `team%2Fweb`: a name with slashes is one segment of the resource. */
function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    // Not encoded as Google does; whoever asked says so.
    return undefined
  }
}
