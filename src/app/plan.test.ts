import { describe, expect, it } from 'vitest'
import { dayMs, daysAgo, hourMs, now, repositoryName } from '../../test/builders/images.ts'
import { sha256 } from '../../test/builders/plans.ts'
import { keep, policy, policySet, rule, unprotected } from '../../test/builders/policies.ts'
import { evidenceAnswer, source } from '../../test/builders/sources.ts'
import { createMemoryMemory } from '../adapters/journal/memory/memory.ts'
import {
  createMemoryRegistry,
  type MemoryRegistry,
  type MemoryRegistryOptions,
} from '../adapters/registries/memory/memory-registry.ts'
import type { SourceEvidence } from '../core/evidence/evidence.ts'
import type { Digest } from '../core/image/digest.ts'
import { ociManifestType } from '../core/image/media-types.ts'
import type { RegistryName, TagName } from '../core/image/names.ts'
import type { Protect } from '../core/policy/policy.ts'
import type { EvidenceSource } from '../ports/evidence-source.ts'
import type { Memory } from '../ports/memory.ts'
import { EvidenceIncompleteError } from './gather-evidence.ts'
import { plan, planOffline, planValidForMs, type Planned, type PlanRequest } from './plan.ts'

const app = repositoryName('team/app')

function push(registry: MemoryRegistry, tag: string): Digest {
  const config = registry.putBlob(app, Buffer.from(JSON.stringify({ tag })))
  const type = 'application/vnd.oci.image.config.v1+json'
  const document = {
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: { mediaType: type, digest: config, size: 1 },
    layers: [],
  }
  return registry.putManifest(app, {
    bytes: Buffer.from(JSON.stringify(document)),
    mediaType: ociManifestType,
    tag: tag as TagName,
  })
}

function request(protect: Partial<Protect> = {}, given: Partial<PlanRequest> = {}): PlanRequest {
  return {
    policySet: policySet({ protect: { ...unprotected, ...protect } }),
    policyText: 'policy',
    registries: [{ name: 'memory' as RegistryName, prefixes: ['registry.example.com'] }],
    leftOut: [],
    accepted: [],
    ...given,
  }
}

interface World {
  readonly registry: MemoryRegistry
  readonly sources?: readonly EvidenceSource[]
  readonly memory?: Memory
  readonly at?: number
}

function planOf({ registry, sources = [], memory, at = now }: World, asked = request()): Promise<Planned> {
  return plan(asked, { readers: [registry.reader], sources, memory, now: () => at, hash: sha256 })
}

function uses(tag: string): SourceEvidence {
  return evidenceAnswer('references:pinned', {
    references: [{ reference: `registry.example.com/team/app:${tag}`, where: 'keep.txt:1' }],
  })
}

function world(options: MemoryRegistryOptions = {}): {
  readonly registry: MemoryRegistry
  readonly one: Digest
  readonly two: Digest
} {
  const registry = createMemoryRegistry({ pushTime: true, now: () => daysAgo(30), ...options })
  return { registry, one: push(registry, '1'), two: push(registry, '2') }
}

const deleted = ({ plan: { actions } }: Planned): readonly string[] => actions.map(({ digest }) => digest)
const reasonsFor = ({ plan: { kept } }: Planned, digest: Digest): readonly string[] | undefined =>
  kept.find((line) => line.digest === digest)?.reasons.map(({ kind }) => kind)

