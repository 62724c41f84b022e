/**
 * Changes Quay: its tags, one at a time, by its own API. Manifests are never deleted by digest, because that would end
 * every tag that has come to point there; one without a tag is removed by Quay itself.
 *
 * Until the time machine's window is over, a tag that was removed can be restored with all that hung on it. What came
 * without a tag is put back over `/v2/`.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import { attachedTo } from '../../../core/image/attached-tags.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import type { ConnectionSettings } from '../oci/connection.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { refused } from '../oci/refusals.ts'
import { createOciWriter } from '../oci/writer.ts'
import { Looks } from './looks.ts'
import { parseTag, type QuayTag } from './parse-tag.ts'
import { repositoryPath, saysNotFound, type QuayApi } from './quay-api.ts'
import type { QuayListing } from './quay-listing.ts'
import { quayRefusal, readOnlyRefusal } from './quay-refusals.ts'

export class QuayWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #api: QuayApi
  readonly #overDistribution: DriverWriter
  /** Tags that are alive, but for those removed here. */
  readonly #alive: Looks<Map<string, QuayTag>>
  readonly #history: Looks<readonly QuayTag[]>

  constructor(api: QuayApi, listing: QuayListing, settings: ConnectionSettings) {
    this.name = settings.name
    this.#api = api
    this.#overDistribution = createOciWriter(settings)
    this.#alive = new Looks(async (repository, options) => {
      const tags = (await listing.readAlive(repository, options)) ?? []
      return new Map(tags.map((tag) => [tag.name, tag]))
    })
    this.#history = new Looks(async (repository, options) => {
      const rows = (await this.#api.listTags(repository, '', options)) ?? []
      return rows.map((row) => parseTag(this.name, repository, row))
    })
  }

  async untag(...[repository, tag, options]: Parameters<MutableRegistry['untag']>): Promise<ChangeOutcome> {
    const path = `${repositoryPath(repository)}/tag/${encodeURIComponent(tag)}`
    try {
      // Safe: this ends one tag, and Quay keeps what it named as long as another tag or index has it.
      const response = await this.#api.send('DELETE', path, options)
      if (isDone(response)) {
        await this.#alive.change(repository, (tags) => tags.delete(tag))
        return { kind: 'done' }
      }
      // After a repetition the "not found" may be the work of the first sending, whose answer was lost.
      if (saysNotFound(response)) return { kind: response.attempts > 1 ? 'done' : 'absent' }
      return quayRefusal(this.#api, `Removing the tag ${tag} of ${repository}`, response)
    } catch (error) {
      return readOnlyRefusal(error)
    }
  }

  /** Done when no tag is left: the rest is Quay's own. Tags that only hang it on something else are removed. */
  async deleteManifest(
    ...[repository, digest, options]: Parameters<MutableRegistry['deleteManifest']>
  ): Promise<ChangeOutcome> {
    if (options?.signal?.aborted === true) throw new InterruptedError()
    const alive = await this.#alive.look(repository, options)
    for (const { name } of [...alive.values()].filter((tag) => tag.digest === digest)) {
      if (!(await this.#pointsStillAt(repository, name, digest, options))) continue
      if (attachedTo(name) === undefined)
        return refused('referenced', `The tag ${name} still points at it, so it was not deleted.`)
      // Safe: such a tag is no image's name, and it was read a moment ago.
      const outcome = await this.untag(repository, name as Parameters<MutableRegistry['untag']>[1], options)
      if (outcome.kind === 'refused') return outcome
    }
    return { kind: 'done' }
  }

  async putManifest(
    ...[repository, manifest, tag, options]: Parameters<MutableRegistry['putManifest']>
  ): Promise<ChangeOutcome> {
    return this.#overDistribution.putManifest(repository, manifest, tag, options)
  }

  /** From the time machine: by the tag, or by the tag that a manifest lost last. */
  async restore(
    ...[repository, digest, tag, options]: Parameters<NonNullable<MutableRegistry['restore']>>
  ): Promise<ChangeOutcome> {
    const name = tag ?? (await this.#lastTagOf(repository, digest, options))
    if (name === undefined) return { kind: 'absent' }
    const path = `${repositoryPath(repository)}/tag/${encodeURIComponent(name)}/restore`
    try {
      const response = await this.#api.send('POST', path, options, { manifest_digest: digest })
      if (isDone(response)) return { kind: 'done' }
      // Collected already, or outside of the window: what the journal has is tried next.
      if (saysNotFound(response) || response.status === 400) return { kind: 'absent' }
      return quayRefusal(this.#api, `Restoring the tag ${name} of ${repository}`, response)
    } catch (error) {
      return readOnlyRefusal(error)
    }
  }

  /** Removes a tag that does not exist. */
  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    const path = `${repositoryPath(repository)}/tag/${nobodysTag()}`
    try {
      // Safe: 128 random bits are nobody's tag, so there is nothing that this could remove.
      const response = await this.#api.send('DELETE', path, options)
      if (saysNotFound(response)) return { deletes: { state: 'yes' }, deleteByTag: true }
      return cannot(quayRefusal(this.#api, `Probing deletion in ${repository}`, response))
    } catch (error) {
      return cannot(readOnlyRefusal(error))
    }
  }

  async #pointsStillAt(
    repository: RepositoryName,
    tag: string,
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<boolean> {
    const query = `onlyActiveTags=true&specificTag=${encodeURIComponent(tag)}&`
    const rows = (await this.#api.listTags(repository, query, options)) ?? []
    const now = rows.map((row) => parseTag(this.name, repository, row))
    return now.some((each) => each.name === tag && each.digest === digest)
  }

  async #lastTagOf(
    repository: RepositoryName,
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<string | undefined> {
    const newest = new Map<string, QuayTag>()
    for (const row of await this.#history.look(repository, options)) {
      const before = newest.get(row.name)
      if (before === undefined || (row.startedAt ?? 0) > (before.startedAt ?? 0)) newest.set(row.name, row)
    }
    // Only a name that is dead, and last named this manifest: restoring it takes it from nobody.
    const dead = [...newest.values()].filter(
      (row) => row.digest === digest && row.endsAt !== undefined && row.endsAt <= Date.now(),
    )
    return dead.toSorted((a, b) => (b.endsAt ?? 0) - (a.endsAt ?? 0) || (a.name < b.name ? -1 : 1))[0]?.name
  }
}

function isDone({ status }: HttpResponse): boolean {
  return status === 200 || status === 201 || status === 204
}

function cannot(refusal: ChangeOutcome): DeletionProbe {
  const cure = refusal.kind === 'refused' ? refusal.text : ''
  return { deletes: { state: 'no', cure }, deleteByTag: undefined }
}
