/** One version of a package as GitHub's API writes it: a manifest, by its digest. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord } from '../oci/answers.ts'
import { RegistryContentError } from '../oci/errors.ts'
import type { GitHubApi } from './github-api.ts'

export interface PackageVersion {
  /** What the API calls it by. A digest that is pushed again after its deletion gets another one. */
  readonly id: number
  readonly digest: Digest
  readonly tags: readonly string[]
  /**
   * The newer of `created_at` (the first push of this digest) and `updated_at` (a tag came or went, and other events): who
   * goes by the newer one keeps more.
   */
  readonly pushedAt: InstantMs
  /** `created_at`, by which GitHub and its clients order versions. */
  readonly uploadedAt: InstantMs
}

/** @throws RegistryContentError: a row that is not understood may be an image that is needed */
export function parseVersion(api: GitHubApi, what: string, row: unknown): PackageVersion {
  const { id, name, created_at: created, updated_at: updated } = isRecord(row) ? row : {}
  const digest = typeof name === 'string' ? parseDigest(name) : undefined
  const uploadedAt = instantOf(created)
  const pushedAt = Math.max(uploadedAt, instantOf(updated))
  const tags = tagsIn(row)
  if (typeof id === 'number' && digest !== undefined && tags !== undefined && !Number.isNaN(pushedAt))
    return { id, digest, tags, pushedAt, uploadedAt }
  throw new RegistryContentError(api.name, `${what} hold something that is no version of a container image`)
}

function instantOf(time: unknown): InstantMs {
  return typeof time === 'string' ? Date.parse(time) : NaN
}

function tagsIn(row: unknown): readonly string[] | undefined {
  const metadata = isRecord(row) ? row['metadata'] : undefined
  const container = isRecord(metadata) ? metadata['container'] : undefined
  const tags = isRecord(container) ? container['tags'] : undefined
  return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined
}
