/**
 * A bucket in Google Cloud Storage: objects by generation, so that each write and removal is of the very object that was
 * looked at.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import {
  endOfSecond,
  type ObjectBucket,
  type ObjectPage,
  type PageQuery,
  type Removal,
  type RemovalTarget,
} from '../objects/object-bucket.ts'
import { rootOf } from '../objects/object-keys.ts'
import { mapParallel } from '../objects/parallel.ts'
import { headObject, readMedia, upload, type GcsObjects } from './gcs-calls.ts'
import { keptInGcs } from './gcs-kept.ts'
import { factsOf, OBJECT_FIELDS, parsePage } from './gcs-objects.ts'
import type { GcsRequests, GcsSettings } from './gcs-requests.ts'

const PAGE_SIZE_DEFAULT = 1000

export function gcsBucket(settings: GcsSettings, { send }: GcsRequests): ObjectBucket {
  const root = rootOf(settings.prefix)
  const place = `gs://${settings.bucket}${root === '' ? '' : `/${root.slice(0, -1)}`}`
  const bucketPath = `/b/${encodeURIComponent(settings.bucket)}`
  const objects: GcsObjects = {
    root,
    send,
    where: (key) => `gs://${settings.bucket}/${root}${key}`,
    pathOf: (key) => `${bucketPath}/o/${encodeURIComponent(root + key)}`,
  }
  return {
    place,
    page: async (query, options) => readPage(objects, { bucketPath, place, settings }, query, options),
    head: async (key, options) => {
      const found = await headObject(objects, key, {}, options)
      return found && factsOf(found)
    },
    read: async (key, bytesMax, options) => {
      const response = await readMedia(objects, key, { bytesMax }, options)
      if (response === undefined) return undefined
      const modifiedAt = endOfSecond(Date.parse(response.headers.get('last-modified') ?? ''))
      return { bytes: response.body, sizeBytes: response.body.length, modifiedAt }
    },
    write: async (key, bytes, options) => {
      await upload(objects, { bucketPath, key, bytes }, options)
    },
    create: async (key, bytes, options) => {
      const response = await upload(objects, { bucketPath, key, bytes, mustBeAbsent: true }, options)
      if (response.status !== 412) return true
      // Sent more than once, it may be our own first sending that is in the way.
      if (response.attempts === 1) return false
      const there = await readMedia(objects, key, { bytesMax: bytes.length }, options).catch(() => undefined)
      return there !== undefined && Buffer.from(there.body).equals(bytes)
    },
    removeMany: async (targets, options) =>
      mapParallel(targets, options, async (target) => removeObject(objects, target, options)),
    ...keptInGcs(objects, bucketPath, settings),
  }
}

interface ListedPlace {
  readonly bucketPath: string
  readonly place: string
  readonly settings: GcsSettings
}

async function readPage(
  { root, send }: GcsObjects,
  { bucketPath, place, settings }: ListedPlace,
  { prefix, level, cursor }: PageQuery,
  options: RunOptions | undefined,
): Promise<ObjectPage> {
  const query = {
    prefix: root + prefix,
    delimiter: level === 'one' ? '/' : undefined,
    maxResults: String(settings.pageSize ?? PAGE_SIZE_DEFAULT),
    pageToken: cursor,
    fields: `nextPageToken,prefixes,items(${OBJECT_FIELDS})`,
  }
  const asked = {
    method: 'GET',
    path: `${bucketPath}/o`,
    query,
    where: place,
    changes: false,
    accepts: [200],
  } as const
  const { objects, prefixes, next } = parsePage(place, await send(asked, options))
  return {
    // A name that ends in a slash is what consoles show as a folder; it holds nothing.
    objects: objects
      .filter(({ name }) => !name.endsWith('/'))
      .map((object) => ({ key: object.name.slice(root.length), facts: factsOf(object), md5: object.md5 })),
    folders: prefixes.map((name) => name.slice(root.length)),
    next,
  }
}

/** Removes as the bucket does by itself: with versioning it becomes noncurrent, with a policy softly deleted. */
async function removeObject(
  { where, pathOf, send }: GcsObjects,
  { key, revision }: RemovalTarget,
  options: RunOptions | undefined,
): Promise<Removal> {
  const query = { ifGenerationMatch: revision }
  const accepts = [200, 204, 404, ...(revision === undefined ? [] : [412])]
  const response = await send(
    { method: 'DELETE', path: pathOf(key), query, where: where(key), changes: true, accepts },
    options,
  )
  if (response.status === 412) return 'changed'
  // A 404 to the second sending is the first one's doing.
  return response.status === 404 && response.attempts === 1 ? 'absent' : 'removed'
}
