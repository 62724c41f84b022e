import { expect, it } from 'vitest'
import { parseDigest, type Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName } from '../image/names.ts'
import type { Inventory } from '../inventory/inventory.ts'
import { mayExistIn } from './elsewhere.ts'

const absent = parseDigest(`sha256:${'a'.repeat(64)}`) as Digest

function inventory(complete: boolean): Inventory {
  const repository = { name: 'b/app' as RepositoryName, complete, problems: [], manifests: [] }
  return { registry: 'prod' as RegistryName, takenAt: 0, capabilities: undefined, repositories: [repository] }
}

it('what no repository has is nowhere, when all were read', () => {
  expect(mayExistIn(inventory(true))(absent)).toBe(false)
})

it('nothing is certainly absent while a repository was not read in full', () => {
  expect(mayExistIn(inventory(false))(absent)).toBe(true)
})
