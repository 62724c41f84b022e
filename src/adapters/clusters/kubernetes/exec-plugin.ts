/**
 * Exec credential plugins, `client.authentication.k8s.io/v1` and `v1beta1`: a program that prints who we are.
 *
 * Promises: the plugin gets a minute, no terminal and no stdin, and is killed with everything it started when the
 * minute is over or the run is interrupted. Its answer is used until shortly before it expires, and asked for again
 * when the server refuses it. Refuses: an exit code other than 0, anything but an ExecCredential of the version asked
 * for, one that holds neither a token nor a certificate, one that has already expired. Nothing it prints on stdout
 * ever reaches a message.
 */
import { spawn } from 'node:child_process'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { ClusterAccessError, withoutSecrets } from './cluster-errors.ts'
import { asShape, asText, type Shape } from './shape.ts'

export interface ExecPlugin {
  readonly apiVersion: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Whether the plugin is told which cluster it logs in to. */
  readonly provideClusterInfo: boolean
  readonly installHint: string | undefined
  readonly origin: string
}

export interface ExecCredential {
  readonly token: string | undefined
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined
  /** Milliseconds since the epoch; undefined when it does not say. */
  readonly expiresAt: number | undefined
}

export interface ExecOptions {
  /** What KUBERNETES_EXEC_INFO says of the cluster, when the plugin wants to know. */
  readonly cluster?: Shape
  readonly signal?: AbortSignal
  /** @default 60 000 */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000
const OUTPUT_BYTES_MAX = 1024 * 1024

/** @throws ClusterAccessError for everything the plugin can do wrong, and InterruptedError */
export async function runExecPlugin(plugin: ExecPlugin, options: ExecOptions = {}): Promise<ExecCredential> {
  const output = await outputOf(plugin, options)
  return parseCredential(plugin, output)
}

function outputOf(plugin: ExecPlugin, options: ExecOptions): Promise<string> {
  if (options.signal?.aborted === true) return Promise.reject(new InterruptedError())
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
  const child = spawn(plugin.command, plugin.args, {
    // A group of its own, so that what the plugin started ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: execInfo(plugin, options.cluster) },
  })
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = []
    let bytes = 0
    let stderr = ''
    const fail = (error: Error): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      killGroup(child.pid)
      child.stdout.destroy()
      child.stderr.destroy()
      reject(error)
    }
    const timer = setTimeout(() => {
      fail(problem(plugin, `did not answer within ${timeoutMs / 1000} s`, stderr))
    }, timeoutMs)
    const onAbort = (): void => {
      fail(new InterruptedError())
    }
    options.signal?.addEventListener('abort', onAbort, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      stdout.push(chunk)
      if (bytes > OUTPUT_BYTES_MAX) fail(problem(plugin, 'printed more than 1 MiB', ''))
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-4096)
    })
    child.on('error', (error) => {
      fail(problem(plugin, 'cannot be started', '', error))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      if (code === 0) resolve(Buffer.concat(stdout).toString('utf8'))
      else
        reject(
          problem(
            plugin,
            code === null ? `was ended by ${signal ?? 'a signal'}` : `exited with ${code}`,
            stderr,
          ),
        )
    })
  })
}

function execInfo(plugin: ExecPlugin, cluster: Shape | undefined): string {
  const spec = { interactive: false, ...(plugin.provideClusterInfo && cluster !== undefined && { cluster }) }
  return JSON.stringify({ apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is already gone, which is what we wanted.
  }
}

function parseCredential(plugin: ExecPlugin, output: string): ExecCredential {
  const answer = parseJson(plugin, output)
  const status = asShape(answer['status'])
  if (
    answer['kind'] !== 'ExecCredential' ||
    answer['apiVersion'] !== plugin.apiVersion ||
    status === undefined
  ) {
    throw problem(plugin, `did not print an ExecCredential of ${plugin.apiVersion}`, '')
  }
  const token = asText(status['token'])
  const cert = asText(status['clientCertificateData'])
  const key = asText(status['clientKeyData'])
  const clientCertificate = cert !== undefined && key !== undefined ? { cert, key } : undefined
  if (token === undefined && clientCertificate === undefined) {
    throw problem(plugin, 'printed neither a token nor a client certificate with its key', '')
  }
  return { token, clientCertificate, expiresAt: expiryOf(plugin, status) }
}

function parseJson(plugin: ExecPlugin, output: string): Shape {
  try {
    const answer = asShape(JSON.parse(output))
    if (answer !== undefined) return answer
  } catch {
    // Neither the text nor the parser's message is passed on: half a credential is still a secret.
  }
  throw problem(plugin, 'printed something that is not a JSON object', '')
}

function expiryOf(plugin: ExecPlugin, status: Shape): number | undefined {
  const written = asText(status['expirationTimestamp'])
  if (written === undefined) return undefined
  const expiresAt = Date.parse(written)
  if (Number.isNaN(expiresAt)) throw problem(plugin, 'printed an expirationTimestamp that is no time', '')
  if (expiresAt <= Date.now()) throw problem(plugin, 'printed a credential that has already expired', '')
  return expiresAt
}

function problem(plugin: ExecPlugin, what: string, stderr: string, cause?: unknown): ClusterAccessError {
  const said = withoutSecrets(stderr)
  return new ClusterAccessError(
    `The credential plugin ${plugin.command} of the ${plugin.origin} ${what}.${said === '' ? '' : ` It said: ${said}`}`,
    plugin.installHint === undefined
      ? 'Run it by hand as the user Winnow runs as; it must work without a terminal.'
      : withoutSecrets(plugin.installHint),
    { cause },
  )
}
