/**
 * A real Kubernetes API server over a real etcd, and nothing else: no scheduler, no controllers, no nodes.
 *
 * So nothing happens by itself: a Deployment gets no Pods, and a test writes Pods, ReplicaSets and their status as the
 * cluster would. What is real is what evidence depends on: paging, continue tokens that expire, RBAC, discovery,
 * custom resources, and the exact refusals.
 */
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { find } from './find.ts'
import {
  makeTestFolder,
  onFreePorts,
  removeTestFolder,
  startProcess,
  type ServerProcess,
} from './server-process.ts'

/** Users by the token that proves them. Only `admin` may do anything at first; `grant` gives the others more. */
const tokens = {
  admin: 'admin-token',
  /** For the roles Winnow's documentation tells operators to make. */
  winnow: 'winnow-token',
  /** May discover the API, as every signed-in user may, and nothing else. */
  restricted: 'restricted-token',
} as const

type KubeUser = keyof typeof tokens

interface KubeAnswer {
  readonly status: number
  /** Parsed JSON; the plain text where the server answers so. */
  readonly body: unknown
}

export interface KubeApiserverOptions {
  /** Further flags, for example a feature gate. @default [] */
  readonly flags?: readonly string[]
}

export interface KubeApiserver {
  /** https://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  /** What the serving certificate is trusted by. */
  readonly caFile: string
  readonly adminToken: string
  readonly tokens: typeof tokens
  /** Its contexts are named after the users; the current one is `admin`. */
  readonly kubeconfig: string
  readonly version: string
  readonly dir: string
  readonly logs: () => string
  readonly stop: () => Promise<void>
  /** Throws away the store's past, as it happens every five minutes: a list begun before is answered with 410 now. */
  readonly expireContinueTokens: () => Promise<void>
  /** A path such as /api/v1/namespaces; never throws for a status. */
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    options?: KubeRequestOptions,
  ) => Promise<KubeAnswer>
  /** Makes a ClusterRole of the rules and binds it to the user, in one namespace or in all. */
  readonly grant: (user: KubeUser, rules: readonly PolicyRule[], namespace?: string) => Promise<void>
}

interface KubeRequestOptions {
  /** @default 'admin' */
  readonly as?: KubeUser
  /** @default 'application/json' */
  readonly contentType?: string
}

interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

const READY_TIMEOUT_MS = 90_000

export async function startKubeApiserver(options: KubeApiserverOptions = {}): Promise<KubeApiserver> {
  const apiserver = find('kube-apiserver')
  const etcd = find('etcd')
  if (apiserver === undefined || etcd === undefined)
    throw new Error('There is no kube-apiserver or no etcd here.')
  const dir = await makeTestFolder('kube')
  try {
    await writeCredentials(dir)
    return await onFreePorts(3, async ([etcdPort = 0, peerPort = 0, port = 0]) => {
      const store = await startEtcd(etcd.binary, dir, etcdPort, peerPort)
      try {
        const server = await startApiserver(apiserver.binary, dir, etcdPort, port, options)
        const etcdUrl = `http://127.0.0.1:${etcdPort}`
        const place = { dir, etcdUrl, url: `https://127.0.0.1:${port}`, version: apiserver.version }
        return await described(server, store, place)
      } catch (error) {
        await store.stop()
        throw error
      }
    })
  } catch (error) {
    await removeTestFolder(dir)
    throw error
  }
}

async function startEtcd(
  binary: string,
  dir: string,
  port: number,
  peerPort: number,
): Promise<ServerProcess> {
  const url = `http://127.0.0.1:${port}`
  const peerUrl = `http://127.0.0.1:${peerPort}`
  return startProcess({
    binary,
    args: [
      `--data-dir=${join(dir, `etcd-${port}`)}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      // The data lives as long as the test; without this, every write waits for the disk.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    logFile: join(dir, 'etcd.log'),
    isReady: async () => (await fetch(`${url}/health`)).ok,
    graceMs: 0,
  })
}

async function startApiserver(
  binary: string,
  dir: string,
  etcdPort: number,
  port: number,
  options: KubeApiserverOptions,
): Promise<ServerProcess> {
  const file = (name: string): string => join(dir, name)
  return startProcess({
    binary,
    args: [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      // It signs its own certificate in here.
      `--cert-dir=${dir}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('sa.pub')}`,
      `--service-account-signing-key-file=${file('sa.key')}`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${file('tokens.csv')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      // It refuses Pods until a controller has made the namespace's service account, and there is no controller.
      '--disable-admission-plugins=ServiceAccount',
      '--allow-privileged=true',
      // Since 1.34 later pages of a list come from snapshots in memory, and a continue token outlives the store's past;
      // older and busier servers answer 410 then, and so must this one when a test wants it.
      '--feature-gates=ListFromCacheSnapshot=false',
      ...(options.flags ?? []),
    ],
    logFile: file('kube-apiserver.log'),
    isReady: async () => {
      const ca = await readFile(file('apiserver.crt'), 'utf8')
      const answer = await ask(`https://127.0.0.1:${port}`, ca, 'GET', '/readyz', undefined, { as: 'admin' })
      return answer.status === 200
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
    // It would wait for its clients to leave.
    graceMs: 0,
  })
}

