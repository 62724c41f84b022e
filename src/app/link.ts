/**
 * Records in a registry that an image was built from commits, so that Git can decide whether it is still needed.
 *
 * A record is pushed under a tag of its own and read back, and then it is made sure that whoever asks for the image's
 * referrers finds it. Nothing is taken away and no other tag is moved, so builds side by side cannot harm each other, and
 * running the same command again does the rest of what an interrupted one began.
 */
import { OperationalError } from '../core/errors/errors.ts'
import {
  emptyBlobText,
  linkInBytes,
  linkRecordText,
  linkTag,
  type CommitLink,
  type SubjectDescriptor,
} from '../core/git/link-record.ts'
import type { Digest } from '../core/image/digest.ts'
import { ociManifestType } from '../core/image/media-types.ts'
import type { RepositoryName, TagName } from '../core/image/names.ts'
import type { Hash } from '../core/plan/fingerprints.ts'
import type { LinkableRegistry } from '../ports/mutable-link-registry.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RawManifest } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { keepReferrersList, type PlacedRecord } from './link-list.ts'

export interface LinkRequest {
  readonly repository: RepositoryName
  /** Read just now, as `findSubject` does. */
  readonly subject: SubjectDescriptor
  readonly links: readonly CommitLink[]
}

export interface LinkPorts {
  readonly registry: LinkableRegistry
  readonly hash: Hash
  /** Waits before a look that would come too soon; the longer, the more often it was looked already. */
  readonly pause: (round: number, options: RunOptions) => Promise<void>
}

export interface LinkedCommit {
  readonly commit: string
  /** The tag of its record. */
  readonly tag: TagName
  readonly state: 'linked' | 'already-linked'
}

export interface Linked {
  readonly commits: readonly LinkedCommit[]
  /**
   * How other programs find the records: the registry lists referrers itself, the list under the fallback tag names them,
   * or neither (a warning said why). Winnow finds them by their tags in every case.
   */
  readonly listedBy: 'registry' | 'fallback-tag' | 'own-tags'
}

/** What is to be linked is not in the registry. */
export class LinkImageAbsentError extends OperationalError {
  readonly code = 'LINK_IMAGE_ABSENT'
  readonly hint = 'Link an image after it was pushed, by the name or the digest that the push told.'

  constructor(image: string, state = 'is not in the registry') {
    super(`${image} ${state}, so there is nothing to link to a commit.`)
  }
}

/** The registry does not take the record. */
export class LinkRecordRefusedError extends OperationalError {
  readonly code = 'LINK_RECORD_REFUSED'
  readonly hint: string

  constructor(registry: string, repository: string, why: string, options?: { readonly cause?: unknown }) {
    super(`${registry} does not take records of links in ${repository}: ${why}`, options)
    this.hint =
      'Give credentials that may push to this repository. Where the registry takes no artifacts, keep the link elsewhere:\n' +
      '  winnow link IMAGE --file links.ndjson      (and name the file under git.repositories: links)\n' +
      '  winnow link IMAGE --record state           (where Winnow itself runs)'
  }
}

/** The registry took the record and does not show it. */
export class LinkNotKeptError extends OperationalError {
  readonly code = 'LINK_NOT_KEPT'
  readonly hint =
    'Look into the log of the registry, run the command again, or keep the link elsewhere with --file FILE.'

  constructor(what: string) {
    super(`${what}, so this link is not recorded.`)
  }
}

/**
 * What a tag or digest names, asked from the registry now.
 *
 * @param image how messages call it
 * @throws LinkImageAbsentError
 */
export async function findSubject(
  repository: RepositoryName,
  reference: TagName | Digest,
  image: string,
  { registry }: Pick<LinkPorts, 'registry'>,
  options: RunOptions,
): Promise<SubjectDescriptor> {
  const subject = await registry.describe(repository, reference, options)
  if (subject === undefined) throw new LinkImageAbsentError(image)
  return subject
}

/**
 * Records the links, each as a manifest of its own.
 *
 * @throws LinkRecordRefusedError, LinkNotKeptError, LinkImageAbsentError when the image went away meanwhile, and whatever the
 *   registry's driver throws
 */
export async function link(request: LinkRequest, ports: LinkPorts, options: RunOptions): Promise<Linked> {
  const { repository, subject } = request
  const placed: PlacedRecord[] = []
  for (const each of request.links) placed.push(await placeRecord(request, each, ports, options))
  const listedBy = placed.every(({ isSubjectKept }) => isSubjectKept)
    ? 'registry'
    : await keepReferrersList({ repository, subject, placed }, ports, options)
  // Deleting an image and linking it may cross; a record of an image that is gone would keep nothing.
  if ((await ports.registry.describe(repository, subject.digest, options)) === undefined) {
    throw new LinkImageAbsentError(`${repository}@${subject.digest}`, 'went away while it was linked')
  }
  return { listedBy, commits: placed.map(({ link: { commit }, tag, state }) => ({ commit, tag, state })) }
}

async function placeRecord(
  { repository, subject }: LinkRequest,
  wanted: CommitLink,
  ports: LinkPorts,
  options: RunOptions,
): Promise<PlacedRecord> {
  const { registry } = ports
  const tag = linkTag(subject.digest, wanted.commit)
  if (tag === undefined) {
    const why = `the digest ${subject.digest} is too long for the tag of a record.`
    throw new LinkRecordRefusedError(registry.name, repository, why)
  }
  const isSubject = subject.digest
  const present = recordIn(await registry.readTagged(repository, tag, options), isSubject, wanted.commit)
  if (present !== undefined) return { ...present, tag, state: 'already-linked', isSubjectKept: false }
  const isSubjectKept = await pushRecord(repository, subject, wanted, tag, ports, options)
  const stored = recordIn(await registry.readTagged(repository, tag, options), isSubject, wanted.commit)
  if (stored === undefined) {
    throw new LinkNotKeptError(`${registry.name} took ${repository}:${tag} and does not show it`)
  }
  return { ...stored, tag, state: 'linked', isSubjectKept }
}

/** The record that a manifest is; undefined when it links something else, and may be written over. */
function recordIn(
  manifest: RawManifest | undefined,
  subject: Digest,
  commit: string,
): Pick<PlacedRecord, 'digest' | 'sizeBytes' | 'link'> | undefined {
  if (manifest === undefined) return undefined
  const found = linkInBytes(manifest)
  return found?.subject === subject && found.commit === commit
    ? { digest: manifest.digest, sizeBytes: manifest.bytes.length, link: found }
    : undefined
}

/** @returns whether the registry says that it lists the record as a referrer itself */
async function pushRecord(
  repository: RepositoryName,
  subject: SubjectDescriptor,
  wanted: CommitLink,
  tag: TagName,
  { registry, hash }: LinkPorts,
  options: RunOptions,
): Promise<boolean> {
  const blob = { digest: hash([emptyBlobText]), bytes: encode(emptyBlobText) }
  const text = linkRecordText(subject, wanted)
  const manifest = { digest: hash([text]), mediaType: ociManifestType, bytes: encode(text) }
  const refuse = (outcome: ChangeOutcome): void => {
    if (outcome.kind === 'refused') throw new LinkRecordRefusedError(registry.name, repository, outcome.text)
  }
  // The blob before the manifest that refers to it (distribution-spec, "Pushing Manifests").
  refuse(await registry.putBlob(repository, blob, options))
  const { outcome, isSubjectKept } = await registry.putManifest(repository, manifest, tag, options)
  refuse(outcome)
  return isSubjectKept
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
