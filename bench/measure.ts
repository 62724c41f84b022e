/** What the benchmarks share: running a program and timing it, and the middle of several measurements. */
import { spawn } from 'node:child_process'

export interface Budget {
  readonly name: string
  readonly value: string
  readonly budget: string
  readonly met: boolean
}

export interface Results {
  readonly title: string
  readonly rows: readonly Readonly<Record<string, string | number>>[]
  readonly budgets: readonly Budget[]
}

export interface Ran {
  readonly seconds: number
  readonly stdout: string
}

/** Runs a program to its end, its output kept; fails with what it wrote to stderr unless it ends with 0. */
export async function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const started = performance.now()
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const seconds = (performance.now() - started) / 1000
  if (code !== 0) {
    const said = Buffer.concat(stderr).toString('utf8').slice(-2000)
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${code ?? 'a signal'}: ${said}`)
  }
  return { seconds, stdout: Buffer.concat(stdout).toString('utf8') }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The last line a benchmark prints; run.mjs makes a table of it. */
export function report(results: Results): void {
  console.log(JSON.stringify(results))
}
