/** What Winnow asks of `/acr/v1`: repositories, their manifests and tags with times and locks, and the removal of a name. */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { isRecord } from '../oci/answers.ts'
import type { OciConnection } from '../oci/connection.ts'
import { AcrRequests, isGone, type AcrList, type AcrListAnswer } from './acr-requests.ts'
import { binScopes, catalogScopes, deleteScopes, readScopes } from './acr-scopes.ts'
import { parseManifestRow, parseName, parseTagRow, type ManifestRow, type TagRow } from './parse-rows.ts'

export class AcrApi {
  readonly requests: AcrRequests

  constructor(connection: OciConnection, baseUrl: string) {
    this.requests = new AcrRequests(connection, baseUrl)
  }

  repositories(options: RunOptions): Promise<AcrListAnswer<string>> {
    const list = { path: '_catalog', field: 'repositories', scopes: catalogScopes, parse: parseName }
    return this.requests.list(list, options)
  }

  /** Undefined when there is no such repository. */
  tags(repository: RepositoryName, options: RunOptions): Promise<readonly TagRow[] | undefined> {
    return this.#list(repository, '_tags', { field: 'tags', parse: parseTagRow }, options)
  }

  /** Tagged and untagged; undefined when there is no such repository. */
  manifests(repository: RepositoryName, options: RunOptions): Promise<readonly ManifestRow[] | undefined> {
    return this.#list(repository, '_manifests', { field: 'manifests', parse: parseManifestRow }, options)
  }

  /** Tags of one manifest, as lists show them. */
  async tagsOf(
    repository: RepositoryName,
    digest: Digest,
    options: RunOptions = {},
  ): Promise<readonly TagRow[]> {
    const list = { field: 'tags', parse: parseTagRow }
    return (await this.#list(repository, `_tags?digest=${digest}`, list, options)) ?? []
  }

  /** One manifest with all of its tags, those that lists hide included; undefined when it is not there. */
  async manifest(
    repository: RepositoryName,
    digest: Digest,
    options: RunOptions = {},
  ): Promise<ManifestRow | undefined> {
    const path = `${repository}/_manifests/${digest}`
    const response = await this.requests.ask('GET', path, readScopes(repository), options)
    if (isGone(response)) return undefined
    if (response.status !== 200) throw this.requests.unexpected(path, response)
    const body = response.json()
    const row = isRecord(body) ? parseManifestRow(body['manifest']) : undefined
    if (row === undefined) throw this.requests.notUnderstood(path)
    return row
  }

  /** How many manifests and tags a repository has; undefined where it does not say. */
  async counts(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<{ readonly manifests: number; readonly tags: number } | undefined> {
    const response = await this.requests.ask('GET', repository, readScopes(repository), options)
    const body: unknown = response.status === 200 ? response.json() : undefined
    if (!isRecord(body)) return undefined
    const { manifestCount: manifests, tagCount: tags } = body
    return typeof manifests === 'number' && typeof tags === 'number' ? { manifests, tags } : undefined
  }

  /** Repositories in which soft deletion has kept something; undefined where that cannot be seen. */
  async binned(options: RunOptions): Promise<number | undefined> {
    const response = await this.requests.ask('GET', '_deleted/_catalog', binScopes, options)
    const body: unknown = response.status === 200 ? response.json() : undefined
    const rows = isRecord(body) && 'repositories' in body ? (body['repositories'] ?? []) : undefined
    return Array.isArray(rows) ? rows.length : undefined
  }

  /** Removes one name. */
  removeTag(repository: RepositoryName, tag: string, options: RunOptions = {}): Promise<HttpResponse> {
    // Safe: `_tags` removes the name alone; the manifest and its other tags stay.
    return this.requests.ask('DELETE', `${repository}/_tags/${tag}`, deleteScopes(repository), options)
  }

  async #list<T>(
    repository: RepositoryName,
    path: string,
    list: Pick<AcrList<T>, 'field' | 'parse'>,
    options: RunOptions,
  ): Promise<readonly T[] | undefined> {
    const place = `${repository}/${path}`
    const scopes = readScopes(repository)
    const answer = await this.requests.list({ ...list, path: place, scopes }, options)
    if (answer.kind === 'rows') return answer.rows
    if (isGone(answer.response)) return undefined
    throw this.requests.unexpected(place, answer.response)
  }
}
