/** Warnings: each text once, with every line that it is said of. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { winnow } from '../support/winnow-in-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-warnings-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function warningsOf(system: string, text: string): Promise<readonly string[]> {
  const path = join(folder, 'policy')
  await writeFile(path, text)
  const { stderr } = await winnow(['import', system, path])
  return stderr.split('\n').filter((line) => line !== '')
}

const pulled = (line: string): string => `  {"name": "${line}", "criteriaLastDownloaded": 3},\n`

it.each([
  { policies: pulled('a'), also: '' },
  // Two in one line are one place to look at.
  { policies: pulled('a').replace('\n', '') + pulled('b'), also: '' },
  { policies: pulled('a') + pulled('b'), also: ' (also in line 3)' },
  { policies: pulled('a') + pulled('b') + pulled('c'), also: ' (also in lines 3, 4)' },
  {
    policies: Array.from({ length: 14 }, () => pulled('a')).join(''),
    also: ' (also in lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 3 more)',
  },
])('are told once, with all their lines$also', async ({ policies, also }) => {
  const told = await warningsOf('nexus', `[\n${policies}{"name": "z"}]\n`)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/^warning: .*policy:2: criteriaLastDownloaded: .* is kept\./)
  expect(told[0]?.replace(/^[^(]*/, '')).toBe(also.trim())
})
