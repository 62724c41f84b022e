/**
 * Which resources of a cluster are read, and in which order.
 *
 * Everything that can be listed is read, except a short list of built-in kinds of which it is known that no image can
 * hide in them. A kind nobody here has heard of is read.
 */

/** One kind of object that the API server lists. */
export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** Plural, as in the path: `deployments`. */
  readonly resource: string
  readonly kind: string
  readonly namespaced: boolean
}

/** Computed values about things that are stored elsewhere: nothing in use can be known from them alone. */
export const IGNORED_GROUPS: ReadonlySet<string> = new Set([
  'metrics.k8s.io',
  'custom.metrics.k8s.io',
  'external.metrics.k8s.io',
])

/** Built-in kinds without a place for an image, by `resource.group`. */
const imageFree: ReadonlySet<string> = new Set([
  'events',
  'events.events.k8s.io',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'componentstatuses',
  'bindings',
  'leases.coordination.k8s.io',
  'leasecandidates.coordination.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
])

const reviewGroups: ReadonlySet<string> = new Set(['authentication.k8s.io', 'authorization.k8s.io'])

/** `deployments.apps`; the core group adds nothing: `pods`. */
export function resourceName({ group, resource }: Pick<ApiResource, 'group' | 'resource'>): string {
  return group === '' ? resource : `${resource}.${group}`
}

/**
 * Whether objects of this resource are read as evidence of what runs.
 *
 * Secrets are not: most of them are nobody's business here, and those that hold Helm releases are read by the Helm
 * source, which asks for them alone.
 */
export function holdsEvidence(resource: ApiResource, all: readonly ApiResource[]): boolean {
  if (resourceName(resource) === 'secrets' || imageFree.has(resourceName(resource))) return false
  if (IGNORED_GROUPS.has(resource.group) || reviewGroups.has(resource.group)) return false
  // Old servers show the same Ingresses under two groups; one of them is enough.
  const twin = resource.group === 'extensions' && resource.resource === 'ingresses'
  return !(twin && all.some((other) => resourceName(other) === 'ingresses.networking.k8s.io'))
}

/** `/apis/apps/v1/deployments`, or below one namespace. */
export function listPath({ group, version, resource }: ApiResource, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  return namespace === undefined
    ? `${root}/${resource}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}`
}

const owners = new Set(['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'cronjobs.batch'])
const owned = new Set([
  'replicasets.apps',
  'controllerrevisions.apps',
  'jobs.batch',
  'replicationcontrollers',
])

/**
 * The order of reading, lowest first: what creates before what is created. Listing many kinds is not one moment, so an
 * object made while we read must be met further down: a Deployment made after we listed Deployments is seen by its
 * ReplicaSet or its Pods, which come last. Kinds of operators come first, because they create Deployments.
 */
export function readingRank(resource: ApiResource): number {
  const name = resourceName(resource)
  if (name === 'pods') return 4
  if (owned.has(name)) return 3
  if (owners.has(name)) return 2
  return isBuiltInGroup(resource.group) ? 1 : 0
}

function isBuiltInGroup(group: string): boolean {
  return group === '' || !group.includes('.') || group.endsWith('.k8s.io')
}
