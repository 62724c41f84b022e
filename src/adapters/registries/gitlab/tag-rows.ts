/** The registry's own list of tags (`/gitlab/v1/repositories/PATH/tags/list/`): digests and times, a thousand at a time. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { paginate, type Page } from '../../http/link-header.ts'
import { isRecord, saysAbsent } from '../oci/answers.ts'
import { pullScopes } from '../oci/connection.ts'
import type { KnownTag } from '../oci/listing.ts'
import type { ProductApi } from '../product-api.ts'

/** The most rows that the registry gives at a time. */
export const pageSizeMax = 1000

export interface ListedTags {
  readonly tags: readonly KnownTag[]
  /** What names a tagged manifest as its subject. */
  readonly referrers: readonly Digest[]
}

/** Undefined when the registry does not know the repository. @throws RegistryAnswerError, RegistryContentError */
export async function readTagRows(
  registry: ProductApi,
  repository: RepositoryName,
  options: RunOptions,
): Promise<ListedTags | undefined> {
  const what = `Listing the tags of ${repository}`
  // Without the slash the registry redirects.
  const first = registry.url(
    `/gitlab/v1/repositories/${repository}/tags/list/?n=${pageSizeMax}&referrers=true`,
  )
  let isAbsent = false
  const read = async (url: string): Promise<Page<readonly unknown[]>> => {
    const request = {
      method: 'GET',
      url,
      scopes: pullScopes(repository),
      headers: { accept: 'application/json' },
    } as const
    const response = await registry.send(request, options)
    const { headers } = response
    if (saysAbsent(response) && response.body.length > 0 && url === first) {
      isAbsent = true
      return { headers, content: [] }
    }
    if (response.status !== 200) throw registry.unexpected(what, response)
    const rows = registry.jsonOf(what, response)
    if (!Array.isArray(rows)) throw registry.content(`what came for the tags of ${repository} is no list`)
    return { headers, content: rows as readonly unknown[] }
  }
  const tags: KnownTag[] = []
  const referrers = new Set<Digest>()
  for await (const rows of paginate(first, read))
    for (const row of rows) {
      tags.push(tagOf(registry, repository, row))
      for (const digest of referrersOf(registry, repository, row)) referrers.add(digest)
    }
  return isAbsent ? undefined : { tags, referrers: [...referrers] }
}

function tagOf(registry: ProductApi, repository: RepositoryName, row: unknown): KnownTag {
  const {
    name,
    digest: written,
    created_at: created,
    updated_at: updated,
    published_at: published,
  } = isRecord(row) ? row : {}
  const digest = typeof written === 'string' ? parseDigest(written) : undefined
  if (typeof name !== 'string' || digest === undefined) throw notUnderstood(registry, repository)
  const times = [created, updated, published].flatMap((time) =>
    typeof time === 'string' ? Date.parse(time) : [],
  )
  if (times.some((time) => Number.isNaN(time))) throw notUnderstood(registry, repository)
  // Told of few tags only, a time is told of none: what it would be compared with is not known.
  return { name, digest, pushedAt: times.length === 0 ? undefined : Math.max(...times) }
}

function referrersOf(registry: ProductApi, repository: RepositoryName, row: unknown): readonly Digest[] {
  const list = isRecord(row) ? (row['referrers'] ?? []) : []
  if (!Array.isArray(list)) throw notUnderstood(registry, repository)
  return list.map((each: unknown) => {
    const written = isRecord(each) ? each['digest'] : undefined
    const digest = typeof written === 'string' ? parseDigest(written) : undefined
    if (digest === undefined) throw notUnderstood(registry, repository)
    return digest
  })
}

function notUnderstood(registry: ProductApi, repository: RepositoryName): Error {
  return registry.content(`the list of tags of ${repository} holds something that is no tag`)
}
