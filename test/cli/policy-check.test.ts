/** `winnow policy check`: mistakes end with 3, what is merely odd with 0, and both say where. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { winnow } from '../support/winnow-in-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-check-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function check(
  text: string,
  ...words: readonly string[]
): Promise<Awaited<ReturnType<typeof winnow>> & { readonly config: string }> {
  const config = join(folder, 'winnow.yaml')
  await writeFile(config, text)
  return { ...(await winnow(['policy', 'check', '--config', config, ...words])), config }
}

const sound = `version: 1
registries:
  prod: {url: https://registry.example.com}
evidence:
  references: [{name: pinned, file: keep.txt}]
policies:
  - {name: all, repositories: ["**"], rules: [{name: few, keep: {newest: 5}}], unmatched: delete}
`

it('finds nothing in a sound configuration', async () => {
  const { code, stdout, stderr, config } = await check(sound)
  expect([code, stdout, stderr]).toEqual([0, `${config}: no problems found\n`, ''])
})

it('tells every mistake at once, on stderr, with its place, and ends with 3', async () => {
  const { code, stdout, stderr, config } = await check(`${sound}extra: 1\nlimits: {maxShare: lots}\n`)
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toContain(`${config}:8:1 error: Unknown key "extra"`)
  expect(stderr).toContain(`${config}:9:20 error:`)
  expect(stderr).toContain(`${config}: 2 mistakes\n`)
  expect(stderr.match(/extra: 1/g)).toHaveLength(2)
})

it('warns of what can be meant and rarely is, and ends with 0', async () => {
  const { code, stdout } = await check(sound.replace(/evidence:\n.*\n/, ''))
  expect(code).toBe(0)
  expect(stdout).toContain('warning: Nobody is asked what is in use')
  expect(stdout).toContain('1 warning\n')
})

it('gives programs the same as JSON', async () => {
  const { code, stdout } = await check(`${sound}extra: 1\n`, '-o', 'json')
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toMatchObject({
    valid: false,
    diagnostics: [{ line: 8, column: 1, severity: 'error' }],
  })
})

it('ends with 3 when there is no configuration, and says how to get one', async () => {
  const { code, stderr } = await winnow(['policy', 'check', '--config', join(folder, 'none.yaml')])
  expect(code).toBe(3)
  expect(stderr).toContain('winnow init')
})
