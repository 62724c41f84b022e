/** The kinds a fake cluster serves, as a small real one does: enough groups to have every case of discovery. */

export interface ServedResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
  readonly namespaced: boolean
  /** @default create, get, list */
  readonly verbs?: readonly string[]
  /** Custom resources tell their kind in every object of a list; built-in ones do not. @default false */
  readonly custom?: boolean
}

/** Short for a namespaced built-in kind. */
function served(
  group: string,
  version: string,
  resource: string,
  kind: string,
  namespaced = true,
): ServedResource {
  return { group, version, resource, kind, namespaced }
}

export const builtIn: readonly ServedResource[] = [
  served('', 'v1', 'namespaces', 'Namespace', false),
  served('', 'v1', 'nodes', 'Node', false),
  served('', 'v1', 'pods', 'Pod'),
  served('', 'v1', 'configmaps', 'ConfigMap'),
  served('', 'v1', 'secrets', 'Secret'),
  served('', 'v1', 'events', 'Event'),
  served('', 'v1', 'replicationcontrollers', 'ReplicationController'),
  served('', 'v1', 'podtemplates', 'PodTemplate'),
  served('apps', 'v1', 'deployments', 'Deployment'),
  served('apps', 'v1', 'replicasets', 'ReplicaSet'),
  served('apps', 'v1', 'statefulsets', 'StatefulSet'),
  served('apps', 'v1', 'daemonsets', 'DaemonSet'),
  served('apps', 'v1', 'controllerrevisions', 'ControllerRevision'),
  // As Kubernetes 1.20 does: the preferred version of the group does not have everything.
  served('batch', 'v1', 'jobs', 'Job'),
  served('batch', 'v1beta1', 'cronjobs', 'CronJob'),
  served('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  {
    ...served('authorization.k8s.io', 'v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', false),
    verbs: ['create'],
  },
]

export interface ServedVersion {
  readonly group: string
  readonly version: string
  readonly resources: readonly ServedResource[]
}

/** Groups in the order they were added, versions in the order a group prefers them. */
export function versionsOf(resources: readonly ServedResource[]): readonly ServedVersion[] {
  const keys = [...new Set(resources.map(({ group, version }) => `${group}/${version}`))]
  return keys.map((key) => {
    const [group = '', version = ''] = key.split('/')
    return {
      group,
      version,
      resources: resources.filter((each) => each.group === group && each.version === version),
    }
  })
}

export function verbsOf({ verbs }: ServedResource): readonly string[] {
  return verbs ?? ['create', 'get', 'list']
}
