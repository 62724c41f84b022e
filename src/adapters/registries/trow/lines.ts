/**
 * Trow's two lines differ in what deletion does, and send no version. They are told apart by the history of a tag, which is
 * a call of those before 0.7 alone: it has the history of a tag that is there, and newer ones have no such page.
 *
 * What neither shows is not guessed: then nothing is deleted.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { isRecord } from '../oci/answers.ts'
import { catalogScopes, pullScopes, type OciConnection } from '../oci/connection.ts'
import { readNames } from '../oci/names.ts'
import type { ProductApi } from '../product-api.ts'

/** `before-0.7`: files. `since-0.7`: a database. */
export type TrowLine = 'before-0.7' | 'since-0.7' | 'unknown'

/** Newest first; the first one is what the tag names now. */
export interface HistoryEntry {
  readonly digest: Digest
  readonly at: InstantMs
}

/** So many repositories are looked into for a tag before the question is given up. */
const REPOSITORIES_TRIED = 20

export class TrowLines {
  readonly #api: ProductApi
  readonly #connection: OciConnection
  #line: Promise<TrowLine> | undefined

  constructor(api: ProductApi, connection: OciConnection) {
    this.#api = api
    this.#connection = connection
  }

  /** Asked once, by this tag where it is not known yet; a registry without any tag stays unknown. */
  find(
    options: RunOptions,
    like?: { readonly repository: RepositoryName; readonly tag: string },
  ): Promise<TrowLine> {
    this.#line ??= this.#find(options, like).then(
      (line) => {
        // Nothing to ask by may be different the next time.
        if (line === 'unknown') this.#line = undefined
        return line
      },
      (error: unknown) => {
        this.#line = undefined
        throw error
      },
    )
    return this.#line
  }

  /** The newest entry of a tag's history; undefined when it is not there any more. @throws ProductMismatchError, RegistryContentError */
  async newest(
    repository: RepositoryName,
    tag: string,
    options: RunOptions,
  ): Promise<HistoryEntry | undefined> {
    const response = await this.#ask(repository, tag, options)
    if (response.status === 404) return undefined
    const what = `Reading the history of ${repository}:${tag}`
    if (response.status !== 200) throw this.#api.unexpected(what, response)
    const entries = entriesOf(this.#api.jsonOf(what, response))
    if (entries === undefined)
      throw this.#api.content(`the history of ${repository}:${tag} cannot be understood`)
    return entries[0]
  }

  async #find(
    options: RunOptions,
    like: { readonly repository: RepositoryName; readonly tag: string } | undefined,
  ): Promise<TrowLine> {
    const asked = like ?? (await this.#anyTag(options))
    if (asked === undefined) return 'unknown'
    const response = await this.#ask(asked.repository, asked.tag, options)
    if (response.status === 200 && hasHistory(response)) return 'before-0.7'
    // Trow marks each of its answers, the ones of its router too; a proxy that only passes on /v2/ does not.
    const isOwn = response.headers.get('docker-distribution-api-version') === 'registry/2.0'
    return response.status === 404 && isOwn ? 'since-0.7' : 'unknown'
  }

  #ask(repository: RepositoryName, tag: string, options: RunOptions): Promise<HttpResponse> {
    const url = this.#api.url(`/${repository}/manifest_history/${tag}?n=1`)
    return this.#api.send({ method: 'GET', url, scopes: pullScopes(repository) }, options)
  }

  async #anyTag(
    options: RunOptions,
  ): Promise<{ readonly repository: RepositoryName; readonly tag: string } | undefined> {
    const names = await this.#names('_catalog', 'repositories', catalogScopes, options)
    const some = names.filter((name) => !isProxied(name)).slice(0, REPOSITORIES_TRIED) as RepositoryName[]
    for (const repository of some) {
      const [tag] = await this.#names(`${repository}/tags/list`, 'tags', pullScopes(repository), options)
      if (tag !== undefined) return { repository, tag }
    }
    return undefined
  }

  async #names(
    path: string,
    field: 'tags' | 'repositories',
    scopes: readonly string[],
    options: RunOptions,
  ): Promise<readonly string[]> {
    const answer = await readNames(this.#connection, { path, field, scopes }, options)
    return answer.kind === 'names' ? [...answer.names] : []
  }
}

/** What Trow fetched for others and keeps as long as it likes. */
export function isProxied(repository: string): boolean {
  return repository.startsWith('f/')
}

function hasHistory(response: HttpResponse): boolean {
  try {
    return entriesOf(response.json()) !== undefined
  } catch {
    // A page of somebody else, which is no history.
    return false
  }
}

function entriesOf(body: unknown): readonly HistoryEntry[] | undefined {
  const history = isRecord(body) ? body['history'] : undefined
  if (!Array.isArray(history)) return undefined
  const entries = history.map(entryOf)
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}

const spelt = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d*(?: UTC|Z)$/

/** `{"digest":"sha256:…","date":"2021-04-14 21:25:02.123456789 UTC"}`. */
function entryOf(entry: unknown): HistoryEntry | undefined {
  if (!isRecord(entry)) return undefined
  const { digest: told, date } = entry
  const digest = typeof told === 'string' ? parseDigest(told) : undefined
  const [, day, time] = spelt.exec(typeof date === 'string' ? date : '') ?? []
  const at = Date.parse(`${day ?? ''}T${time ?? ''}Z`)
  return digest === undefined || Number.isNaN(at) ? undefined : { digest, at }
}
