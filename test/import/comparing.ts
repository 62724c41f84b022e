/** What tests of `winnow import --compare` share: images by letters, and the command on files of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { winnow, type Ended } from '../support/winnow-in-process.ts'

export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`

/** A manifest of an inventory, pushed on that day of January 2026. */
export const imageOf = (letter: string, tags: readonly string[], day: string, more: object = {}): object => ({
  digest: digestOf(letter),
  tags: tags.map((name) => ({ name, pushedAt: `2026-01-${day}T00:00:00Z`, pulledAt: null })),
  pushedAt: `2026-01-${day}T00:00:00Z`,
  ...more,
})

/** Repositories by name, with their manifests. */
export const inventoryOf = (repositories: Readonly<Record<string, readonly object[]>>): object => ({
  schemaVersion: 'inventory/v1',
  registry: 'prod',
  takenAt: '2026-01-31T00:00:00Z',
  repositories: Object.entries(repositories).map(([name, manifests]) => ({
    name,
    complete: true,
    manifests,
  })),
})

export interface Comparing {
  readonly system: string
  readonly policy: string
  readonly preview: string
  readonly inventory: object
  readonly words: readonly string[]
}

export async function compareFiles({ system, policy, preview, inventory, words }: Comparing): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-compare-'))
  const at = (name: string): string => join(folder, name)
  try {
    await writeFile(at('policy'), policy)
    await writeFile(at('preview'), preview)
    await writeFile(at('inventory.json'), JSON.stringify(inventory))
    const files = ['--compare', at('preview'), '--inventory', at('inventory.json')]
    return await winnow(['import', system, at('policy'), ...files, '--now', '2026-01-31T00:00:00Z', ...words])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
