/**
 * The referrers API of OCI 1.1 (distribution-spec, "Listing Referrers"). Registries without it keep fallback tags, which
 * are tags in the listing like any other.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { isJsonObject } from '../../../core/image/manifest-fields.ts'
import { ociIndexType } from '../../../core/image/media-types.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { paginate, type Page } from '../../http/link-header.ts'
import { contentType, saysAbsent } from './answers.ts'
import { pullScopes, type OciConnection } from './connection.ts'
import { RegistryContentError } from './errors.ts'

const zeroDigest = `sha256:${'0'.repeat(64)}` as Digest
/** How registries that do not know the call answer it; a 200 with a web page comes from a proxy. */
const unsupportedStatuses: ReadonlySet<number> = new Set([400, 404, 405, 406, 415, 501])

/**
 * Whether the registry answers the API; `unknown` when it does not know this repository.
 *
 * @throws RegistryAnswerError when the answer settles nothing: a failure is not a "no"
 */
export async function probeReferrers(
  connection: OciConnection,
  repository: RepositoryName,
  options?: RunOptions,
): Promise<'yes' | 'no' | 'unknown'> {
  const path = `${repository}/referrers/${zeroDigest}`
  const response = await connection.get(path, pullScopes(repository), ociIndexType, options)
  if (response.status === 200) return isReferrersList(response) ? 'yes' : 'no'
  if (saysAbsent(response) && response.body.length > 0) return 'unknown'
  if (unsupportedStatuses.has(response.status)) return 'no'
  throw connection.unexpected(`Asking for referrers in ${repository}`, response)
}

/** Every referrer of a manifest, whatever its type; in the order the registry lists them. */
export async function listReferrers(
  connection: OciConnection,
  repository: RepositoryName,
  digest: Digest,
  options?: RunOptions,
): Promise<readonly Digest[]> {
  const found: Digest[] = []
  const first = connection.url(`${repository}/referrers/${digest}`)
  const read = async (url: string): Promise<Page<readonly Digest[]>> => {
    const request = {
      method: 'GET',
      url,
      scopes: pullScopes(repository),
      headers: { accept: ociIndexType },
    } as const
    const response = await connection.send(request, options)
    if (saysAbsent(response)) return { headers: response.headers, content: [] }
    if (response.status !== 200)
      throw connection.unexpected(`Listing referrers of ${repository}@${digest}`, response)
    if (!isReferrersList(response)) {
      throw new RegistryContentError(connection.name, `what came for the referrers of ${digest} is no index`)
    }
    const { children } = parseManifest(response.body, ociIndexType, digest)
    return { headers: response.headers, content: children.map((child) => child.digest) }
  }
  for await (const page of paginate(first, read)) found.push(...page)
  return [...new Set(found)]
}

function isReferrersList(response: HttpResponse): boolean {
  const type = contentType(response)
  if (type !== ociIndexType && type !== 'application/json') return false
  const body = response.json()
  return isJsonObject(body) && 'manifests' in body
}
