/** Random small worlds, as nasty as we can think of; each is given by its seed. */
import { someInventory, somePool, tagVocabulary, type PooledManifest } from './random-images.ts'
import { someConfig } from './random-policy.ts'
import { Random } from './random.ts'
import type { World, WorldInventory, WorldSource } from './world.ts'

const nows = ['2026-03-29T12:00:00Z', '2026-01-01T00:30:00Z', '2025-11-02T09:00:00Z', '2026-06-15T23:59:59Z']
const configurations = 1500
const repositoryNames = ['team/app', 'team/web', 'team/base', 'ops/tool', 'a']

/** The world of a seed. */
export function worldOf(seed: number): World {
  const random = new Random(seed)
  const nowText = random.pick(nows)
  const now = Date.parse(nowText)
  const pool = somePool(random)
  const names = random.chance(0.3) ? ['prod', 'lab'] : ['prod']
  const inventories = names.map((name) =>
    someInventory(random, name, random.some(repositoryNames, 1, 3), pool, now),
  )
  return {
    now: nowText,
    // Fewer configurations than worlds: reading one costs more than planning with it, and tests keep those they read.
    config: someConfig(new Random(random.between(1, configurations))),
    inventories,
    evidence: {
      schemaVersion: 'evidence/v1',
      takenAt: nowText,
      sources: Array.from({ length: random.between(0, 2) }, (_, i) =>
        someSource(random, i, inventories, pool),
      ),
    },
  }
}

const hosts: Readonly<Record<string, readonly string[]>> = {
  prod: [
    'registry.example.com',
    'registry.internal:5000',
    'mirror.example.com/prod',
    'Registry.Example.com:443',
  ],
  lab: ['lab.example.com:5000'],
}

export function someSource(
  random: Random,
  i: number,
  inventories: readonly WorldInventory[],
  pool: readonly PooledManifest[],
): WorldSource {
  const digest = (): string => {
    const { content } = random.pick(pool)
    return random.chance(0.25) ? (content.config?.digest ?? content.digest) : content.digest
  }
  const reference = (): string => {
    const inventory = random.pick(inventories)
    const repository = random.pick(inventory.repositories).name
    const name = `${random.pick(hosts[inventory.registry] ?? [])}/${repository}`
    const tag = random.pick(tagVocabulary)
    const manifest = random.pick(pool).content.digest
    return random.pick([
      `${name}:${tag}`,
      `${name}:${tag}`,
      `${name}:${tag}`,
      name,
      `${name}@${manifest}`,
      `${name}:${tag}@${manifest}`,
      `docker.io/library/${repository}:${tag}`,
      `elsewhere.example.org/x/${repository}@${manifest}`,
    ])
  }
  return {
    name: `kubernetes:cluster-${i}`,
    complete: true,
    identity: `uid-${i}`,
    references: Array.from({ length: random.pick([0, 0, 1, 2, 4]) }, (_, n) => ({
      reference: reference(),
      where: `Deployment shop/app-${n}`,
    })),
    digests: Array.from({ length: random.pick([0, 0, 0, 1, 2]) }, (_, n) => ({
      digest: digest(),
      where: `Pod shop/app-${n}`,
    })),
  }
}
