/** Imports a file, plans on an inventory with what came out, and says what would go. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { winnow } from '../support/winnow-in-process.ts'
import { inventoryOf, tagName, type PolicyCase } from './cases.ts'
import { sourceFileOf } from './source-file.ts'

export interface ImportedRun {
  readonly code: number
  readonly yaml: string
  readonly stderr: string
  readonly warnings: readonly string[]
  /** Digests, and `repository:tag` of removed tags. */
  readonly gone: ReadonlySet<string>
}

interface PlanDocument {
  readonly actions: readonly {
    readonly kind: string
    readonly repository: string
    readonly digest: string
    readonly tag?: string
    readonly tags?: readonly string[]
  }[]
}

/** Imports `text` and plans on the inventory; when the import is refused, nothing goes. */
export async function runImport(
  system: string,
  text: string,
  inventory: object,
  now: string,
): Promise<ImportedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-import-'))
  const at = (name: string): string => join(folder, name)
  try {
    await writeFile(at('source'), text)
    const { code, stdout: yaml, stderr } = await winnow(['import', system, at('source')])
    const warnings = stderr.split('\n').filter((line) => line.startsWith('warning:'))
    if (code !== 0) return { code, yaml, stderr, warnings, gone: new Set() }
    await writeFile(at('winnow.yaml'), yaml)
    const { registries } = parse(yaml) as { registries: Record<string, unknown> }
    const [registry = ''] = Object.keys(registries)
    await writeFile(at('inventory.json'), JSON.stringify({ ...inventory, registry }))
    await writeFile(
      at('evidence.json'),
      JSON.stringify({ schemaVersion: 'evidence/v1', takenAt: now, sources: [] }),
    )
    const words = [
      '--config',
      at('winnow.yaml'),
      '--inventory',
      at('inventory.json'),
      '--evidence',
      at('evidence.json'),
    ]
    const plan = await winnow(['plan', ...words, '--now', now, '-o', 'json'])
    if (plan.code !== 0) throw new Error(`plan ended with ${plan.code}\n${plan.stderr}\n${yaml}`)
    return { code, yaml, stderr, warnings, gone: goneOf(JSON.parse(plan.stdout) as PlanDocument) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function goneOf({ actions }: PlanDocument): ReadonlySet<string> {
  return new Set(
    actions.flatMap(({ kind, repository, digest, tag, tags = [] }) =>
      kind === 'untag'
        ? [`${repository}:${tag ?? ''}`]
        : [digest, ...tags.map((name) => `${repository}:${name}`)],
    ),
  )
}

export interface CaseResult extends ImportedRun {
  /** What the source keeps and the import deletes: must be empty. */
  readonly tooMuch: readonly string[]
  /** What the source deletes and the import keeps. */
  readonly tooLittle: readonly string[]
}

export async function runCase(policyCase: PolicyCase): Promise<CaseResult> {
  const { text, repository } = sourceFileOf(policyCase)
  const run = await runImport(policyCase.system, text, inventoryOf(policyCase, repository), policyCase.now)
  const { all, expected } = outcomeOf(policyCase, repository)
  return {
    ...run,
    tooMuch: [...all].filter((each) => run.gone.has(each) && !expected.has(each)),
    tooLittle: [...expected].filter((each) => !run.gone.has(each)),
  }
}

/** What a case speaks of, and what of it the source deletes, in the words of a plan. */
function outcomeOf(
  policyCase: PolicyCase,
  repository: string,
): { readonly all: Set<string>; readonly expected: Set<string> } {
  const { images, unit, expected_expire: expire, expected_untag: untag = [] } = policyCase
  const rowTags = images.flatMap(({ tags, repo }) => tags.map((tag) => [repo, tag] as const))
  const told = (repo: string | undefined, tag: string): string =>
    repo === undefined ? tag : `${repo}:${tag}`
  const planned = (repo: string | undefined, tag: string): string => `${repo ?? repository}:${tagName(tag)}`
  if (unit === 'tag') {
    return {
      all: new Set(rowTags.map(([repo, tag]) => planned(repo, tag))),
      expected: new Set(
        rowTags.flatMap(([repo, tag]) => (expire.includes(told(repo, tag)) ? [planned(repo, tag)] : [])),
      ),
    }
  }
  const gone = images.filter(({ digest }) => expire.includes(digest))
  const tagsGone = gone.flatMap(({ tags, repo }) => tags.map((tag) => planned(repo, tag)))
  return {
    all: new Set([
      ...images.map(({ digest }) => digest),
      ...rowTags.map(([repo, tag]) => planned(repo, tag)),
    ]),
    expected: new Set([...expire, ...tagsGone, ...untag.map((tag) => planned(undefined, tag))]),
  }
}
