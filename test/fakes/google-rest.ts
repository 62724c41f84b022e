/** The REST API of Artifact Registry as far as it is read, from the public reference: locations, repositories, images. */
import type { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import { json, type FakeRequest, type Reply } from './fake-server.ts'
import type { UploadTimes } from './google-state.ts'

export interface ArtifactRepository {
  /** In names of images: `example.com/shop` for a project within a domain. */
  readonly project: string
  readonly id: string
  /** @default 'us' */
  readonly location?: string
  /** @default 'STANDARD_REPOSITORY' */
  readonly mode?: 'STANDARD_REPOSITORY' | 'VIRTUAL_REPOSITORY' | 'REMOTE_REPOSITORY'
  /** @default 'DOCKER' */
  readonly format?: string
  /** @default false */
  readonly immutableTags?: boolean
  /** By name. @default none */
  readonly cleanupPolicies?: Readonly<Record<string, unknown>>
  /** @default false */
  readonly cleanupPolicyDryRun?: boolean
  /** What begins the names of its images. @default `PROJECT/ID` */
  readonly names?: string
}

export interface RestOptions {
  readonly store: RegistryStore
  readonly times: UploadTimes
  readonly host: string
  readonly repositories: readonly ArtifactRepository[]
  /** Rows of a page, however many are asked for. @default 1000 */
  readonly pageSize: number
}

const route =
  /^\/v1\/projects\/([^/]+)\/locations(?:\/([^/]+)(?:\/repositories(?:\/([^/]+)(\/dockerImages)?)?)?)?$/

export function answerRest(options: RestOptions, request: FakeRequest): Reply {
  const [, project = '', location, id, images] = route.exec(request.url.pathname) ?? []
  if (project === '' || request.method !== 'GET') return restFailure(404, 'NOT_FOUND')
  const name = decodeURIComponent(project)
  const ofProject = options.repositories.filter((each) => each.project.replace('/', ':') === name)
  // A project that does not exist and one that may not be seen look alike.
  if (ofProject.length === 0) return restFailure(403, 'PERMISSION_DENIED')
  if (location === undefined) {
    const ids = [...new Set(ofProject.map(locationOf))].toSorted()
    const rows = ids.map((each) => ({ name: `projects/${name}/locations/${each}`, locationId: each }))
    return page(options, request, 'locations', rows)
  }
  const there = ofProject.filter((each) => locationOf(each) === location)
  if (id === undefined) {
    const rows = there.map((each) => described(options, each))
    return page(options, request, 'repositories', rows)
  }
  const repository = there.find((each) => each.id === id)
  if (repository === undefined) return restFailure(404, 'NOT_FOUND')
  if (images === undefined) return json(200, described(options, repository))
  return page(options, request, 'dockerImages', imagesOf(options, repository))
}

function described({ host }: RestOptions, repository: ArtifactRepository): object {
  const { mode = 'STANDARD_REPOSITORY', format = 'DOCKER', immutableTags = false } = repository
  return {
    name: resourceOf(repository),
    format,
    mode,
    createTime: '2024-01-01T00:00:00.000000Z',
    updateTime: '2024-01-01T00:00:00.000000Z',
    sizeBytes: '123',
    dockerConfig: { immutableTags },
    cleanupPolicies: repository.cleanupPolicies ?? {},
    cleanupPolicyDryRun: repository.cleanupPolicyDryRun ?? false,
    registryUri: `${host}/${namesOf(repository)}`,
  }
}

function imagesOf({ store, times, host }: RestOptions, repository: ArtifactRepository): readonly object[] {
  const names = namesOf(repository)
  return [...store.repositories].flatMap(([name, { manifests, ...held }]) => {
    if (!name.startsWith(`${names}/`)) return []
    const image = name.slice(names.length + 1)
    const tags = store.repositories.get(name)
    return [...manifests.values()].map(({ facts, pushedAt }) => ({
      name: `${resourceOf(repository)}/dockerImages/${encodeURIComponent(image)}@${facts.digest}`,
      uri: `${host}/${name}@${facts.digest}`,
      tags: [...(tags?.tagsOf(facts.digest) ?? [])],
      // Google leaves it out of an index.
      ...(facts.children.length === 0 && { imageSizeBytes: '51234' }),
      uploadTime: new Date(times.get(facts.digest) ?? pushedAt).toISOString(),
      mediaType: facts.mediaType,
      updateTime: new Date().toISOString(),
      ...(held.tags.size > 0 && { artifactType: '' }),
    }))
  })
}

function page({ pageSize }: RestOptions, { url }: FakeRequest, field: string, all: readonly object[]): Reply {
  const asked = Number(url.searchParams.get('pageSize') ?? 100)
  const start = Number(Buffer.from(url.searchParams.get('pageToken') ?? '', 'base64').toString() || 0)
  const end = start + Math.min(asked, pageSize, 1000)
  const rows = all.slice(start, end)
  const next = end < all.length ? Buffer.from(String(end)).toString('base64') : ''
  return json(200, { ...(rows.length > 0 && { [field]: rows }), nextPageToken: next })
}

function resourceOf(repository: ArtifactRepository): string {
  const project = repository.project.replace('/', ':')
  return `projects/${project}/locations/${locationOf(repository)}/repositories/${repository.id}`
}

function locationOf({ location = 'us' }: ArtifactRepository): string {
  return location
}

function namesOf({ names, project, id }: ArtifactRepository): string {
  return names ?? `${project}/${id}`
}

export function restFailure(code: number, status: string, message: string = status.toLowerCase()): Reply {
  return json(code, { error: { code, message, status, details: [] } })
}
