import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClusterAccessError } from './cluster-errors.ts'
import { loadInCluster } from './in-cluster.ts'
import { loadKubeconfig } from './kubeconfig.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-kubeconfig-'))
})
afterAll(() => {
  rmSync(dir, { recursive: true, force: true })
})

let count = 0
function file(config: unknown): string {
  const path = join(dir, `config-${count++}`)
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config))
  return path
}

interface Parts {
  readonly cluster?: object
  readonly user?: object
  readonly contexts?: readonly string[]
}

function config({ cluster = {}, user = {}, contexts = ['prod'] }: Parts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': contexts[0],
    clusters: [{ name: 'c', cluster: { server: 'https://kube.example.com:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: contexts.map((name) => ({ name, context: { cluster: 'c', user: 'u' } })),
  }
}

describe('a kubeconfig', () => {
  it('gives the server without its last slash, and the only context there is', async () => {
    const access = await loadKubeconfig({ kubeconfig: file(config()) })
    expect(access.server).toBe('https://kube.example.com:6443')
    expect(access.origin).toContain('context prod of ')
  })

  it('never follows current-context when there are several contexts', async () => {
    const kubeconfig = file(config({ contexts: ['prod', 'lab'] }))
    await expect(loadKubeconfig({ kubeconfig })).rejects.toThrow(/2 contexts and none was chosen/)
    expect((await loadKubeconfig({ kubeconfig, context: 'lab' })).origin).toContain('context lab')
  })

  it.each([
    { name: 'a context that is not there', parts: {}, context: 'typo', says: /no context typo/ },
    {
      name: 'a login with auth-provider',
      parts: { user: { 'auth-provider': { name: 'gcp' } } },
      says: /auth-provider/,
    },
    { name: 'a server that is no URL', parts: { cluster: { server: 'kube' } }, says: /no `server`/ },
    {
      name: 'a certificate without its key',
      parts: { user: { 'client-certificate-data': 'YQ==' } },
      says: /without its key/,
    },
    {
      name: 'a proxy of an unknown kind',
      parts: { cluster: { 'proxy-url': 'ftp://proxy' } },
      says: /proxy-url/,
    },
    {
      name: 'an exec plugin of an old version',
      parts: { user: { exec: { command: 'x', apiVersion: 'client.authentication.k8s.io/v1alpha1' } } },
      says: /v1 or v1beta1/,
    },
    {
      name: 'impersonation with several groups',
      parts: { user: { as: 'me', 'as-groups': ['a', 'b'] } },
      says: /impersonates/,
    },
    {
      name: 'an authority file that is missing',
      parts: { cluster: { 'certificate-authority': 'gone.crt' } },
      says: /gone\.crt/,
    },
  ])('is refused for $name', async ({ parts, context, says }) => {
    const loading = loadKubeconfig({
      kubeconfig: file(config(parts)),
      ...(context !== undefined && { context }),
    })
    await expect(loading).rejects.toThrow(says)
    await expect(loading).rejects.toBeInstanceOf(ClusterAccessError)
  })

  it.each([
    { name: 'missing', path: () => join(dir, 'nowhere'), says: /cannot be read/ },
    { name: 'not YAML', path: () => file('{token: "s3cr3t-value'), says: /is not YAML/ },
    { name: 'another kind of file', path: () => file({ kind: 'Pod' }), says: /not a kubeconfig/ },
    {
      name: 'a user that is in none of the files',
      path: () => file({ ...config(), users: [] }),
      says: /the user u, which is in none/,
    },
  ])('is refused when it is $name, and no secret is told', async ({ path, says }) => {
    const error: unknown = await loadKubeconfig({ kubeconfig: path() }).catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(says)
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cr3t-value')
  })

  it('is merged from several files, the first one to name something wins, and a missing file is passed over', async () => {
    const first = file({ ...config({ user: { token: 'first' } }), contexts: [] })
    const second = file(config({ user: { token: 'second' }, cluster: { server: 'https://other' } }))
    const env = { KUBECONFIG: [join(dir, 'not-yet'), first, second].join(delimiter) }
    const access = await loadKubeconfig({ env, context: 'prod' })
    expect(access.user).toEqual({ kind: 'token', token: 'first' })
    expect(access.server).toBe('https://kube.example.com:6443')
  })

  it('finds files relative to itself', async () => {
    writeFileSync(join(dir, 'ca.crt'), 'PEM')
    const access = await loadKubeconfig({
      kubeconfig: file(config({ cluster: { 'certificate-authority': 'ca.crt' }, user: { tokenFile: 't' } })),
    })
    expect(access.ca).toBe('PEM')
    expect(access.user).toEqual({ kind: 'token-file', path: join(dir, 't') })
  })

  it('takes inline data before files, and reads every way to log in', async () => {
    const data = Buffer.from('PEM').toString('base64')
    const user = {
      'client-certificate-data': data,
      'client-key-data': data,
      'client-key': 'nowhere',
      username: 'u',
      password: 'p',
    }
    const cluster = {
      'insecure-skip-tls-verify': true,
      'tls-server-name': 'kube',
      'proxy-url': 'http://proxy:3128',
    }
    expect(await loadKubeconfig({ kubeconfig: file(config({ user, cluster })) })).toMatchObject({
      clientCertificate: { cert: 'PEM', key: 'PEM' },
      user: { kind: 'basic', username: 'u', password: 'p' },
      skipTlsVerify: true,
      tlsServerName: 'kube',
      proxyUrl: 'http://proxy:3128',
    })
  })

  it('keeps what an exec plugin is to be told of the cluster', async () => {
    const extensions = [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'a' } }]
    const access = await loadKubeconfig({ kubeconfig: file(config({ cluster: { extensions } })) })
    expect(access.execConfig).toEqual({ audience: 'a' })
  })

  it('runs an exec plugin relative to the kubeconfig when its name has a slash', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './plugin',
      args: ['a'],
      env: [{ name: 'X', value: '1' }],
      provideClusterInfo: true,
    }
    const { user } = await loadKubeconfig({ kubeconfig: file(config({ user: { exec } })) })
    expect(user).toMatchObject({
      kind: 'exec',
      plugin: { command: join(dir, 'plugin'), args: ['a'], env: { X: '1' }, provideClusterInfo: true },
    })
  })
})

describe('the service account of a pod', () => {
  it('is refused outside a pod instead of guessing an address', async () => {
    await expect(loadInCluster({ env: {}, folder: dir })).rejects.toThrow(/not a pod/)
  })

  it('gives the address, the authority and the path of the token, which changes under way', async () => {
    writeFileSync(join(dir, 'ca.crt'), 'CA')
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
    expect(await loadInCluster({ env, folder: dir })).toMatchObject({
      server: 'https://[fd00::1]:443',
      ca: 'CA',
      user: { kind: 'token-file', path: join(dir, 'token') },
    })
  })
})
