/** Bundles and spawns child.ts. The oldest supported Node runs no TypeScript by itself. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..', '..')

/** Bundles the child; returns the path of the script. Below node_modules, so that it finds the packages. */
export async function bundleChild(): Promise<string> {
  const outfile = join(root, 'node_modules', '.cache', 'winnow-state-child', `${process.pid}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, 'child.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['node-sqlite3-wasm'],
    logLevel: 'warning',
  })
  return outfile
}

export interface Child {
  readonly process: ChildProcess
  /** Every line it said so far. */
  readonly lines: readonly string[]
  readonly output: Interface
  /** Waits until it has said so many lines. */
  said(count: number): Promise<void>
  kill(): Promise<void>
  ended(): Promise<number | null>
}

export function spawnChild(script: string, parameters: readonly string[]): Child {
  const child = spawn(process.execPath, [script, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = createInterface(child.stdout)
  const lines: string[] = []
  output.on('line', (line) => lines.push(line))
  const closed = once(child, 'close') as Promise<[number | null]>
  return {
    process: child,
    lines,
    output,
    async said(count) {
      while (lines.length < count) await Promise.race([once(output, 'line'), closed.then(failEarly)])
    },
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
    ended: async () => (await closed)[0],
  }
}

function failEarly(): never {
  throw new Error('The child ended before it said what was waited for.')
}
