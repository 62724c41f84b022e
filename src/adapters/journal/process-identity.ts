/**
 * Who holds something, said so that another process can tell whether the holder is dead.
 *
 * Promises: `isCertainlyDead` is true only when nothing of that process can act any more. A process that cannot be
 * judged from here (another machine, another container's process table) is never certainly dead; whoever waits for
 * it falls back on time.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessIdentity {
  /** The process table the pid counts in: one boot of one kernel, and the pid namespace on it. */
  readonly machine: string
  readonly pid: number
  /** When the process started, in the kernel's own ticks; empty where the system does not tell. */
  readonly started: string
}

/** The identity of the running process. */
export function thisProcess(): ProcessIdentity {
  return { machine: machineIdentity(), pid: process.pid, started: processStatus(process.pid)?.started ?? '' }
}

/**
 * Whether the process `other` has ended, for certain, as seen from `self`. Pids come round again, so a pid that is
 * there counts only with the same start time; a zombie is dead, because it runs no code any more.
 */
export function isCertainlyDead(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.machine !== self.machine) return false
  const status = processStatus(other.pid)
  if (status !== undefined) return status.ended || (other.started !== '' && status.started !== other.started)
  return !answersSignals(other.pid)
}

/**
 * What time a monotonic clock reading belongs to: readings of two processes compare only under the same text.
 * Undefined where the system does not name its boots.
 */
export function clockIdentity(): string | undefined {
  const boot = readText('/proc/sys/kernel/random/boot_id')
  return boot === undefined ? undefined : `${boot} ${namespace('time')}`
}

function machineIdentity(): string {
  const boot = readText('/proc/sys/kernel/random/boot_id')
  // Containers of one host share its boot and sometimes its name, but not its process table.
  return boot === undefined ? `host ${hostname()}` : `boot ${boot} ${namespace('pid')}`
}

function namespace(kind: 'pid' | 'time'): string {
  try {
    return readlinkSync(`/proc/self/ns/${kind}`)
  } catch {
    // A kernel without this namespace has one for all.
    return `${kind}:one`
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch {
    // No /proc on this system: callers know less, and then judge nothing dead by it.
    return undefined
  }
}

/** From /proc/PID/stat (proc_pid_stat(5)): state is field 3, starttime field 22; the name before may hold spaces. */
function processStatus(pid: number): { readonly started: string; readonly ended: boolean } | undefined {
  const text = readText(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, started] = [fields?.[0], fields?.[19]]
  if (state === undefined || started === undefined) return undefined
  return { started, ended: state === 'Z' || state === 'X' }
}

function answersSignals(pid: number): boolean {
  try {
    // Signal 0 asks only whether the process is there.
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
