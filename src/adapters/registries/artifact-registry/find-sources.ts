/**
 * Which repositories of Artifact Registry lie below a name, as the API calls them.
 *
 * A host at gcr.io stands for one repository of each project. A host at pkg.dev has them in its own location. A host
 * that is not Google's (a name of one's own in front of it) is found among the `registryUri` of all locations.
 */
import { splitProject } from '../../../core/evidence/google-names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ArtifactApi, Row } from './artifact-api.ts'
import type { GoogleSession } from './session.ts'

export interface ArtifactSource {
  /** `projects/P/locations/L/repositories/R`. */
  readonly resource: string
  /** What begins the names of its images on this host: `P/R`, or `P` where the host stands for the repository. */
  readonly names: string
  readonly mode: 'standard' | 'remote' | 'virtual'
  /** No tag there can be moved or removed. */
  readonly hasImmutableTags: boolean
  /** How many rules of its own it deletes by. */
  readonly cleanupRules: number
  readonly onlyTriesCleanup: boolean
}

/**
 * The repositories that `root` names or holds; undefined when it lies inside of one, where the API has nothing to offer
 * that one list of tags does not.
 *
 * @param root a project, as in names of images; or a project and a repository
 */
export async function findSources(
  api: ArtifactApi,
  session: Pick<GoogleSession, 'place' | 'host'>,
  root: string,
  options: RunOptions,
): Promise<readonly ArtifactSource[] | undefined> {
  const { project, rest } = splitProject(root)
  const parent = `projects/${encodeURIComponent(project.replace('/', ':'))}`
  const { place, host } = session
  if (place?.repository !== undefined) {
    if (rest !== '') return undefined
    return one(
      api,
      `${parent}/locations/${place.location}/repositories/${place.repository}`,
      project,
      options,
    )
  }
  if (rest.includes('/')) return undefined
  if (place !== undefined && rest !== '')
    return one(api, `${parent}/locations/${place.location}/repositories/${rest}`, root, options)
  const locations = place === undefined ? await locationsOf(api, parent, options) : [place.location]
  const found: ArtifactSource[] = []
  for (const location of locations) {
    const rows = await api.list(`${parent}/locations/${location}/repositories`, 'repositories', options)
    for (const row of rows) {
      if (row['format'] !== 'DOCKER') continue
      const source = sourceOf(api, row, project)
      if (rest !== '' && source.names !== root) continue
      // Elsewhere than at Google's hosts only the row itself says where its images are pulled from.
      if (place === undefined && row['registryUri'] !== `${host}/${source.names}`) continue
      found.push(source)
    }
  }
  return found
}

async function one(
  api: ArtifactApi,
  resource: string,
  names: string,
  options: RunOptions,
): Promise<readonly ArtifactSource[]> {
  const row = await api.resource(resource, options)
  return row === undefined ? [] : [{ ...sourceOf(api, row, ''), resource, names }]
}

async function locationsOf(
  api: ArtifactApi,
  parent: string,
  options: RunOptions,
): Promise<readonly string[]> {
  const rows = await api.list(`${parent}/locations`, 'locations', options)
  return rows.map(({ locationId }) => {
    if (typeof locationId !== 'string') throw api.content(`a location of ${parent} has no name`)
    return locationId
  })
}

function sourceOf(api: ArtifactApi, row: Row, project: string): ArtifactSource {
  const { name, mode, dockerConfig, cleanupPolicies, cleanupPolicyDryRun } = row
  const [, id] = /^projects\/[^/]+\/locations\/[^/]+\/repositories\/([^/]+)$/.exec(String(name)) ?? []
  if (typeof name !== 'string' || id === undefined)
    throw api.content('a repository of the list has no name that Google would give it')
  return {
    resource: name,
    names: `${project}/${id}`,
    mode: mode === 'VIRTUAL_REPOSITORY' ? 'virtual' : mode === 'REMOTE_REPOSITORY' ? 'remote' : 'standard',
    hasImmutableTags: isObject(dockerConfig) && dockerConfig['immutableTags'] === true,
    cleanupRules: isObject(cleanupPolicies) ? Object.keys(cleanupPolicies).length : 0,
    onlyTriesCleanup: cleanupPolicyDryRun === true,
  }
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null
}
