/**
 * Makes sure that whoever asks for the referrers of an image finds the records of its links: the registry lists them
 * itself, or they stand in the list under the fallback tag (distribution-spec, "Referrers Tag Schema").
 *
 * That list has no owner and no lock: a client reads it, adds to it and writes it over, and of two at once one loses.
 * Records lose nothing by this, because each has a tag of its own first. Whoever writes the list looks again after its own
 * write, at the list and at the tags, and writes once more until the list has every record that is tagged. Of all who
 * write, one writes last; it looks after that, so what it leaves is whole. Entries of others that were seen on the way are
 * carried along.
 */
import { OperationalError } from '../core/errors/errors.ts'
import {
  addToList,
  emptyReferrersList,
  parseReferrersList,
  recordEntry,
  recordTagsIn,
  referrersListText,
  referrersTag,
  type ReferrersList,
} from '../core/git/referrers-list.ts'
import { linkInBytes, type CommitLink, type SubjectDescriptor } from '../core/git/link-record.ts'
import { linkTagParts } from '../core/image/attached-tags.ts'
import type { JsonObject } from '../core/image/manifest-fields.ts'
import { ociIndexType } from '../core/image/media-types.ts'
import type { RepositoryName, TagName } from '../core/image/names.ts'
import type { Digest } from '../core/image/digest.ts'
import type { Hash } from '../core/plan/fingerprints.ts'
import type { LinkableRegistry } from '../ports/mutable-link-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'

/** A record that is in the registry, under its tag. */
export interface PlacedRecord {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly link: CommitLink
  readonly tag: TagName
  readonly state: 'linked' | 'already-linked'
  readonly isSubjectKept: boolean
}

interface ListRequest {
  readonly repository: RepositoryName
  readonly subject: SubjectDescriptor
  readonly placed: readonly PlacedRecord[]
}

interface ListPorts {
  readonly registry: LinkableRegistry
  readonly hash: Hash
  readonly pause: (round: number, options: RunOptions) => Promise<void>
}

/** Registries must take manifests of 4 MiB (distribution-spec, "Pushing Manifests"); a list stays well below. */
const LIST_BYTES_MAX = 3 * 1024 * 1024
/** Every round but the last follows a write of somebody else's. */
const ROUNDS_MAX = 60
/** So often a tag that is listed and not there is looked for again: it may be written this very moment. */
const ABSENT_LOOKS = 5

/** Others kept writing over the list. */
export class LinkListUnsettledError extends OperationalError {
  readonly code = 'LINK_LIST_UNSETTLED'
  readonly hint = 'Run the same command again when fewer builds push referrers of this image.'

  constructor(repository: string, tag: string) {
    super(
      `The records are in ${repository}, each under its tag, but the list of referrers under ${tag} was written over again and again, so other programs may not find them.`,
    )
  }
}

/**
 * Makes the records findable for every program that knows referrers.
 *
 * @returns by what they are found; `own-tags` after a warning
 * @throws LinkListUnsettledError, and whatever the registry's driver throws
 */
export async function keepReferrersList(
  request: ListRequest,
  ports: ListPorts,
  options: RunOptions,
): Promise<'registry' | 'fallback-tag' | 'own-tags'> {
  const { repository, subject, placed } = request
  const listed = await ports.registry.listReferrers(repository, subject.digest, options)
  if (listed !== undefined && placed.every(({ digest }) => listed.includes(digest))) return 'registry'
  const tag = referrersTag(subject.digest)
  return tag === undefined ? 'own-tags' : new ListKeeping(request, tag, ports, options).run()
}

class ListKeeping {
  readonly #request: ListRequest
  readonly #tag: TagName
  readonly #ports: ListPorts
  readonly #options: RunOptions
  /** Every entry that was seen in any look, and our own. */
  readonly #known: Map<string, JsonObject>
  #absentLooks = 0

