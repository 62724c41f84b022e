/**
 * Finds the repositories of images at a host of Google's, and keeps what came along about each of them for the one
 * reading that follows.
 *
 * Two ways lead there. The API of Artifact Registry lists a thousand images a page over all names, and says which
 * repositories have immutable tags; it is asked where there is one (Google's hosts, or `api.url`), an OAuth token for it,
 * and a project or repository to ask about. Otherwise, and where it refuses, names are found by the folders that lists of
 * tags tell, a request each. Single names are always read by the list of tags.
 */
import { otherThanProject } from './roots.ts'
import { parseRepositoryName, type RegistryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { RegistryAnswerError, RegistryContentError } from '../oci/errors.ts'
import type { ListedRepository } from '../oci/listing.ts'
import { mapParallel } from '../oci/parallel.ts'
import { findSources, type ArtifactSource } from './find-sources.ts'
import type { ArtifactApi } from './artifact-api.ts'
import { readImages } from './read-images.ts'
import { readNode } from './read-node.ts'
import type { GoogleSession } from './session.ts'

const CONCURRENCY = 16
/** Names of images have a handful of segments; the distribution specification allows 255 characters. */
const DEPTH_MAX = 64
const NODES_MAX = 1_000_000
/** What was listed along the way may stand for the reading of a repository that follows; not for a later one. */
const KEPT_MS = 5 * 60_000

export class Survey {
  readonly #name: RegistryName
  readonly #session: GoogleSession
  readonly #kept = new Map<string, { readonly at: number; readonly listed: ListedRepository }>()
  readonly #sources = new Map<string, ArtifactSource>()

  constructor(name: RegistryName, session: GoogleSession) {
    this.#name = name
    this.#session = session
  }

  /** Every name of images below `roots`; a root that is not there has none. */
  async list(roots: readonly string[], options: RunOptions): Promise<ReadonlySet<string>> {
    this.#kept.clear()
    const found = new Set<string>()
    const folders: string[] = []
    for (const root of roots) {
      const names = await this.#listByApi(root, options)
      if (names === undefined) folders.push(root)
      else for (const name of names) found.add(name)
    }
    for (const name of await this.#listByFolders(folders, options)) found.add(name)
    if (found.size === 0 && roots.length > 0) this.#warnOfNothing(roots, options)
    return found
  }

  /** Any product says of a project of Google's that it is not there, so an empty list may mean that this is another one. */
  #warnOfNothing(roots: readonly string[], options: RunOptions): void {
    const { place, baseUrl } = this.#session
    const cure =
      place === undefined
        ? `${baseUrl} is no host of Google's: if another product answers there, set kind: to what it is, or leave kind: out.`
        : 'Check the project in the address, and that the account may read it.'
    const text = `${this.#name}: nothing was found below ${roots.join(', ')}. ${cure}`
    options.onEvent?.({ kind: 'warning', text })
  }

  /** What the last `list` was told about a repository; given out once, and only for a few minutes. */
  take(name: string): ListedRepository | undefined {
    const kept = this.#kept.get(name)
    this.#kept.delete(name)
    return kept !== undefined && Date.now() - kept.at <= KEPT_MS ? kept.listed : undefined
  }

  /** Whether no tag of a repository can be removed, as far as the API was asked. */
  hasImmutableTags(name: string): boolean {
    return [...this.#sources.values()].some(
      ({ names, hasImmutableTags }) => hasImmutableTags && name.startsWith(`${names}/`),
    )
  }

  async #listByApi(root: string, options: RunOptions): Promise<ReadonlySet<string> | undefined> {
    const api = await this.#session.openApi()
    if (api === undefined) return undefined
    try {
      const sources = await findSources(api, this.#session, root, options)
      if (sources === undefined) return undefined
      const isNamed = otherThanProject(this.#session.place, root)
      const wanted = sources.filter((source) => this.#isOfUse(source, isNamed, options))
      const lists = await mapParallel(wanted, CONCURRENCY, (source) => this.#readSource(api, source, options))
      return new Set(lists.flat())
    } catch (error) {
      if (!isRefusal(error)) throw error
      const text = `${this.#name}: ${error.message} Repositories are found by their folders instead, one request each, and which tags are immutable shows only when they are to go. The role Artifact Registry Reader (roles/artifactregistry.reader) on the project allows the API.`
      options.onEvent?.({ kind: 'warning', text })
      return undefined
    }
  }

  #isOfUse({ mode, names }: ArtifactSource, isNamed: boolean, options: RunOptions): boolean {
    // A virtual repository holds nothing itself; a remote one is a cache, which would only be filled again.
    if (mode === 'standard' || (mode === 'remote' && isNamed)) return true
    const why =
      mode === 'virtual'
        ? 'it is virtual and holds nothing itself'
        : 'it caches another registry; name it in url: to have it read all the same'
    options.onEvent?.({ kind: 'warning', text: `${this.#name}: left out ${names}: ${why}.` })
    return false
  }

  async #readSource(
    api: ArtifactApi,
    source: ArtifactSource,
    options: RunOptions,
  ): Promise<readonly string[]> {
    this.#sources.set(source.names, source)
    const at = Date.now()
    const images = await readImages(api, source, options)
    for (const [name, listed] of images) if (listed !== undefined) this.#kept.set(name, { at, listed })
    return [...images.keys()]
  }

  async #listByFolders(roots: readonly string[], options: RunOptions): Promise<readonly string[]> {
    const found: string[] = []
    const seen = new Set(roots)
    let level: readonly string[] = [...seen]
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth > DEPTH_MAX || seen.size > NODES_MAX)
        throw new RegistryContentError(this.#name, `the folders below ${roots.join(', ')} do not end`)
      const below = await mapParallel(level, CONCURRENCY, (name) => this.#readFolder(name, found, options))
      level = [...new Set(below.flat())].filter((name) => !seen.has(name))
      for (const name of level) seen.add(name)
    }
    return found
  }

  /** Notes a name that has images; answers with the names below. */
  async #readFolder(name: string, found: string[], options: RunOptions): Promise<readonly string[]> {
    const at = Date.now()
    const node = await readNode(this.#session.connection, name, options)
    if (node === undefined) return []
    const { tags, manifests } = node.listed
    if (tags.length > 0 || manifests.length > 0) {
      found.push(name)
      this.#kept.set(name, { at, listed: node.listed })
    }
    return node.children.map((child) => {
      const below = `${name}/${child}`
      if (!child.includes('/') && parseRepositoryName(below) !== undefined) return below
      throw new RegistryContentError(this.#name, `the list of ${name} holds a folder that is no name`)
    })
  }
}

/** The API says no, which says nothing about the registry. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof UnauthorizedError) return true
  return error instanceof RegistryAnswerError && (error.status === 401 || error.status === 403)
}
