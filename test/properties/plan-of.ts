/** The program's own plan of a world, through its public functions: configuration, inventory, evidence, plan. */
import { createHash } from 'node:crypto'
import { managedNames } from '../../src/app/managed-names.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Evidence } from '../../src/core/evidence/evidence.ts'
import { managedPrefixes } from '../../src/core/evidence/managed-names.ts'
import { resolveEvidence } from '../../src/core/evidence/resolve-evidence.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { readInventory } from '../../src/core/inventory/inventory-file.ts'
import { buildPlan, type PlanInput } from '../../src/core/plan/build-plan.ts'
import { fingerprintsOf, planId, type Hash } from '../../src/core/plan/fingerprints.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { planDocument } from '../../src/core/plan/plan-file.ts'
import type { World } from '../oracle/world.ts'

const hash: Hash = (texts) => {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(text)
  return `sha256:${sum.digest('hex')}` as Digest
}

function digest(text: string): Digest {
  const parsed = parseDigest(text)
  if (parsed === undefined) throw new Error(`${text} is no digest.`)
  return parsed
}

export function evidenceOf({ evidence }: World): Evidence {
  return {
    takenAt: Date.parse(evidence.takenAt),
    sources: evidence.sources.map((source) => ({
      name: source.name,
      complete: source.complete,
      leftOut: false,
      identity: source.identity,
      objects: (source.references ?? []).length + (source.digests ?? []).length,
      pods: undefined,
      references: source.references ?? [],
      digests: (source.digests ?? []).map((one) => ({ digest: digest(one.digest), where: one.where })),
      problems: [],
    })),
  }
}

const configurations = new Map<string, Configuration>()

function configurationOf({ config }: World): Configuration {
  const text = JSON.stringify(config)
  const known = configurations.get(text)
  if (known !== undefined) return known
  const configuration = loadConfiguration({ path: 'winnow.yaml', text })
  configurations.set(text, configuration)
  return configuration
}

/** All that the planner is given for a world. */
export function planInputOf(world: World): PlanInput {
  const now = Date.parse(world.now)
  const configuration = configurationOf(world)
  const inventories = world.inventories.map((inventory) =>
    readInventory(inventory, { source: 'inventory.json', takenAt: now }),
  )
  const registries = Object.entries(world.config.registries).map(([name, { url, aliases = [] }]) => ({
    name: name as RegistryName,
    prefixes: managedPrefixes(url, aliases),
  }))
  const evidence = evidenceOf(world)
  const resolved = resolveEvidence(evidence, inventories, managedNames(registries, inventories))
  const fingerprints = fingerprintsOf(configuration.fingerprintText, inventories, evidence, [], hash)
  return {
    now,
    validForMs: 86_400_000,
    policySet: configuration.policySet,
    inventories,
    evidence,
    resolved,
    seenInUse: new Map(),
    fingerprints,
    id: planId(fingerprints, now, hash),
    warnings: [],
  }
}

export function planOf(world: World): Plan {
  return buildPlan(planInputOf(world))
}

/** The plan as the file that holds it, byte for byte. */
export function planText(world: World): string {
  return JSON.stringify(planDocument(planOf(world)), null, 1)
}
