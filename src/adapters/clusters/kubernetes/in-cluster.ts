/**
 * The way to the cluster a pod runs in: the service account's files and two variables the kubelet sets.
 *
 * The token is named by its path and not read here, because the kubelet replaces it every hour.
 */
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { ClusterAccessError } from './cluster-errors.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { asText } from './shape.ts'

const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface InClusterPlace {
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @default where the kubelet mounts it */
  readonly folder?: string
}

/** @throws ClusterAccessError outside a pod, or where the service account is not mounted */
export async function loadInCluster(place: InClusterPlace = {}): Promise<ClusterAccess> {
  const env = place.env ?? process.env
  const folder = place.folder ?? SERVICE_ACCOUNT_FOLDER
  const host = asText(env['KUBERNETES_SERVICE_HOST'])
  const port = asText(env['KUBERNETES_SERVICE_PORT'])
  if (host === undefined || port === undefined) {
    throw new ClusterAccessError(
      '`inCluster: true` is set, but this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set.',
      'Give a kubeconfig and a context instead.',
    )
  }
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: await readAuthority(folder),
    skipTlsVerify: false,
    tlsServerName: undefined,
    proxyUrl: undefined,
    execConfig: null,
    clientCertificate: undefined,
    user: { kind: 'token-file', path: join(folder, 'token') },
    impersonate: undefined,
    origin: 'the service account of this pod',
  }
}

async function readAuthority(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, 'ca.crt'), 'utf8')
  } catch (error) {
    throw new ClusterAccessError(
      `This pod has no service account mounted at ${folder}.`,
      'Set `serviceAccountName`, and do not set `automountServiceAccountToken: false`.',
      { cause: error },
    )
  }
}
