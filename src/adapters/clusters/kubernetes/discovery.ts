/**
 * What can be listed in a cluster.
 *
 * Promises: every listable resource of every group, in the first version of the group's own order that lists it (the
 * preferred version need not serve all of them: `batch/v1` without CronJobs was one). A group that does not answer, or
 * that is told from memory (`Stale`), is a problem and never an absence. Refuses to leave out any group but those
 * the caller names. Aggregated discovery (2 requests) is asked for first; a server that does
 * not know it answers with the older lists, which are then followed one by one.
 */
import pLimit from 'p-limit'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ApiClient } from './api-client.ts'
import type { ApiResource } from './api-resource.ts'
import { ClusterAnswerError } from './cluster-errors.ts'
import { asList, asShape, asText, metadataOf, type Shape } from './shape.ts'

export interface Discovery {
  readonly resources: readonly ApiResource[]
  /** Full sentences with a cure; not empty when something may be missing from `resources`. */
  readonly problems: readonly string[]
}

interface GroupVersion {
  readonly group: string
  readonly version: string
  readonly resources: readonly ApiResource[]
}

interface Found {
  /** In the order in which the server prefers them within a group. */
  readonly versions: readonly GroupVersion[]
  readonly problems: readonly string[]
}

const AGGREGATED = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat('application/json')
  .join(',')
const CONCURRENCY = 4

/** Groups whose kinds are not wanted, so that it does not matter whether they answer. */
export type IsIgnoredGroup = (group: string) => boolean

/**
 * Asks both halves of the API.
 *
 * @throws what ApiClient.request throws, when `/api` or `/apis` itself does not answer or is not understood
 */
export async function discover(
  api: ApiClient,
  isIgnored: IsIgnoredGroup,
  options: RunOptions,
): Promise<Discovery> {
  const halves = [
    await discoverHalf(api, '/api', isIgnored, options),
    await discoverHalf(api, '/apis', isIgnored, options),
  ]
  const resources = firstVersions(halves.flatMap(({ versions }) => versions))
  const problems = halves.flatMap((half) => half.problems)
  // An API server always has its own kinds. An answer without Pods is an answer to another question.
  if (!resources.some(({ group, resource }) => group === '' && resource === 'pods')) {
    return {
      resources,
      problems: [
        ...problems,
        `${api.origin}: discovery shows no Pods, so it cannot be whole. Check that \`server\` is an API server.`,
      ],
    }
  }
  return { resources, problems }
}

/** Per group and resource the first version that lists it. */
function firstVersions(versions: readonly GroupVersion[]): readonly ApiResource[] {
  const first = new Map<string, ApiResource>()
  for (const resource of versions.flatMap(({ resources }) => resources)) {
    const key = `${resource.group}/${resource.resource}`
    if (!first.has(key)) first.set(key, resource)
  }
  return [...first.values()]
}

async function discoverHalf(
  api: ApiClient,
  root: '/api' | '/apis',
  isIgnored: IsIgnoredGroup,
  options: RunOptions,
): Promise<Found> {
  const answer = await api.request(root, { accept: AGGREGATED }, options)
  switch (answer['kind']) {
    case 'APIGroupDiscoveryList':
      return aggregated(answer, root, isIgnored, api.origin)
    case 'APIVersions':
      return eachVersion(api, coreVersions(answer), options)
    case 'APIGroupList':
      return eachVersion(
        api,
        groupVersions(answer).filter(({ group }) => !isIgnored(group)),
        options,
      )
    default:
      throw notUnderstood(root)
  }
}

function aggregated(answer: Shape, root: string, isIgnored: IsIgnoredGroup, origin: string): Found {
  const groups = asList(answer['items'])
  if (groups === undefined) throw notUnderstood(root)
  const versions: GroupVersion[] = []
  const problems: string[] = []
  for (const entry of groups) {
    const group = asText(metadataOf(entry)['name']) ?? ''
    if (isIgnored(group)) continue
    const shown = asList(asShape(entry)?.['versions'])
    if (shown === undefined) throw notUnderstood(root)
    for (const each of shown.map(asShape)) {
      const version = asText(each?.['version'])
      if (version === undefined) throw notUnderstood(root)
      if (each?.['freshness'] === 'Stale') problems.push(stale(`${group}/${version}`, origin))
      versions.push({ group, version, resources: aggregatedResources(each, group, version) })
    }
  }
  return { versions, problems }
}

