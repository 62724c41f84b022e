/**
 * What is known of the versions of packages: reading lists them, and deleting needs the id behind a digest. Both share
 * what was listed, for as long as a look at a repository counts.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ApiAnswer, GitHubApi } from './github-api.ts'
import type { OwnerBase, Owners } from './owners.ts'
import type { ApiList } from './pages.ts'
import { readVersions } from './read-versions.ts'
import type { PackageVersion } from './version.ts'

/** As long as applying goes by one look at a repository. */
const AGE_MAX_MS = 60_000

/** Where a package lies in the API. */
export interface PackagePlace {
  readonly base: OwnerBase
  readonly parameters: Readonly<Record<string, string>>
}

export class ListedVersions {
  readonly at: number
  readonly #byDigest: Map<Digest, PackageVersion>
  /** For each name, every digest that was seen under it; a moment's list may show two. */
  readonly digestsOf: ReadonlyMap<string, ReadonlySet<Digest>>

  constructor(rows: readonly PackageVersion[], at: number) {
    this.at = at
    this.#byDigest = new Map(rows.map((row) => [row.digest, row]))
    const digests = new Map<string, Set<Digest>>()
    for (const { tags, digest } of rows)
      for (const tag of tags) digests.set(tag, (digests.get(tag) ?? new Set()).add(digest))
    this.digestsOf = digests
  }

  get all(): readonly PackageVersion[] {
    return [...this.#byDigest.values()]
  }

  get(digest: Digest): PackageVersion | undefined {
    return this.#byDigest.get(digest)
  }

  withTag(tag: string): PackageVersion | undefined {
    return this.all.find(({ tags }) => tags.includes(tag))
  }

  forget(digest: Digest): void {
    this.#byDigest.delete(digest)
  }
}

export type ListedAnswer =
  | { readonly kind: 'listed'; readonly versions: ListedVersions }
  /** GitHub knows nobody of the owner's name. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'refused'; readonly answer: ApiAnswer }

export class Versions {
  readonly api: GitHubApi
  readonly #owners: Owners
  readonly #now: () => number
  readonly #known = new Map<RepositoryName, ListedVersions>()
  readonly #asking = new Map<RepositoryName, Promise<ListedAnswer>>()

  constructor(api: GitHubApi, owners: Owners, now: () => number = () => Date.now()) {
    this.api = api
    this.#owners = owners
    this.#now = now
  }

  /** Undefined when nobody has the name before the first slash. */
  async place(repository: RepositoryName, options?: RunOptions): Promise<PackagePlace | undefined> {
    const [owner = '', name] = repository.split(/\/(.*)/)
    if (name === undefined) return undefined
    const base = await this.#owners.base(owner, options)
    if (base === undefined) return undefined
    // What a route has no brace for would go into the query.
    const parameters = { package_name: name, ...(base.path !== '/user' && { owner }) }
    return { base, parameters }
  }

  /** What was listed last, of whatever age. */
  lastKnown(repository: RepositoryName): ListedVersions | undefined {
    return this.#known.get(repository)
  }

  /** Lists a package's versions now, and remembers them. */
  async list(repository: RepositoryName, options?: RunOptions): Promise<ListedAnswer> {
    const answer = await this.look(repository, options)
    if (answer.kind === 'listed') this.#known.set(repository, answer.versions)
    return answer
  }

  /** Lists them for one question alone: what others go by stays what they looked at. */
  async look(repository: RepositoryName, options?: RunOptions): Promise<ListedAnswer> {
    const place = await this.place(repository, options)
    if (place === undefined) return { kind: 'nobody' }
    const at = this.#now()
    const read = await readVersions(this.api, versionList(place, repository, 'active'), repository, options)
    if (read.kind === 'refused') return read
    return { kind: 'listed', versions: new ListedVersions(read.rows, at) }
  }

  /** As listed a moment ago, else now; many who ask at once are answered by one list. */
  async recent(repository: RepositoryName, options?: RunOptions): Promise<ListedAnswer> {
    const known = this.#known.get(repository)
    if (known !== undefined && this.#now() - known.at <= AGE_MAX_MS)
      return { kind: 'listed', versions: known }
    const asking = this.#asking.get(repository) ?? this.list(repository, options)
    this.#asking.set(repository, asking)
    try {
      return await asking
    } finally {
      this.#asking.delete(repository)
    }
  }

  /** After a change of ours that the list does not show. */
  forget(repository: RepositoryName): void {
    this.#known.delete(repository)
  }
}

/** Active versions, or those in the bin. */
export function versionList(
  { base, parameters }: PackagePlace,
  repository: RepositoryName,
  state: 'active' | 'deleted',
): ApiList {
  return {
    route: `GET ${base.path}/packages/container/{package_name}/versions`,
    parameters: { ...parameters, ...(state === 'deleted' && { state }) },
    what: state === 'active' ? `the versions of ${repository}` : `the deleted versions of ${repository}`,
  }
}
