/** Pushes a manifest; Gitea does not say which blob it misses, so that is looked up for the message. */
import { isOperationalError } from '../../../core/errors/is-operational.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { OciConnection } from '../oci/connection.ts'
import { hasBlob, hasManifest } from '../oci/manifests.ts'
import { putManifest as putOciManifest } from '../oci/put-manifest.ts'
import { refused } from '../oci/refusals.ts'

export async function putManifest(
  connection: OciConnection,
  repository: RepositoryName,
  manifest: RawManifest,
  tag: TagName | undefined,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  const { outcome } = await putOciManifest(connection, repository, manifest, tag, options)
  if (outcome.kind !== 'refused' || outcome.reason !== 'missing-blob') return outcome
  const missing = await missingOf(connection, repository, manifest, options)
  return missing.length === 0
    ? outcome
    : refused('missing-blob', `The registry no longer has what it refers to: ${missing.join(', ')}.`)
}

async function missingOf(
  connection: OciConnection,
  repository: RepositoryName,
  { bytes, mediaType, digest }: RawManifest,
  options: RunOptions | undefined,
): Promise<readonly Digest[]> {
  try {
    const { config, layers, children } = parseManifest(bytes, mediaType, digest)
    const missing: Digest[] = []
    for (const blob of [...(config === undefined ? [] : [config]), ...layers])
      if (!(await hasBlob(connection, repository, blob.digest, options))) missing.push(blob.digest)
    for (const child of children)
      if (!(await hasManifest(connection, repository, child.digest, options))) missing.push(child.digest)
    return missing
  } catch (error) {
    // The refusal stands; only its text would have been better.
    if (isOperationalError(error) && options?.signal?.aborted !== true) return []
    throw error
  }
}
