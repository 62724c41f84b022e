/**
 * Changes a registry that speaks the distribution specification: removes tags and manifests, puts manifests back.
 *
 * It decides nothing: whoever calls it has checked that what goes may go. A DELETE is sent again after a network error,
 * because deleting twice does what deleting once does; the 404 of the second one is then our own doing, and done.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { hasCode, saysAbsent } from './answers.ts'
import {
  acceptManifests,
  deleteScopes,
  OciConnection,
  pullScopes,
  type ConnectionSettings,
} from './connection.ts'
import { nobodysTag } from './nobodys-tag.ts'
import { putManifest } from './put-manifest.ts'
import { deleteRefusal, refused } from './refusals.ts'

export interface OciWriterSettings extends ConnectionSettings {
  /**
   * DELETE of a tag is known to remove that tag and nothing else, or to be refused. Without that knowledge no tag is
   * deleted by name: some registries would delete the manifest with all its tags.
   * @default false
   */
  readonly deletesTags?: boolean
}

export function createOciWriter(settings: OciWriterSettings): DriverWriter {
  return new OciRegistryWriter(settings)
}

class OciRegistryWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #connection: OciConnection
  readonly #deletesTags: boolean

  constructor(settings: OciWriterSettings) {
    this.name = settings.name
    this.#connection = new OciConnection(settings)
    this.#deletesTags = settings.deletesTags ?? false
  }

  async untag(...[repository, tag, options]: Parameters<MutableRegistry['untag']>): Promise<ChangeOutcome> {
    if (!this.#deletesTags) {
      if (options?.signal?.aborted === true) throw new InterruptedError()
      return refused(
        'unsupported',
        'Winnow does not know what deleting a tag does in this registry, so it deletes by digest only.',
      )
    }
    return this.#delete(repository, tag, options)
  }

  async deleteManifest(
    ...[repository, digest, options]: Parameters<MutableRegistry['deleteManifest']>
  ): Promise<ChangeOutcome> {
    return this.#delete(repository, digest, options)
  }

  async putManifest(
    ...[repository, manifest, tag, options]: Parameters<MutableRegistry['putManifest']>
  ): Promise<ChangeOutcome> {
    return (await putManifest(this.#connection, repository, manifest, tag, options)).outcome
  }

  /** Deletes a tag that does not exist. */
  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    // Safe: 128 random bits are nobody's tag, so there is nothing that this could delete.
    const response = await this.#sendDelete(repository, nobodysTag(), options)
    const isRepositoryKnown = !hasCode(response, 'NAME_UNKNOWN')
    if (saysAbsent(response) && isRepositoryKnown) return { deletes: { state: 'yes' }, deleteByTag: true }
    if (hasCode(response, 'DIGEST_INVALID')) return { deletes: { state: 'yes' }, deleteByTag: false }
    const refusal = deleteRefusal(response)
    if (refusal?.kind !== 'refused') return { deletes: { state: 'unknown' }, deleteByTag: undefined }
    if (refusal.reason === 'unsupported') return { deletes: { state: 'unknown' }, deleteByTag: false }
    return { deletes: { state: 'no', cure: refusal.text }, deleteByTag: undefined }
  }

  async #delete(
    repository: RepositoryName,
    reference: string,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const response = await this.#sendDelete(repository, reference, options)
    if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
    // zot answers 400 for a repository that is not there.
    if (response.status === 404 || hasCode(response, 'NAME_UNKNOWN'))
      return this.#absentOutcome(repository, reference, response, options)
    const refusal = deleteRefusal(response)
    if (refusal === undefined)
      throw this.#connection.unexpected(`Deleting ${repository}/manifests/${reference}`, response)
    return refusal
  }

  #sendDelete(
    repository: RepositoryName,
    reference: string,
    options: RunOptions | undefined,
  ): Promise<HttpResponse> {
    const url = this.#connection.url(`${repository}/manifests/${reference}`)
    return this.#connection.send({ method: 'DELETE', url, scopes: deleteScopes(repository) }, options)
  }

  async #absentOutcome(
    repository: RepositoryName,
    reference: string,
    response: HttpResponse,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const gone = { kind: response.attempts > 1 ? 'done' : 'absent' } as const
    if (hasCode(response, 'NAME_UNKNOWN') || (saysAbsent(response) && response.body.length > 0)) return gone
    // A bare 404, or someone else's page: the manifest itself must be asked for before it counts as gone.
    const path = `${repository}/manifests/${reference}`
    const now = await this.#connection.get(path, pullScopes(repository), acceptManifests, options)
    if (saysAbsent(now)) return gone
    if (now.status === 200)
      return refused(
        'unsupported',
        'The registry has no call to delete a manifest (404), and the manifest is still there.',
      )
    throw this.#connection.unexpected(`Looking for ${path} after deleting it`, now)
  }
}
