/**
 * A kubeconfig: which server a context means, whom to trust, and who we are.
 *
 * Promises: the context is the one that was named, or the only one there is; files are merged as kubectl merges
 * KUBECONFIG (the first file that names a cluster, user or context wins); relative paths are relative to the file they
 * stand in. Refuses: to follow `current-context`, which another tool may change between two runs; to fall back to
 * localhost; `auth-provider`, whose logins Kubernetes itself no longer ships. Source: client-go's clientcmd/api/v1.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ClusterAccess } from './cluster-access.ts'
import { ClusterAccessError } from './cluster-errors.ts'
import { inlineOrFile, readKubeconfigs, type Entry, type Merged } from './kubeconfig-files.ts'
import { clientCertificateOf, credentialOf, impersonationOf } from './kubeconfig-user.ts'
import { asList, asShape, asText, type Shape } from './shape.ts'

export interface KubeconfigChoice {
  /** One path, or several joined as in KUBECONFIG. @default KUBECONFIG, then ~/.kube/config */
  readonly kubeconfig?: string
  readonly context?: string
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Reads the files and resolves one context.
 *
 * @throws ClusterAccessError when a file cannot be read, the context is not there or not named, or uses something refused
 */
export async function loadKubeconfig(choice: KubeconfigChoice): Promise<ClusterAccess> {
  const env = choice.env ?? process.env
  const list = asText(choice.kubeconfig) ?? asText(env['KUBECONFIG']) ?? join(homedir(), '.kube', 'config')
  const merged = await readKubeconfigs(list)
  const name = contextName(merged, choice.context)
  const context = merged.contexts.get(name)?.body ?? {}
  const origin = `context ${name} of ${merged.files.join(', ')}`
  const cluster = referenced(merged.clusters, context, 'cluster', origin)
  // A context without a user is legal: it asks anonymously.
  const user =
    asText(context['user']) === undefined ? undefined : referenced(merged.users, context, 'user', origin)
  return {
    server: serverOf(cluster, origin),
    ca: await inlineOrFile(cluster, 'certificate-authority'),
    skipTlsVerify: cluster.body['insecure-skip-tls-verify'] === true,
    tlsServerName: asText(cluster.body['tls-server-name']),
    proxyUrl: proxyOf(cluster, origin),
    execConfig: execConfigOf(cluster),
    clientCertificate: user === undefined ? undefined : await clientCertificateOf(user, origin),
    user: user === undefined ? { kind: 'none' } : credentialOf(user, origin),
    impersonate: user === undefined ? undefined : impersonationOf(user.body, origin),
    origin,
  }
}

function contextName(merged: Merged, wanted: string | undefined): string {
  const names = [...merged.contexts.keys()]
  const files = merged.files.join(', ')
  if (wanted !== undefined) {
    if (merged.contexts.has(wanted)) return wanted
    throw new ClusterAccessError(
      `There is no context ${wanted} in ${files}.`,
      `It has: ${names.join(', ') || 'no context at all'}.`,
    )
  }
  const [only, ...others] = names
  if (only !== undefined && others.length === 0) return only
  throw new ClusterAccessError(
    `${files} has ${names.length} contexts and none was chosen; Winnow does not follow current-context, because another tool may change it between two runs.`,
    `Write one of them as \`context:\` in winnow.yaml: ${names.join(', ') || 'there is none to choose from'}.`,
  )
}

function referenced(
  entries: ReadonlyMap<string, Entry>,
  context: Shape,
  key: 'cluster' | 'user',
  origin: string,
): Entry {
  const name = asText(context[key])
  const entry = name === undefined ? undefined : entries.get(name)
  if (entry !== undefined) return entry
  throw new ClusterAccessError(
    `The ${origin} names ${name === undefined ? `no ${key}` : `the ${key} ${name}, which is in none of the files`}.`,
    `Add the ${key} to the kubeconfig, or choose another context.`,
  )
}

function serverOf({ body }: Entry, origin: string): string {
  const server = asText(body['server'])
  if (server === undefined || !URL.canParse(server) || !/^https?:/.test(server)) {
    throw new ClusterAccessError(
      `The cluster of ${origin} has no \`server\` that is an http or https URL.`,
      'Add it to the kubeconfig.',
    )
  }
  return server.replace(/\/+$/, '')
}

/** The cluster's extension that client-go hands to exec plugins (clientauthentication `Cluster.Config`). */
function execConfigOf({ body }: Entry): unknown {
  const extensions = (asList(body['extensions']) ?? []).map(asShape)
  return (
    extensions.find((each) => each?.['name'] === 'client.authentication.k8s.io/exec')?.['extension'] ?? null
  )
}

function proxyOf({ body }: Entry, origin: string): string | undefined {
  const proxy = asText(body['proxy-url'])
  if (proxy === undefined || /^(?:https?|socks5?):\/\//.test(proxy)) return proxy
  throw new ClusterAccessError(
    `The \`proxy-url\` of ${origin} is not an http, https or socks5 URL.`,
    'Put such a proxy there, or export a dump where the cluster can be reached and give it as `dump:`.',
  )
}
