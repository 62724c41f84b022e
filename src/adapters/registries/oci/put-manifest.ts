/** Pushes a manifest and makes sure that the registry keeps exactly these bytes. */
import { parseDigest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { acceptManifests, pullScopes, pushScopes, type OciConnection } from './connection.ts'
import { DigestMismatchError } from './errors.ts'
import { putRefusal } from './refusals.ts'

export interface ManifestPut {
  readonly outcome: ChangeOutcome
  /** The registry lists it as a referrer of its subject by itself (distribution-spec, "Pushing Manifests with Subject"). */
  readonly isSubjectKept: boolean
}

/**
 * Puts a manifest under its digest, and under `tag` where one is given.
 *
 * @throws DigestMismatchError when something else is stored, RegistryAnswerError for an answer that fits nothing known
 */
export async function putManifest(
  connection: OciConnection,
  repository: RepositoryName,
  manifest: RawManifest,
  tag: TagName | undefined,
  options?: RunOptions,
): Promise<ManifestPut> {
  const path = `${repository}/manifests/${tag ?? manifest.digest}`
  const request = {
    method: 'PUT',
    url: connection.url(path),
    scopes: pushScopes(repository),
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
  } as const
  const response = await connection.send(request, options)
  if (![200, 201, 202, 204].includes(response.status)) {
    const refusal = putRefusal(response)
    if (refusal === undefined) throw connection.unexpected(`Putting ${path}`, response)
    return { outcome: refusal, isSubjectKept: false }
  }
  const stored = await storedDigest(connection, repository, path, response, options)
  if (stored !== manifest.digest)
    throw new DigestMismatchError(connection.name, `what was put as ${path}`, manifest.digest, stored)
  return { outcome: { kind: 'done' }, isSubjectKept: response.headers.has('oci-subject') }
}

async function storedDigest(
  connection: OciConnection,
  repository: RepositoryName,
  path: string,
  response: HttpResponse,
  options: RunOptions | undefined,
): Promise<string> {
  const told = parseDigest(response.headers.get('docker-content-digest') ?? '')
  if (told !== undefined) return told
  const head = await connection.head(path, pullScopes(repository), acceptManifests, options)
  return head.headers.get('docker-content-digest') ?? `none (status ${head.status})`
}