describe('plan', () => {
  it('reads the whole inventory before it asks for any evidence', async () => {
    const calls: string[] = []
    const { registry } = world({ onCall: ({ method }) => void calls.push(method) })
    const asking = (name: string): EvidenceSource => ({
      name,
      gather: async () => {
        calls.push(name)
        return evidenceAnswer(name)
      },
    })
    await planOf({ registry, sources: [asking('a:x'), asking('b:x')] })
    expect(calls.lastIndexOf('readRepository')).toBeLessThan(calls.indexOf('a:x'))
    expect(calls.slice(calls.indexOf('a:x'))).toEqual(['a:x', 'b:x'])
    expect(calls).toContain('listRepositories')
  })

  it('sees an image that was deployed while the inventory was read', async () => {
    let deployed = '1'
    const { registry, one, two } = world({
      onCall: ({ method }) => {
        if (method === 'readRepository') deployed = '2'
      },
    })
    const late: EvidenceSource = { name: 'references:pinned', gather: async () => uses(deployed) }
    const planned = await planOf({ registry, sources: [late] })
    expect(deleted(planned)).toEqual([one])
    expect(reasonsFor(planned, two)).toEqual(['in-use'])
  })

  it('changes nothing in the registry', async () => {
    const { registry } = world()
    const before = [registry.digests(app), [...registry.tags(app)]]
    await planOf({ registry })
    expect([registry.digests(app), [...registry.tags(app)]]).toEqual(before)
  })

  it('makes no plan from evidence that is not whole', async () => {
    const { registry } = world()
    const broken = source({ ...uses('1'), complete: false })
    await expect(planOf({ registry, sources: [broken] })).rejects.toBeInstanceOf(EvidenceIncompleteError)
  })

  it('says which source was left out, and that nothing was asked when there is none', async () => {
    const { registry } = world()
    const left = await planOf(
      { registry, sources: [source(uses('1'))] },
      request({}, { leftOut: ['pinned'] }),
    )
    expect(left.plan.warnings).toEqual(['references:pinned: references:pinned was left out on purpose.'])
    expect(left.plan.evidence).toMatchObject([
      { source: 'references:pinned', leftOut: true, complete: false },
    ])
    expect((await planOf({ registry })).plan.warnings[0]).toContain('nothing was asked')
  })

  it('warns of what is in use and not there, and of a registry that does not delete', async () => {
    const { registry } = world({ deletes: 'disabled' })
    const { warnings } = (await planOf({ registry, sources: [source(uses('gone'))] })).plan
    expect(warnings).toEqual([
      'keep.txt:1 (references:pinned) uses memory/team/app:gone, which the registry does not have.',
      'memory (memory) does not delete now. Make it with deletes: yes.',
    ])
  })

  it('measures ages from the start, or from the instant it is told', async () => {
    const { registry } = world()
    expect((await planOf({ registry, at: 5 })).plan).toMatchObject({ now: 5, expiresAt: 5 + planValidForMs })
    const later = await planOf({ registry }, request({}, { now: now + dayMs, validForMs: 7 }))
    expect(later.plan).toMatchObject({ now: now + dayMs, expiresAt: now + dayMs + 7 })
  })

  it('is the same plan twice, id included', async () => {
    const { registry } = world()
    const [first, second] = [await planOf({ registry }), await planOf({ registry })]
    expect(first.plan).toEqual(second.plan)
  })
})

describe('memory', () => {
  const week = { seenInUseWithinMs: 7 * dayMs }

  it('protects for seenInUseWithin what an earlier plan saw in use', async () => {
    const memory = createMemoryMemory()
    const { registry, one, two } = world()
    await planOf({ registry, memory, sources: [source(uses('1'))], at: daysAgo(6) }, request(week))
    const planned = await planOf({ registry, memory }, request(week))
    expect(reasonsFor(planned, one)).toEqual(['seen-in-use'])
    expect(deleted(planned)).toEqual([two])
  })

  it('does not protect when that time has just passed', async () => {
    const memory = createMemoryMemory()
    const { registry, one, two } = world()
    await planOf({ registry, memory, sources: [source(uses('1'))], at: daysAgo(7) }, request(week))
    expect(deleted(await planOf({ registry, memory }, request(week))).toSorted()).toEqual(
      [one, two].toSorted(),
    )
  })

  it('is not asked when seenInUseWithin is 0s', async () => {
    const memory = createMemoryMemory()
    const { registry } = world()
    await planOf({ registry, memory, sources: [source(uses('1'))], at: daysAgo(1) })
    expect(deleted(await planOf({ registry, memory }))).toHaveLength(2)
  })

  it('remembers what is in use now, with its place, and answers of sources', async () => {
    const memory = createMemoryMemory()
    const { registry, one } = world()
    await planOf({ registry, memory, sources: [source(uses('1'))] })
    expect([...(await memory.seenInUse('memory' as RegistryName, 0))]).toEqual([
      [one, { lastSeenAt: now, source: 'references:pinned', where: 'keep.txt:1' }],
    ])
    expect(await memory.lastSnapshot('references:pinned')).toMatchObject({ at: now, references: 1 })
  })

  it('remembers first sightings, which date what nothing else dates', async () => {
    const memory = createMemoryMemory()
    const { registry, one } = world({ pushTime: false })
    const young = request({ youngerThanMs: dayMs })
    expect(reasonsFor(await planOf({ registry, memory, at: daysAgo(9) }, young), one)).toEqual([
      'age-unknown',
    ])
    const fresh = push(registry, 'fresh')
    const planned = await planOf({ registry, memory, at: daysAgo(1) }, young)
    expect(reasonsFor(planned, fresh)).toEqual(['younger-than'])
    expect(deleted(await planOf({ registry, memory, at: now + hourMs }, young))).toEqual([fresh])
  })
})

describe('planOffline', () => {
  it('makes the same plan from the inventory and evidence of a live one', async () => {
    const { registry } = world()
    const asked = request(
      {},
      {
        policySet: policySet({ policies: [policy({ rules: [rule(keep({ kind: 'newest', count: 1 }))] })] }),
        now,
      },
    )
    const live = await planOf({ registry, sources: [source(uses('2'))] }, asked)
    const { inventories, evidence } = live.input
    expect(planOffline(inventories, evidence, { ...asked, now }, sha256).plan).toEqual(live.plan)
  })
})
