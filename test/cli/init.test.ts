/** `winnow init`: a configuration that works as it stands, and never over one that is there. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let sample: SampleFolder
let folder = ''

beforeAll(async () => {
  sample = await makeSampleFolder()
})

afterAll(() => sample.remove())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-init-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function init(...words: readonly string[]): ReturnType<typeof winnow> {
  return winnow(['init', '--config', join(folder, 'winnow.yaml'), ...words], { HOME: folder })
}

it('writes a configuration that plans, with its schema beside it', async () => {
  const { code, stdout } = await init('--storage', join(sample.path, 'registry'))
  expect(code).toBe(0)
  expect(stdout).toContain('Looked at 5 repositories.')
  expect((await readdir(folder)).toSorted()).toEqual(['winnow.schema.json', 'winnow.yaml'])
  const text = await readFile(join(folder, 'winnow.yaml'), 'utf8')
  expect(text).toContain('name: pull requests')
  const words = ['--config', join(folder, 'winnow.yaml'), '--state', join(folder, 'state')]
  // 0, or 5: what a first plan of this world deletes is over the careful limits that were proposed.
  expect([0, 5]).toContain((await winnow(['plan', ...words, '-o', 'json'])).code)
})

it('proposes the contexts of the kubeconfig as evidence', async () => {
  await mkdir(join(folder, '.kube'))
  await writeFile(
    join(folder, '.kube', 'config'),
    'apiVersion: v1\nkind: Config\ncontexts: [{name: prod-eu, context: {cluster: c, user: u}}]\n',
  )
  await init('--storage', join(sample.path, 'registry'))
  expect(await readFile(join(folder, 'winnow.yaml'), 'utf8')).toContain('{name: prod-eu, context: prod-eu}')
})

it('goes on without clusters when the kubeconfig cannot be read, and says so', async () => {
  await mkdir(join(folder, '.kube'))
  await writeFile(join(folder, '.kube', 'config'), 'kind: [')
  const { code, events } = await init('--storage', join(sample.path, 'registry'))
  expect(code).toBe(0)
  expect(JSON.stringify(events)).toContain('No cluster is proposed')
})

it('leaves a file that is there as it is, unless it is forced', async () => {
  const path = join(folder, 'winnow.yaml')
  await writeFile(path, 'mine')
  const refused = await init('--storage', join(sample.path, 'registry'))
  expect([refused.code, await readFile(path, 'utf8')]).toEqual([1, 'mine'])
  expect(refused.stderr).toContain('CONFIGURATION_EXISTS')
  expect((await init('--storage', join(sample.path, 'registry'), '--force')).code).toBe(0)
  expect(await readFile(path, 'utf8')).toContain('version: 1')
})

it('prints instead of writing when asked to', async () => {
  const { code, stdout } = await init('--storage', join(sample.path, 'registry'), '--print')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^version: 1$/m)
  expect(await readdir(folder)).toEqual([])
})

it.each([
  { name: 'nothing to look at and nobody to ask', words: [], says: '--registry-url' },
  {
    name: 'two ways to one registry',
    words: ['--registry-url', 'https://a.example', '--storage', 'b'],
    says: 'one of them',
  },
  { name: 'an address that is none', words: ['--registry-url', 'https://'], says: 'winnow.yaml' },
  {
    name: 'a password in the address',
    words: ['--registry-url', 'https://u:hunter2@a.example'],
    says: 'password',
  },
])('ends with 64 for $name, and writes nothing', async ({ words, says }) => {
  const { code, stdout, stderr } = await init(...words)
  expect([code, stdout]).toEqual([64, ''])
  expect(stderr).toContain(says)
  expect(stderr).not.toContain('hunter2')
  expect(await readdir(folder)).toEqual([])
})

it('writes nothing when the registry cannot be read', async () => {
  const { code } = await init('--storage', join(folder, 'no-such-folder'))
  expect(code).not.toBe(0)
  expect(await readdir(folder)).toEqual([])
})
