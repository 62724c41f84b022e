/** Makes single files fail for a program, by what the kernel is told through strace; no file system of our own is needed. */
import { execFileSync, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const STRACE = 'strace'

/** Whether strace is here and may trace; containers often forbid it. */
export function isTracing(): boolean {
  try {
    execFileSync(STRACE, ['-f', '-e', 'trace=chdir', 'true'], { stdio: 'ignore', cwd: tmpdir() })
    return true
  } catch {
    return false
  }
}

const OPENING = 'open,openat'

/** The first attempt to open `path` says that there is no such file; with a signal, the program also stops right then. */
export function vanishing(path: string, trace: string, signal?: 'SIGSTOP'): readonly string[] {
  return failing(path, trace, `error=ENOENT${signal === undefined ? '' : `:signal=${signal}`}:when=1`)
}

/** Every attempt to open `path` fails as a bad disk does. */
export function unreadable(path: string, trace: string): readonly string[] {
  return failing(path, trace, 'error=EIO')
}

function failing(path: string, trace: string, how: string): readonly string[] {
  return [
    STRACE,
    '-f',
    '-qq',
    '-o',
    trace,
    '-P',
    path,
    '-e',
    `trace=${OPENING}`,
    '-e',
    `inject=${OPENING}:${how}`,
  ]
}

/** Writes every file that is opened to `trace`, a line each. */
export function openedFiles(trace: string): readonly string[] {
  return [STRACE, '-f', '-qq', '-o', trace, '-e', `trace=${OPENING}`]
}

/** Waits until the traced program has stopped, and returns what lets it go on. */
export async function untilStopped(strace: ChildProcess): Promise<() => void> {
  for (let waited = 0; waited < 60_000; waited += 20) {
    const stopped = childrenOf(strace.pid ?? -1).find((pid) => 'tT'.includes(stateOf(pid)) && isHalted(pid))
    if (stopped !== undefined) return () => process.kill(stopped, 'SIGCONT')
    if (strace.exitCode !== null) break
    await sleep(20)
  }
  throw new Error('The program did not stop.')
}

/** Every thread of it, and for longer than a single system call is looked at. */
function isHalted(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => 'tT'.includes(stateOf(Number(thread))))
}

function childrenOf(pid: number): readonly number[] {
  return textOf(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((word) => word !== '')
    .map(Number)
}

function stateOf(pid: number): string {
  return /^State:\s+(\S)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? ''
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended while it was looked at.
    return ''
  }
}
