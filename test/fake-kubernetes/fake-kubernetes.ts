/**
 * An API server in this process: discovery in both forms, lists in pages, selectors, rights, refusals to the letter of
 * a real one, and faults on cue. Its contract with the real one is test/conformance/evidence-source.ts, which runs on both.
 *
 * Plain http on loopback. Users and tokens are those of test/servers/kube-apiserver.ts.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  FakeCluster,
  tokens,
  type FakeKubernetesOptions,
  type FakeRule,
  type FakeUser,
} from './fake-cluster.ts'
import type { Fault, Faults } from './faults.ts'
import type { FakeStore } from './store.ts'

export interface FakeKubernetes {
  readonly url: string
  /** Its contexts are named after the users. */
  readonly kubeconfig: string
  readonly faults: Faults
  readonly store: FakeStore
  /** Method, path and query of every request, in order. */
  readonly requests: readonly string[]
  readonly dir: string
  request(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }>
  grant(user: FakeUser, rules: readonly FakeRule[], namespace?: string): Promise<void>
  fault(fault: Fault): void
  stop(): Promise<void>
}

export async function startFakeKubernetes(options: FakeKubernetesOptions = {}): Promise<FakeKubernetes> {
  const cluster = new FakeCluster(options)
  const server = createServer((request, response) => {
    cluster.serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dir = await mkdtemp(join(tmpdir(), 'winnow-fake-kube-'))
  const kubeconfig = join(dir, 'kubeconfig.yaml')
  await writeFile(kubeconfig, kubeconfigText(url))
  return {
    url,
    kubeconfig,
    dir,
    faults: cluster.faults,
    store: cluster.store,
    requests: cluster.requests,
    request: (method, path, body) => ask(url, method, path, body),
    grant: async (user, rules, namespace) => {
      cluster.grants.push({ user, rules, namespace })
    },
    fault: (fault) => {
      cluster.faults.add(fault)
    },
    stop: async () => {
      await stopServer(server)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

async function ask(
  url: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${tokens.admin}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text }
}

function kubeconfigText(url: string): string {
  const users = Object.entries(tokens)
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'admin',
    clusters: [{ name: 'fake', cluster: { server: url } }],
    users: users.map(([name, token]) => ({ name, user: { token } })),
    contexts: users.map(([name]) => ({ name, context: { cluster: 'fake', user: name } })),
  })
}
