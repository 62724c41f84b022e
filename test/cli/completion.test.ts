/** `winnow completion`: every command and option is in the scripts, and bash completes as it should. */
import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { winnow } from '../support/winnow-in-process.ts'

it.each(['bash', 'zsh', 'fish'])('the script for %s knows every command and its options', async (shell) => {
  const { code, stdout } = await winnow(['completion', shell])
  expect(code).toBe(0)
  for (const { name, options = [] } of commands) {
    expect(stdout).toContain(name.split(' ')[0])
    for (const { flags } of options) expect(stdout).toContain(/--([\w-]+)/.exec(flags)?.[1])
  }
})

it.each([
  { line: ['winnow', 'pl'], words: ['plan'] },
  { line: ['winnow', 'policy', ''], words: ['check'] },
  { line: ['winnow', 'plan', '--det'], words: ['--detailed-exitcode'] },
  { line: ['winnow', 'policy', 'check', '-o', 'js'], words: ['json'] },
  { line: ['winnow', 'verify', '--show', ''], words: ['missing', 'all'] },
])('bash completes $line', async ({ line, words }) => {
  const { stdout } = await winnow(['completion', 'bash'])
  const script = `${stdout}
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _winnow; printf '%s\\n' "\${COMPREPLY[@]}"`
  const completed = execFileSync('bash', ['-c', script, 'bash', ...line], { encoding: 'utf8' })
  expect(completed.trim().split('\n')).toEqual(words)
})

it('ends with 64 for another shell', async () => {
  expect((await winnow(['completion', 'tcsh'])).code).toBe(64)
})
