/**
 * Whole plans of small worlds, with every reason: what a change of the program would change for its users shows here.
 *
 * A world is a YAML file: the text of a winnow.yaml, an inventory, evidence and the time; `@name` stands for a digest.
 * Beside it lies the plan it must give. `WINNOW_UPDATE_GOLDEN=1 npx vitest run test/golden.test.ts` writes the plans
 * anew; read the difference line by line before you keep it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { planOffline } from '../src/app/plan.ts'
import { loadConfiguration } from '../src/config/load.ts'
import { readEvidence } from '../src/core/evidence/evidence-file.ts'
import { managedPrefixes } from '../src/core/evidence/managed-names.ts'
import type { RegistryName } from '../src/core/image/names.ts'
import { readInventory } from '../src/core/inventory/inventory-file.ts'
import { planDocument } from '../src/core/plan/plan-file.ts'
import { digest, labelOf } from './builders/images.ts'
import { sha256 } from './builders/plans.ts'

interface GoldenWorld {
  readonly now: string
  readonly config: string
  readonly repositories: readonly unknown[]
  readonly evidence: readonly unknown[]
}

const folder = join(import.meta.dirname, 'testdata', 'golden')
const worlds = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .toSorted()
const isUpdate = process.env['WINNOW_UPDATE_GOLDEN'] === '1'

function planText(file: string): string {
  const text = readFileSync(join(folder, file), 'utf8').replaceAll(/@([a-z0-9-]+)/g, (_, label: string) =>
    digest(label),
  )
  const world = parse(text) as GoldenWorld
  const configuration = loadConfiguration({ path: 'winnow.yaml', text: world.config })
  const now = Date.parse(world.now)
  const inventory = readInventory(
    { schemaVersion: 'inventory/v1', registry: 'prod', takenAt: world.now, repositories: world.repositories },
    { source: file, takenAt: now },
  )
  const evidence = readEvidence(
    { schemaVersion: 'evidence/v1', takenAt: world.now, sources: world.evidence },
    file,
  )
  const { plan } = planOffline(
    [inventory],
    evidence,
    {
      policySet: configuration.policySet,
      policyText: configuration.fingerprintText,
      registries: [
        { name: 'prod' as RegistryName, prefixes: managedPrefixes('https://registry.example.com', []) },
      ],
      leftOut: [],
      accepted: [],
      now,
    },
    sha256,
  )
  // Fingerprints tell formats, not decisions, and have tests of their own.
  const decisions = Object.entries(planDocument(plan)).filter(
    ([key]) => key !== 'id' && key !== 'fingerprints',
  )
  const document = JSON.stringify(Object.fromEntries(decisions), null, 2)
  return `${document.replaceAll(/sha256[:-][0-9a-f]{64}/g, (text_) => `@${labelOf(text_.replace('sha256-', 'sha256:'))}`)}\n`
}

describe('golden plans', () => {
  it('are there', () => {
    expect(worlds.length).toBeGreaterThan(15)
  })

  it.each(worlds)('%s', (file) => {
    const path = join(folder, file.replace('.yaml', '.json'))
    const text = planText(file)
    if (isUpdate) writeFileSync(path, text)
    expect(existsSync(path), `${path} is missing`).toBe(true)
    expect(text).toBe(readFileSync(path, 'utf8'))
  })
})
