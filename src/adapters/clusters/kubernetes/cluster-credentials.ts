/**
 * Who we are to one cluster, for the HTTP client: asked for before requests, and once more when the server refused.
 *
 * A token file is read again every minute, because the kubelet replaces it while we run. An exec plugin's answer is
 * kept until shortly before it expires; the memory belongs to this one source, made for one kubeconfig and context, so
 * that two users of the same name in two files never share a credential.
 */
import { readFile } from 'node:fs/promises'
import type { Credential, CredentialOptions, CredentialSource } from '../../http/credentials.ts'
import { ClusterAccessError } from './cluster-errors.ts'
import { runExecPlugin, type ExecCredential } from './exec-plugin.ts'
import type { ClientCertificate, ClusterAccess } from './cluster-access.ts'
import type { Shape } from './shape.ts'

/** A credential that expires sooner than this counts as expired, so that it lives through the request it is for. */
const EXPIRY_SLACK_MS = 60_000
const TOKEN_FILE_READ_AGAIN_MS = 60_000

export interface ClusterCredentials extends CredentialSource {
  /** The client certificate to speak TLS with, from the kubeconfig or the plugin; asks the plugin if need be. */
  certificate(options?: CredentialOptions): Promise<ClientCertificate | undefined>
}

/** The clock is an argument for tests of expiry. */
export function clusterCredentials(access: ClusterAccess, now: () => number = Date.now): ClusterCredentials {
  const { user } = access
  const fixed = access.clientCertificate
  const name = access.origin
  switch (user.kind) {
    case 'none':
      return { name, get: async () => undefined, certificate: async () => fixed }
    case 'token':
      return { name, get: async () => bearer(user.token, access), certificate: async () => fixed }
    case 'basic':
      return {
        name,
        get: async () => ({
          kind: 'basic',
          username: user.username,
          password: user.password,
          origin: access.origin,
        }),
        certificate: async () => fixed,
      }
    case 'token-file': {
      const read = rememberedFor(() => readToken(user.path), TOKEN_FILE_READ_AGAIN_MS, now)
      return {
        name,
        get: async (_target, options) => bearer(await read(options?.refresh === true), access),
        certificate: async () => fixed,
      }
    }
    case 'exec': {
      const ask = rememberedPlugin(access, now)
      return {
        name,
        get: async (_target, options) => {
          const { token } = await ask(options)
          return token === undefined ? undefined : bearer(token, access)
        },
        certificate: async (options) => (await ask(options)).clientCertificate ?? fixed,
      }
    }
  }
}

function bearer(token: string, access: ClusterAccess): Credential {
  return { kind: 'bearer', token, origin: access.origin }
}

async function readToken(path: string): Promise<string> {
  const token = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ClusterAccessError(
      `The token file ${path} cannot be read.`,
      'Mount it, or correct `tokenFile`.',
      { cause: error },
    )
  })
  const trimmed = token.trim()
  if (trimmed !== '') return trimmed
  throw new ClusterAccessError(
    `The token file ${path} is empty.`,
    'Wait until it is written, or correct `tokenFile`.',
  )
}

function rememberedFor<T>(
  read: () => Promise<T>,
  forMs: number,
  now: () => number,
): (again: boolean) => Promise<T> {
  let last: { readonly value: T; readonly at: number } | undefined
  return async (again) => {
    if (last === undefined || again || now() - last.at >= forMs) last = { value: await read(), at: now() }
    return last.value
  }
}

type AskPlugin = (options?: CredentialOptions) => Promise<ExecCredential>

/** One plugin run at a time: several requests that start together share its answer. */
function rememberedPlugin(access: ClusterAccess, now: () => number): AskPlugin {
  let last: ExecCredential | undefined
  let running: Promise<ExecCredential> | undefined
  return async (options) => {
    const usable =
      last !== undefined && (last.expiresAt === undefined || last.expiresAt - EXPIRY_SLACK_MS > now())
    if (last !== undefined && usable && options?.refresh !== true) return last
    running ??= runPlugin(access, options?.signal).finally(() => {
      running = undefined
    })
    last = await running
    return last
  }
}

async function runPlugin(access: ClusterAccess, signal: AbortSignal | undefined): Promise<ExecCredential> {
  if (access.user.kind !== 'exec') throw new TypeError('a plugin runs for exec users only')
  return runExecPlugin(access.user.plugin, {
    cluster: clusterFacts(access),
    ...(signal !== undefined && { signal }),
  })
}

/** `spec.cluster` of KUBERNETES_EXEC_INFO, as client.authentication.k8s.io/v1 defines it. */
function clusterFacts(access: ClusterAccess): Shape {
  return {
    server: access.server,
    ...(access.tlsServerName !== undefined && { 'tls-server-name': access.tlsServerName }),
    ...(access.skipTlsVerify && { 'insecure-skip-tls-verify': true }),
    ...(access.ca !== undefined && {
      'certificate-authority-data': Buffer.from(access.ca).toString('base64'),
    }),
    ...(access.proxyUrl !== undefined && { 'proxy-url': access.proxyUrl }),
    config: access.execConfig,
  }
}
