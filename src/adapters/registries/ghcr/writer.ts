/**
 * Changes packages at GitHub: deletes versions by their id, removes a tag by way of a throw-away manifest, restores from
 * the bin. GitHub's registry itself deletes nothing; it takes what is put back.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RawManifest, ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import type { OciConnection } from '../oci/connection.ts'
import { putManifest } from '../oci/put-manifest.ts'
import { refused, taggedSince } from '../oci/refusals.ts'
import type { Bin } from './bin.ts'
import { deleteVersion } from './delete-version.ts'
import type { LeftThrowAways } from './hide-throw-aways.ts'
import { readVersion } from './read-version.ts'
import { hiddenRefusal } from './refusals.ts'
import type { Scopes } from './scopes.ts'
import type { Untagging } from './untagging.ts'
import type { ListedVersions, Versions } from './versions.ts'

export interface GitHubWriterParts {
  readonly connection: OciConnection
  readonly versions: Versions
  readonly bin: Bin
  readonly untagging: Untagging
  readonly left: LeftThrowAways
  readonly scopes: Scopes
  /** Finds what dead runs left. */
  readonly reader: Pick<ReadableRegistry, 'readRepository'>
}

export class GitHubWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #parts: GitHubWriterParts

  constructor(parts: GitHubWriterParts) {
    this.name = parts.connection.name
    this.#parts = parts
  }

  async untag(...[repository, tag, options]: Parameters<MutableRegistry['untag']>): Promise<ChangeOutcome> {
    requireGoingOn(options)
    await this.#removeLeft(repository, options)
    const seen = this.#parts.versions.lastKnown(repository)
    const versions = await this.#listed(repository, options)
    return versions === undefined
      ? unlisted(seen)
      : this.#parts.untagging.untag(repository, tag, versions, options)
  }

  async deleteManifest(
    ...[repository, digest, options, known]: Parameters<MutableRegistry['deleteManifest']>
  ): Promise<ChangeOutcome> {
    requireGoingOn(options)
    await this.#removeLeft(repository, options)
    const { versions } = this.#parts
    const before = versions.lastKnown(repository)
    const seen = before?.get(digest)
    const listed = await this.#listed(repository, options)
    if (listed === undefined) return unlisted(before)
    const version = listed.get(digest)
    if (version === undefined) return { kind: 'absent' }
    const added = seen && version.tags.find((tag) => !seen.tags.includes(tag))
    if (added !== undefined)
      return refused('protected', `It was given the tag ${added} since Winnow looked at it last.`)
    if (known !== undefined) {
      // What was listed may be a minute old.
      const now = await readVersion(versions, repository, version, options)
      if (now.kind !== 'version') {
        if (now.kind === 'absent') listed.forget(digest)
        return now
      }
      const newlyTagged = taggedSince(now.version.tags, known)
      if (newlyTagged !== undefined) return newlyTagged
    }
    // Safe: the id is that of this digest for ever, and whoever asks knows all the tags that it has at this moment.
    const outcome = await deleteVersion(versions, repository, version, options)
    if (outcome.kind !== 'refused') listed.forget(digest)
    return outcome
  }

  async putManifest(
    ...[repository, manifest, tag, options]: Parameters<MutableRegistry['putManifest']>
  ): Promise<ChangeOutcome> {
    const put = await this.#put(repository, manifest, tag, options)
    this.#parts.versions.forget(repository)
    return put
  }

  async restore(
    repository: RepositoryName,
    digest: Digest,
    tag: TagName | undefined,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    requireGoingOn(options)
    // A single tag that was removed is not in the bin; what lies there under its name is the throw-away.
    if (tag !== undefined) return { kind: 'absent' }
    const versions = await this.#listed(repository, options)
    return this.#parts.bin.restore(repository, digest, versions, options)
  }

  /** Deletes the throw-aways that a dead run left in a repository. */
  async removeLeftovers(repository: RepositoryName, options?: RunOptions): Promise<void> {
    await this.#parts.reader.readRepository(repository, options)
    await this.#removeLeft(repository, options)
  }

  /** GitHub answers the deletion of what is not there like one that is not allowed, so only the scopes can tell. */
  async probe(_repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    const missing = await this.#parts.scopes.missing(options)
    if (missing.length === 0) return { deletes: { state: 'unknown' }, deleteByTag: true }
    const cure = `Give Winnow a classic token with the ${missing.length === 1 ? 'scope' : 'scopes'} ${missing.join(', ')}.`
    return { deletes: { state: 'no', cure }, deleteByTag: undefined }
  }

  async #put(
    repository: RepositoryName,
    manifest: RawManifest,
    tag: TagName | undefined,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    return (await putManifest(this.#parts.connection, repository, manifest, tag, options)).outcome
  }

  /** @throws RegistryAnswerError when the versions cannot be listed for another reason than that there are none */
  async #listed(
    repository: RepositoryName,
    options: RunOptions | undefined,
  ): Promise<ListedVersions | undefined> {
    const { versions } = this.#parts
    const answer = await versions.recent(repository, options)
    if (answer.kind === 'listed') return answer.versions
    if (answer.kind === 'nobody' || answer.answer.status === 404) return undefined
    throw versions.api.unexpected(`Listing the versions of ${repository}`, answer.answer)
  }

  async #removeLeft(repository: RepositoryName, options: RunOptions | undefined): Promise<void> {
    const found = this.#parts.left.take(repository)
    if (found.size === 0) return
    const listed = await this.#listed(repository, options)
    for (const [digest, tag] of found) {
      const version = listed?.get(digest)
      if (version === undefined || version.tags.some((each) => each !== tag)) continue
      // Safe: it was made to be deleted, is empty, and has no other tag than the one that was to go.
      const outcome = await deleteVersion(this.#parts.versions, repository, version, options)
      if (outcome.kind !== 'refused') listed?.forget(digest)
    }
  }
}

/** What came of a change to a package that GitHub does not show: one that it showed before is hidden, and may be there. */
function unlisted(before: ListedVersions | undefined): ChangeOutcome {
  return before === undefined ? { kind: 'absent' } : hiddenRefusal('Package not found.', 'hidden')
}

function requireGoingOn(options: RunOptions | undefined): void {
  if (options?.signal?.aborted === true) throw new InterruptedError()
}
