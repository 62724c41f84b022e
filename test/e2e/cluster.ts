/**
 * What runs, or could run again, in the cluster of the story: written into a real API server as controllers and
 * kubelets would write it, and released by a real Helm.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { appChart, helm } from '../servers/helm.ts'
import type { KubeApiserver } from '../servers/kube-apiserver.ts'
import type { PushedSpec } from './images.ts'

/** The group of an operator that the roles of deploy/rbac.yaml cannot know. */
export const operatorGroup = 'monitoring.example.com'

export interface ClusterImages {
  /** The registry's name in image references. */
  readonly host: string
  /** Another name for it. */
  readonly alias: string
  readonly namespace: string
  readonly images: readonly PushedSpec[]
}

/** Makes the kind of an operator known to the API server, once a cluster. */
export async function defineExporters(kube: KubeApiserver): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await post(kube, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `exporters.${operatorGroup}` },
    spec: {
      group: operatorGroup,
      names: { plural: 'exporters', singular: 'exporter', kind: 'Exporter', listKind: 'ExporterList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  for (let tries = 0; tries < 100; tries++) {
    const served = await kube.request('GET', `/apis/${operatorGroup}/v1/exporters`)
    if (served.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('The API server does not serve the custom resource.')
}

/** Writes every object of the story into a namespace of its own. */
export async function deploy(kube: KubeApiserver, at: ClusterImages): Promise<void> {
  const { namespace } = at
  const tagged = (name: string): string => `${at.host}/${name}`
  const core = `/api/v1/namespaces/${namespace}`
  const apps = `/apis/apps/v1/namespaces/${namespace}`
  await post(kube, '/api/v1/namespaces', { metadata: { name: namespace } })
  const preview = `${at.host}/team/web@${digestOf(at, 'team/web', 'pr-3')}`
  await postPod(kube, namespace, 'preview', preview, preview)
  // Started when `stable` was another image than it is now.
  const running = `${at.host}/team/api@${digestOf(at, 'team/api', 'build-17')}`
  await postPod(kube, namespace, 'api', tagged('team/api:stable'), running)
  await post(kube, `${apps}/deployments`, workload('paused', tagged('team/web:pr-4'), { replicas: 0 }))
  await post(kube, `${apps}/replicasets`, workload('api-before', tagged('team/api:build-2'), { replicas: 0 }))
  await post(kube, `${apps}/deployments`, workload('inside', `${at.alias}/team/api:build-3`))
  await post(kube, `${apps}/controllerrevisions`, {
    metadata: { name: 'db-1' },
    revision: 1,
    data: { spec: { template: { $patch: 'replace', ...template('db', tagged('team/db:14.1')) } } },
  })
  await post(kube, `/apis/batch/v1/namespaces/${namespace}/cronjobs`, {
    metadata: { name: 'report' },
    spec: {
      schedule: '0 3 1 * *',
      jobTemplate: { spec: { template: oneOff('report', tagged('team/batch:nightly-10')) } },
    },
  })
  await post(kube, `/apis/${operatorGroup}/v1/namespaces/${namespace}/exporters`, {
    apiVersion: `${operatorGroup}/v1`,
    kind: 'Exporter',
    metadata: { name: 'node' },
    spec: { runtime: { picture: tagged('team/tools:exporter-1') } },
  })
  const text = `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: "${tagged('team/tools:exporter-2')}"\n`
  await post(kube, `${core}/configmaps`, { metadata: { name: 'runner' }, data: { 'pod.yaml': text } })
  await release(kube, at)
}

/** A deployment that comes at a moment the test chooses. */
export async function deployLate(kube: KubeApiserver, namespace: string, image: string): Promise<void> {
  await post(kube, `/apis/apps/v1/namespaces/${namespace}/deployments`, workload('late', image))
}

/** Takes that deployment away again. */
export async function withdrawLate(kube: KubeApiserver, namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/late`
  const { status, body } = await kube.request('DELETE', path)
  if (status !== 200) throw new Error(`DELETE ${path}: HTTP ${status} ${JSON.stringify(body)}`)
}

/** Installs, and upgrades twice: two revisions that `helm rollback` could bring back. */
async function release(kube: KubeApiserver, { host, namespace }: ClusterImages): Promise<void> {
  const values = (tag: string): string[] => [
    ...['--set', `image=${host}/team/web:${tag}`, '--set', `initImage=${host}/team/tools:migrate-1`],
    ...['--set', `cronImage=${host}/team/batch:nightly-1`, '--set', `testImage=${host}/team/tools:check-1`],
  ]
  const at = { kubeconfig: kube.kubeconfig, context: 'admin' }
  await helm(['install', 'web', appChart, '--namespace', namespace, ...values('1.1.0')], at)
  await helm(['upgrade', 'web', appChart, '--namespace', namespace, ...values('1.2.0')], at)
  await helm(['upgrade', 'web', appChart, '--namespace', namespace, ...values('1.3.0')], at)
}

/**
 * Applies deploy/rbac.yaml as `kubectl apply` would, and writes a kubeconfig for the service account it makes.
 *
 * @returns the path of the kubeconfig, whose context is `winnow`
 */
export async function applyRoles(kube: KubeApiserver): Promise<string> {
  const file = fileURLToPath(new URL('../../deploy/rbac.yaml', import.meta.url))
  for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
    const object = document.toJS() as KubeObject
    await post(kube, collectionOf(object), object)
  }
  const path = '/api/v1/namespaces/winnow/serviceaccounts/winnow/token'
  const { status } = (await post(kube, path, { spec: {} })) as { readonly status: { readonly token: string } }
  const kubeconfig = `${kube.dir}/winnow.yaml`
  await writeFile(kubeconfig, kubeconfigText(kube, status.token), { mode: 0o600 })
  return kubeconfig
}

/** Adds what the comments of deploy/rbac.yaml ask for: the right to list the kinds of one's own operators. */
export async function grantOperatorGroup(kube: KubeApiserver): Promise<void> {
  const group = 'rbac.authorization.k8s.io'
  const metadata = { name: 'winnow-operators' }
  const rules = [{ apiGroups: [operatorGroup], resources: ['*'], verbs: ['list'] }]
  await post(kube, `/apis/${group}/v1/clusterroles`, { metadata, rules })
  await post(kube, `/apis/${group}/v1/clusterrolebindings`, {
    metadata,
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', name: 'winnow', namespace: 'winnow' }],
  })
}

interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

function collectionOf({ apiVersion, kind, metadata }: KubeObject): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
  return `${base}${within}/${kind.toLowerCase()}s`
}

function kubeconfigText({ url, dir }: KubeApiserver, token: string): string {
  const named = (name: string, what: string, value: object): object[] => [{ name, [what]: value }]
  // JSON is YAML too.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: named('lab', 'cluster', { server: url, 'certificate-authority': `${dir}/apiserver.crt` }),
    users: named('winnow', 'user', { token }),
    contexts: named('winnow', 'context', { cluster: 'lab', user: 'winnow' }),
  })
}

function workload(name: string, image: string, spec: object = {}): object {
  const selector = { matchLabels: { app: name } }
  return { metadata: { name }, spec: { ...spec, selector, template: template(name, image) } }
}

function template(name: string, image: string): object {
  return { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } }
}

function oneOff(name: string, image: string): object {
  return { spec: { restartPolicy: 'Never', containers: [{ name, image }] } }
}

/** A running Pod: what its specification asks for, and what the kubelet says it got. */
async function postPod(
  kube: KubeApiserver,
  namespace: string,
  name: string,
  image: string,
  imageID: string,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`
  const pod = (await post(kube, path, {
    metadata: { name },
    spec: { containers: [{ name, image }] },
  })) as object
  const containerStatuses = [{ name, image, imageID, ready: true, restartCount: 0, state: { running: {} } }]
  const status = { phase: 'Running', containerStatuses }
  const answer = await kube.request('PUT', `${path}/${name}/status`, { ...pod, status })
  if (answer.status !== 200) throw new Error(`${path}/${name}/status: ${JSON.stringify(answer.body)}`)
}

function digestOf({ images }: ClusterImages, repository: string, tag: string): string {
  const found = images.find((image) => image.repository === repository && image.tags.includes(tag))
  if (found === undefined) throw new Error(`The world has no ${repository}:${tag}.`)
  return found.digest
}

async function post(kube: KubeApiserver, path: string, object: object): Promise<unknown> {
  const { status, body } = await kube.request('POST', path, object)
  if (status !== 201) throw new Error(`POST ${path}: HTTP ${status} ${JSON.stringify(body)}`)
  return body
}
