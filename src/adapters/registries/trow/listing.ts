/**
 * A repository of Trow: its tag list, and before 0.7 the history of each tag in place of a question for its digest, because
 * it tells besides when the tag was set. Newer ones tell no times. Untagged manifests are not listed by any.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { saysAbsent } from '../oci/answers.ts'
import { catalogScopes, pullScopes, type OciConnection } from '../oci/connection.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { readNames } from '../oci/names.ts'
import { mapParallel } from '../oci/parallel.ts'
import { saidIn } from '../oci/answers.ts'
import { isProxied, type TrowLines } from './lines.ts'

const CONCURRENCY = 16

export function createTrowListing(
  connection: OciConnection,
  lines: TrowLines,
  concurrency: number = CONCURRENCY,
): RegistryListing {
  return {
    listRepositories: (options) => listRepositories(connection, options),
    readRepository: async (repository, options) => {
      if (isProxied(repository)) return proxied(repository)
      const tags = await tagsOf(connection, repository, options)
      const [first] = tags
      if (first === undefined) return { tags: [], manifests: [], isExhaustive: false }
      const line = await lines.find(options, { repository, tag: first })
      if (line !== 'before-0.7') return { tags: tags.map(unresolved), manifests: [], isExhaustive: false }
      const known = await mapParallel(tags, concurrency, async (name): Promise<KnownTag> => {
        const newest = await lines.newest(repository, name, options)
        return newest === undefined ? unresolved(name) : { name, digest: newest.digest, pushedAt: newest.at }
      })
      return { tags: known, manifests: [], isExhaustive: false }
    },
  }
}

function unresolved(name: string): KnownTag {
  return { name, digest: undefined }
}

/** Asking for one of its tags would have Trow fetch it anew. */
function proxied(repository: RepositoryName): ListedRepository {
  const problem = `${repository} is what Trow fetched from another registry; it keeps and deletes that by itself.`
  return { tags: [], manifests: [], isExhaustive: false, problems: [problem] }
}

async function listRepositories(connection: OciConnection, options: RunOptions): Promise<readonly string[]> {
  const list = { path: '_catalog', field: 'repositories', scopes: catalogScopes } as const
  const answer = await readNames(connection, list, options)
  if (answer.kind === 'refused') {
    const { response } = answer
    if ([400, 401, 403, 404, 405, 501].includes(response.status))
      throw new CatalogRefusedError(connection.name, response.status, saidIn(response))
    throw connection.unexpected('Listing the repositories', response)
  }
  const names = [...answer.names]
  const own = names.filter((name) => !isProxied(name))
  if (own.length < names.length) {
    const text = `${connection.name}: left out ${names.length - own.length} repositories below f/, which Trow fetched from other registries.`
    options.onEvent?.({ kind: 'warning', text })
  }
  return own
}

async function tagsOf(
  connection: OciConnection,
  repository: RepositoryName,
  options: RunOptions,
): Promise<readonly string[]> {
  const list = { path: `${repository}/tags/list`, field: 'tags', scopes: pullScopes(repository) } as const
  const answer = await readNames(connection, list, options)
  if (answer.kind === 'names') return [...answer.names]
  if (saysAbsent(answer.response)) return []
  throw connection.unexpected(`Listing the tags of ${repository}`, answer.response)
}
