/**
 * A kubeconfig: which server a context means, whom to trust, and who we are.
 *
 * Promises: the context is the one that was named, or the only one there is; files are merged as kubectl merges
 * KUBECONFIG (the first file that names a cluster, user or context wins); relative paths are relative to the file they
 * stand in. Refuses: to follow `current-context`, which another tool may change between two runs; to fall back to
 * localhost; `auth-provider`, whose logins Kubernetes itself no longer ships. Source: client-go's clientcmd/api/v1.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { ClusterAccessError } from './cluster-errors.ts'
import type { ExecPlugin } from './exec-plugin.ts'
import { asList, asShape, asText, type Shape } from './shape.ts'

/** Everything needed to speak to one cluster. PEM texts are whole; paths are absolute. */
export interface ClusterAccess {
  /** With its path, if it has one, and without a slash at the end. */
  readonly server: string
  readonly ca: string | undefined
  readonly skipTlsVerify: boolean
  /** The name the server's certificate is checked against, where it is not the one in `server`. */
  readonly tlsServerName: string | undefined
  readonly proxyUrl: string | undefined
  readonly clientCertificate: ClientCertificate | undefined
  readonly user: UserCredential
  readonly impersonate: Impersonation | undefined
  /** For messages: `context prod of /home/me/.kube/config`. */
  readonly origin: string
}

export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

export interface Impersonation {
  readonly user: string
  readonly group: string | undefined
}

export type UserCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'token-file'; readonly path: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'exec'; readonly plugin: ExecPlugin }

export interface KubeconfigChoice {
  /** One path, or several joined as in KUBECONFIG. @default KUBECONFIG, then ~/.kube/config */
  readonly kubeconfig?: string
  readonly context?: string
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A named entry and the folder its relative paths start from. */
interface Entry {
  readonly body: Shape
  readonly folder: string
}

interface Merged {
  readonly clusters: ReadonlyMap<string, Entry>
  readonly users: ReadonlyMap<string, Entry>
  readonly contexts: ReadonlyMap<string, Entry>
  readonly files: readonly string[]
}

/**
 * Reads the files and resolves one context.
 *
 * @throws ClusterAccessError when a file cannot be read, the context is not there or not named, or uses something refused
 */
export async function loadKubeconfig(choice: KubeconfigChoice): Promise<ClusterAccess> {
  const merged = await readFiles(choice)
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
    clientCertificate: user === undefined ? undefined : await clientCertificateOf(user, origin),
    user: user === undefined ? { kind: 'none' } : credentialOf(user, origin),
    impersonate: user === undefined ? undefined : impersonationOf(user.body, origin),
    origin,
  }
}

async function readFiles(choice: KubeconfigChoice): Promise<Merged> {
  const env = choice.env ?? process.env
  const list = asText(choice.kubeconfig) ?? asText(env['KUBECONFIG']) ?? join(homedir(), '.kube', 'config')
  const paths = list
    .split(delimiter)
    .filter((path) => path !== '')
    .map(absolute)
  const merged = {
    clusters: new Map<string, Entry>(),
    users: new Map<string, Entry>(),
    contexts: new Map<string, Entry>(),
  }
  const files: string[] = []
  for (const path of paths) {
    // As kubectl does with a list: a file that is not there yet is passed over, as long as another one is there.
    const text = await readText(path, paths.length > 1)
    if (text === undefined) continue
    files.push(path)
    mergeInto(merged, text, path)
  }
  if (files.length === 0) {
    throw new ClusterAccessError(`None of the kubeconfig files exists: ${paths.join(', ')}.`, MAKE_FILE)
  }
  return { ...merged, files }
}

const MAKE_FILE =
  'Write the path of a kubeconfig file as `kubeconfig:` in winnow.yaml, or set `inCluster: true` inside a cluster.'

function absolute(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path)
}

async function readText(path: string, mayBeAbsent: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (mayBeAbsent && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ClusterAccessError(`The kubeconfig file ${path} cannot be read.`, MAKE_FILE, { cause: error })
  }
}

