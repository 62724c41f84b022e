/** Files that were cut off or are broken: the place, the reason and the cure in one finding, in no parser's words. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { winnow, type Ended } from '../support/winnow-in-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-cut-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function importText(system: string, text: string): Promise<Ended> {
  const path = join(folder, 'policy')
  await writeFile(path, text)
  return winnow(['import', system, path])
}

const ecr = JSON.stringify(
  {
    rules: [
      {
        rulePriority: 1,
        selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 5 },
        action: { type: 'expire' },
      },
    ],
  },
  undefined,
  2,
)
const workflow =
  'jobs:\n  a:\n    steps:\n      - uses: snok/container-retention-policy@v3\n        with: {account: o, image-names: p, cut-off: "1w"}\n'

describe.each(['ecr', 'gar', 'harbor', 'gitlab', 'zot', 'quay', 'nexus'])('%s', (system) => {
  it.each([0.1, 0.3, 0.5, 0.7, 0.9])('tells a file that was cut off at %d of its length', async (share) => {
    const { code, stdout, stderr } = await importText(system, ecr.slice(0, Math.floor(ecr.length * share)))
    expect([code, stdout], stderr).toEqual([3, ''])
    expect(stderr).toContain('1 thing cannot be taken over')
    expect(stderr).toMatch(/policy:\d+:\d+: The file ends too early: /)
    expect(stderr).toContain('Get the whole file.')
  })
})

it.each([5, 4, 12])('tells a workflow that was cut off in its last line', async (back) => {
  const { code, stdout, stderr } = await importText('snok', workflow.slice(0, -back))
  expect([code, stdout], stderr).toEqual([3, ''])
  expect(stderr).toMatch(/policy:5:\d+: The file ends too early: /)
  expect(stderr).toContain('1 thing cannot')
})

it.each([
  [ecr.replace('"any",', '"any"'), /policy:7:\d+: This is no JSON: here a comma or "}" is expected\./],
  [ecr.replace('5', '5,,'), /policy:8:\d+: This is no JSON: here a key in double quotes is expected\./],
  [`${ecr}]`, /This is no JSON: here the end of the file is expected\./],
])('says where JSON is broken, and what would be right', async (text, told) => {
  const { code, stderr } = await importText('ecr', text)
  expect(code).toBe(3)
  expect(stderr).toMatch(told)
  expect(stderr).toContain('1 thing cannot be taken over')
})

it('says so of a preview, too', async () => {
  const at = (name: string): string => join(folder, name)
  await writeFile(at('whole'), ecr)
  await writeFile(at('preview'), '{"previewResults": [\n  {"imageDigest": "sha256:0')
  await writeFile(at('inventory'), '{}')
  const files = ['--compare', at('preview'), '--inventory', at('inventory')]
  const { code, stdout, stderr } = await winnow(['import', 'ecr', at('whole'), ...files])
  expect([code, stdout], stderr).toEqual([3, ''])
  expect(stderr).toContain('(line 2, column 28). The file ends too early: a text in double quotes')
})
