/** Ctrl-C and SIGTERM end an import at once, whatever it is at: it works without a pause, and no listener would be heard. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCli, type Cli } from '../faults/cli.ts'

let cli: Cli

beforeAll(async () => {
  cli = await makeCli()
})

afterAll(() => cli.remove())

/** Takes the parser of YAML well over a minute. */
const endless = [
  'jobs:\n  a:\n    steps:\n',
  ...Array.from(
    { length: 60_000 },
    (_, at) => `      - uses: x/y@v1\n        with: {a: b, c: 'd ${at}', e: [1, 2]}\n`,
  ),
].join('')

/** Long enough for Node to start and for the command to be at work, on a machine that is busy. */
const startedMs = 4000

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  it.each([
    [
      'reading a file of which nothing comes',
      'pipe',
      (path: string) => promisify(execFile)('mkfifo', [path]),
    ],
    ['in the middle of a long file', 'long.yml', () => cli.write('long.yml', endless)],
  ])('ends it %s', async (_, name, make) => {
    const path = join(cli.folder, `${signal}-${name}`)
    await (name === 'pipe' ? make(path) : make(name))
    const child = cli.start(['import', 'snok', name === 'pipe' ? path : join(cli.folder, name)])
    let written = ''
    child.stdout?.on('data', (text: Buffer) => (written += text.toString()))
    try {
      await wait(startedMs)
      expect([child.exitCode, child.signalCode]).toEqual([null, null])
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(5000) })
      child.kill(signal)
      // A shell tells of such an end as 130 or 143.
      expect(await ended).toEqual([null, signal])
      expect(written).toBe('')
    } finally {
      child.kill('SIGKILL')
    }
  })
})
