import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { clusterCredentials } from './cluster-credentials.ts'
import { runExecPlugin, type ExecPlugin } from './exec-plugin.ts'
import type { ClusterAccess, UserCredential } from './cluster-access.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-exec-'))
})
afterAll(() => {
  rmSync(dir, { recursive: true, force: true })
})

const target = { host: 'kube', path: '' }
let count = 0

function plugin(script: string, more: Partial<ExecPlugin> = {}): ExecPlugin {
  const command = join(dir, `plugin-${count++}`)
  writeFileSync(command, `#!/bin/sh\n${script}\n`)
  chmodSync(command, 0o755)
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command,
    args: [],
    env: {},
    provideClusterInfo: false,
    installHint: undefined,
    origin: 'context prod of config',
    ...more,
  }
}

function credential(status: object, apiVersion = 'client.authentication.k8s.io/v1'): string {
  return `cat <<'END'\n${JSON.stringify({ apiVersion, kind: 'ExecCredential', status })}\nEND`
}

function access(user: UserCredential): ClusterAccess {
  return {
    server: 'https://kube',
    ca: 'CA',
    skipTlsVerify: false,
    tlsServerName: undefined,
    proxyUrl: undefined,
    execConfig: null,
    clientCertificate: undefined,
    user,
    impersonate: undefined,
    origin: 'context prod of config',
  }
}

describe('an exec plugin', () => {
  it('gives its token, or its certificate', async () => {
    expect((await runExecPlugin(plugin(credential({ token: 't' })))).token).toBe('t')
    const both = { clientCertificateData: 'C', clientKeyData: 'K' }
    expect((await runExecPlugin(plugin(credential(both)))).clientCertificate).toEqual({ cert: 'C', key: 'K' })
  })

  it.each([
    {
      name: 'that fails',
      script: 'echo "token=s3cr3t please log in" >&2; exit 3',
      says: /exited with 3.*please log in/,
    },
    { name: 'that prints no JSON', script: 'echo s3cr3t', says: /not a JSON object/ },
    {
      name: 'that prints JSON of another kind',
      script: 'echo \'{"kind":"Pod"}\'',
      says: /did not print an ExecCredential/,
    },
    {
      name: 'of another version',
      script: credential({ token: 's3cr3t' }, 'client.authentication.k8s.io/v1beta1'),
      says: /did not print an ExecCredential/,
    },
    {
      name: 'without a credential',
      script: credential({}),
      says: /neither a token nor a client certificate/,
    },
    {
      name: 'whose credential has expired',
      script: credential({ token: 's3cr3t', expirationTimestamp: '2020-01-01T00:00:00Z' }),
      says: /already expired/,
    },
    { name: 'that is killed', script: 'kill -9 $$', says: /ended by SIGKILL/ },
  ])('$name is a failure that tells no secret', async ({ script, says }) => {
    const error: unknown = await runExecPlugin(plugin(script)).catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(says)
    expect(String(error)).not.toContain('s3cr3t')
  })

  it('that is not installed is a failure with its own hint', async () => {
    const missing = {
      ...plugin(''),
      command: join(dir, 'nowhere'),
      installHint: 'Install it from example.com.',
    }
    await expect(runExecPlugin(missing)).rejects.toMatchObject({ hint: 'Install it from example.com.' })
  })

  it('that hangs is ended with what it started', async () => {
    const hanging = plugin(`sleep 60 & echo $! > ${dir}/child; wait`)
    await expect(runExecPlugin(hanging, { timeoutMs: 300 })).rejects.toThrow(/did not answer within 0.3 s/)
    const child = Number(readFileSync(join(dir, 'child'), 'utf8'))
    await expect.poll(() => isRunning(child), { timeout: 3000 }).toBe(false)
  })

  it('is ended by an interruption, which is not an answer', async () => {
    const running = runExecPlugin(plugin('sleep 60'), { signal: AbortSignal.timeout(100) })
    await expect(running).rejects.toBeInstanceOf(InterruptedError)
  })

  it('learns of the cluster only when it wants to', async () => {
    const script =
      'printf \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}\' "$(printf %s "$KUBERNETES_EXEC_INFO" | base64 -w0)"'
    const told = await infoOf(plugin(script, { provideClusterInfo: true }))
    expect(told).toMatchObject({ spec: { interactive: false, cluster: { server: 'https://kube' } } })
    const untold = await infoOf(plugin(script))
    expect(untold).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false },
    })
  })
})

async function infoOf(asked: ExecPlugin): Promise<unknown> {
  const { token } = await runExecPlugin(asked, { cluster: { server: 'https://kube' } })
  return JSON.parse(Buffer.from(token ?? '', 'base64').toString())
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // Ended and not yet collected by its parent counts as ended.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('the credentials of a cluster', () => {
  it('read a token file again after a minute, and at once when the token was refused', async () => {
    const path = join(dir, 'token')
    let now = 0
    const credentials = clusterCredentials(access({ kind: 'token-file', path }), () => now)
    const token = async (refresh = false): Promise<string | undefined> => {
      const found = await credentials.get(target, { refresh })
      return found?.kind === 'bearer' ? found.token : undefined
    }
    writeFileSync(path, 'one\n')
    expect(await token()).toBe('one')
    writeFileSync(path, 'two\n')
    expect(await token()).toBe('one')
    expect(await token(true)).toBe('two')
    writeFileSync(path, 'three\n')
    now += 60_000
    expect(await token()).toBe('three')
  })

  it('refuse an empty token file instead of asking anonymously', async () => {
    const path = join(dir, 'empty')
    writeFileSync(path, '\n')
    await expect(clusterCredentials(access({ kind: 'token-file', path })).get(target)).rejects.toThrow(
      /is empty/,
    )
  })

  it('keep a plugin’s answer until shortly before it expires', async () => {
    let now = Date.now()
    const expires = new Date(now + 600_000).toISOString()
    const log = join(dir, 'runs')
    const asked = plugin(`echo x >> ${log}\n${credential({ token: 't', expirationTimestamp: expires })}`)
    const credentials = clusterCredentials(access({ kind: 'exec', plugin: asked }), () => now)
    const runs = (): number => readFileSync(log, 'utf8').length / 2
    await Promise.all([credentials.get(target), credentials.get(target), credentials.certificate()])
    expect(runs()).toBe(1)
    now += 500_000
    await credentials.get(target)
    expect(runs()).toBe(1)
    now += 45_000
    await credentials.get(target)
    expect(runs()).toBe(2)
    await credentials.get(target, { refresh: true })
    expect(runs()).toBe(3)
  })
})
