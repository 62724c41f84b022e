/**
 * Asks a Docker credential helper (`docker-credential-<suffix> get`) for one server's credentials.
 *
 * It only ever gets: storing and erasing are the user's. A helper that says it knows nothing gives `undefined`; one
 * that is missing, fails, hangs or talks nonsense is an error, because a broken helper is not an anonymous user.
 * What a helper printed is never quoted: its output is where the secrets are.
 */
import { spawn } from 'node:child_process'
import { InterruptedError } from '../../core/errors/errors.ts'
import type { Credential } from './credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'
import { errorCode } from './redact.ts'

const TIMEOUT_DEFAULT_MS = 30_000
const OUTPUT_BYTES_MAX = 1024 * 1024
/** The helper protocol's own words for "I have none". */
const NOT_FOUND = /credentials not found in native keychain/i
/** Username of a helper's answer whose secret is an identity token. */
const TOKEN_USER = '<token>'

export interface HelperOptions {
  /** @default 30 000 */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Where PATH and what the helper itself needs come from. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

interface HelperRun {
  readonly exitCode: number | null
  readonly stdout: string
}

/**
 * What the helper has for `serverUrl`; undefined when it says that it has nothing.
 *
 * @param suffix as written in credHelpers or credsStore, e.g. `ecr-login`
 * @throws CredentialUnavailableError, InterruptedError
 */
export async function askHelper(
  suffix: string,
  serverUrl: string,
  options: HelperOptions,
): Promise<Credential | undefined> {
  // The suffix comes from a file and ends up in a program's name: no slashes, no way to another directory.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(suffix)) {
    throw new CredentialUnavailableError(
      `The credential helper ${JSON.stringify(suffix)} has a name that no helper can have.`,
      'Correct credsStore or credHelpers in the Docker configuration file.',
    )
  }
  const program = `docker-credential-${suffix}`
  const run = await runHelper(program, serverUrl, options)
  if (run.exitCode !== 0) {
    if (NOT_FOUND.test(run.stdout)) return undefined
    throw failed(program, `it failed (exit code ${run.exitCode ?? 'none, killed'})`, serverUrl)
  }
  return readAnswer(run.stdout, program, serverUrl)
}

function readAnswer(stdout: string, program: string, serverUrl: string): Credential | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(stdout)
  } catch {
    // The parser's message would quote the output.
    throw failed(program, 'its answer is not JSON', serverUrl)
  }
  if (typeof answer !== 'object' || answer === null)
    throw failed(program, 'its answer is not an object', serverUrl)
  const fields = new Map<string, unknown>(Object.entries(answer))
  const username = fields.get('Username') ?? ''
  const secret = fields.get('Secret') ?? ''
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw failed(program, 'its answer lacks Username and Secret', serverUrl)
  }
  if (username === '' && secret === '') return undefined
  const origin = `the credential helper ${program}`
  return username === TOKEN_USER
    ? { kind: 'identity-token', token: secret, origin }
    : { kind: 'basic', username, password: secret, origin }
}

async function runHelper(program: string, serverUrl: string, options: HelperOptions): Promise<HelperRun> {
  if (options.signal?.aborted === true) throw new InterruptedError()
  const timeoutMs = options.timeoutMs ?? TIMEOUT_DEFAULT_MS
  return await new Promise<HelperRun>((resolve, reject) => {
    // No shell: the name is checked, and the server's address goes in by standard input alone.
    const child = spawn(program, ['get'], {
      env: { ...options.environment },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const chunks: Buffer[] = []
    let length = 0
    const fail = (error: Error) => {
      settle()
      child.kill('SIGKILL')
      // A grandchild may keep the pipe open; nobody reads it any more.
      child.stdout.destroy()
      reject(error)
    }
    const timer = setTimeout(() => {
      fail(failed(program, `it gave no answer within ${timeoutMs / 1000} s`, serverUrl))
    }, timeoutMs)
    const onAbort = () => {
      fail(new InterruptedError())
    }
    const settle = () => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
    }
    options.signal?.addEventListener('abort', onAbort, { once: true })
    child.on('error', (error) => {
      fail(notStarted(program, error, serverUrl))
    })
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.byteLength
      chunks.push(chunk)
      if (length > OUTPUT_BYTES_MAX) fail(failed(program, 'its answer does not end', serverUrl))
    })
    child.on('close', (exitCode) => {
      settle()
      resolve({ exitCode, stdout: Buffer.concat(chunks).toString('utf8') })
    })
    // A helper may end without reading: that its input is closed is no failure of ours.
    child.stdin.on('error', () => undefined)
    child.stdin.end(serverUrl)
  })
}

function notStarted(program: string, error: Error, serverUrl: string): CredentialUnavailableError {
  const why =
    errorCode(error) === 'ENOENT'
      ? 'it is not installed, or not in PATH'
      : `it could not be started (${errorCode(error) ?? 'unknown'})`
  return failed(program, why, serverUrl)
}

function failed(program: string, why: string, serverUrl: string): CredentialUnavailableError {
  return new CredentialUnavailableError(
    `The credential helper ${program} gave no credentials for ${serverUrl}: ${why}.`,
    `Install or repair the helper, or name the credentials under \`auth\` in the configuration. To see what it says, run:\necho ${serverUrl} | ${program} get`,
  )
}
