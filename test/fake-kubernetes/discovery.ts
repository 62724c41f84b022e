/** Discovery documents, in both forms. A group whose API service is down is listed and does not answer. */
import { pageNotFound, serviceUnavailable, type FakeAnswer } from './answers.ts'
import { verbsOf, versionsOf, type ServedResource, type ServedVersion } from './resources.ts'

export interface DiscoverySettings {
  readonly resources: readonly ServedResource[]
  /** The newest form the server knows. */
  readonly aggregated: 'v2' | 'v2beta1' | false
  /** `group/version` of API services that are down. */
  readonly dead: ReadonlySet<string>
}

/** Answers `/api`, `/apis`, `/api/v1` and `/apis/<group>/<version>`; undefined for other paths. */
export function answerDiscovery(
  path: string,
  accept: string,
  settings: DiscoverySettings,
): FakeAnswer | undefined {
  const versions = allVersions(settings)
  if (path === '/api' || path === '/apis') {
    const half = versions.filter(({ group }) => (path === '/api') === (group === ''))
    const asked =
      settings.aggregated !== false && accept.includes(`v=${settings.aggregated};as=APIGroupDiscoveryList`)
    return asked ? aggregated(half, settings) : path === '/api' ? coreVersions(half) : groupList(half)
  }
  const [, group = '', version = ''] = /^\/api(?:s\/([^/]+))?\/([^/]+)$/.exec(path) ?? []
  if (version === '') return undefined
  if (settings.dead.has(`${group}/${version}`)) return serviceUnavailable
  const found = versions.find((each) => each.group === group && each.version === version)
  return found === undefined ? pageNotFound : resourceList(found)
}

function allVersions({ resources, dead }: DiscoverySettings): readonly ServedVersion[] {
  const deadVersions = [...dead].map((key): ServedVersion => {
    const [group = '', version = ''] = key.split('/')
    return { group, version, resources: [] }
  })
  return [...versionsOf(resources), ...deadVersions]
}

function aggregated(
  versions: readonly ServedVersion[],
  { aggregated: newest, dead }: DiscoverySettings,
): FakeAnswer {
  const groups = [...new Set(versions.map(({ group }) => group))]
  const items = groups.map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versions
      .filter((each) => each.group === group)
      .map((each) => ({
        version: each.version,
        freshness: dead.has(`${group}/${each.version}`) ? 'Stale' : 'Current',
        ...(each.resources.length > 0 && { resources: each.resources.map(aggregatedResource) }),
      })),
  }))
  return {
    status: 200,
    body: {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${String(newest)}`,
      metadata: {},
      items,
    },
    headers: {
      'content-type': `application/json;g=apidiscovery.k8s.io;v=${String(newest)};as=APIGroupDiscoveryList`,
    },
  }
}

function aggregatedResource(resource: ServedResource): object {
  return {
    resource: resource.resource,
    responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.kind.toLowerCase(),
    verbs: verbsOf(resource),
    ...(resource.kind === 'Pod' && {
      subresources: [
        { subresource: 'log', responseKind: { group: '', version: '', kind: 'Pod' }, verbs: ['get'] },
      ],
    }),
  }
}

function coreVersions(versions: readonly ServedVersion[]): FakeAnswer {
  return {
    status: 200,
    body: {
      kind: 'APIVersions',
      versions: versions.map(({ version }) => version),
      serverAddressByClientCIDRs: [],
    },
  }
}

function groupList(versions: readonly ServedVersion[]): FakeAnswer {
  const groups = [...new Set(versions.map(({ group }) => group))].map((name) => {
    const own = versions
      .filter(({ group }) => group === name)
      .map(({ version }) => ({ groupVersion: `${name}/${version}`, version }))
    return { name, versions: own, preferredVersion: own[0] }
  })
  return { status: 200, body: { kind: 'APIGroupList', apiVersion: 'v1', groups } }
}

function resourceList({ group, version, resources }: ServedVersion): FakeAnswer {
  const shown = resources.flatMap((resource) => {
    const { namespaced, kind } = resource
    const own = { name: resource.resource, singularName: '', namespaced, kind, verbs: verbsOf(resource) }
    return kind === 'Pod' ? [own, { ...own, name: 'pods/log', verbs: ['get'] }] : [own]
  })
  return {
    status: 200,
    body: {
      kind: 'APIResourceList',
      groupVersion: group === '' ? version : `${group}/${version}`,
      resources: shown,
    },
  }
}
