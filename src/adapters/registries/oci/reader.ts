/**
 * Reads any registry that speaks the distribution specification.
 *
 * Sends GET and HEAD only. Costs: the catalog and the tag lists by page, one HEAD for each tag, and one GET for each
 * manifest and image config that the cache does not have; where the registry answers the referrers API, one GET more for
 * each manifest, every time, because referrers come and go. Statements about builds cost a GET each that the cache does
 * not have, where they are asked for.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import { parseRepositoryName, type RegistryName, type RepositoryName } from '../../../core/image/names.ts'
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { quotable, saidIn } from './answers.ts'
import { catalogScopes, OciConnection, type ConnectionSettings } from './connection.ts'
import { CatalogRefusedError } from './errors.ts'
import type { RegistryListing } from './listing.ts'
import { fetchManifest, hasBlob, resolveTag } from './manifests.ts'
import { readNames } from './names.ts'
import { readRepository } from './read-repository.ts'
import { probeReferrers } from './referrers.ts'
import { capabilitiesOf, genericTraits, type RegistryTraits } from './traits.ts'

const CONCURRENCY = 16

export interface OciReaderSettings extends ConnectionSettings {
  readonly cache: ManifestCache
  /** What is read of a registry that does not list its repositories. @default none: then it cannot be read */
  readonly repositories?: readonly RepositoryName[]
  /** Requests of one repository in flight; the HTTP client has the last word. @default 16 */
  readonly concurrency?: number
  /** Whether attestations are read for the commits that images were built from. @default false */
  readonly readProvenance?: boolean
  /**
   * Whether configs are read even of images whose upload time the registry tells: for labels, platforms, and when they
   * were built. @default true
   */
  readonly readConfigs?: boolean
  /** Finds out which product this is, by reading only. @default genericTraits */
  readonly recognise?: (connection: OciConnection, options?: RunOptions) => Promise<RegistryTraits>
  /** What the registry's own API lists; without it, the catalog, tag lists and a HEAD for each tag. */
  readonly listing?: RegistryListing
  /** What is known of the product beyond `recognise`. */
  readonly capabilities?: Partial<Capabilities>
}

export function createOciReader(settings: OciReaderSettings): ReadableRegistry {
  return new OciReader(settings)
}

class OciReader implements ReadableRegistry {
  readonly name: RegistryName
  readonly #connection: OciConnection
  readonly #settings: OciReaderSettings
  #referrers: Promise<'yes' | 'no' | 'unknown'> | undefined
  #capabilities: Promise<Capabilities> | undefined
  /** Any one that is there: some questions can only be asked of a repository. */
  #oneRepository: RepositoryName | undefined
  #read = 0

  constructor(settings: OciReaderSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#connection = new OciConnection(settings)
  }

