/** What Google's own answers list, for the OCI reader: names, and everything in one of them with one request. */
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { saidIn } from '../oci/answers.ts'
import { catalogScopes } from '../oci/connection.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { ListedRepository, RegistryListing } from '../oci/listing.ts'
import { readNames, type NamesAnswer } from '../oci/names.ts'
import { readNode } from './read-node.ts'
import type { GoogleSession } from './session.ts'
import type { Survey } from './survey.ts'

/** @param roots where to look; undefined where nobody knows, so that only the catalog is left */
export function createGoogleListing(
  session: GoogleSession,
  survey: Survey,
  roots: readonly string[] | undefined,
): RegistryListing {
  return {
    listRepositories: async (options) =>
      roots === undefined ? readCatalog(session, options) : survey.list(roots, options),
    readRepository: async (repository, options) => {
      const listed =
        survey.take(repository) ?? (await readNode(session.connection, repository, options))?.listed
      return listed === undefined ? undefined : withLocks(listed, survey.hasImmutableTags(repository))
    },
  }
}

/** Where tags are immutable, neither they nor what they name can be deleted; what has no tag can. */
function withLocks(listed: ListedRepository, isImmutable: boolean): ListedRepository {
  if (!isImmutable) return listed
  return { ...listed, tags: listed.tags.map((tag) => ({ ...tag, isLocked: true })) }
}

/** Hosts that list everything one may see do so only for some accounts; a refusal is told with what helps. */
async function readCatalog(session: GoogleSession, options: RunOptions): Promise<ReadonlySet<string>> {
  const { connection } = session
  const list = { path: '_catalog', field: 'repositories', scopes: catalogScopes } as const
  const answer = await readNames(connection, list, options).catch((error: unknown): NamesAnswer => {
    if (error instanceof UnauthorizedError) throw refused(session, 401, error.message)
    throw error
  })
  if (answer.kind === 'names') return answer.names
  const { response } = answer
  if (![400, 401, 403, 404, 405, 501].includes(response.status))
    throw connection.unexpected('Listing the repositories', response)
  throw refused(session, response.status, saidIn(response))
}

function refused({ connection, baseUrl }: GoogleSession, status: number, said: string): CatalogRefusedError {
  const hint = `Write the project into the address, so that Winnow looks below it:\nurl: ${baseUrl}/PROJECT`
  return new CatalogRefusedError(connection.name, status, said, hint)
}
