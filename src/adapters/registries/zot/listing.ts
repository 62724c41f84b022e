/**
 * A repository of zot: the tag list says which tags there are; the search extension, where there is one, which digests they
 * have and when they were pushed and pulled. A tag that only one of the two knows is asked for by itself.
 *
 * zot lists no untagged manifests; what hangs on tagged ones is found by children and referrers.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { saysAbsent } from '../oci/answers.ts'
import { pullScopes, type OciConnection } from '../oci/connection.ts'
import type { KnownManifest, KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { readNames } from '../oci/names.ts'
import type { ZotImage } from './read-rows.ts'
import type { ZotSearch } from './search.ts'

export function createZotListing(connection: OciConnection, search: ZotSearch): RegistryListing {
  return {
    readRepository: async (repository, options) => {
      const tags = await tagsOf(connection, repository, options)
      if (tags === undefined) return undefined
      const images =
        tags.size > 0 && (await search.isThere(options)) ? await search.images(repository, options) : []
      return listed(tags, images)
    },
  }
}

async function tagsOf(
  connection: OciConnection,
  repository: RepositoryName,
  options: RunOptions,
): Promise<ReadonlySet<string> | undefined> {
  const list = { path: `${repository}/tags/list`, field: 'tags', scopes: pullScopes(repository) } as const
  const answer = await readNames(connection, list, options)
  if (answer.kind === 'names') return answer.names
  if (saysAbsent(answer.response)) return undefined
  throw connection.unexpected(`Listing the tags of ${repository}`, answer.response)
}

function listed(names: ReadonlySet<string>, images: readonly ZotImage[]): ListedRepository {
  const byTag = new Map(images.map((image) => [image.tag, image]))
  const manifests = new Map<Digest, KnownManifest>()
  for (const { tag, digest, pushedAt, pulledAt } of images)
    if (names.has(tag)) manifests.set(digest, { digest, pushedAt, pulledAt })
  const tags = [...names].map((name): KnownTag => {
    const image = byTag.get(name)
    // zot counts pulls by manifest, so a tag has none of its own.
    return { name, digest: image?.digest, pushedAt: image?.taggedAt ?? image?.pushedAt }
  })
  return { tags, manifests: [...manifests.values()], isExhaustive: false }
}
