/**
 * The user of a kubeconfig: every way to log in that Kubernetes still ships. What Winnow does not speak is refused with
 * the way out, never ignored.
 */
import { isAbsolute, resolve } from 'node:path'
import type { ClientCertificate, Impersonation, UserCredential } from './cluster-access.ts'
import { ClusterAccessError } from './cluster-errors.ts'
import type { ExecPlugin } from './exec-plugin.ts'
import { inlineOrFile, type Entry } from './kubeconfig-files.ts'
import { asList, asShape, asText, type Shape } from './shape.ts'

/** @throws ClusterAccessError for one half without the other */
export async function clientCertificateOf(
  user: Entry,
  origin: string,
): Promise<ClientCertificate | undefined> {
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

/** The way the user logs in. @throws ClusterAccessError for ways Winnow does not speak */
export function credentialOf({ body, folder }: Entry, origin: string): UserCredential {
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

/** @throws ClusterAccessError for what cannot be sent in full: leaving it out would ask with other rights */
export function impersonationOf(body: Shape, origin: string): Impersonation | undefined {
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
