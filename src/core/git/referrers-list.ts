/**
 * The list of referrers that clients keep under a fallback tag where the registry has no referrers API
 * (distribution-spec, "Referrers Tag Schema"): an index whose entries are the referrers' descriptors.
 *
 * Entries are only ever added, and those of others are handed on as they were read, whatever is in them.
 */
import type { Digest } from '../image/digest.ts'
import { parseDigest } from '../image/digest.ts'
import { isJsonObject, type JsonObject } from '../image/manifest-fields.ts'
import { decodeJson } from '../image/manifest-json.ts'
import { ociIndexType, ociManifestType } from '../image/media-types.ts'
import { parseTagName, type TagName } from '../image/names.ts'
import {
  linkArtifactType,
  linkAnnotations,
  linkTag,
  parseFullCommitId,
  revisionAnnotation,
  type CommitLink,
  type SubjectDescriptor,
} from './link-record.ts'

/** A list as it was read: the document, and its entries by digest in the order written. */
export interface ReferrersList {
  readonly document: JsonObject
  readonly entries: ReadonlyMap<string, JsonObject>
}

export const emptyReferrersList: ReferrersList = {
  document: { schemaVersion: 2, mediaType: ociIndexType },
  entries: new Map(),
}

/** The tag that the list of a subject goes under; undefined for sha512, whose fallback tag is cut short and not unique. */
export function referrersTag(subject: Digest): TagName | undefined {
  return subject.startsWith('sha256:') ? parseTagName(subject.replace(':', '-')) : undefined
}

/** The list that these bytes are, or undefined when they are no list whose every entry has a digest. */
export function parseReferrersList(bytes: Uint8Array): ReferrersList | undefined {
  const document = decodeJson(bytes)
  if (!isJsonObject(document) || !Array.isArray(document['manifests'])) return undefined
  const entries = new Map<string, JsonObject>()
  for (const entry of document['manifests'] as readonly unknown[]) {
    const digest = isJsonObject(entry) ? entry['digest'] : undefined
    if (!isJsonObject(entry) || typeof digest !== 'string' || parseDigest(digest) === undefined)
      return undefined
    // A list that names one twice says the same twice; the first stays.
    if (!entries.has(digest)) entries.set(digest, entry)
  }
  return { document, entries }
}

/** The entry for a record (distribution-spec, "Pushing Manifests with Subject": type and annotations are copied). */
export function recordEntry(digest: Digest, sizeBytes: number, link: CommitLink): JsonObject {
  return {
    mediaType: ociManifestType,
    digest,
    size: sizeBytes,
    annotations: linkAnnotations(link),
    artifactType: linkArtifactType,
  }
}

/** The tags of the records that a list of this subject names. */
export function recordTagsIn(list: ReferrersList, subject: Digest): ReadonlySet<TagName> {
  const tags = new Set<TagName>()
  for (const { artifactType, annotations } of list.entries.values()) {
    if (artifactType !== linkArtifactType || !isJsonObject(annotations)) continue
    const revision = annotations[revisionAnnotation]
    const commit = typeof revision === 'string' ? parseFullCommitId(revision) : undefined
    const tag = commit === undefined ? undefined : linkTag(subject, commit)
    if (tag !== undefined) tags.add(tag)
  }
  return tags
}

/** The list with these entries as well; new ones come last, in the order of their digests. */
export function addToList(list: ReferrersList, added: ReadonlyMap<string, JsonObject>): ReferrersList {
  const fresh = [...added].filter(([digest]) => !list.entries.has(digest))
  return {
    document: list.document,
    entries: new Map([...list.entries, ...fresh.toSorted(([a], [b]) => (a < b ? -1 : 1))]),
  }
}

/**
 * The list as a manifest; its other fields stay as they were. It names the image as its own subject: every change leaves
 * the former list behind without a tag, and by this it still hangs on the image and goes with it, instead of being an
 * index that nobody knows and that keeps records alive.
 */
export function referrersListText(
  { document, entries }: ReferrersList,
  { mediaType, digest, sizeBytes }: SubjectDescriptor,
): string {
  const subject = { mediaType, digest, size: sizeBytes }
  return JSON.stringify({ ...document, manifests: [...entries.values()], subject })
}
