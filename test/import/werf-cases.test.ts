/**
 * werf's cases through `winnow import werf` and a plan that reads a real clone: what werf keeps stays, and what stays
 * beyond that is listed with its reason.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeRepository } from '../git/make-repository.ts'
import { winnow } from '../support/winnow-in-process.ts'
import { sharedCasesFile } from './shared-cases.ts'
import {
  digestOf,
  repositorySpecOf,
  werfCases,
  werfEvidenceOf,
  werfInventoryOf,
  werfYamlOf,
  type WerfCase,
} from './werf-cases.ts'

/** Cases in which more is kept; docs/import/werf.md lists them with their reasons. */
const exceptions: ReadonlySet<string> = new Set([
  'pod referring by tag and digest does not protect the tag',
  "completed or failed Job's image is not protected, active Job's is",
  'init containers protect, ephemeral containers do not',
  'image kept by Kubernetes and by git: import source is lost',
])

async function run(
  each: WerfCase,
): Promise<{ readonly gone: readonly string[]; readonly told: string; readonly warnings: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-werf-'))
  await mkdir(join(folder, 'app'))
  const repository = await makeRepository(repositorySpecOf(each), {
    form: 'clone',
    path: join(folder, 'app'),
    files: false,
  })
  const at = (name: string): string => join(folder, name)
  try {
    await writeFile(at('app/werf.yaml'), werfYamlOf(each))
    const imported = await winnow(['import', 'werf', at('app/werf.yaml')])
    expect(imported.code, imported.stderr).toBe(0)
    const yaml = imported.stdout
    await writeFile(at('winnow.yaml'), yaml)
    const inventory = werfInventoryOf(each, (label) => repository.ids.get(label) ?? 'f'.repeat(40))
    await writeFile(at('inventory.json'), JSON.stringify({ ...inventory, registry: 'imported' }))
    await writeFile(at('evidence.json'), JSON.stringify(werfEvidenceOf(each)))
    const files = [
      '--config',
      at('winnow.yaml'),
      '--inventory',
      at('inventory.json'),
      '--evidence',
      at('evidence.json'),
    ]
    const plan = await winnow(['plan', ...files, '--state', at('state'), '--now', each.now, '-o', 'json'])
    expect(plan.code, `${plan.stderr}\n${yaml}`).toBe(0)
    const { actions } = JSON.parse(plan.stdout) as { actions: { digest: string }[] }
    const gone = new Set(actions.map(({ digest }) => digest))
    return {
      gone: each.images.map(({ id }) => id).filter((id) => gone.has(digestOf(id))),
      told: `${yaml}\n${imported.stderr}`,
      warnings: imported.stderr.match(/^warning:/gm)?.length ?? 0,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

it.skipIf(werfCases.length === 0)(`${sharedCasesFile('werf-cases.json')} has 48 cases`, () => {
  expect(werfCases).toHaveLength(48)
})

it.each(werfCases.map((each) => [each.name, each] as const))('%s', async (name, each) => {
  const { gone, told, warnings } = await run(each)
  expect(
    gone.filter((id) => each.keep.includes(id)),
    told,
  ).toEqual([])
  const isExact = each.delete.every((id) => gone.includes(id))
  expect(isExact || warnings > 0, told).toBe(true)
  if (!exceptions.has(name)) expect(gone.toSorted(), told).toEqual(each.delete.toSorted())
})