  constructor(request: ListRequest, tag: TagName, ports: ListPorts, options: RunOptions) {
    this.#request = request
    this.#tag = tag
    this.#ports = ports
    this.#options = options
    this.#known = new Map(
      request.placed.map(({ digest, sizeBytes, link }) => [digest, recordEntry(digest, sizeBytes, link)]),
    )
  }

  async run(): Promise<'fallback-tag' | 'own-tags'> {
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      const look = await this.#look()
      if (look.kind === 'unclear') {
        await this.#ports.pause(round, this.#options)
        continue
      }
      if (look.kind === 'unusable') return this.#giveUp(look.why)
      const next = addToList(look.list, this.#known)
      if (next.entries.size === look.list.entries.size) return 'fallback-tag'
      const text = referrersListText(next, this.#request.subject)
      if (text.length > LIST_BYTES_MAX) return this.#giveUp('it would be larger than registries take')
      const refusal = await this.#write(text)
      if (refusal !== undefined) return this.#giveUp(refusal)
      // Whoever else is at it gets to write now, so that the look after this sees it.
      await this.#ports.pause(round, this.#options)
    }
    throw new LinkListUnsettledError(this.#request.repository, this.#tag)
  }

  /** Reads the list and the tags, and adds to what is known whatever the list lacks. */
  async #look(): Promise<
    | { readonly kind: 'list'; readonly list: ReferrersList }
    /** It is there and cannot be read now. */
    | { readonly kind: 'unclear' }
    | { readonly kind: 'unusable'; readonly why: string }
  > {
    const { registry } = this.#ports
    const { repository, subject } = this.#request
    const manifest = await registry.readTagged(repository, this.#tag, this.#options)
    const list = manifest === undefined ? emptyReferrersList : parseReferrersList(manifest.bytes)
    if (list === undefined) return { kind: 'unusable', why: 'what lies there is no list of referrers' }
    for (const [digest, entry] of list.entries) this.#known.set(digest, entry)
    const tags = await registry.listTags(repository, this.#options)
    // Distribution 2.8 writes links in place, and for a moment a tag that is moved is not there. Taking that for an
    // absence would begin the list anew, without the entries of others.
    if (manifest === undefined && tags.has(this.#tag) && this.#absentLooks < ABSENT_LOOKS) {
      this.#absentLooks += 1
      return { kind: 'unclear' }
    }
    const inList = recordTagsIn({ ...list, entries: this.#known }, subject.digest)
    for (const tag of tags) {
      if (!inList.has(tag) && linkTagParts(tag)?.subject === subject.digest) await this.#readRecord(tag)
    }
    return { kind: 'list', list }
  }

  /** A record of another build; one that cannot be read yet is left to that build, which looks as we do. */
  async #readRecord(tag: TagName): Promise<void> {
    const { repository, subject } = this.#request
    const manifest = await this.#ports.registry.readTagged(repository, tag, this.#options)
    if (manifest === undefined) return
    const found = linkInBytes(manifest)
    if (found?.subject !== subject.digest) return
    this.#known.set(manifest.digest, recordEntry(manifest.digest, manifest.bytes.length, found))
  }

  /** @returns why the registry does not take it */
  async #write(text: string): Promise<string | undefined> {
    const { registry, hash } = this.#ports
    const manifest = {
      digest: hash([text]),
      mediaType: ociIndexType,
      bytes: new TextEncoder().encode(text),
    }
    // Safe to write over: it holds every entry that was read there, and is looked at again.
    const { repository } = this.#request
    const { outcome } = await registry.putManifest(repository, manifest, this.#tag, this.#options)
    return outcome.kind === 'refused' ? outcome.text : undefined
  }

  #giveUp(why: string): 'own-tags' {
    const { repository } = this.#request
    const text = `The list of referrers under ${repository}:${this.#tag} was left as it is: ${why}. Winnow finds the records by their own tags; other programs may not.`
    this.#options.onEvent?.({ kind: 'warning', text })
    return 'own-tags'
  }
}
