/**
 * Changes images version by version. The distribution API would delete every tag of a digest at once, seen or not, so it is
 * used for pushing only.
 *
 * Promises: a tag goes only if the last reading showed it, and it still points where it did; a tag goes by itself only where
 * its manifest has another version as well.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import type { OciConnection } from '../oci/connection.ts'
import { resolveTag } from '../oci/manifests.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { refused } from '../oci/refusals.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'
import { ownerAndImage, type GiteaListing } from './listing.ts'
import type { Looks } from './looks.ts'
import { putManifest } from './put-manifest.ts'
import { isOwnAnswer } from './versions.ts'

export interface GiteaWriterParts {
  readonly api: ProductApi
  readonly connection: OciConnection
  readonly listing: GiteaListing
  readonly looks: Looks
}

const deleteCure =
  'Give the token the scope write:package, and its user the right to write packages of this owner.'

export class GiteaWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #parts: GiteaWriterParts

  constructor(parts: GiteaWriterParts) {
    this.name = parts.api.name
    this.#parts = parts
  }

  async untag(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<ChangeOutcome> {
    const resolved = await resolveTag(this.#parts.connection, repository, tag, options)
    if (resolved === undefined) return { kind: 'absent' }
    if (!(await this.#hasOtherVersion(repository, resolved.digest, tag, options)))
      return refused(
        'referenced',
        `The tag ${tag} is the only version of its manifest, which would go with it.`,
      )
    // Safe: the same manifest was just found under another version, so only the name goes.
    return this.#deleteVersion(repository, tag, options)
  }

  async deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    let gone = false
    // Tags go first, so that a run that ends in between leaves no name without its image.
    for (const version of [...(await this.#tagsOf(repository, digest, options)), digest]) {
      // Safe: a tag was seen when the repository was read and was just read again; the digest names this manifest alone.
      const outcome = await this.#deleteVersion(repository, version, options)
      // Half of it is gone: that is no refusal, and what is left is found out by asking again.
      if (outcome.kind === 'refused' && gone)
        throw this.#parts.api.content(
          `it let go of some versions of ${digest} and not of ${version}: ${outcome.text}`,
        )
      if (outcome.kind === 'refused') return outcome
      gone ||= outcome.kind === 'done'
    }
    return { kind: gone ? 'done' : 'absent' }
  }

  putManifest(
    ...[repository, manifest, tag, options]: Parameters<MutableRegistry['putManifest']>
  ): Promise<ChangeOutcome> {
    this.#parts.looks.forgetWhole()
    return putManifest(this.#parts.connection, repository, manifest, tag, options)
  }

  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    // Safe: 128 random bits are nobody's tag, so there is no such version.
    const response = await this.#sendDelete(repository, nobodysTag(), options)
    if (response.status === 403)
      return {
        deletes: { state: 'no', cure: `${saidByProduct(response)}. ${deleteCure}` },
        deleteByTag: undefined,
      }
    // The scope is looked at first; what the user may do with this owner only shows when there is something to delete.
    if (response.status === 404) return { deletes: { state: 'unknown' }, deleteByTag: true }
    return { deletes: { state: 'unknown' }, deleteByTag: undefined }
  }

  /** The tags that the last reading showed, as far as they still point here. */
  async #tagsOf(
    repository: RepositoryName,
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<readonly TagName[]> {
    const { looks, listing, connection } = this.#parts
    if (looks.tagsSeen(repository) === undefined) await listing.readRepository(repository, options ?? {})
    const still: TagName[] = []
    for (const tag of looks.tagsSeen(repository)?.get(digest) ?? [])
      if ((await resolveTag(connection, repository, tag, options))?.digest === digest) still.push(tag)
    return still
  }

  async #hasOtherVersion(
    repository: RepositoryName,
    digest: Digest,
    tag: TagName,
    options: RunOptions | undefined,
  ): Promise<boolean> {
    const { api } = this.#parts
    const url = api.url(versionPath(repository, digest))
    const response = await api.send({ method: 'GET', url }, options)
    if (response.status === 200) return true
    if (response.status !== 404 || !isOwnAnswer(response))
      throw api.unexpected(`Looking for ${repository}@${digest}`, response)
    return (await this.#tagsOf(repository, digest, options)).some((other) => other !== tag.toLowerCase())
  }

  async #deleteVersion(
    repository: RepositoryName,
    version: string,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    this.#parts.looks.forgetWhole()
    const response = await this.#sendDelete(repository, version, options)
    if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
    if (response.status === 404 && isOwnAnswer(response))
      return { kind: response.attempts > 1 ? 'done' : 'absent' }
    if (response.status === 403) return refused('forbidden', `${saidByProduct(response)}. ${deleteCure}`)
    throw this.#parts.api.unexpected(`Deleting ${repository} ${version}`, response)
  }

  #sendDelete(
    repository: RepositoryName,
    version: string,
    options: RunOptions | undefined,
  ): Promise<HttpResponse> {
    const { api } = this.#parts
    return api.send({ method: 'DELETE', url: api.url(versionPath(repository, version)) }, options)
  }
}

/** A slash in the image's name must be written as %2F. */
function versionPath(repository: RepositoryName, version: string): string {
  const { owner, image } = ownerAndImage(repository)
  const [encodedOwner, encodedImage, encodedVersion] = [owner, image, version].map(encodeURIComponent)
  return `/packages/${encodedOwner ?? ''}/container/${encodedImage ?? ''}/${encodedVersion ?? ''}`
}
