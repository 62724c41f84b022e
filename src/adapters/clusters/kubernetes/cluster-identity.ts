/**
 * Which cluster answers, and whether the namespaces we were told to read are there.
 *
 * The uid of the namespace kube-system is the cluster's identity: it outlives upgrades and new certificates, and
 * another cluster behind the same context has another one. Namespaces are listed with a selector, because Winnow's role
 * may list and not get; where listing is not allowed, the namespace itself is asked for.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ApiClient } from './api-client.ts'
import { ClusterAnswerError } from './cluster-errors.ts'
import { asList, asText, metadataOf, type Shape } from './shape.ts'

/** @throws ClusterAnswerError when it cannot be read, and what ApiClient.request throws */
export async function readIdentity(api: ApiClient, options: RunOptions): Promise<string> {
  const namespace = await findNamespace(api, 'kube-system', options)
  const uid = namespace === undefined ? undefined : asText(metadataOf(namespace)['uid'])
  if (uid !== undefined) return uid
  throw new ClusterAnswerError(
    200,
    `${api.origin}: there is no namespace kube-system with a uid, so nobody can tell which cluster this is.`,
    'Check that `server` is the API server of a whole cluster, and not of a virtual part of one.',
  )
}

/** The names among `wanted` that the cluster does not have: a list of such a namespace would be empty, not an error. */
export async function missingNamespaces(
  api: ApiClient,
  wanted: readonly string[],
  options: RunOptions,
): Promise<readonly string[]> {
  const missing: string[] = []
  for (const name of wanted) {
    if ((await findNamespace(api, name, options)) === undefined) missing.push(name)
  }
  return missing
}

async function findNamespace(api: ApiClient, name: string, options: RunOptions): Promise<Shape | undefined> {
  try {
    const query = { fieldSelector: `metadata.name=${name}` }
    const list = await api.request('/api/v1/namespaces', { query }, options)
    const found = asList(list['items']) ?? []
    return found.map((each) => each as Shape).find((each) => metadataOf(each)['name'] === name)
  } catch (error) {
    if (!(error instanceof ClusterAnswerError) || error.status !== 403) throw error
    return getNamespace(api, name, options)
  }
}

async function getNamespace(api: ApiClient, name: string, options: RunOptions): Promise<Shape | undefined> {
  try {
    return await api.request(`/api/v1/namespaces/${encodeURIComponent(name)}`, {}, options)
  } catch (error) {
    if (error instanceof ClusterAnswerError && error.status === 404) return undefined
    throw error
  }
}
