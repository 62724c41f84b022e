/**
 * Asks for single manifests, tags and blobs. "Not there" is an answer only when the registry itself says so
 * (`saysAbsent`); bytes are given out only when they have the digest they were asked under.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { bareMediaType, shapeOf } from '../../../core/image/media-types.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { saysAbsent } from './answers.ts'
import { acceptManifests, pullScopes, type OciConnection } from './connection.ts'
import { DigestMismatchError, RegistryContentError } from './errors.ts'
import { digestOf, manifestDigestOf } from './verify-digest.ts'

/** The digest a tag points to, with the manifest where it came along; undefined when the tag is certainly not there. */
export interface ResolvedTag {
  readonly digest: Digest
  readonly manifest: RawManifest | undefined
}

/**
 * HEAD is enough where the registry tells the digest in it (distribution-spec, "Pulling Manifests"). Everything but a
 * clear yes is asked again by GET: some servers refuse HEAD, some leave the digest out, and a 404 without a body might be
 * anyone's.
 */
export async function resolveTag(
  connection: OciConnection,
  repository: RepositoryName,
  tag: TagName,
  options?: RunOptions,
): Promise<ResolvedTag | undefined> {
  const path = `${repository}/manifests/${tag}`
  const head = await connection.head(path, pullScopes(repository), acceptManifests, options)
  const told = head.status === 200 ? parseDigest(head.headers.get('docker-content-digest') ?? '') : undefined
  if (told !== undefined) return { digest: told, manifest: undefined }
  const manifest = await fetchTagged(connection, repository, tag, options)
  return manifest && { digest: manifest.digest, manifest }
}

/**
 * The manifest under a tag, checked against the digest that the registry tells; undefined when it is certainly not there.
 *
 * @throws DigestMismatchError, RegistryAnswerError, RegistryContentError
 */
export async function fetchTagged(
  connection: OciConnection,
  repository: RepositoryName,
  tag: TagName,
  options?: RunOptions,
): Promise<RawManifest | undefined> {
  const path = `${repository}/manifests/${tag}`
  const response = await connection.get(path, pullScopes(repository), acceptManifests, options)
  if (saysAbsent(response)) return undefined
  if (response.status !== 200) throw connection.unexpected(`Reading ${repository}:${tag}`, response)
  return readAnswer(connection, `${repository}:${tag}`, response, undefined)
}

/**
 * The manifest's exact bytes, or undefined when it is certainly not there.
 *
 * @throws DigestMismatchError, RegistryAnswerError, RegistryContentError
 */
export async function fetchManifest(
  connection: OciConnection,
  repository: RepositoryName,
  digest: Digest,
  options?: RunOptions,
): Promise<RawManifest | undefined> {
  const path = `${repository}/manifests/${digest}`
  const response = await connection.get(path, pullScopes(repository), acceptManifests, options)
  if (saysAbsent(response)) return undefined
  if (response.status !== 200) throw connection.unexpected(`Reading ${repository}@${digest}`, response)
  return readAnswer(connection, `${repository}@${digest}`, response, digest)
}

/** Whether a manifest is there, asked by digest. */
export async function hasManifest(
  connection: OciConnection,
  repository: RepositoryName,
  digest: Digest,
  options?: RunOptions,
): Promise<boolean> {
  const path = `${repository}/manifests/${digest}`
  const head = await connection.head(path, pullScopes(repository), acceptManifests, options)
  if (head.status === 200) return true
  return (await fetchManifest(connection, repository, digest, options)) !== undefined
}

/** A blob's bytes, checked; undefined when it is certainly not there. */
export async function fetchBlob(
  connection: OciConnection,
  repository: RepositoryName,
  digest: Digest,
  options?: RunOptions,
): Promise<Uint8Array | undefined> {
  const response = await connection.get(
    `${repository}/blobs/${digest}`,
    pullScopes(repository),
    '*/*',
    options,
  )
  if (saysAbsent(response)) return undefined
  if (response.status !== 200)
    throw connection.unexpected(`Reading blob ${digest} of ${repository}`, response)
  const actual = digestOf(response.body, digest)
  if (actual !== digest)
    throw new DigestMismatchError(connection.name, `a blob of ${repository}`, digest, actual)
  return response.body
}

/** Whether a blob is there to be pulled. */
export async function hasBlob(
  connection: OciConnection,
  repository: RepositoryName,
  digest: Digest,
  options?: RunOptions,
): Promise<boolean> {
  const path = `${repository}/blobs/${digest}`
  const head = await connection.head(path, pullScopes(repository), '*/*', options)
  if (head.status === 200) return true
  // The answer to a HEAD has no body to tell whose 404 it is, and the repository itself may be unknown.
  if (head.status === 404) return false
  throw connection.unexpected(`Looking for blob ${digest} of ${repository}`, head)
}

function readAnswer(
  connection: OciConnection,
  what: string,
  response: HttpResponse,
  expected: Digest | undefined,
): RawManifest {
  const mediaType = bareMediaType(response.headers.get('content-type') ?? '')
  if (mediaType === 'text/html')
    throw new RegistryContentError(connection.name, `a web page came for ${what}`)
  const told = parseDigest(response.headers.get('docker-content-digest') ?? '')
  const claimed = expected ?? told
  const actual = manifestDigestOf(response.body, claimed)
  if (claimed !== undefined && actual !== claimed) {
    throw new DigestMismatchError(connection.name, what, claimed, actual)
  }
  return { digest: actual, mediaType: statedType(response.body) ?? mediaType, bytes: response.body }
}

/** The type a manifest states itself: what it must be put back under, whatever Content-Type came with it. */
function statedType(bytes: Uint8Array): string | undefined {
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const stated =
      typeof document === 'object' && document !== null && 'mediaType' in document ? document.mediaType : ''
    return typeof stated === 'string' && shapeOf(stated) !== undefined ? stated : undefined
  } catch {
    // Not JSON: whoever parses the bytes will say so, with the digest.
    return undefined
  }
}
