/**
 * What Quay lists: the tags that are alive, with the time each was pushed or moved, a hundred a page. Untagged manifests are
 * not listed; Quay removes them by itself.
 *
 * Repositories are listed by namespace. Which namespaces there are is told by the account of the token, by the robot's name,
 * and by the repositories that policies name.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { parseRepositoryName, type RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { isRecord } from '../oci/answers.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { KnownManifest, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { parseTag, type QuayTag } from './parse-tag.ts'
import { saidByQuay, type QuayApi } from './quay-api.ts'

export class QuayListing implements RegistryListing {
  readonly #api: QuayApi
  readonly #namedNamespaces: () => Promise<readonly string[]>
  /** Repositories that take no change, by what the list of repositories said. */
  readonly #frozen = new Map<string, string>()

  /** @param namedNamespaces those that the configuration shows */
  constructor(api: QuayApi, namedNamespaces: () => Promise<readonly string[]>) {
    this.#api = api
    this.#namedNamespaces = namedNamespaces
  }

  async listRepositories(options: RunOptions): Promise<readonly string[]> {
    const names: string[] = []
    for (const namespace of await this.#namespaces(options)) {
      // A name that is no namespace has no repositories either.
      for (const row of (await this.#api.listRepositories(namespace, options)) ?? []) {
        const { namespace: of, name, state } = row
        if (typeof of !== 'string' || typeof name !== 'string')
          throw this.#api.content(`the list of repositories of ${namespace} has one without a name`)
        names.push(`${of}/${name}`)
        if (typeof state === 'string' && state !== 'NORMAL') this.#frozen.set(`${of}/${name}`, state)
      }
    }
    this.#warnOfFrozen(options)
    return names
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const tags = await this.readAlive(repository, options)
    if (tags === undefined) return undefined
    const isFrozen = this.#frozen.has(repository)
    return {
      tags: tags.map(({ name, digest, startedAt, isImmutable }) => ({
        ...{ name, digest, pushedAt: startedAt, isLocked: isImmutable || isFrozen },
      })),
      manifests: expiring(tags),
      isExhaustive: false,
    }
  }

  /** The tags that are alive, each once; undefined when the repository is not there. */
  async readAlive(repository: RepositoryName, options?: RunOptions): Promise<readonly QuayTag[] | undefined> {
    const rows = await this.#api.listTags(repository, 'onlyActiveTags=true&', options)
    if (rows === undefined) return undefined
    const tags = new Map<string, QuayTag>()
    for (const row of rows) {
      const tag = parseTag(this.#api.name, repository, row)
      // A tag that was moved while pages were read may come twice: the later one is what it is now.
      const before = tags.get(tag.name)
      if (before === undefined || (tag.startedAt ?? 0) >= (before.startedAt ?? 0)) tags.set(tag.name, tag)
    }
    return [...tags.values()]
  }

  async #namespaces(options: RunOptions): Promise<ReadonlySet<string>> {
    const named = await this.#namedNamespaces()
    const own = await this.#ownNamespaces(options)
    if (own.kind === 'told') return new Set([...own.names, ...named])
    if (named.length === 0) throw new CatalogRefusedError(this.#api.name, own.status, own.said)
    const text = `${this.#api.name}: the token may not read its own account (user:read), so only these namespaces are listed: ${named.join(', ')}.`
    options.onEvent?.({ kind: 'warning', text })
    return new Set(named)
  }

  /** The account of the token and its organizations. */
  async #ownNamespaces(options: RunOptions): Promise<OwnNamespaces> {
    try {
      const response = await this.#api.send('GET', '/user/', options)
      if ([401, 403].includes(response.status))
        return { kind: 'refused', status: response.status, said: saidByQuay(response) }
      if (response.status !== 200) throw this.#api.unexpected('GET /user/', response)
      const body = response.json()
      const organizations = isRecord(body) ? (body['organizations'] ?? []) : undefined
      if (!isRecord(body) || !Array.isArray(organizations))
        throw this.#api.content('GET /user/ was answered with something else than an account')
      const names: unknown[] = [
        body['username'],
        ...organizations.map((each) => isRecord(each) && each['name']),
      ]
      return { kind: 'told', names: names.filter((name) => typeof name === 'string') }
    } catch (error) {
      // Without a token there is no account; what policies name may be public.
      if (!(error instanceof UnauthorizedError) || error.triedCredentials !== undefined) throw error
      return { kind: 'refused', status: 401, said: 'there is no token for its API' }
    }
  }

  #warnOfFrozen({ onEvent }: RunOptions): void {
    if (this.#frozen.size === 0) return
    const shown = [...this.#frozen].map(([name, state]) => `${name} (${state})`).toSorted()
    const some =
      shown.length > 5 ? `${shown.slice(0, 5).join(', ')} and ${shown.length - 5} more` : shown.join(', ')
    const text = `${this.#api.name}: Quay takes no changes in ${some}; everything there counts as locked and stays.`
    onEvent?.({ kind: 'warning', text })
  }
}

type OwnNamespaces =
  | { readonly kind: 'told'; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly status: number; readonly said: string }

/** Manifests all of whose tags are set to die, with the last of these dates as a label. */
function expiring(tags: readonly QuayTag[]): readonly KnownManifest[] {
  const ends = new Map<Digest, number>()
  for (const { digest, endsAt } of tags) ends.set(digest, Math.max(ends.get(digest) ?? 0, endsAt ?? Infinity))
  return [...ends].flatMap(([digest, end]) =>
    Number.isFinite(end) ? [{ digest, labels: { 'quay.expires': new Date(end).toISOString() } }] : [],
  )
}

/** The namespaces of repositories that are named in full. */
export function namespacesOf(repositories: readonly RepositoryName[]): readonly string[] {
  return [
    ...new Set(repositories.flatMap((name) => (name.includes('/') ? [name.split('/', 1)[0] ?? ''] : []))),
  ]
}

/** `acme` for the robot `acme+ci`; undefined for every other user. */
export function namespaceOfRobot(username: string): string | undefined {
  const [, namespace] = /^([^+]+)\+[^+]+$/.exec(username) ?? []
  return namespace !== undefined && parseRepositoryName(namespace) !== undefined ? namespace : undefined
}
