/**
 * Changes a registry of Azure's: names by `/acr/v1`, manifests by `/v2/`.
 *
 * A manifest is looked at before it is deleted, because its deletion takes all of its tags: one that lists hide is found
 * only there, and whoever planned did not know it; nor one that it was given since.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome, KnownTags } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import type { OciConnection } from '../oci/connection.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { putManifest } from '../oci/put-manifest.ts'
import { deleteRefusal, refused, taggedSince } from '../oci/refusals.ts'
import type { AcrApi } from './acr-api.ts'
import { isGone } from './acr-requests.ts'
import { deleteScopes } from './acr-scopes.ts'
import type { Subjects } from './subjects.ts'

export const deleteCure =
  'Give the identity the roles AcrPull and AcrDelete (with permissions by repository: Container Registry Repository Contributor), or a token whose scope map has content/read, metadata/read and content/delete.'

export class AcrWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #api: AcrApi
  readonly #connection: OciConnection
  readonly #subjects: Subjects

  constructor(api: AcrApi, subjects: Subjects) {
    this.#api = api
    this.#connection = api.requests.connection
    this.#subjects = subjects
    this.name = this.#connection.name
  }

  async untag(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<ChangeOutcome> {
    return this.#deletion(`tag ${repository}:${tag}`, () => this.#api.removeTag(repository, tag, options))
  }

  async deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
    known?: KnownTags,
  ): Promise<ChangeOutcome> {
    const row = await this.#api.manifest(repository, digest, options)
    if (row === undefined)
      return this.#subjects.wentAlong(repository, digest) ? { kind: 'done' } : { kind: 'absent' }
    const shown = row.tags.length === 0 ? [] : await this.#shownTags(repository, digest, options)
    const hidden = row.tags.find((tag) => !shown.includes(tag))
    if (hidden !== undefined) return refused('protected', hiddenText(hidden))
    const newlyTagged = taggedSince([...row.tags, ...shown], known)
    if (newlyTagged !== undefined) return newlyTagged
    const path = `${repository}/manifests/${digest}`
    const request = {
      method: 'DELETE',
      url: this.#connection.url(path),
      scopes: deleteScopes(repository),
    } as const
    // Safe: its tags were read this moment; lists show all of them, and whoever calls knows each of them and lets it go.
    const outcome = await this.#deletion(path, () => this.#connection.send(request, options))
    if (outcome.kind === 'done') this.#subjects.deleted(repository, digest)
    const wentMeanwhile = outcome.kind === 'absent' && this.#subjects.wentAlong(repository, digest)
    return wentMeanwhile ? { kind: 'done' } : outcome
  }

  async putManifest(
    repository: RepositoryName,
    manifest: RawManifest,
    tag: TagName | undefined,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    const { outcome } = await putManifest(this.#connection, repository, manifest, tag, options)
    if (outcome.kind === 'done') this.#subjects.put(repository, manifest.digest)
    return outcome
  }

  /** Removes a tag that does not exist. */
  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    // Safe: 128 random bits are nobody's tag, so there is nothing that this could remove.
    const tag = nobodysTag()
    const outcome = await this.#deletion(tag, () => this.#api.removeTag(repository, tag, options))
    if (outcome.kind !== 'refused') return { deletes: { state: 'yes' }, deleteByTag: true }
    return { deletes: { state: 'no', cure: outcome.text }, deleteByTag: undefined }
  }

  async #shownTags(
    repository: RepositoryName,
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<readonly string[]> {
    return (await this.#api.tagsOf(repository, digest, options)).map(({ name }) => name)
  }

  async #deletion(what: string, send: () => Promise<HttpResponse>): Promise<ChangeOutcome> {
    try {
      const response = await send()
      if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
      if (isGone(response)) return { kind: response.attempts > 1 ? 'done' : 'absent' }
      const refusal = deleteRefusal(response)
      if (refusal === undefined) throw this.#connection.unexpected(`Deleting ${what}`, response)
      return refusal
    } catch (error) {
      // The token server gives a token for less than was asked, which the registry then refuses with 401.
      if (error instanceof UnauthorizedError) return refused('forbidden', `${error.message} ${deleteCure}`)
      throw error
    }
  }
}

function hiddenText(tag: string): string {
  return `The tag ${tag} points at it as well and is hidden from lists (listEnabled: false), so the plan did not know of it. Show it again with az acr repository update --list-enabled true, or remove it.`
}
