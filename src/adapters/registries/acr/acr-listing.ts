/**
 * What a registry of Azure's lists: every manifest, tagged or not, and every tag, with times and locks; a request a thousand
 * of each.
 *
 * What is hidden by `listEnabled: false` is not in the lists. A hidden tag still shows with its manifest, and a hidden
 * manifest by its tag.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import { saidIn } from '../oci/answers.ts'
import { CatalogRefusedError } from '../oci/errors.ts'
import type { KnownTag, ListedRepository, RegistryListing } from '../oci/listing.ts'
import type { AcrApi } from './acr-api.ts'
import type { ManifestRow, TagRow } from './parse-rows.ts'

export function acrListing(api: AcrApi): RegistryListing {
  return {
    listRepositories: (options) => listRepositories(api, options),
    readRepository: (repository, options) => readRepository(api, repository, options),
  }
}

/** @throws CatalogRefusedError where the login may not list; the repositories that policies name are read then */
async function listRepositories(api: AcrApi, options: RunOptions): Promise<readonly string[]> {
  const { name } = api.requests.connection
  try {
    const answer = await api.repositories(options)
    if (answer.kind === 'rows') return answer.rows
    const { response } = answer
    if (response.status === 401 || response.status === 403)
      throw new CatalogRefusedError(name, response.status, saidIn(response))
    throw api.requests.unexpected('_catalog', response)
  } catch (error) {
    if (error instanceof UnauthorizedError) throw new CatalogRefusedError(name, 401, error.message)
    throw error
  }
}

async function readRepository(
  api: AcrApi,
  repository: RepositoryName,
  options: RunOptions,
): Promise<ListedRepository | undefined> {
  // Tags first: a tag that moves in between is then known by the manifest it points at now.
  const tags = await api.tags(repository, options)
  const manifests = tags && (await api.manifests(repository, options))
  if (tags === undefined || manifests === undefined) return undefined
  const listed = new Set(manifests.map(({ digest }) => digest))
  const hidden = new Set(tags.flatMap(({ digest }) => (listed.has(digest) ? [] : [digest])))
  const shown = await Promise.all([...hidden].map((digest) => api.manifest(repository, digest, options)))
  const rows = [...manifests, ...shown.filter((row) => row !== undefined)]
  return { tags: mergeTags(tags, rows), manifests: rows, isExhaustive: true }
}

/** Every tag once, where its manifest says; with its own time and lock where lists show it. */
function mergeTags(tags: readonly TagRow[], manifests: readonly ManifestRow[]): readonly KnownTag[] {
  const now = new Map<string, Digest>()
  for (const { digest, tags: names } of manifests) for (const name of names) now.set(name, digest)
  const shown = new Set(tags.map(({ name }) => name))
  const unshown = [...now].filter(([name]) => !shown.has(name))
  return [
    ...tags.map((tag) => ({ ...tag, digest: now.get(tag.name) ?? tag.digest })),
    ...unshown.map(([name, digest]) => ({ name, digest })),
  ]
}
