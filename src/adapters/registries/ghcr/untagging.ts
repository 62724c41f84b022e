/**
 * Removes one tag: it is moved to a throw-away manifest, and that is deleted. Whatever goes wrong in between, the image
 * keeps its other tags, and the tag counts as removed (hide-throw-aways.ts) or is put back.
 */
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { OciConnection } from '../oci/connection.ts'
import { fetchTagged } from '../oci/manifests.ts'
import { putManifest } from '../oci/put-manifest.ts'
import { refused } from '../oci/refusals.ts'
import { deleteVersion } from './delete-version.ts'
import { ThrowAwayLeftError } from './errors.ts'
import { readPage } from './pages.ts'
import { makeThrowAway } from './throw-away.ts'
import { parseVersion, type PackageVersion } from './version.ts'
import { versionList, type ListedVersions, type Versions } from './versions.ts'
import { wait } from './wait.ts'

/** The API may show a push a little later than the registry takes it. */
const looksAfterMs: readonly number[] = [0, 500, 1000, 2000, 4000]

export class Untagging {
  readonly #connection: OciConnection
  readonly #versions: Versions

  constructor(connection: OciConnection, versions: Versions) {
    this.#connection = connection
    this.#versions = versions
  }

  /** @throws ThrowAwayLeftError, and what a conversation throws */
  async untag(
    repository: RepositoryName,
    tag: TagName,
    listed: ListedVersions,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const version = listed.withTag(tag)
    // The tag itself is asked for, past everything remembered.
    const source = await fetchTagged(this.#connection, repository, tag, options)
    if (source === undefined) return { kind: 'absent' }
    if (source.digest !== version?.digest)
      return refused(
        'protected',
        `The tag ${tag} was moved to ${source.digest} since Winnow looked at it last.`,
      )
    if (version.tags.length < 2)
      return refused(
        'unsupported',
        `It is the only tag of its image, which would be left without any; GitHub has no call to remove a tag alone.`,
      )
    const throwAway = makeThrowAway(source, tag)
    if (throwAway === undefined)
      return refused(
        'unsupported',
        `GitHub has no call to remove a tag, and ${source.mediaType} has no empty form to move it to.`,
      )
    // Safe: the tag points where it was looked for, and its image keeps the others.
    const { outcome } = await putManifest(this.#connection, repository, throwAway, tag, options)
    if (outcome.kind === 'refused') return outcome
    const removed = await this.#remove(repository, tag, throwAway, options)
    if (removed.kind === 'refused') await putManifest(this.#connection, repository, source, tag, options)
    this.#versions.forget(repository)
    return removed
  }

  async #remove(
    repository: RepositoryName,
    tag: TagName,
    throwAway: RawManifest,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const version = await this.#find(repository, throwAway, options)
    if (version === undefined)
      throw new ThrowAwayLeftError(this.#versions.api.name, `${repository}:${tag}`, throwAway.digest)
    const other = version.tags.find((each) => each !== tag)
    if (other !== undefined)
      return refused('protected', `Somebody gave the tag ${other} to the throw-away manifest of ${tag}.`)
    // Safe: these bytes were made a moment ago to be deleted, and no other tag is on them.
    const outcome = await deleteVersion(this.#versions, repository, version, options)
    return outcome.kind === 'absent' ? { kind: 'done' } : outcome
  }

  /** The newest version is on the first page, or, if others push too, on one of the next. */
  async #find(
    repository: RepositoryName,
    { digest }: RawManifest,
    options: RunOptions | undefined,
  ): Promise<PackageVersion | undefined> {
    const place = await this.#versions.place(repository, options)
    if (place === undefined) return undefined
    const { api } = this.#versions
    const list = versionList(place, repository, 'active')
    for (const waitMs of looksAfterMs) {
      if (waitMs > 0) await wait(waitMs, options?.signal)
      const read = await readPage(api, list, 1, options)
      if (read.kind === 'refused') throw api.unexpected(`Listing ${list.what}`, read.answer)
      const rows = read.page.rows.map((row) => parseVersion(api, list.what, row))
      const found = rows.find((row) => row.digest === digest)
      if (found !== undefined) return found
    }
    const answer = await this.#versions.list(repository, options)
    return answer.kind === 'listed' ? answer.versions.get(digest) : undefined
  }
}
