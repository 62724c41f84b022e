/**
 * Changes Harbor: tags and artifacts are removed by its own API, because over `/v2/` it refuses to delete by tag; manifests
 * are put back over `/v2/`.
 *
 * Deleting an artifact takes more than itself (cascade.ts). Before each deletion the repository's list, at most a minute
 * old, must show that nothing which stays would lose a part; and what went along counts as deleted by us, so that an undo
 * brings it back. The tags of the artifact itself are read right before.
 */
import { attachedTo } from '../../../core/image/attached-tags.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { parseTagName, type RegistryName, type RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { OciConnection, type ConnectionSettings } from '../oci/connection.ts'
import { resolveTag } from '../oci/manifests.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { refused, taggedSince } from '../oci/refusals.ts'
import { createOciWriter } from '../oci/writer.ts'
import { Cascade } from './cascade.ts'
import { repositoryPath, saysNotFound, type HarborApi } from './harbor-api.ts'
import type { HarborListing } from './harbor-listing.ts'
import { harborRefusal, isReadOnly, readOnlyCure } from './harbor-refusals.ts'

/** As long as a look at a repository counts anywhere in a run. */
const lookAgeMaxMs = 60_000

interface Look {
  readonly at: number
  readonly cascade: Promise<Cascade>
}

export class HarborWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #api: HarborApi
  readonly #listing: HarborListing
  readonly #connection: OciConnection
  readonly #overDistribution: DriverWriter
  readonly #looks = new Map<RepositoryName, Look>()
  /** Cascades of earlier looks: what they took stays taken. */
  readonly #earlier = new Map<RepositoryName, Promise<Cascade>[]>()

  constructor(api: HarborApi, listing: HarborListing, settings: ConnectionSettings) {
    this.name = settings.name
    this.#api = api
    this.#listing = listing
    this.#connection = new OciConnection(settings)
    this.#overDistribution = createOciWriter(settings)
  }

  async untag(...[repository, tag, options]: Parameters<MutableRegistry['untag']>): Promise<ChangeOutcome> {
    const path = repositoryPath(repository)
    if (path === undefined) return { kind: 'absent' }
    // Safe: below /tags/ Harbor removes this one name; the artifact and its other tags stay.
    const response = await this.#api.delete(`${path}/artifacts/${tag}/tags/${tag}`, options)
    if (isDone(response)) return { kind: 'done' }
    if (saysNotFound(response)) return goneOutcome(response)
    return harborRefusal(this.#api, `Removing the tag ${tag} of ${repository}`, response, options)
  }

  async deleteManifest(
    ...[repository, digest, options, known]: Parameters<MutableRegistry['deleteManifest']>
  ): Promise<ChangeOutcome> {
    const path = repositoryPath(repository)
    if (path === undefined) return { kind: 'absent' }
    const cascade = await this.#look(repository, options)
    const held = cascade.whatHolds(digest)
    if (held !== undefined) return refused('referenced', held)
    // One that is gone is left to the deletion, which tells whether it went by our doing.
    const tags = known && (await this.#listing.tagsOf(repository, digest, options))
    const newlyTagged = tags && taggedSince(tags, known)
    if (newlyTagged !== undefined) return newlyTagged
    // Safe: addressed by digest, never by a tag; what Harbor takes along has no ordinary tag and no index that stays.
    const response = await this.#api.delete(`${path}/artifacts/${digest}`, options)
    if (isDone(response)) {
      cascade.deleted(digest)
      return { kind: 'done' }
    }
    if (saysNotFound(response))
      return (await this.#wasTaken(repository, digest)) ? { kind: 'done' } : goneOutcome(response)
    return harborRefusal(this.#api, `Deleting ${repository}@${digest}`, response, options)
  }

  async putManifest(
    ...[repository, manifest, tag, options]: Parameters<MutableRegistry['putManifest']>
  ): Promise<ChangeOutcome> {
    const outcome = await this.#overDistribution.putManifest(repository, manifest, tag, options)
    const isRefused = outcome.kind === 'refused' && outcome.reason === 'forbidden'
    return isRefused && (await isReadOnly(this.#api, options)) ? refused('read-only', readOnlyCure) : outcome
  }

  /** Removes a tag, and deletes an artifact, of a name that nobody has. */
  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    const path = repositoryPath(repository)
    if (path === undefined) return { deletes: { state: 'unknown' }, deleteByTag: undefined }
    const nobodys = nobodysTag()
    // Safe, both: 128 random bits are nobody's tag, so there is nothing that this could delete.
    const untagged = await this.#api.delete(`${path}/artifacts/${nobodys}/tags/${nobodys}`, options)
    const deleted = await this.#api.delete(`${path}/artifacts/${nobodys}`, options)
    const deleteByTag = saysNotFound(untagged)
    if (saysNotFound(deleted)) return { deletes: { state: 'yes' }, deleteByTag }
    const refusal = await harborRefusal(this.#api, `Probing deletion in ${repository}`, deleted, options)
    const cure = refusal.kind === 'refused' ? refusal.text : ''
    return { deletes: { state: 'no', cure }, deleteByTag }
  }

  async #look(repository: RepositoryName, options: RunOptions | undefined): Promise<Cascade> {
    const known = this.#looks.get(repository)
    if (known !== undefined && performance.now() - known.at < lookAgeMaxMs) return known.cascade
    const look = { at: performance.now(), cascade: this.#readCascade(repository, options) }
    this.#looks.set(repository, look)
    // A look that failed shows nothing, and the next deletion looks again.
    look.cascade.catch(() => this.#looks.delete(repository))
    if (known !== undefined)
      this.#earlier.set(repository, [...(this.#earlier.get(repository) ?? []), known.cascade])
    return look.cascade
  }

  async #readCascade(repository: RepositoryName, options: RunOptions | undefined): Promise<Cascade> {
    const contents = await this.#listing.readContents(repository, options)
    const accessoryTags = new Map<string, Digest>()
    for (const name of contents?.unlistedTags ?? []) {
      const tag = parseTagName(name)
      // A tag that hangs an accessory on its subject goes with it, as it should.
      if (tag === undefined || attachedTo(tag) !== undefined) continue
      const resolved = await resolveTag(this.#connection, repository, tag, options)
      if (resolved !== undefined) accessoryTags.set(tag, resolved.digest)
    }
    return new Cascade(contents?.artifacts ?? [], accessoryTags)
  }

  async #wasTaken(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const last = this.#looks.get(repository)
    const looks = [...(this.#earlier.get(repository) ?? []), ...(last === undefined ? [] : [last.cascade])]
    return (await Promise.all(looks)).some((cascade) => cascade.mayHaveTaken(digest))
  }
}

function isDone({ status }: HttpResponse): boolean {
  return status === 200 || status === 202 || status === 204
}

/** After a repetition the "not found" may be the work of the first sending, whose answer was lost. */
function goneOutcome(response: HttpResponse): ChangeOutcome {
  return { kind: response.attempts > 1 ? 'done' : 'absent' }
}
