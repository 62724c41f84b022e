/** What a kubeconfig or a pod's service account comes down to: where the cluster is, whom to trust, who we are. */
import type { ExecPlugin } from './exec-plugin.ts'

/** Everything needed to speak to one cluster. PEM texts are whole; paths are absolute. */
export interface ClusterAccess {
  /** With its path, if it has one, and without a slash at the end. */
  readonly server: string
  readonly ca: string | undefined
  readonly skipTlsVerify: boolean
  /** The name the server's certificate is checked against, where it is not the one in `server`. */
  readonly tlsServerName: string | undefined
  readonly proxyUrl: string | undefined
  /** What the kubeconfig wants an exec plugin to be told of the cluster, as it stands there; null when nothing. */
  readonly execConfig: unknown
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
