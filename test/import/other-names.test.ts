/** Systems by the other names that people have for them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { importers } from '../../src/core/import/importers.ts'
import { winnow } from '../support/winnow-in-process.ts'

it('imports under another name as under its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-names-'))
  try {
    const file = join(folder, 'pruner.yaml')
    await writeFile(file, 'registry: https://foo.bar\nrules:\n  - repos: [a/b]\n    keep_days: 2\n')
    const own = await winnow(['import', 'tumblr-docker-registry-pruner', file])
    expect(own.code, own.stderr).toBe(0)
    expect(await winnow(['import', 'tumblr', file])).toEqual(own)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

it('gives every name once', () => {
  const names = importers.flatMap(({ system, aliases = [] }) => [system, ...aliases])
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
})
