/**
 * Uploads a small blob: a session is opened, and one request puts all of it (distribution-spec, "Pushing a blob
 * monolithically"). The single POST of the specification is not used, because Distribution 2.8 does not take it.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { pushScopes, type OciConnection } from './connection.ts'
import { RegistryContentError } from './errors.ts'
import { hasBlob } from './manifests.ts'
import { putRefusal } from './refusals.ts'

/** A session that was lost on the way is opened once more. */
const SESSIONS_MAX = 2

/**
 * Uploads a blob unless the repository has it.
 *
 * @throws RegistryAnswerError for an answer that fits nothing known, and what the HTTP client throws
 */
export async function putBlob(
  connection: OciConnection,
  repository: RepositoryName,
  blob: { readonly digest: Digest; readonly bytes: Uint8Array },
  options?: RunOptions,
): Promise<ChangeOutcome> {
  for (let session = 1; ; session += 1) {
    if (await hasBlob(connection, repository, blob.digest, options)) return { kind: 'done' }
    const opened = await openSession(connection, repository, options)
    if (typeof opened !== 'string') return opened
    const scopes = pushScopes(repository)
    const headers = { 'content-type': 'application/octet-stream' }
    const url = withDigest(opened, blob.digest)
    const response = await connection.send({ method: 'PUT', url, scopes, headers, body: blob.bytes }, options)
    if ([200, 201, 204].includes(response.status)) return { kind: 'done' }
    if (session === SESSIONS_MAX) return refusalOf(connection, repository, response)
  }
}

/** The absolute address to put the bytes to, or why there is none. */
async function openSession(
  connection: OciConnection,
  repository: RepositoryName,
  options: RunOptions | undefined,
): Promise<string | ChangeOutcome> {
  const url = connection.url(`${repository}/blobs/uploads/`)
  const scopes = pushScopes(repository)
  // A session too many is forgotten by the registry, so opening one may be repeated after a failure.
  const headers = { 'content-length': '0' }
  const response = await connection.send({ method: 'POST', url, scopes, headers, idempotent: true }, options)
  if (response.status !== 202) return refusalOf(connection, repository, response)
  const location = response.headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, url)) {
    throw new RegistryContentError(connection.name, `an upload to ${repository} was begun without an address`)
  }
  return new URL(location, url).href
}

/** The query of a session is the registry's own and stays as it is spelt. */
function withDigest(address: string, digest: Digest): string {
  return `${address}${address.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
}

function refusalOf(
  connection: OciConnection,
  repository: RepositoryName,
  response: HttpResponse,
): ChangeOutcome {
  const refusal = putRefusal(response)
  if (refusal === undefined) throw connection.unexpected(`Uploading a blob to ${repository}`, response)
  return refusal
}
