/**
 * What a registry of Google's says over Docker's API, from the public reference: lists of tags with Google's additions, and
 * deletions that are refused while something is left on a digest.
 */
import type { RegistryStore, StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName } from '../../src/core/image/names.ts'
import { json, type FakeRequest, type Reply } from './fake-server.ts'

export interface GoogleListOptions {
  /** Entries of a page, however many are asked for. @default 10 000 */
  readonly pageSize: number
}

/** Upload times that are not those of the push, by digest. */
export type UploadTimes = ReadonlyMap<Digest, number>

/** A name has a list if it holds images, or if names lie below it. */
export function listTags(
  store: RegistryStore,
  times: UploadTimes,
  { url }: FakeRequest,
  name: string,
  { pageSize }: GoogleListOptions,
): Reply {
  const children = childrenOf(store, name)
  const repository = store.repositories.get(name as RepositoryName)
  if (repository === undefined && children.length === 0) return googleFailure(404, 'NAME_UNKNOWN')
  const digests = [...(repository?.manifests.keys() ?? [])].toSorted()
  const asked = url.searchParams.get('n')
  const last = url.searchParams.get('last')
  const rest = last === null ? digests : digests.filter((digest) => digest > last)
  // Without a number the answer ends early, and nothing says so.
  const size = asked === null ? 1000 : Math.min(Number(asked), pageSize)
  const page = rest.slice(0, size)
  const entries = page.map((digest) => [digest, entryOf(repository, times, digest)] as const)
  const body = {
    child: last === null ? children : [],
    manifest: Object.fromEntries(entries),
    name,
    tags: entries.flatMap(([, { tag }]) => tag).toSorted(),
  }
  const isEnd = page.length === rest.length || asked === null
  const next = `</v2/${name}/tags/list?n=${asked ?? ''}&last=${encodeURIComponent(page.at(-1) ?? '')}>; rel="next"`
  return json(200, body, isEnd ? {} : { link: next })
}

function childrenOf(store: RegistryStore, name: string): readonly string[] {
  const below = [...store.repositories]
    .filter(([each, { manifests }]) => each.startsWith(`${name}/`) && manifests.size > 0)
    .map(([each]) => each.slice(name.length + 1).split('/')[0] ?? '')
  return [...new Set(below)].toSorted()
}

interface Entry {
  readonly imageSizeBytes: string
  readonly layerId: string
  readonly mediaType: string
  readonly tag: readonly string[]
  readonly timeCreatedMs: string
  readonly timeUploadedMs: string
}

function entryOf(repository: StoredRepository | undefined, times: UploadTimes, digest: Digest): Entry {
  const stored = repository?.manifests.get(digest)
  const layers = stored?.facts.layers ?? []
  return {
    imageSizeBytes: String(layers.reduce((total, { sizeBytes }) => total + sizeBytes, 0)),
    layerId: '',
    mediaType: stored?.facts.mediaType ?? '',
    tag: (repository?.tagsOf(digest) ?? []).toSorted(),
    // What builders write for the sake of reproducibility.
    timeCreatedMs: '0',
    timeUploadedMs: String(times.get(digest) ?? stored?.pushedAt ?? 0),
  }
}

/** @param isImmutable tags can be neither moved nor removed */
export function deleteReference(
  repository: StoredRepository | undefined,
  reference: string,
  isImmutable: boolean,
): Reply {
  if (repository === undefined) return googleFailure(404, 'NAME_UNKNOWN')
  const digest = parseDigest(reference)
  if (digest !== undefined) return deleteDigest(repository, digest)
  const tag = parseTagName(reference)
  if (tag === undefined || !repository.tags.has(tag)) return googleFailure(404, 'MANIFEST_UNKNOWN')
  if (isImmutable) return googleFailure(400, 'FAILED_PRECONDITION', 'Tags are immutable in this repository.')
  repository.tags.delete(tag)
  return { status: 202 }
}

function deleteDigest(repository: StoredRepository, digest: Digest): Reply {
  if (!repository.manifests.has(digest)) return googleFailure(404, 'MANIFEST_UNKNOWN')
  const [tag] = repository.tagsOf(digest)
  if (tag !== undefined)
    return googleFailure(400, 'GOOGLE_MANIFEST_DANGLING_TAG', `Manifest is still referenced by tag: ${tag}`)
  const [index] = repository.indexesOf(digest)
  if (index !== undefined)
    return googleFailure(
      400,
      'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE',
      `Manifest is still referenced by one or more parent images: ${index.digest}`,
    )
  const [referrer] = repository.referrersOf(digest)
  if (referrer !== undefined)
    return googleFailure(400, 'GOOGLE_MANIFEST_REFERRING_MANIFEST', `Manifest is referred to by ${referrer}`)
  repository.manifests.delete(digest)
  return { status: 202 }
}

export function googleFailure(status: number, code: string, message: string = code.toLowerCase()): Reply {
  return json(status, { errors: [{ code, message }] })
}