async function described(
  server: ServerProcess,
  store: ServerProcess,
  { dir, etcdUrl, url, version }: Readonly<Record<'dir' | 'etcdUrl' | 'url' | 'version', string>>,
): Promise<KubeApiserver> {
  const caFile = join(dir, 'apiserver.crt')
  const ca = await readFile(caFile, 'utf8')
  const kubeconfig = join(dir, 'kubeconfig.yaml')
  await writeFile(kubeconfig, kubeconfigText(url, ca), { mode: 0o600 })
  const request: KubeApiserver['request'] = (method, path, body, options) =>
    ask(url, ca, method, path, body, options)
  return {
    url,
    caFile,
    adminToken: tokens.admin,
    tokens,
    kubeconfig,
    version,
    dir,
    logs: () => store.logs() + server.logs(),
    request,
    grant: (user, rules, namespace) => grant(request, user, rules, namespace),
    expireContinueTokens: () => compact(etcdUrl),
    stop: async () => {
      // The store last: the server would spend its end complaining that it is gone.
      await server.stop()
      await store.stop()
      await removeTestFolder(dir)
    },
  }
}

async function writeCredentials(dir: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  await writeFile(join(dir, 'sa.key'), privateKey, { mode: 0o600 })
  await writeFile(join(dir, 'sa.pub'), publicKey)
  const lines = Object.entries(tokens).map(([user, token], i) =>
    [token, user, `uid-${i}`, ...(user === 'admin' ? ['"system:masters"'] : [])].join(','),
  )
  await writeFile(join(dir, 'tokens.csv'), `${lines.join('\n')}\n`, { mode: 0o600 })
}

function kubeconfigText(url: string, ca: string): string {
  const users = Object.entries(tokens)
  return [
    'apiVersion: v1',
    'kind: Config',
    'current-context: admin',
    'clusters:',
    '  - name: test',
    '    cluster:',
    `      server: ${url}`,
    `      certificate-authority-data: ${Buffer.from(ca).toString('base64')}`,
    'users:',
    ...users.flatMap(([user, token]) => [`  - name: ${user}`, '    user:', `      token: ${token}`]),
    'contexts:',
    ...users.flatMap(([user]) => [
      `  - name: ${user}`,
      '    context:',
      '      cluster: test',
      `      user: ${user}`,
      '      namespace: default',
    ]),
    '',
  ].join('\n')
}

async function grant(
  request: KubeApiserver['request'],
  user: KubeUser,
  rules: readonly PolicyRule[],
  namespace: string | undefined,
): Promise<void> {
  const group = 'rbac.authorization.k8s.io'
  const metadata = { generateName: `${user}-` }
  const role = await created(request, `/apis/${group}/v1/clusterroles`, { metadata, rules })
  const scope = namespace === undefined ? 'clusterrolebindings' : `namespaces/${namespace}/rolebindings`
  await created(request, `/apis/${group}/v1/${scope}`, {
    metadata,
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: group, kind: 'User', name: user }],
  })
}

// etcd speaks gRPC; this is its JSON side. Every answer carries the revision the store is at.
async function compact(etcdUrl: string): Promise<void> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${etcdUrl}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`etcd ${path}: HTTP ${response.status} ${await response.text()}`)
    return response.json()
  }
  const found = (await post('range', { key: 'AA==' })) as { readonly header: { readonly revision: string } }
  await post('compaction', { revision: found.header.revision, physical: true })
}

async function created(request: KubeApiserver['request'], path: string, object: object): Promise<string> {
  const { status, body } = await request('POST', path, object)
  if (status !== 201) throw new Error(`POST ${path}: HTTP ${status} ${JSON.stringify(body)}`)
  return (body as { readonly metadata: { readonly name: string } }).metadata.name
}

// node:https and not fetch, which cannot be told to trust a certificate without another package.
async function ask(
  url: string,
  ca: string,
  method: string,
  path: string,
  body?: unknown,
  { as = 'admin', contentType = 'application/json' }: KubeRequestOptions = {},
): Promise<KubeAnswer> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${tokens[as]}`,
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': contentType }),
    }
    const request = httpsRequest(new URL(path, url), { method, ca, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const isJson = (response.headers['content-type'] ?? '').includes('json')
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, body: isJson ? (JSON.parse(text) as unknown) : text })
      })
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
