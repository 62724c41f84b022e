/** Bundles and runs child.ts; the oldest supported Node runs no TypeScript by itself. */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..', '..')

/** Bundles the child; returns the path of the script, below node_modules so that it finds the packages. */
export async function bundleChild(): Promise<{
  readonly script: string
  readonly remove: () => Promise<void>
}> {
  const script = join(root, 'node_modules', '.cache', 'winnow-maintenance-child', `${process.pid}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, 'child.ts')],
    outfile: script,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  })
  return { script, remove: () => rm(script, { force: true }) }
}

export interface RunningChild {
  /** What it wrote on stderr so far. */
  readonly log: () => string
  readonly out: () => string
  /** Waits for a text on stderr. */
  readonly says: (text: string) => Promise<void>
  readonly kill: (signal: NodeJS.Signals) => void
  /** Its exit status; undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>
}

export function runChild(
  script: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string>>,
): RunningChild {
  const child = spawn(process.execPath, [script, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  let log = ''
  let out = ''
  let isOver = false
  const listeners = new Set<() => void>()
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
    for (const listener of listeners) listener()
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const ended = new Promise<number | undefined>((resolve) => {
    child.once('close', (status) => {
      isOver = true
      for (const listener of listeners) listener()
      resolve(status ?? undefined)
    })
  })
  return {
    log: () => log,
    out: () => out,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (log.includes(text)) resolve()
          else if (isOver) reject(new Error(`It ended without saying "${text}":\n${log}`))
        }
        listeners.add(look)
        look()
      }),
    kill: (signal) => child.kill(signal),
    ended,
  }
}
