/** Runs a program to its end with its output thrown away, and says how long it took and how much memory it had at most. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Measured {
  readonly seconds: number
  /** Of the program and everything it started, together. */
  readonly peakMiB: number
  readonly stdout: string
}

const POLL_MS = 20

export async function measure(
  command: string,
  args: readonly string[],
  options: { readonly keepsOutput?: boolean; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Measured> {
  const started = performance.now()
  const child = spawn(command, args, {
    stdio: ['ignore', options.keepsOutput === true ? 'pipe' : 'ignore', 'pipe'],
    env: { ...process.env, ...options.environment },
  })
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  // Its last words only: the old registry writes a line for every blob.
  child.stderr?.on(
    'data',
    (chunk: Buffer) => stderr.splice(0, stderr.length > 20 ? 1 : 0) && stderr.push(chunk),
  )
  let peakKiB = 0
  const poll = setInterval(() => (peakKiB = Math.max(peakKiB, memoryOf(child.pid ?? -1))), POLL_MS)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const seconds = (performance.now() - started) / 1000
  clearInterval(poll)
  if (code !== 0) {
    const said = Buffer.concat(stderr).toString('utf8').slice(-2000)
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${code ?? 'a signal'}: ${said}`)
  }
  return { seconds, peakMiB: peakKiB / 1024, stdout: Buffer.concat(stdout).toString('utf8') }
}

/** The most it ever had, and what its children have now. */
function memoryOf(pid: number): number {
  return fieldOf(pid, 'VmHWM') + childrenOf(pid).reduce((sum, child) => sum + memoryOf(child), 0)
}

function childrenOf(pid: number): readonly number[] {
  try {
    const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return words.filter((word) => word !== '').map(Number)
  } catch {
    // It ended meanwhile.
    return []
  }
}

function fieldOf(pid: number, field: string): number {
  try {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Number(found?.[1] ?? 0)
  } catch {
    return 0
  }
}
