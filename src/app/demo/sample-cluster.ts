/**
 * The sample cluster, as `kubectl get … -A -o json` prints it: what runs, what could be rolled back to, what is asleep.
 *
 * It holds one of each place where an image hides from a tool that only looks at running pods: ReplicaSets scaled to
 * zero, a CronJob between two runs, a StatefulSet's older revision, Helm's history, a pod whose tag has moved on.
 */
import { gzipSync } from 'node:zlib'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import { sha256, type Descriptor } from './registry-tree.ts'
import type { SampleRegistry } from './sample-registry.ts'

/** The name the cluster knows the registry by; `aliases` in the sample winnow.yaml. */
export const sampleHost = 'registry.example.com'

const DAY = 86_400_000

type KubernetesObject = Readonly<Record<string, unknown>>

/** The text of the dump. */
export function makeClusterDump(registry: SampleRegistry, now: InstantMs): string {
  const items = [
    ...namespaces(),
    ...web(registry),
    ...api(registry, now),
    ...worker(registry),
    ...review(registry),
    ...system(),
  ]
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items }, null, 2)}\n`
}

function namespaces(): readonly KubernetesObject[] {
  return ['default', 'kube-system', 'review', 'shop'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, uid: uidOf(`Namespace ${name}`) },
    status: { phase: 'Active' },
  }))
}

/** Runs the newest release; three older ReplicaSets are what `kubectl rollout undo` goes back to. */
function web(registry: SampleRegistry): readonly KubernetesObject[] {
  const image = (tag: string): string => `${sampleHost}/team/web:${tag}`
  const running = found(registry.web, '2.3.1')
  return [
    workload('apps/v1', 'Deployment', 'shop', 'web', { replicas: 2 }, image('2.3.1')),
    workload('apps/v1', 'ReplicaSet', 'shop', 'web-7d9f8c6b5', { replicas: 2 }, image('2.3.1')),
    ...['2.3.0', '2.1.0', '1.3.0'].map((tag, i) =>
      workload('apps/v1', 'ReplicaSet', 'shop', `web-5c4d8b7f${i}`, { replicas: 0 }, image(tag)),
    ),
    pod('shop', 'web-7d9f8c6b5-4kq2x', image('2.3.1'), `${sampleHost}/team/web@${running.digest}`),
    pod('shop', 'web-7d9f8c6b5-zn8wd', image('2.3.1'), `${sampleHost}/team/web@${running.digest}`),
  ]
}

/** Installed by Helm, four revisions of which are stored; a second pod runs a build whose tag `main` has moved on. */
function api(registry: SampleRegistry, now: InstantMs): readonly KubernetesObject[] {
  const image = (tag: string): string => `${sampleHost}/team/api:${tag}`
  const old = registry.apiMain.at(-7)
  if (old === undefined) throw new RangeError('The sample has no older build of main.')
  return [
    workload('apps/v1', 'Deployment', 'shop', 'api', { replicas: 1 }, image('3.1.2')),
    pod(
      'shop',
      'api-6b8f9d7c4-p2mvt',
      image('3.1.2'),
      `${sampleHost}/team/api@${found(registry.api, '3.1.2').digest}`,
    ),
    workload('apps/v1', 'Deployment', 'shop', 'api-canary', { replicas: 1 }, image('main')),
    pod('shop', 'api-canary-58c7d9f4b-x7lqn', image('main'), `${sampleHost}/team/api@${old.digest}`),
    ...['2.2.0', '2.4.0', '3.1.0', '3.1.2'].map((tag, i, all) =>
      helmRelease('shop-api', i + 1, {
        tag,
        isDeployed: i === all.length - 1,
        at: now - (all.length - i) * 21 * DAY,
      }),
    ),
  ]
}

/** Nothing of this runs at the moment except the queue. */
function worker(registry: SampleRegistry): readonly KubernetesObject[] {
  const image = (tag: string): string => `${sampleHost}/team/worker:${tag}`
  const running = image('1.5.1')
  const patch = (tag: string): KubernetesObject => ({
    spec: { template: { ...podTemplate('queue', image(tag)), $patch: 'replace' } },
  })
  return [
    {
      ...object('batch/v1', 'CronJob', 'shop', 'monthly-report'),
      spec: {
        schedule: '0 4 1 * *',
        jobTemplate: { spec: { template: podTemplate('monthly-report', image('1.2.0')) } },
      },
    },
    workload('batch/v1', 'Job', 'shop', 'import-catalogue', {}, image('1.6.0')),
    workload('apps/v1', 'StatefulSet', 'shop', 'queue', { replicas: 1, serviceName: 'queue' }, running),
    {
      ...object('apps/v1', 'ControllerRevision', 'shop', 'queue-6f7b9c5d8'),
      data: patch('1.3.0'),
      revision: 1,
    },
    {
      ...object('apps/v1', 'ControllerRevision', 'shop', 'queue-7c8d6f9b4'),
      data: patch('1.5.1'),
      revision: 2,
    },
    pod('shop', 'queue-0', running, `${sampleHost}/team/worker@${found(registry.worker, '1.5.1').digest}`),
  ]
}

/** A pull request from two months ago that somebody still shows to a customer. */
function review(registry: SampleRegistry): readonly KubernetesObject[] {
  const image = `${sampleHost}/team/web:pr-417`
  return [
    workload('apps/v1', 'Deployment', 'review', 'web-pr-417', { replicas: 1 }, image),
    pod(
      'review',
      'web-pr-417-84d6c9f7b-m5rzk',
      image,
      `${sampleHost}/team/web@${found(registry.web, 'pr-417').digest}`,
    ),
  ]
}

/** Not ours: a cluster always runs images of other registries too. */
function system(): readonly KubernetesObject[] {
  const image = 'registry.k8s.io/kube-proxy:v1.31.2'
  return [
    workload('apps/v1', 'DaemonSet', 'kube-system', 'kube-proxy', {}, image),
    pod('kube-system', 'kube-proxy-9w4hj', image, `registry.k8s.io/kube-proxy@${sha256('kube-proxy')}`),
    workload(
      'v1',
      'ReplicationController',
      'default',
      'legacy',
      { replicas: 0 },
      'docker.io/library/busybox:1.36',
    ),
    {
      ...object('v1', 'PodTemplate', 'default', 'debug'),
      template: podTemplate('debug', 'docker.io/library/busybox:1.36'),
    },
    { ...object('v1', 'ConfigMap', 'shop', 'settings'), data: { currency: 'EUR' } },
  ]
}

/** A release as Helm 3 and 4 store it: base64 of gzip of JSON, and base64 again because it is a Secret. */
function helmRelease(
  name: string,
  revision: number,
  { tag, isDeployed, at }: { readonly tag: string; readonly isDeployed: boolean; readonly at: InstantMs },
): KubernetesObject {
  const status = isDeployed ? 'deployed' : 'superseded'
  const time = new Date(at).toISOString()
  const image = `${sampleHost}/team/api:${tag}`
  const release = {
    name,
    info: { first_deployed: time, last_deployed: time, deleted: '', description: 'Upgrade complete', status },
    chart: {
      metadata: { name: 'shop', version: '0.4.0', apiVersion: 'v2', appVersion: tag },
      templates: [],
      values: {},
    },
    config: { image: { tag } },
    manifest: `---\n# Source: shop/templates/deployment.yaml\n${deploymentYaml('api', image)}`,
    version: revision,
    namespace: 'shop',
  }
  const inner = gzipSync(JSON.stringify(release), { level: 9 }).toString('base64')
  return {
    ...object('v1', 'Secret', 'shop', `sh.helm.release.v1.${name}.v${revision}`, {
      name,
      owner: 'helm',
      status,
      version: `${revision}`,
    }),
    type: 'helm.sh/release.v1',
    data: { release: Buffer.from(inner).toString('base64') },
  }
}