function aggregatedResources(
  entry: Shape | undefined,
  group: string,
  version: string,
): readonly ApiResource[] {
  return (asList(entry?.['resources']) ?? []).map(asShape).flatMap((shown): readonly ApiResource[] => {
    const resource = asText(shown?.['resource'])
    // A resource without responseKind only carries subresources (their parent is served elsewhere).
    if (resource === undefined || !lists(shown)) return []
    const kind = asText(asShape(shown?.['responseKind'])?.['kind']) ?? ''
    return [{ group, version, resource, kind, namespaced: shown?.['scope'] === 'Namespaced' }]
  })
}

function lists(shown: Shape | undefined): boolean {
  return (asList(shown?.['verbs']) ?? []).includes('list')
}

type Named = Pick<GroupVersion, 'group' | 'version'>

function coreVersions(answer: Shape): readonly Named[] {
  const versions = asList(answer['versions'])
  if (versions === undefined) throw notUnderstood('/api')
  return versions.map((version) => ({ group: '', version: String(version) }))
}

function groupVersions(answer: Shape): readonly Named[] {
  const groups = asList(answer['groups'])
  if (groups === undefined) throw notUnderstood('/apis')
  return groups.map(asShape).flatMap((entry) => {
    const group = asText(entry?.['name'])
    const versions = asList(entry?.['versions'])
    if (group === undefined || versions === undefined) throw notUnderstood('/apis')
    return versions.map((each): Named => {
      const version = asText(asShape(each)?.['version'])
      if (version === undefined) throw notUnderstood('/apis')
      return { group, version }
    })
  })
}

async function eachVersion(api: ApiClient, named: readonly Named[], options: RunOptions): Promise<Found> {
  const limit = pLimit(CONCURRENCY)
  const found = await Promise.all(named.map((each) => limit(() => oneVersion(api, each, options))))
  return {
    versions: found.flatMap(({ versions }) => versions),
    problems: found.flatMap(({ problems }) => problems),
  }
}

async function oneVersion(api: ApiClient, { group, version }: Named, options: RunOptions): Promise<Found> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  try {
    const answer = await api.request(path, {}, options)
    const shown = asList(answer['resources'])
    if (answer['kind'] !== 'APIResourceList' || shown === undefined) throw notUnderstood(path)
    return { versions: [{ group, version, resources: legacyResources(shown, group, version) }], problems: [] }
  } catch (error) {
    // The server is there and one group is not: the others are still asked, so that all is told at once.
    if (!(error instanceof ClusterAnswerError)) throw error
    return { versions: [], problems: [`${error.message} ${groupHint(group)}`] }
  }
}

function legacyResources(shown: readonly unknown[], group: string, version: string): readonly ApiResource[] {
  return shown.map(asShape).flatMap((entry): readonly ApiResource[] => {
    const resource = asText(entry?.['name'])
    // `pods/log` and its like are views of another resource.
    if (resource === undefined || resource.includes('/') || !lists(entry)) return []
    return [
      {
        group,
        version,
        resource,
        kind: asText(entry?.['kind']) ?? '',
        namespaced: entry?.['namespaced'] === true,
      },
    ]
  })
}

function stale(groupVersion: string, origin: string): string {
  const group = groupVersion.slice(0, groupVersion.indexOf('/'))
  return `${origin}: the service behind ${groupVersion} does not answer, and the cluster shows an old list of its kinds (Stale). ${groupHint(group)}`
}

function groupHint(group: string): string {
  return (
    `Objects of that group cannot be read, so nobody knows which images they use. Look at its APIService ` +
    `(kubectl get apiservices), or exclude the group with a reason: exclude: [{resource: "*.${group}", reason: …}].`
  )
}

function notUnderstood(path: string): ClusterAnswerError {
  return new ClusterAnswerError(
    200,
    `The answer to ${path} is not a discovery document.`,
    'Check that `server` in the kubeconfig is an API server, and that no proxy answers for it.',
  )
}
