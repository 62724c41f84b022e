/**
 * Runs one git command: words and no shell, an environment of our making, output given on as it comes, in bytes.
 *
 * Promises: the command, and all it started, is gone when the call returns, whether it ended, was cancelled, took too long
 * or printed too much. It has no terminal (a session of its own), so nothing it starts can ask a person. What it says on
 * stderr passes the redactor.
 */
import { setMaxListeners } from 'node:events'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { Readable, type Writable } from 'node:stream'
import { InterruptedError } from '../../core/errors/errors.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { errorCode, Redactor } from '../http/redact.ts'
import { gitEnvironment, hardeningWords, type Environment } from './git-environment.ts'
import { GitReadError } from './git-errors.ts'
import type { GitLimits } from './git-limits.ts'

export interface GitCommand {
  /** After the words that all commands share. */
  readonly words: readonly string[]
  /** Where it runs. @default the root folder, which no repository is found from */
  readonly folder?: string
  /** Wins over the common environment. */
  readonly environment?: Environment
  /** Fed to it; pieces are joined as they are. */
  readonly input?: Iterable<string>
  /** Each piece is only good until the function returns. */
  readonly onOutput?: (chunk: Buffer) => void
  readonly onErrorText?: (text: string) => void
  /** @default the limit for reading */
  readonly timeoutMs?: number
}

export interface GitEnd {
  /** The exit status; null when a signal ended it. */
  readonly status: number | null
  /** The end of what it said, redacted. */
  readonly stderr: string
}

export interface Git {
  readonly limits: GitLimits
  readonly redactor: Redactor
  readonly environment: Environment
  /** @throws GitReadError when there is no git, or a limit was passed; InterruptedError */
  run(command: GitCommand, options?: RunOptions): Promise<GitEnd>
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

const stderrCharsMax = 16_384
/** After SIGKILL; what is longer in the kernel's hands is not waited for. */
const killedWaitMs = 5_000
const stderrWaitMs = 1_000
/** The oldest git with all that is used here: `fetch --stdin`, `--no-write-fetch-head`, `init --object-format`. */
export const gitVersionMin = '2.30'

export interface GitParts {
  readonly environment: Environment
  readonly limits: GitLimits
  /** @default git */
  readonly program?: string
}

export function createGit({ environment, limits, program = 'git' }: GitParts): Git {
  const redactor = new Redactor()
  return {
    limits,
    redactor,
    environment,
    run: (command, options = {}) => runGit(program, command, { environment, limits, redactor }, options),
  }
}

async function runGit(
  program: string,
  command: GitCommand,
  { environment, limits, redactor }: Omit<Git, 'run'>,
  { signal }: RunOptions,
): Promise<GitEnd> {
  if (signal?.aborted === true) throw new InterruptedError()
  const child = spawn(program, [...hardeningWords, ...command.words], {
    cwd: command.folder ?? '/',
    env: gitEnvironment(environment, command.environment),
    // A group of its own, to be ended whole; and no controlling terminal, so that ssh cannot ask there.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = endOf(child)
  const cut = new AbortController()
  const timeoutMs = command.timeoutMs ?? limits.readMs
  const timer = setTimeout(() => cut.abort(timeOver(command, timeoutMs)), timeoutMs)
  const onAbort = (): void => cut.abort(new InterruptedError())
  // Many repositories are read at once under one signal; Node would take so many listeners for a leak.
  if (signal !== undefined) setMaxListeners(0, signal)
  signal?.addEventListener('abort', onAbort, { once: true })
  const stderr = collectTail(child.stderr, command.onErrorText)
  const outcome = Promise.race([ended, failureOf(cut.signal)])
  try {
    feed(child, command.input ?? [])
    read(child, command.onOutput, limits.outputBytesMax, cut)
    return { status: await outcome, stderr: redactor.text(stderr()).trim() }
  } catch (error) {
    await endGroup(child, ended, limits.graceMs)
    throw error instanceof Error && 'syscall' in error ? notStarted(program, error) : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** The exit status, once its output was read to the end. */
function endOf(child: Child): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
    child.once('exit', (status) => {
      // A master connection that ssh leaves behind keeps stderr open for hours; all that git said is there already.
      const finish = (): void => void setTimeout(() => resolve(status), stderrWaitMs).unref()
      if (child.stdout.readableEnded) finish()
      else child.stdout.once('end', finish)
    })
  })
}

function failureOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

function feed(child: Child, input: Iterable<string>): void {
  // A command that fails may end without reading what it is fed; its status tells.
  child.stdin.on('error', () => undefined)
  const source = Readable.from(largePieces(input))
  source.on('error', () => child.stdin.destroy())
  source.pipe(child.stdin)
}

function* largePieces(input: Iterable<string>): Generator<Buffer, void, undefined> {
  let waiting = ''
  for (const piece of input) {
    waiting += piece
    if (waiting.length < 65_536) continue
    yield Buffer.from(waiting)
    waiting = ''
  }
  if (waiting !== '') yield Buffer.from(waiting)
}

function read(child: Child, onOutput: GitCommand['onOutput'], bytesMax: number, cut: AbortController): void {
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    if (cut.signal.aborted) return
    bytes += chunk.byteLength
    if (bytes > bytesMax) cut.abort(overLimit(`git printed more than ${bytesMax} bytes`))
    else {
      try {
        onOutput?.(chunk)
      } catch (error) {
        cut.abort(error)
      }
    }
  })
}

/** Only the end is kept: progress may be long, and what went wrong comes last. */
function collectTail(stream: Readable, onText: ((text: string) => void) | undefined): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (piece: string) => {
    onText?.(piece)
    text = (text + piece).slice(-stderrCharsMax)
  })
  return () => text
}

/** SIGTERM to the whole group, so that git takes its temporary files away; SIGKILL to what is left of it. */
async function endGroup(child: Child, ended: Promise<unknown>, graceMs: number): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  const over = ended.then(
    () => undefined,
    () => undefined,
  )
  signalGroup(pid, 'SIGTERM')
  await Promise.race([over, pause(graceMs)])
  signalGroup(pid, 'SIGKILL')
  await Promise.race([over, pause(killedWaitMs)])
  child.stdout.destroy()
  child.stderr.destroy()
}

/** The group is ours: the command was made its leader. */
function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch {
    // Nobody of it is left, which is what was wanted.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}

function timeOver({ words }: GitCommand, timeoutMs: number): GitReadError {
  return new GitReadError(
    'time-over',
    `\`git ${words.find((word) => !word.startsWith('-')) ?? ''}\` did not end within ${Math.round(timeoutMs / 1000)} s and was ended.`,
    'Run the command again; if it happens again, run the same git command by hand and see where it hangs.',
  )
}

export function overLimit(what: string): GitReadError {
  return new GitReadError(
    'over-limit',
    `The repository is larger than Winnow reads: ${what}.`,
    'Check that the right repository is meant. Limits are there so that a broken repository cannot fill the memory.',
  )
}

function notStarted(program: string, error: Error): GitReadError {
  const why = errorCode(error) === 'ENOENT' ? 'it is not installed, or not in PATH' : (errorCode(error) ?? '')
  return new GitReadError(
    'git-missing',
    `The program ${program} could not be started: ${why}.`,
    `Install git ${gitVersionMin} or newer where Winnow runs, or leave this repository out on purpose.`,
    { cause: error },
  )
}