function deploymentYaml(name: string, image: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  selector:
    matchLabels: {app: ${name}}
  template:
    metadata:
      labels: {app: ${name}}
    spec:
      containers:
        - name: ${name}
          image: ${image}
`
}

function workload(
  apiVersion: string,
  kind: string,
  namespace: string,
  name: string,
  spec: KubernetesObject,
  image: string,
): KubernetesObject {
  return {
    ...object(apiVersion, kind, namespace, name),
    spec: { ...spec, template: podTemplate(name, image) },
  }
}

function pod(namespace: string, name: string, image: string, imageID: string): KubernetesObject {
  const [container = name] = name.split('-')
  return {
    ...object('v1', 'Pod', namespace, name),
    spec: { containers: [{ name: container, image }], nodeName: 'node-1' },
    status: {
      phase: 'Running',
      containerStatuses: [
        { name: container, image, imageID, ready: true, restartCount: 0, state: { running: {} } },
      ],
    },
  }
}

function podTemplate(app: string, image: string): KubernetesObject {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: app, image }] } }
}

function object(
  apiVersion: string,
  kind: string,
  namespace: string,
  name: string,
  labels?: Readonly<Record<string, string>>,
): KubernetesObject {
  const uid = uidOf(`${kind} ${namespace} ${name}`)
  return { apiVersion, kind, metadata: { name, namespace, uid, ...(labels && { labels }) } }
}

/** A UUID that follows from the name, so that the same world has the same cluster. */
function uidOf(name: string): string {
  const hex = sha256(name).slice('sha256:'.length)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function found(images: ReadonlyMap<string, Descriptor>, tag: string): Descriptor {
  const image = images.get(tag)
  if (image === undefined)
    throw new RangeError(`The sample cluster runs ${tag}, which the sample registry does not have.`)
  return image
}