  capabilities(options?: RunOptions): Promise<Capabilities> {
    this.#capabilities ??= this.#findCapabilities(options).catch((error: unknown) => {
      // A failure is not remembered: the next question may be answered.
      this.#capabilities = undefined
      throw error
    })
    return this.#capabilities
  }

  async listRepositories(options: RunOptions = {}): Promise<readonly RepositoryName[]> {
    const listed = await this.#listRepositories(haltedByStop(options))
    this.#oneRepository ??= listed[0]
    return listed
  }

  async #listRepositories(options: RunOptions): Promise<readonly RepositoryName[]> {
    if (options.signal?.aborted === true) throw new InterruptedError()
    const listing = this.#settings.listing
    const names = await this.#catalogOrNamed(
      listing?.listRepositories === undefined
        ? () => this.#catalog(options)
        : async () => new Set(await listing.listRepositories?.(options)),
      options,
    )
    return [...names].flatMap((name) => {
      const repository = parseRepositoryName(name)
      if (repository === undefined) {
        const text = `${this.name}: left out ${quotable(name)}, which is no name of a repository.`
        options.onEvent?.({ kind: 'warning', text })
      }
      return repository ?? []
    })
  }

  async readRepository(
    name: RepositoryName,
    given: RunOptions = {},
  ): ReturnType<ReadableRegistry['readRepository']> {
    const options = haltedByStop(given)
    return readRepository({
      connection: this.#connection,
      repository: name,
      cache: this.#settings.cache,
      concurrency: this.#settings.concurrency ?? CONCURRENCY,
      options,
      readProvenance: this.#settings.readProvenance ?? false,
      readConfigs: this.#settings.readConfigs ?? true,
      listing: this.#settings.listing,
      hasReferrersApi: async () =>
        this.#settings.capabilities?.referrersApi ?? (await this.#hasReferrersApi(name, options)),
      onRead: (count) => {
        this.#read += count
        options.onEvent?.({
          kind: 'progress',
          phase: 'manifests',
          done: this.#read,
          note: `${this.name}/${name}`,
        })
      },
    })
  }

  async resolveTag(
    ...[repository, tag, options]: Parameters<ReadableRegistry['resolveTag']>
  ): ReturnType<ReadableRegistry['resolveTag']> {
    const { listing } = this.#settings
    if (listing?.resolveTag !== undefined) return listing.resolveTag(repository, tag, options)
    return (await resolveTag(this.#connection, repository, tag, options))?.digest
  }

  readManifest(
    ...[repository, digest, options]: Parameters<ReadableRegistry['readManifest']>
  ): ReturnType<ReadableRegistry['readManifest']> {
    const { listing } = this.#settings
    if (listing?.readManifest !== undefined) return listing.readManifest(repository, digest, options)
    return fetchManifest(this.#connection, repository, digest, options)
  }

  hasBlob(...[repository, digest, options]: Parameters<ReadableRegistry['hasBlob']>): Promise<boolean> {
    return hasBlob(this.#connection, repository, digest, options)
  }

  async #findCapabilities(options: RunOptions | undefined): Promise<Capabilities> {
    const { recognise, capabilities = {} } = this.#settings
    const traits = recognise === undefined ? genericTraits : await recognise(this.#connection, options)
    const referrersApi = capabilities.referrersApi ?? (await this.#findReferrersApi(options))
    // Mostly only a deletion shows whether deletions are allowed, and a reader sends none.
    const deletes = traits.deletes ?? { state: 'unknown' }
    return { ...capabilitiesOf(traits, { referrersApi, deletes }), ...capabilities }
  }

  async #findReferrersApi(options: RunOptions | undefined): Promise<boolean> {
    const repository = this.#oneRepository ?? (await this.listRepositories(options))[0]
    return repository !== undefined && (await this.#hasReferrersApi(repository, options))
  }

  /** Asked once for the registry; a repository that is gone settles nothing, so the next one is asked again. */
  async #hasReferrersApi(repository: RepositoryName, options: RunOptions | undefined): Promise<boolean> {
    this.#referrers ??= probeReferrers(this.#connection, repository, options)
    const probe = this.#referrers
    try {
      const answer = await probe
      if (answer !== 'unknown') return answer === 'yes'
    } catch (error) {
      if (this.#referrers === probe) this.#referrers = undefined
      throw error
    }
    if (this.#referrers === probe) this.#referrers = undefined
    return false
  }

  /** Many hosted registries keep their catalog to themselves; those that policies name can be read all the same. */
  async #catalogOrNamed(
    list: () => Promise<ReadonlySet<string>>,
    options: RunOptions,
  ): Promise<ReadonlySet<string>> {
    try {
      return await list()
    } catch (error) {
      const { repositories = [] } = this.#settings
      if (!(error instanceof CatalogRefusedError) || repositories.length === 0) throw error
      const text = `${error.message} Only the repositories that policies name without wildcards are read.`
      options.onEvent?.({ kind: 'warning', text })
      return new Set(repositories)
    }
  }

  async #catalog(options: RunOptions): Promise<ReadonlySet<string>> {
    try {
      const list = { path: '_catalog', field: 'repositories', scopes: catalogScopes } as const
      const answer = await readNames(this.#connection, list, options)
      if (answer.kind === 'names') return answer.names
      const { response } = answer
      if ([400, 401, 403, 404, 405, 501].includes(response.status)) {
        throw new CatalogRefusedError(this.name, response.status, saidIn(response))
      }
      throw this.#connection.unexpected('Listing the repositories', response)
    } catch (error) {
      if (error instanceof UnauthorizedError) throw new CatalogRefusedError(this.name, 401, error.message)
      throw error
    }
  }
}

/** Reading has no effect that would have to be finished, so being asked to stop ends it at once. */
function haltedByStop(options: RunOptions): RunOptions {
  const signals = [options.signal, options.stop].filter((signal) => signal !== undefined)
  return signals.length === 0 ? options : { ...options, signal: AbortSignal.any(signals) }
}
