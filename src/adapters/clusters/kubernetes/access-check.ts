/**
 * What `winnow doctor` asks a cluster: can we get in, which cluster is it, and may we list every kind we would read.
 *
 * Each right is asked for by itself (SelfSubjectAccessReview), because the summary of all rights that Kubernetes offers
 * may be incomplete and proves nothing. Asking changes nothing in the cluster. Refuses to call a question without
 * an answer a success.
 */
import pLimit from 'p-limit'
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import { counted } from '../../../core/words/counted.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { createApiClient, type ApiClient } from './api-client.ts'
import { holdsEvidence, resourceName } from './api-resource.ts'
import { missingNamespaces, readIdentity } from './cluster-identity.ts'
import { discover } from './discovery.ts'
import { readDump } from './dump-file.ts'
import { exclusionsOf } from './exclusions.ts'
import { accessFor, type KubernetesSettings } from './kubernetes-source.ts'
import { asShape, asText } from './shape.ts'

export interface AccessCheck {
  /** `list deployments.apps`, `reach the cluster`. */
  readonly what: string
  readonly ok: boolean
  /** What to do, where it is not. */
  readonly cure?: string
}

const QUESTIONS_AT_ONCE = 4

/** Never throws for what the world does: what failed is a line with `ok: false`. @throws InterruptedError */
export async function checkKubernetesAccess(
  settings: KubernetesSettings,
  options: RunOptions = {},
): Promise<readonly AccessCheck[]> {
  if (settings.dump !== undefined) return checkDump(settings.dump)
  const opened = await attempt(async () => createApiClient(await accessFor(settings), settings.connection))
  if (!opened.ok) return [{ what: 'load the kubeconfig and its credentials', ok: false, cure: opened.cure }]
  const api = opened.value
  try {
    return await checkCluster(api, settings, options)
  } finally {
    await api.close()
  }
}

async function checkDump(path: string): Promise<readonly AccessCheck[]> {
  const read = await attempt(() => readDump(path))
  return [
    read.ok
      ? { what: `read ${counted(read.value.length, 'object')} from ${path}`, ok: true }
      : { what: `read ${path}`, ok: false, cure: read.cure },
  ]
}

async function checkCluster(
  api: ApiClient,
  settings: KubernetesSettings,
  options: RunOptions,
): Promise<readonly AccessCheck[]> {
  const version = await attempt(() => api.request('/version', {}, options))
  // Whoever cannot get in at all gets one line and not one for every kind.
  if (!version.ok)
    return [{ what: `reach the cluster through the ${api.origin}`, ok: false, cure: version.cure }]
  const reached = `reach the cluster (${asText(version.value['gitVersion']) ?? 'unknown version'})`
  const identity = await attempt(() => readIdentity(api, options))
  return [
    { what: reached, ok: true },
    identity.ok
      ? { what: `tell which cluster it is (${identity.value})`, ok: true }
      : { what: 'tell which cluster it is', ok: false, cure: identity.cure },
    ...(await checkNamespaces(api, settings, options)),
    ...(await checkKinds(api, settings, options)),
  ]
}

async function checkNamespaces(
  api: ApiClient,
  settings: KubernetesSettings,
  options: RunOptions,
): Promise<readonly AccessCheck[]> {
  const wanted = settings.scope?.namespaces
  if (wanted === undefined) return []
  const found = await attempt(() => missingNamespaces(api, wanted, options))
  if (!found.ok) return [{ what: 'find the namespaces of `scope`', ok: false, cure: found.cure }]
  return wanted.map((name) =>
    found.value.includes(name)
      ? { what: `find the namespace ${name}`, ok: false, cure: 'Correct `scope:` in winnow.yaml.' }
      : { what: `find the namespace ${name}`, ok: true },
  )
}

interface Question {
  readonly group: string
  readonly resource: string
  readonly namespace: string | undefined
  readonly isForHelm: boolean
}

async function checkKinds(
  api: ApiClient,
  settings: KubernetesSettings,
  options: RunOptions,
): Promise<readonly AccessCheck[]> {
  const exclusions = exclusionsOf(settings.exclude)
  const discovered = await attempt(() => discover(api, exclusions.isGroupIgnored, options))
  if (!discovered.ok) return [{ what: 'discover the kinds of the cluster', ok: false, cure: discovered.cure }]
  const { resources, problems } = discovered.value
  const namespaces = settings.scope?.namespaces
  const wanted = resources
    .filter(
      (resource) => holdsEvidence(resource, resources) && (namespaces === undefined || resource.namespaced),
    )
    .map(({ group, resource }) => ({ group, resource, isForHelm: false }))
  const helm = settings.helm === false ? [] : [{ group: '', resource: 'secrets', isForHelm: true }]
  const questions = [...wanted, ...helm]
    .filter((question) => !exclusions.isExcluded(question))
    .flatMap((question): readonly Question[] =>
      (namespaces ?? [undefined]).map((namespace) => ({ ...question, namespace })),
    )
  const limit = pLimit(QUESTIONS_AT_ONCE)
  const answers = await Promise.all(questions.map((question) => limit(() => mayList(api, question, options))))
  return [
    ...problems.map((cure) => ({ what: 'discover every group of the cluster', ok: false, cure })),
    ...answers,
  ]
}

async function mayList(api: ApiClient, question: Question, options: RunOptions): Promise<AccessCheck> {
  const { group, resource, namespace } = question
  const where = namespace === undefined ? '' : ` in ${namespace}`
  const what = `list ${resourceName(question)}${where}${question.isForHelm ? ' (Helm releases)' : ''}`
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: { group, resource, verb: 'list', ...(namespace !== undefined && { namespace }) },
    },
  }
  const asked = await attempt(() =>
    api.request('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { ask: review }, options),
  )
  if (!asked.ok) return { what, ok: false, cure: asked.cure }
  if (asShape(asked.value['status'])?.['allowed'] === true) return { what, ok: true }
  return { what, ok: false, cure: cureFor(question) }
}

function cureFor({ group, resource, isForHelm }: Question): string {
  if (isForHelm)
    return 'Bind the ClusterRole winnow-helm-secrets of deploy/rbac.yaml, or set `helm: {revisions: false, reason: …}`.'
  return (
    `Add to the ClusterRole winnow-evidence:\n- {apiGroups: ["${group}"], resources: [${resource}], verbs: [list]}\n` +
    `or exclude ${resourceName({ group, resource })} with a reason in winnow.yaml.`
  )
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly cure: string }

async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    return { ok: false, cure: `${error.message} ${error.hint}` }
  }
}
