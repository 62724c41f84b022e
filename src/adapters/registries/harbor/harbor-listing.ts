/**
 * What Harbor lists: every artifact, tagged or not, with times, labels, locks and accessories, a hundred a page.
 *
 * Accessories are not listed with their tags, so where there are any the list of tags is read too. Proxy cache projects
 * hold copies whose age is that of the copy: everything in them counts as locked, and stays.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord, saysAbsent } from '../oci/answers.ts'
import { pullScopes, type OciConnection } from '../oci/connection.ts'
import { RegistryContentError } from '../oci/errors.ts'
import type { KnownManifest, ListedRepository, RegistryListing } from '../oci/listing.ts'
import { readNames } from '../oci/names.ts'
import { projectOf, repositoryPath, saysNotFound, type HarborApi } from './harbor-api.ts'
import { parseArtifact, type HarborArtifact } from './parse-artifact.ts'
import type { ProxyProjects } from './proxy-projects.ts'

// `base=*` shows untagged children too. By id, so that what is pushed meanwhile comes at the end and shifts no page.
const artifactQuery =
  'q=base%3D%2A&sort=id&with_tag=true&with_label=true&with_accessory=true&with_immutable_status=true'

/** What one repository holds, as Harbor lists it. */
export interface HarborContents {
  readonly artifacts: readonly HarborArtifact[]
  /** Tags of what is never listed: accessories. */
  readonly unlistedTags: readonly string[]
}

export class HarborListing implements RegistryListing {
  readonly #api: HarborApi
  readonly #connection: OciConnection
  readonly #proxies: ProxyProjects

  /** @param connection that of the registry itself, for lists of tags */
  constructor(api: HarborApi, connection: OciConnection, proxies: ProxyProjects) {
    this.#api = api
    this.#connection = connection
    this.#proxies = proxies
  }

  async listRepositories(options: RunOptions): Promise<readonly string[]> {
    const rows = await this.#api.list('repositories', '', options)
    if (rows === undefined) throw this.#api.notHarbor('it says that it has no list of repositories')
    const names = rows.map(({ name }) => {
      if (typeof name === 'string') return name
      throw this.#api.notHarbor('its list of repositories has one without a name')
    })
    const proxies = await this.#proxies.names(options)
    const cached = names.filter((name) => proxies.has(projectOf(name as RepositoryName))).length
    if (cached > 0) {
      const text = `${this.#api.name}: ${cached} of ${names.length} repositories are in proxy caches (${[...proxies].toSorted().join(', ')}); what they hold counts as locked and stays.`
      options.onEvent?.({ kind: 'warning', text })
    }
    return names
  }

  async readRepository(
    repository: RepositoryName,
    options: RunOptions,
  ): Promise<ListedRepository | undefined> {
    const contents = await this.readContents(repository, options)
    if (contents === undefined) return undefined
    const { artifacts, unlistedTags } = contents
    const isLocked = (await this.#proxies.names(options)).has(projectOf(repository))
    const tags = artifacts.flatMap((artifact) => artifact.tags)
    return {
      tags: [
        ...tags.map((tag) => ({ ...tag, isLocked: isLocked || tag.isLocked === true })),
        ...unlistedTags.map((name) => ({ name, digest: undefined, isLocked })),
      ],
      manifests: artifacts.flatMap(manifestsOf).map((manifest) => ({ ...manifest, isLocked })),
      isExhaustive: true,
    }
  }

  /** Undefined when the repository is not there. @throws RegistryContentError, and what HarborApi throws */
  async readContents(repository: RepositoryName, options?: RunOptions): Promise<HarborContents | undefined> {
    const path = repositoryPath(repository)
    if (path === undefined) return undefined
    const rows = await this.#api.list(`${path}/artifacts`, artifactQuery, options)
    if (rows === undefined) return undefined
    const artifacts = rows.map((row) => parseArtifact(this.#api.name, repository, row))
    const hasAccessories = artifacts.some(({ accessories }) => accessories.length > 0)
    const unlistedTags = hasAccessories ? await this.#unlistedTags(repository, artifacts, options) : []
    return { artifacts, unlistedTags }
  }

  /** Tags of one artifact as it is now; undefined when it is not there. @throws RegistryContentError, and what HarborApi throws */
  async tagsOf(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<readonly string[] | undefined> {
    const path = repositoryPath(repository)
    if (path === undefined) return undefined
    const response = await this.#api.get(`${path}/artifacts/${digest}?with_tag=true`, options)
    if (saysNotFound(response)) return undefined
    const row: unknown = response.status === 200 ? response.json() : undefined
    if (!isRecord(row)) throw this.#api.unexpected(`Looking at ${repository}@${digest}`, response)
    const artifact = parseArtifact(this.#api.name, repository, row)
    if (artifact.digest === digest) return artifact.tags.map(({ name }) => name)
    const answer = `the answer about ${repository}@${digest} is about ${artifact.digest}`
    throw new RegistryContentError(this.#api.name, answer)
  }

  async #unlistedTags(
    repository: RepositoryName,
    artifacts: readonly HarborArtifact[],
    options: RunOptions = {},
  ): Promise<readonly string[]> {
    const list = { path: `${repository}/tags/list`, field: 'tags', scopes: pullScopes(repository) } as const
    const answer = await readNames(this.#connection, list, options)
    if (answer.kind === 'refused') {
      if (saysAbsent(answer.response))
        throw new RegistryContentError(this.#api.name, `${repository} went away while it was read`)
      throw this.#connection.unexpected(`Listing the tags of ${repository}`, answer.response)
    }
    const listed = new Set(artifacts.flatMap(({ tags }) => tags.map(({ name }) => name)))
    return [...answer.names].filter((name) => !listed.has(name))
  }
}

/** An artifact with its accessories, which are listed nowhere else. */
function manifestsOf(artifact: HarborArtifact): readonly KnownManifest[] {
  const { digest, pushedAt, pulledAt, labels, accessories } = artifact
  return [
    ...accessories.map((accessory) => ({
      digest: accessory.digest,
      pushedAt: accessory.createdAt,
      subject: digest,
    })),
    {
      digest,
      pushedAt,
      pulledAt,
      labels: Object.fromEntries(labels.map((name) => [`harbor.label/${name}`, 'true'])),
    },
  ]
}
