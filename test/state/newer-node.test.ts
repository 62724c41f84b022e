/** The same suites under a newer Node, and so on its built-in SQLite; the oldest supported Node has none. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { engines } from './open.ts'

const root = join(import.meta.dirname, '..', '..')
const newer = findNewerNode()
const lacking = newer === undefined ? ' (a newer Node is missing: bash test/state/newer-node.sh)' : ''

describe.skipIf(newer === undefined || engines.includes('node'))(
  `the state under a newer Node${lacking}`,
  () => {
    it('passes every suite on the built-in engine', { timeout: 240_000 }, async () => {
      const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
      const env = { ...process.env, WINNOW_STATE_ENGINES: 'node', WINNOW_STATE_KILLS: '15' }
      const { code, stdout } = await run([vitest, 'run', 'test/state', 'src/adapters/journal'], env)
      expect(stdout).toMatch(/after kill -9|Test Files .*passed/)
      expect(code, stdout).toBe(0)
    })

    it('says nothing on stderr about the engine', async () => {
      const { bundleChild } = await import('./spawn-child.ts')
      const { temporaryDirectory } = await import('./open.ts')
      const directory = temporaryDirectory()
      const { code, stdout, stderr } = await run(
        [await bundleChild(), 'contend', directory.path, 'node', '0,1'],
        process.env,
      )
      directory.remove()
      expect([code, stdout, stderr]).toEqual([0, 'open\ndone\n', ''])
    })
  },
)

async function run(
  parameters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(newer ?? '', parameters, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: (await closed)[0], stdout, stderr }
}

/** Where newer-node.sh puts it. */
function findNewerNode(): string | undefined {
  const version =
    /^version=(.+)$/m.exec(readFileSync(join(import.meta.dirname, 'newer-node.sh'), 'utf8'))?.[1] ?? ''
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(
    process.env['WINNOW_TEST_CACHE'] ?? join(caches, 'winnow-test-servers'),
    `node-${version}`,
  )
  try {
    const modules = join(folder, 'node_modules')
    const [name] = readdirSync(modules).filter((entry) => entry.startsWith('node-'))
    return name === undefined ? undefined : join(modules, name, 'bin', 'node')
  } catch {
    // Not installed: the suite is skipped and says so.
    return undefined
  }
}
