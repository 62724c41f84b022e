/**
 * Starts a server as a child of the test, waits until it answers, and stops it again.
 *
 * It stops only what it started, by the child it holds, and never by name. A server that dies or stays silent
 * while starting fails the start with the end of its log, because nothing else tells why.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerCommand {
  readonly binary: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where the log is written. */
  readonly logFile: string
  /** Asked again and again until true; a rejection counts as "not yet". */
  readonly isReady: () => Promise<boolean>
  /** @default 30000 */
  readonly readyTimeoutMs?: number
  /** How long a server may take to end by itself before it is killed; 0 kills at once. @default 3000 */
  readonly graceMs?: number
}

export interface ServerProcess {
  readonly pid: number
  /** All the server has written so far; for `onTestFailed`. */
  readonly logs: () => string
  /** Returns when the process is gone. May be called twice. */
  readonly stop: () => Promise<void>
  /** Ends it without any notice, as a crash would, and returns when it is gone. */
  readonly kill: () => Promise<void>
}

const READY_POLL_MS = 25
const LOG_TAIL_CHARS = 3000
const START_ATTEMPTS = 3

export async function startProcess(command: ServerCommand): Promise<ServerProcess> {
  // To a file and not to a pipe: a full pipe would stop the server until the test reads it.
  const log = openSync(command.logFile, 'a')
  const child = spawn(command.binary, command.args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...command.env },
  })
  closeSync(log)
  const guard = guardOf(child)
  let isAlive = true
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  }).then(() => {
    isAlive = false
    // Before the process id can belong to somebody else.
    guard?.kill('SIGKILL')
  })

  const logs = (): string => readFileSync(command.logFile, 'utf8')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  const stop = async (): Promise<void> => {
    const graceMs = command.graceMs ?? 3000
    if (graceMs > 0) {
      child.kill('SIGTERM')
      await Promise.race([gone, sleep(graceMs, undefined, { ref: false })])
    }
    if (isAlive) await kill()
  }

  try {
    await untilReady(command, () => isAlive)
  } catch (error) {
    await kill()
    throw new Error(
      `${command.binary} did not start. The end of its log:\n${logs().slice(-LOG_TAIL_CHARS)}`,
      {
        cause: error,
      },
    )
  }
  return { pid: child.pid ?? -1, logs, stop, kill }
}

/**
 * A test run may be killed before its `afterAll`, and then no code of ours runs. So a second process waits for the end
 * of a pipe that only this one holds, and ends the server when that comes. Signals meant for the test run pass it by.
 */
function guardOf({ pid }: ChildProcess): ChildProcess | undefined {
  if (pid === undefined) return undefined
  const script = `trap '' INT TERM HUP; read -r _; kill -9 ${pid}`
  const guard = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  guard.unref()
  // Its input ends with an error when it is killed first, which is the usual way.
  guard.stdin?.on('error', () => undefined)
  return guard
}

async function untilReady(command: ServerCommand, isAlive: () => boolean): Promise<void> {
  const timeoutMs = command.readyTimeoutMs ?? 30_000
  const deadline = performance.now() + timeoutMs
  let last: unknown
  while (performance.now() < deadline) {
    const isReady = await command.isReady().catch((error: unknown) => {
      last = error
      return false
    })
    // Alive is asked after ready: on a port somebody else took meanwhile, that somebody would answer for us.
    if (!isAlive()) throw new Error('It ended by itself.')
    if (isReady) return
    await sleep(READY_POLL_MS)
  }
  throw new Error(`It did not answer within ${timeoutMs} ms.`, { cause: last })
}

/**
 * Starts what `start` starts on `count` ports that were free a moment ago. None of these servers can say which
 * port it was given if asked for any, so the port is chosen here, and another process may be faster: then once more.
 */
export async function onFreePorts<T>(
  count: number,
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count))
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes('address already in use')
      if (!isTaken || attempt === START_ATTEMPTS) throw error
    }
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  // All are held before the first is let go, so that no two are the same.
  const held = await Promise.all(Array.from({ length: count }, () => holdPort()))
  await Promise.all(held.map(({ release }) => release()))
  return held.map(({ port }) => port)
}

async function holdPort(): Promise<{ readonly port: number; readonly release: () => Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return { port: address.port, release: () => new Promise((resolve) => server.close(() => resolve())) }
}

export async function makeTestFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `winnow-${name}-`))
}

/** WINNOW_TEST_KEEP=1 leaves the folders of a failing test, logs included, for whoever looks into it. */
export async function removeTestFolder(folder: string): Promise<void> {
  if (process.env['WINNOW_TEST_KEEP'] === '1') return
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
