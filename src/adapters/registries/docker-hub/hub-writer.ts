/**
 * Changes Docker Hub: tags by its API, manifests by the registry, once no tag and no other image refers to them.
 *
 * A deletion that ends in a failure of the server may go on behind it; the registry is asked before it counts as failed.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { ServerFailedError, UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { saysAbsent } from '../oci/answers.ts'
import type { OciConnection } from '../oci/connection.ts'
import { hasManifest } from '../oci/manifests.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { putManifest } from '../oci/put-manifest.ts'
import { refused } from '../oci/refusals.ts'
import { isAbsent, type HubApi } from './hub-api.ts'
import { deleteCure, manifestRefusal, tagRefusal } from './hub-refusals.ts'

export class HubWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #api: HubApi
  readonly #connection: OciConnection

  constructor(api: HubApi, connection: OciConnection) {
    this.name = connection.name
    this.#api = api
    this.#connection = connection
  }

  async untag(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<ChangeOutcome> {
    return this.#untag(repository, tag, options)
  }

  async deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    const path = `${repository}/manifests/${digest}`
    // Docker Hub wants to see the right to push as well.
    const scopes = [`repository:${repository}:pull,push,delete`]
    const request = { method: 'DELETE', url: this.#connection.url(path), scopes } as const
    // Safe: Docker Hub refuses it while any tag or other image refers to the manifest.
    const response = await forbiddenBy(() => this.#connection.send(request, options)).catch(
      async (error: unknown) => {
        const isGone =
          error instanceof ServerFailedError &&
          !(await hasManifest(this.#connection, repository, digest, options))
        if (isGone) return { kind: 'done' } as const
        throw error
      },
    )
    if ('kind' in response) return response
    if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
    if (saysAbsent(response)) return { kind: response.attempts > 1 ? 'done' : 'absent' }
    const refusal = manifestRefusal(response)
    if (refusal === undefined) throw this.#connection.unexpected(`Deleting ${path}`, response)
    return refusal
  }

  async putManifest(
    repository: RepositoryName,
    manifest: RawManifest,
    tag: TagName | undefined,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    return (await putManifest(this.#connection, repository, manifest, tag, options)).outcome
  }

  /** Removes a tag that does not exist. */
  async probe(repository: RepositoryName, options: RunOptions = {}): Promise<DeletionProbe> {
    const own = await this.#api.repository(repository, options)
    if (own === undefined || isAdministered(own) === false)
      return { deletes: { state: 'no', cure: deleteCure }, deleteByTag: undefined }
    // Safe: 128 random bits are nobody's tag, so there is nothing that this could remove.
    const outcome = await this.#untag(repository, nobodysTag(), options)
    if (outcome.kind !== 'refused') return { deletes: { state: 'yes' }, deleteByTag: true }
    return { deletes: { state: 'no', cure: outcome.text }, deleteByTag: undefined }
  }

  async #untag(
    repository: RepositoryName,
    tag: string,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const response = await forbiddenBy(() => this.#api.removeTag(repository, tag, options))
    if ('kind' in response) return response
    if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
    if (isAbsent(response)) return { kind: response.attempts > 1 ? 'done' : 'absent' }
    const refusal = tagRefusal(response)
    if (refusal === undefined) throw this.#api.unexpected(`Removing the tag ${repository}:${tag}`, response)
    return refusal
  }
}

/** What the login may do in a repository; undefined where Docker Hub does not say. */
export function isAdministered(repository: Readonly<Record<string, unknown>>): boolean | undefined {
  const permissions = repository['permissions']
  const admin =
    typeof permissions === 'object' && permissions !== null && 'admin' in permissions
      ? permissions.admin
      : undefined
  return typeof admin === 'boolean' ? admin : undefined
}

/** A login that reads and may not delete is refused with 401 as well. */
async function forbiddenBy(send: () => Promise<HttpResponse>): Promise<HttpResponse | ChangeOutcome> {
  try {
    return await send()
  } catch (error) {
    if (error instanceof UnauthorizedError) return refused('forbidden', `${error.message} ${deleteCure}`)
    throw error
  }
}
