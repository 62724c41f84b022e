/** The command line as it is shipped, built once, and started as a person or a script would. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

export interface Cli {
  /** A folder of its own, with winnow.yaml and the state in it. */
  readonly folder: string
  write(name: string, text: string): Promise<string>
  run(args: readonly string[], options?: CliOptions): Promise<Ended>
  start(args: readonly string[], options?: CliOptions): ChildProcess
  remove(): Promise<void>
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Ended by force then, and `code` is null. @default 170000 */
  readonly timeoutMs?: number
}

let built: Promise<string> | undefined

/** Bundles the program, once a process; below node_modules, so that it finds its packages. */
async function buildProgram(): Promise<string> {
  const folder = join(root, 'node_modules', '.cache', `winnow-faults-${process.pid}`)
  await promisify(execFile)(process.execPath, [join(root, 'scripts', 'build.mjs'), folder], { cwd: root })
  return join(folder, 'cli', 'main.js')
}

export async function makeCli(): Promise<Cli> {
  built ??= buildProgram()
  const main = await built
  const folder = await mkdtemp(join(tmpdir(), 'winnow-faults-'))
  const start: Cli['start'] = (args, { environment = {} } = {}) =>
    spawn(process.execPath, [main, ...args, '--state', join(folder, 'state')], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    })
  return {
    folder,
    start,
    async write(name, text) {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    },
    run: (args, options = {}) => ended(start(args, options), options.timeoutMs ?? 170_000),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Waits for the end of a program, and for all it said. */
export async function ended(child: ChildProcess, timeoutMs = 170_000): Promise<Ended> {
  const begun = performance.now()
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  return { code, stdout, stderr, tookMs: performance.now() - begun }
}
