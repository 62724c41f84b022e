/** Commands as processes: what they say, how they end, and that nothing of a stuck one is left. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { SwitchOutcome } from '../../ports/registry-switch.ts'
import { commandText } from './command-switch.ts'
import { runCommand } from './run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'winnow-command-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const limits = { limitMs: 30_000, graceMs: 5_000 }

async function shell(
  script: string,
  options: { limitMs?: number; graceMs?: number; signal?: AbortSignal } = {},
): Promise<{ outcome: SwitchOutcome; lines: readonly string[] }> {
  const lines: string[] = []
  const { signal, ...given } = options
  const outcome = await runCommand(
    ['sh', '-c', script],
    { ...limits, ...given },
    { onLine: (line) => lines.push(line), ...(signal && { signal }) },
  )
  return { outcome, lines }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie that nobody has collected is dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('a command', () => {
  it.each<{ script: string; outcome: SwitchOutcome }>([
    { script: 'exit 0', outcome: { kind: 'done' } },
    { script: 'exit 3', outcome: { kind: 'failed', why: 'ended with exit status 3' } },
    { script: 'kill -9 $$', outcome: { kind: 'failed', why: 'was ended by SIGKILL' } },
  ])('$script is told as it is', async ({ script, outcome }) => {
    expect((await shell(script)).outcome).toEqual(outcome)
  })

  it('that does not exist, or may not be run, is a failure with its reason', async () => {
    expect(await runCommand([join(folder, 'none')], limits, {})).toEqual({
      kind: 'failed',
      why: 'could not be run: there is no such program',
    })
    expect(await runCommand([folder], limits, {})).toMatchObject({ kind: 'failed' })
    expect(await runCommand(['a\0b'], limits, {})).toMatchObject({ kind: 'failed' })
  })

  it('gets its words as they are, and no shell reads them', async () => {
    const lines: string[] = []
    await runCommand(['printf', '%s\n', '$HOME; `id` "x"'], limits, { onLine: (line) => lines.push(line) })
    expect(lines).toEqual(['$HOME; `id` "x"'])
  })

  it('tells both outputs line by line while it runs, whole characters and the last line too', async () => {
    const { lines } = await shell(
      String.raw`echo one; echo two >&2; printf 'gr\303'; sleep 0.2; printf '\274n\n\nrest'`,
    )
    expect(lines).toEqual(['one', 'two', 'grün', '', 'rest'])
  })

  it('is heard before it ends', async () => {
    const seen: number[] = []
    const from = performance.now()
    await runCommand(['sh', '-c', 'echo now; sleep 1'], limits, {
      onLine: () => seen.push(performance.now() - from),
    })
    expect(seen[0]).toBeLessThan(performance.now() - from)
    expect(seen).toHaveLength(1)
  })

  it('has the environment of Winnow, and nothing on its input', async () => {
    process.env['WINNOW_TEST_SECRET'] = 'as it is'
    const { lines } = await shell('echo "$WINNOW_TEST_SECRET"; cat')
    delete process.env['WINNOW_TEST_SECRET']
    expect(lines).toEqual(['as it is'])
  })

  it('may leave a server running that goes on writing, and is not waited for', async () => {
    const file = join(folder, 'left')
    const { outcome, lines } = await shell(
      `(for i in 1 2 3 4 5 6 7 8; do echo line; sleep 0.1; done; echo wrote >${file}) & echo $!`,
    )
    expect(outcome).toEqual({ kind: 'done' })
    expect(isAlive(Number(lines[0] === 'line' ? lines[1] : lines[0]))).toBe(true)
    // Nobody reads any more; a pipe would kill it now.
    await expect.poll(() => readFileSync(file, 'utf8'), { timeout: 10_000 }).toBe('wrote\n')
  })
})

describe('a command that does not end', () => {
  it('is ended with all it started when its time is over', async () => {
    const { outcome, lines } = await shell('sleep 300 & echo $!; echo $$; wait', { limitMs: 500 })
    expect(outcome).toEqual({ kind: 'failed', why: 'did not end within 0.5 s and was ended' })
    expect(lines).toHaveLength(2)
    await expect.poll(() => lines.map((pid) => isAlive(Number(pid)))).toEqual([false, false])
  })

  it('is killed when it does not listen to SIGTERM, and so is what it left behind', async () => {
    const script = `trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; echo $$; while :; do sleep 1; done`
    const { outcome, lines } = await shell(script, { limitMs: 500, graceMs: 300 })
    expect(outcome).toMatchObject({ kind: 'failed' })
    await expect.poll(() => lines.map((pid) => isAlive(Number(pid)))).toEqual([false, false])
  })

  it('may tidy up within the grace', async () => {
    const { lines } = await shell(`trap 'sleep 0.3; echo tidy; exit 1' TERM; while :; do sleep 0.05; done`, {
      limitMs: 500,
    })
    expect(lines).toContain('tidy')
  })

  it('is ended when the run is aborted', async () => {
    const abort = new AbortController()
    const running = shell('echo $$; sleep 300', { signal: abort.signal })
    await sleep(300)
    abort.abort()
    const { outcome, lines } = await running
    expect(outcome).toEqual({ kind: 'failed', why: 'was interrupted and was ended' })
    await expect.poll(() => isAlive(Number(lines[0]))).toBe(false)
    expect(await shell('echo x', { signal: abort.signal })).toMatchObject({
      outcome: { kind: 'failed' },
      lines: [],
    })
  })
})

it.each([
  [['systemctl', 'stop', 'docker-registry'], 'systemctl stop docker-registry'],
  [['sh', '-c', "echo 'a b'"], String.raw`sh -c 'echo '\''a b'\'''`],
  [['x', ''], "x ''"],
])('%j is shown so that it can be copied', (argv, text) => {
  expect(commandText(argv)).toBe(text)
})
