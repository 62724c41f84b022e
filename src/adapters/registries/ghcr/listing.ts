/**
 * GitHub's own listing: repositories are the packages of owners, and the versions of a package are all of its manifests,
 * tagged or not. Costs a request for who the owner is, once a run, and one for each hundred packages or versions.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { parseTagName, type RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { pullScopes, type OciConnection } from '../oci/connection.ts'
import { CatalogRefusedError, RegistryAnswerError } from '../oci/errors.ts'
import type { KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { saidBy, type ApiAnswer, type GitHubApi } from './github-api.ts'
import { nameIn, type Owners } from './owners.ts'
import { readPages } from './pages.ts'
import type { ListedVersions, Versions } from './versions.ts'

export interface GitHubListingParts {
  readonly api: GitHubApi
  readonly owners: Owners
  readonly versions: Versions
  readonly connection: OciConnection
  /** Whose packages are listed. @default those of the token's user, and of its organisations */
  readonly namespaces: readonly string[] | undefined
}

export class GitHubListing implements RegistryListing {
  readonly #parts: GitHubListingParts

  constructor(parts: GitHubListingParts) {
    this.#parts = parts
  }

  async listRepositories(options: RunOptions): Promise<ReadonlySet<string>> {
    const { owners, namespaces } = this.#parts
    const names = new Set<string>()
    for (const owner of namespaces ?? (await owners.all(options)))
      for (const name of await this.#packagesOf(owner, options)) names.add(`${owner}/${name}`)
    return names
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const answer = await this.#parts.versions.list(repository, options)
    if (answer.kind === 'listed') return listed(answer.versions)
    if (answer.kind === 'refused') await this.#requireAbsent(repository, answer.answer, options)
    const text = `${this.#parts.api.name}: GitHub knows no package ${repository}, or does not show it to this token.`
    options.onEvent?.({ kind: 'warning', text })
    return undefined
  }

  async #packagesOf(owner: string, options: RunOptions): Promise<readonly string[]> {
    const { api, owners } = this.#parts
    const base = await owners.base(owner, options)
    if (base === undefined) {
      options.onEvent?.({ kind: 'warning', text: `${api.name}: GitHub knows nobody called ${owner}.` })
      return []
    }
    const list = {
      route: `GET ${base.path}/packages`,
      parameters: { package_type: 'container', ...(base.path !== '/user' && { owner }) },
      what: `the packages of ${owner}`,
    }
    const pages = await readPages(api, list, options)
    if (pages.kind === 'rows') return pages.rows.map((row) => nameIn(api, row, 'name'))
    const { answer } = pages
    if ([400, 403, 404].includes(answer.status))
      throw new CatalogRefusedError(api.name, answer.status, `${list.what}: ${saidBy(answer.body)}`)
    throw api.unexpected(`Listing ${list.what}`, answer)
  }

  /**
   * "Not found" is also what GitHub says to a token that may not see a package. If the registry shows it all the same, it
   * is there, and its versions are not known.
   *
   * @throws RegistryAnswerError, ProductMismatchError
   */
  async #requireAbsent(repository: RepositoryName, answer: ApiAnswer, options: RunOptions): Promise<void> {
    const { api, connection } = this.#parts
    if (answer.status !== 404) throw api.unexpected(`Listing the versions of ${repository}`, answer)
    const said = saidBy(answer.body)
    if (said === '') throw api.mismatch(404)
    if (await isShown(connection, repository, options))
      throw new RegistryAnswerError(
        api.name,
        `Listing the versions of ${repository}, which the registry has,`,
        403,
        `${said}: the token lacks the scope read:packages, or the right to see this package`,
      )
  }
}

async function isShown(
  connection: OciConnection,
  repository: RepositoryName,
  options: RunOptions,
): Promise<boolean> {
  try {
    const path = `${repository}/tags/list?n=1`
    const { status } = await connection.get(path, pullScopes(repository), 'application/json', options)
    return status === 200
  } catch (error) {
    // GitHub gives no token for what is not there, nor for what may not be seen.
    if (error instanceof UnauthorizedError) return false
    throw error
  }
}

function listed(versions: ListedVersions): ListedRepository {
  return {
    tags: [...versions.digestsOf].map(([name, digests]) => knownTag(name, digests, versions)),
    manifests: versions.all.map(({ digest, pushedAt, uploadedAt }) => ({ digest, pushedAt, uploadedAt })),
    isExhaustive: true,
  }
}

/** A tag that moved while the list was read was seen twice, or on a version that has lost it: then it is asked for. */
function knownTag(name: string, digests: ReadonlySet<Digest>, versions: ListedVersions): KnownTag {
  const [digest] = digests
  const isSettled =
    digests.size === 1 && digest !== undefined && versions.get(digest)?.tags.includes(name) === true
  // What is no tag is told by whoever reads the listing.
  return { name, digest: isSettled && parseTagName(name) !== undefined ? digest : undefined }
}
