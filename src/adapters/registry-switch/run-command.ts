/**
 * Runs one command of the configuration: words, no shell; our environment as it is; no input.
 *
 * It has a process group of its own, so that Ctrl-C on the terminal does not reach it (a half-done stop helps nobody), and
 * so that it can be ended with all it started when its time is over. A command that ends in time is left alone with
 * whatever it left running: that may be the registry.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SwitchOptions, SwitchOutcome } from '../../ports/registry-switch.ts'
import { openCommandOutput } from './command-output.ts'

export interface CommandLimits {
  /** @default 5 min */
  readonly limitMs: number
  /** From SIGTERM to SIGKILL. @default 10 s */
  readonly graceMs: number
}

export const defaultCommandLimits: CommandLimits = { limitMs: 300_000, graceMs: 10_000 }

const groupPollMs = 20
/** After SIGKILL; what is longer in the kernel's hands, or another user's, is not waited for. */
const killedWaitMs = 5_000

/** Never throws. */
export async function runCommand(
  argv: readonly string[],
  { limitMs, graceMs }: CommandLimits,
  { onLine = () => undefined, signal }: SwitchOptions,
): Promise<SwitchOutcome> {
  if (signal?.aborted === true) return failed('was not run, because the run was interrupted')
  const output = await openCommandOutput(onLine)
  if (output === undefined) onLine('(its output cannot be shown: no temporary file could be made)')
  try {
    const out = output?.fd ?? 'ignore'
    const [binary = '', ...args] = argv
    const child = spawn(binary, args, { detached: true, stdio: ['ignore', out, out] })
    return await endOf(child, limitMs, graceMs, signal)
  } catch (error) {
    return failed(cannotRun(error))
  } finally {
    await output?.close()
  }
}

async function endOf(
  child: ChildProcess,
  limitMs: number,
  graceMs: number,
  signal: AbortSignal | undefined,
): Promise<SwitchOutcome> {
  const ended = new Promise<SwitchOutcome>((resolve) => {
    child.once('error', (error) => resolve(failed(cannotRun(error))))
    // Not `close`: that waits for whatever the command left running.
    child.once('exit', (status, by) => resolve(outcomeOf(status, by)))
  })
  const settled = new AbortController()
  const cut = Promise.race([timeOver(limitMs, settled.signal), interrupted(signal, settled.signal)])
  const first = await Promise.race([ended, cut])
  settled.abort()
  if (typeof first !== 'string') return first
  const isGone = await endGroup(child, ended, graceMs)
  return failed(isGone ? `${first} and was ended` : `${first}, and could not be ended`)
}

async function timeOver(limitMs: number, settled: AbortSignal): Promise<string> {
  await sleep(limitMs, undefined, { signal: settled }).catch(() => undefined)
  return `did not end within ${limitMs / 1000} s`
}

function interrupted(signal: AbortSignal | undefined, settled: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve('was interrupted'), { once: true, signal: settled })
  })
}

/** SIGTERM to the whole group, SIGKILL to what is left of it; true once the command itself is gone. */
async function endGroup(child: ChildProcess, ended: Promise<unknown>, graceMs: number): Promise<boolean> {
  const { pid } = child
  if (pid === undefined) return true
  signalGroup(pid, 'SIGTERM')
  for (const until = performance.now() + graceMs; performance.now() < until && signalGroup(pid, 0);)
    await sleep(groupPollMs)
  signalGroup(pid, 'SIGKILL')
  const isGone = await Promise.race([ended.then(() => true), sleep(killedWaitMs, false)])
  if (!isGone) child.unref()
  return isGone
}

/** Whether there is such a group that we may signal. It is ours: the command was made its leader. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

function outcomeOf(status: number | null, by: NodeJS.Signals | null): SwitchOutcome {
  if (status === 0) return { kind: 'done' }
  return failed(status === null ? `was ended by ${by ?? 'a signal'}` : `ended with exit status ${status}`)
}

function cannotRun(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such program',
    EACCES: 'this user may not run it',
  }
  return `could not be run: ${why[code] ?? code}`
}

function failed(why: string): SwitchOutcome {
  return { kind: 'failed', why }
}