function mergeInto(
  merged: {
    readonly clusters: Map<string, Entry>
    readonly users: Map<string, Entry>
    readonly contexts: Map<string, Entry>
  },
  text: string,
  path: string,
): void {
  const config = asShape(parseYaml(text, path))
  if (config === undefined || (config['kind'] !== undefined && config['kind'] !== 'Config')) {
    throw new ClusterAccessError(`${path} is not a kubeconfig file.`, MAKE_FILE)
  }
  const parts = [
    ['clusters', 'cluster'],
    ['users', 'user'],
    ['contexts', 'context'],
  ] as const
  for (const [plural, singular] of parts) {
    for (const entry of asList(config[plural]) ?? []) {
      const name = asText(asShape(entry)?.['name'])
      // The first one to name it wins, across files and within one.
      if (name === undefined || merged[plural].has(name)) continue
      merged[plural].set(name, { body: asShape(asShape(entry)?.[singular]) ?? {}, folder: dirname(path) })
    }
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch {
    // The parser's message quotes the line it stopped at, and that line may hold a key.
    throw new ClusterAccessError(
      `The kubeconfig file ${path} is not YAML.`,
      'Mend it, or write it again with your cluster’s own tool.',
    )
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

function proxyOf({ body }: Entry, origin: string): string | undefined {
  const proxy = asText(body['proxy-url'])
  if (proxy === undefined || /^(?:https?|socks5?):\/\//.test(proxy)) return proxy
  throw new ClusterAccessError(
    `The \`proxy-url\` of ${origin} is not an http, https or socks5 URL.`,
    'Put such a proxy there, or export a dump where the cluster can be reached and give it as `dump:`.',
  )
}

/** `<key>-data` (base64) or the file that `<key>` names; inline wins, as in client-go. */
async function inlineOrFile({ body, folder }: Entry, key: string): Promise<string | undefined> {
  const inline = asText(body[`${key}-data`])
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8')
  const path = asText(body[key])
  if (path === undefined) return undefined
  const file = resolve(folder, path)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ClusterAccessError(
      `The file ${file}, named as \`${key}\` in a kubeconfig, cannot be read.`,
      'Put it there, or correct the path.',
      {
        cause: error,
      },
    )
  }
}

async function clientCertificateOf(user: Entry, origin: string): Promise<ClientCertificate | undefined> {
  const cert = await inlineOrFile(user, 'client-certificate')
  const key = await inlineOrFile(user, 'client-key')
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) {
    throw new ClusterAccessError(
      `The user of ${origin} has a client certificate without its key, or the other way round.`,
      'Add the other half.',
    )
  }
  return { cert, key }
}

function credentialOf({ body, folder }: Entry, origin: string): UserCredential {
  if (body['auth-provider'] !== undefined) {
    throw new ClusterAccessError(
      `The user of ${origin} logs in with \`auth-provider\`, which Kubernetes 1.26 removed and Winnow does not speak.`,
      'Let your cloud’s tool write the kubeconfig anew: it then uses an exec plugin (gke-gcloud-auth-plugin, kubelogin, aws eks get-token).',
    )
  }
  const tokenFile = asText(body['tokenFile'])
  if (tokenFile !== undefined) return { kind: 'token-file', path: resolve(folder, tokenFile) }
  const token = asText(body['token'])
  if (token !== undefined) return { kind: 'token', token }
  const username = asText(body['username'])
  if (username !== undefined) return { kind: 'basic', username, password: asText(body['password']) ?? '' }
  const exec = asShape(body['exec'])
  return exec === undefined ? { kind: 'none' } : { kind: 'exec', plugin: execPluginOf(exec, folder, origin) }
}

function execPluginOf(exec: Shape, folder: string, origin: string): ExecPlugin {
  const command = asText(exec['command'])
  const apiVersion = asText(exec['apiVersion']) ?? ''
  if (command === undefined || !/^client\.authentication\.k8s\.io\/v1(?:beta1)?$/.test(apiVersion)) {
    throw new ClusterAccessError(
      `The exec plugin of ${origin} needs a command and the apiVersion client.authentication.k8s.io/v1 or v1beta1; it has ${apiVersion || 'none'}.`,
      'Let your cloud’s tool write the kubeconfig anew.',
    )
  }
  const env = (asList(exec['env']) ?? []).flatMap((pair): readonly (readonly [string, string])[] => {
    const name = asText(asShape(pair)?.['name'])
    return name === undefined ? [] : [[name, asText(asShape(pair)?.['value']) ?? '']]
  })
  return {
    apiVersion,
    // A bare name is looked up on PATH; anything with a slash is relative to the kubeconfig.
    command: command.includes('/') && !isAbsolute(command) ? resolve(folder, command) : command,
    args: (asList(exec['args']) ?? []).map(String),
    env: Object.fromEntries(env),
    provideClusterInfo: exec['provideClusterInfo'] === true,
    installHint: asText(exec['installHint']),
    origin,
  }
}

function impersonationOf(body: Shape, origin: string): Impersonation | undefined {
  const user = asText(body['as'])
  const groups = (asList(body['as-groups']) ?? []).map(String)
  const refused = groups.length > 1 || body['as-user-extra'] !== undefined || body['as-uid'] !== undefined
  if (refused || (user === undefined && groups.length > 0)) {
    // Ignoring it would ask with other rights than the ones written down.
    throw new ClusterAccessError(
      `The user of ${origin} impersonates in a way Winnow does not support: \`as\` with at most one of \`as-groups\` is.`,
      'Use a context of a service account instead; deploy/rbac.yaml makes one.',
    )
  }
  return user === undefined ? undefined : { user, group: groups[0] }
}
