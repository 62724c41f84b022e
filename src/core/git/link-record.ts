/**
 * The record that `winnow link` keeps in a registry: an artifact whose subject is the image and whose annotation is the
 * commit (OCI image specification, "Guidelines for Artifact Usage").
 *
 * The same image and commit make the same bytes, because nothing in it is a time: a record that is pushed twice is one
 * record. It goes under a tag of its own, so that builds side by side never write the same name with different content,
 * and one listing of tags finds every link of a repository.
 */
import { linkTagParts } from '../image/attached-tags.ts'
import type { Digest } from '../image/digest.ts'
import { ManifestUnreadableError } from '../image/manifest-fields.ts'
import { ociManifestType } from '../image/media-types.ts'
import { parseTagName, type TagName } from '../image/names.ts'
import { parseManifest } from '../image/parse-manifest.ts'

export const linkArtifactType = 'application/vnd.winnow.link.v1+json'
/** OCI annotations, "Pre-Defined Annotation Keys". */
export const revisionAnnotation = 'org.opencontainers.image.revision'
const sourceAnnotation = 'org.opencontainers.image.source'
const refAnnotation = 'dev.winnow.link.ref'

/** Config and only layer of an artifact that is all annotations (image-spec, "Guidance for an Empty Descriptor"). */
export const emptyBlobText = '{}'
const emptyDescriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  size: emptyBlobText.length,
}

/** What identifies the image, as a manifest that refers to it writes it. */
export interface SubjectDescriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly sizeBytes: number
}

/** What is said of one image and one commit. */
export interface CommitLink {
  /** 40 or 64 hexadecimal digits, in lower case. */
  readonly commit: string
  /** Where the sources are, without credentials. */
  readonly source?: string | undefined
  /** The branch or tag it was built for; tells people something and decides nothing. */
  readonly ref?: string | undefined
}

export interface FoundLink extends CommitLink {
  readonly subject: Digest
}

const fullCommitId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const nullId = /^0+$/

/**
 * The full commit id that a text spells, in lower case; undefined for a short one, whose meaning changes as a repository
 * grows, and for Git's null id, which names nothing.
 */
export function parseFullCommitId(text: string): string | undefined {
  const id = text.toLowerCase()
  return fullCommitId.test(id) && !nullId.test(id) ? id : undefined
}

/** The annotations of a record, in the order in which they are written. */
export function linkAnnotations({ commit, source, ref }: CommitLink): Readonly<Record<string, string>> {
  return {
    ...(ref !== undefined && { [refAnnotation]: ref }),
    [revisionAnnotation]: commit,
    ...(source !== undefined && { [sourceAnnotation]: source }),
  }
}

/** The record's manifest, of media type `application/vnd.oci.image.manifest.v1+json`. */
export function linkRecordText(subject: SubjectDescriptor, link: CommitLink): string {
  const { mediaType, digest, sizeBytes } = subject
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifestType,
    artifactType: linkArtifactType,
    config: emptyDescriptor,
    layers: [emptyDescriptor],
    subject: { mediaType, digest, size: sizeBytes },
    annotations: linkAnnotations(link),
  })
}

/**
 * The tag a record goes under; a 64-digit commit id is cut to 40 in it. Undefined for a subject with a sha512 digest,
 * whose tag would be longer than the 128 characters a tag may have.
 */
export function linkTag(subject: Digest, commit: string): TagName | undefined {
  const tag = `${subject.replace(':', '-')}.link-${commit.slice(0, 40)}`
  return linkTagParts(tag) && parseTagName(tag)
}

/** Every link that tags tell by their names alone; the commit of each is the first 40 digits of its id. */
export function linksInTags(
  tags: Iterable<string>,
): readonly { readonly subject: Digest; readonly commit: string }[] {
  const found: { readonly subject: Digest; readonly commit: string }[] = []
  for (const tag of tags) {
    const parts = linkTagParts(tag)
    if (parts !== undefined) found.push(parts)
  }
  return found
}

/** What `ManifestFacts` and `ManifestRecord` both know of a manifest. */
interface RecordFacts {
  readonly artifactType: string | undefined
  readonly subject: Digest | undefined
  readonly annotations: Readonly<Record<string, string>>
}

/** The link that a manifest records, as a list of one; empty for whatever is no record of ours. */
export function linksInRecord({ artifactType, subject, annotations }: RecordFacts): readonly FoundLink[] {
  if (artifactType !== linkArtifactType || subject === undefined) return []
  const commit = parseFullCommitId(annotations[revisionAnnotation] ?? '')
  if (commit === undefined) return []
  return [{ subject, commit, source: annotations[sourceAnnotation], ref: annotations[refAnnotation] }]
}

/** The link that these bytes record; undefined when they record none, or cannot even be understood. */
export function linkInBytes(manifest: {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}): FoundLink | undefined {
  try {
    return linksInRecord(parseManifest(manifest.bytes, manifest.mediaType, manifest.digest))[0]
  } catch (error) {
    // Anybody may push anything under such a tag; an inventory tells of it.
    if (error instanceof ManifestUnreadableError) return undefined
    throw error
  }
}
