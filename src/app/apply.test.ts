import { createHash } from 'node:crypto'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createMemoryJournalStore } from '../adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../adapters/journal/memory/lease.ts'
import {
  createMemoryRegistry,
  type MemoryRegistry,
  type MemoryRegistryOptions,
} from '../adapters/registries/memory/memory-registry.ts'
import type { MemoryCall } from '../adapters/registries/memory/state.ts'
import { OperationalError } from '../core/errors/errors.ts'
import type { Digest } from '../core/image/digest.ts'
import { ociIndexType, ociManifestType } from '../core/image/media-types.ts'
import type { RegistryName, RepositoryName, TagName } from '../core/image/names.ts'
import { newRunId } from '../core/journal/run-id.ts'
import type { DeleteAction, Plan } from '../core/plan/plan.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import type { MutableRegistry } from '../ports/mutable-registry.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { apply, type ApplyPorts, type ApplyReport } from './apply.ts'
import type { PlanPorts } from './plan.ts'
import { planUndo, undo } from './undo.ts'

const prod = 'prod' as RegistryName
const team = 'team/app' as RepositoryName
const now = Date.parse('2026-01-01T00:00:00Z')

class Broken extends OperationalError {
  readonly code = 'BROKEN'
  readonly hint = 'Mend it.'
}

/** A registry with images `1` … `count`, and what it is asked. */
function shop(count: number, options: MemoryRegistryOptions = {}) {
  const calls: MemoryCall[] = []
  const registry = createMemoryRegistry({
    name: 'prod',
    ...options,
    onCall: (call) => {
      calls.push(call)
      return options.onCall?.(call)
    },
  })
  const images = Array.from({ length: count }, (_, each) => pushImage(registry, `${each + 1}`))
  const changes = (): readonly MemoryCall[] =>
    calls.filter(({ method }) => ['untag', 'deleteManifest', 'putManifest'].includes(method))
  return { registry, images, calls, changes }
}

type Shop = ReturnType<typeof shop>

function pushImage(registry: MemoryRegistry, name: string, tag: string | null = name): Digest {
  const bytes = Buffer.from(JSON.stringify({ name }))
  const digest = registry.putBlob(team, bytes)
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: bytes.length }
  const document = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [] }
  const tagged = tag === null ? {} : { tag: tag as TagName }
  return registry.putManifest(team, {
    bytes: Buffer.from(JSON.stringify(document)),
    mediaType: ociManifestType,
    ...tagged,
  })
}

function pushIndex(registry: MemoryRegistry, tag: string, children: readonly Digest[]): Digest {
  const manifests = children.map((digest) => ({ mediaType: ociManifestType, digest, size: 1 }))
  const document = { schemaVersion: 2, mediaType: ociIndexType, manifests }
  return registry.putManifest(team, {
    bytes: Buffer.from(JSON.stringify(document)),
    mediaType: ociIndexType,
    tag: tag as TagName,
  })
}

function line(digest: Digest, tags: readonly string[], along: readonly Digest[] = []): DeleteAction {
  return {
    kind: 'delete',
    registry: prod,
    repository: team,
    digest,
    tags: tags as readonly TagName[],
    with: along,
    withTags: [],
    decidedBy: { policy: 'all', rule: 'unmatched', line: 1 },
    reasons: [],
    sizeBytes: undefined,
    imageBytes: 0,
    clock: undefined,
    notRestorable: undefined,
  }
}

function planOf(actions: Plan['actions'], changes: Partial<Plan> = {}): Plan {
  const none = `sha256:${'0'.repeat(64)}` as Digest
  return {
    id: 'plan',
    now,
    expiresAt: now + 1000,
    complete: true,
    fingerprints: { policy: none, inventory: none, evidence: none },
    summary: {
      images: 0,
      imagesKeep: 0,
      imagesDelete: actions.length,
      manifestsDelete: 0,
      tagsRemove: 0,
      bytesFreed: 0,
      bytesApparent: 0,
    },
    actions,
    kept: [],
    evidence: [],
    warnings: [],
    limitsBroken: [],
    ...changes,
  }
}

const everything = ({ images }: Shop): Plan =>
  planOf(images.map((digest, each) => line(digest, [`${each + 1}`])))

function portsOf({ registry }: Shop, changes: Partial<ApplyPorts> = {}): ApplyPorts {
  let runs = 0
  return {
    sources: [],
    memory: undefined,
    now: () => now,
    registries: new Map([[prod, registry]]),
    journal: createMemoryJournalStore(),
    leases: createMemoryLeaseStore(),
    newRunId: (at) => newRunId(at, (runs += 1).toString(16).padStart(4, '0')),
    ...changes,
  }
}

function applyIn(
  plan: Plan,
  ports: ApplyPorts,
  options: RunOptions = {},
  maxDeletions = 500,
): Promise<ApplyReport> {
  const request = { registries: [], limits: { maxDeletions }, leftOut: [], accepted: [], holder: 'test:1' }
  return apply(plan, request, ports, options)
}

const outcomes = ({ lines }: ApplyReport): readonly string[] => lines.map(({ outcome }) => outcome)

describe('a plan that may not be applied', () => {
  const [a] = [line(`sha256:${'a'.repeat(64)}` as Digest, ['a'])]
  it.each([
    { name: 'it has expired, to the millisecond', plan: planOf([a], { expiresAt: now }), code: 'PLAN_UNFIT' },
    {
      name: 'it is about a registry that is not configured',
      plan: planOf([{ ...a, registry: 'other' as RegistryName }]),
      code: 'PLAN_UNFIT',
    },
    {
      name: 'it breaks a limit',
      plan: planOf([a], {
        limitsBroken: [{ key: 'maxShare', registry: prod, repository: undefined, text: 'Too much.' }],
      }),
      code: 'LIMIT_REACHED',
    },
    {
      name: 'the limit of today is lower than the one it was made under',
      plan: planOf([a, { ...a, digest: `sha256:${'b'.repeat(64)}` as Digest }]),
      code: 'LIMIT_REACHED',
    },
  ])('is refused before anything is asked: $name', async ({ plan, code }) => {
    const world = shop(1)
    await expect(applyIn(plan, portsOf(world), {}, 1)).rejects.toMatchObject({ code })
    expect(world.calls).toEqual([])
  })

  it('is applied exactly at the limit', async () => {
    const world = shop(2)
    expect(outcomes(await applyIn(everything(world), portsOf(world), {}, 2))).toEqual(['deleted', 'deleted'])
  })
})

describe('a journal without room', () => {
  /** Takes so many writings after a run began, and then no more. */
  function full(after: number, journal = createMemoryJournalStore()): JournalStore {
    let written = 0
    const refuse = (): void => {
      written += 1
      if (written > after) throw new Broken('There is no space left to write the state.')
    }
    return {
      ...journal,
      recordIntents: async (...words) => {
        refuse()
        await journal.recordIntents(...words)
      },
      recordOutcomes: async (...words) => {
        refuse()
        await journal.recordOutcomes(...words)
      },
      finishRun: async (...words) => {
        refuse()
        await journal.finishRun(...words)
      },
    }
  }

  const failureOf = async (work: Promise<unknown>): Promise<Broken> => {
    const error: unknown = await work.catch((failure: unknown) => failure)
    if (error instanceof Broken) return error
    throw new Error('another error was expected', { cause: error })
  }

  it.each([0, 1, 3])('ends a run with its name and how to go on or back (after %d)', async (after) => {
    const world = shop(2)
    const ports = portsOf(world, { journal: full(after) })
    const { notes } = await failureOf(applyIn(everything(world), ports))
    const [run] = await ports.journal.listRuns()
    expect(run?.outcome).toBe('open')
    expect(notes).toEqual([expect.stringContaining(`This was run ${run?.id ?? ''}.`)])
    expect(notes[0]).toContain(`winnow undo ${run?.id ?? ''}`)
  })

  it('ends an undo with its name', async () => {
    const world = shop(1)
    const ports = portsOf(world)
    const { run } = await applyIn(everything(world), ports)
    const undoing = await planUndo(run ?? '', {}, ports.journal)
    const journal = full(0, ports.journal)
    const { notes } = await failureOf(undo(undoing.run, undoing.plan, 'test:1', { ...ports, journal }))
    const [last] = await ports.journal.listRuns()
    expect(last?.kind).toBe('undo')
    expect(notes).toEqual([expect.stringContaining(`This was run ${last?.id ?? ''}`)])
    expect(notes[0]).toContain(`winnow undo ${run ?? ''}`)
  })
})

describe('leases', () => {
  it('lets one run at a time work on a registry', async () => {
    const leases = createMemoryLeaseStore()
    const second: Promise<ApplyReport>[] = []
    const world = shop(1, {
      onCall: ({ method }) => {
        if (method === 'readRepository' && second.length === 0) {
          second.push(applyIn(everything(world), portsOf(world, { leases })))
        }
      },
    })
    const first = await applyIn(everything(world), portsOf(world, { leases }))
    expect(outcomes(first)).toEqual(['deleted'])
    await expect(second[0]).rejects.toMatchObject({ code: 'LEASE_HELD' })
    expect(world.changes()).toHaveLength(1)
  })

  it('stops before the next deletion when the lease is lost', async () => {
    let monotonic = 0
    const clock = { monotonicMs: () => monotonic, wallMs: () => now, identity: 'test' }
    const world = shop(20, {
      onCall: ({ method }) => {
        if (method === 'deleteManifest') monotonic = 60_000
      },
    })
    const ports = portsOf(world, { leases: createMemoryLeaseStore({ clock }) })
    await expect(applyIn(everything(world), ports)).rejects.toMatchObject({ code: 'LEASE_LOST' })
    expect(world.registry.digests(team)).toHaveLength(19)
    // The next run holds a newer token, and settles what was left open.
    const rest = await applyIn(everything(world), ports)
    expect(rest.settled).toHaveLength(1)
    expect(world.registry.digests(team)).toEqual([])
    const fences = []
    for (const { id } of await ports.journal.listRuns()) {
      fences.push(...new Set((await ports.journal.readRun(id))?.intents.map(({ fence }) => fence)))
    }
    expect(fences.toSorted()).toEqual([1, 2])
  })
})

describe('a registry that does not play along', () => {
  it.each(['disabled', 'read-only'] as const)(
    'is left alone once it says that deletion is %s',
    async (deletes) => {
      const world = shop(20, { deletes })
      const report = await applyIn(everything(world), portsOf(world))
      expect(new Set(outcomes(report))).toEqual(new Set(['blocked']))
      expect(report.outcome).toBe('failed')
      // Those that had begun together are asked for; the others are not begun.
      expect(world.changes().length).toBeLessThanOrEqual(8)
      expect(report.lines.at(-1)?.text).toContain('not begun')
      expect(report.lines.at(-1)?.text).not.toContain('in a row')
      expect(report.lines[0]?.text).not.toBe('')
      expect(world.registry.digests(team)).toHaveLength(20)
    },
  )

  it('is left alone after five failures in a row', async () => {
    const world = shop(40, {
      onCall: ({ method }) => {
        if (method === 'deleteManifest') throw new Broken('out of order')
      },
    })
    const report = await applyIn(everything(world), portsOf(world))
    expect(world.changes().length).toBeLessThanOrEqual(12)
    expect(report.lines.at(-1)).toMatchObject({ outcome: 'blocked' })
    expect(report.lines.at(-1)?.text).toMatch(/not begun: stopped after \d+ failures in a row/)
  })

  it('fails the lines it fails, and the journal knows which went', async () => {
    const world = shop(6, {
      onCall: ({ method, reference }) => {
        if (method === 'deleteManifest' && [world.images[1], world.images[4]].includes(reference as Digest)) {
          throw new Broken('out of order')
        }
      },
    })
    const ports = portsOf(world)
    const before = world.registry.tags(team)
    const report = await applyIn(everything(world), ports)
    expect(outcomes(report)).toEqual(['deleted', 'failed', 'deleted', 'deleted', 'failed', 'deleted'])
    expect(report.outcome).toBe('partly')
    expect((await ports.journal.listRuns())[0]?.counts.deleted).toBe(4)
    const { run, plan } = await planUndo(report.run ?? '', {}, ports.journal)
    await undo(run, plan, 'test:1', ports)
    expect(world.registry.tags(team)).toEqual(before)
  })

  it('that takes the credentials no longer says on the line what to do', async () => {
    class Expired extends OperationalError {
      readonly code = 'UNAUTHORIZED'
      readonly hint = 'Log in again.\nwinnow doctor'
    }
    const world = shop(1, {
      onCall: ({ method }) => {
        if (method === 'deleteManifest') throw new Expired('refused access: status 401.')
      },
    })
    const report = await applyIn(everything(world), portsOf(world))
    expect(report.lines[0]).toMatchObject({
      outcome: 'failed',
      text: 'refused access: status 401. Log in again.',
    })
  })

  it('that cannot be read any more fails the lines and tells what went before', async () => {
    const world = shop(2, {
      onCall: ({ method }) => {
        if (method === 'readRepository') throw new Broken('out of order')
      },
    })
    expect(outcomes(await applyIn(everything(world), portsOf(world)))).toEqual(['failed', 'failed'])
  })
})

describe('the order of things', () => {
  /** An index, a child with a tag and a line of its own, and one without. */
  function family(options: MemoryRegistryOptions = {}) {
    const world = shop(0, options)
    const [tagged, plain] = [pushImage(world.registry, 'tagged'), pushImage(world.registry, 'plain', null)]
    const index = pushIndex(world.registry, 'index', [tagged, plain])
    const plan = planOf([line(tagged, ['tagged']), line(index, ['index'], [plain])])
    return { ...world, tagged, plain, index, plan }
  }

  it('takes the index first, then a child with a line of its own, then the other', async () => {
    const world = family()
    await applyIn(world.plan, portsOf(world))
    expect(world.changes().map(({ reference }) => reference)).toEqual([
      world.index,
      world.tagged,
      world.plain,
    ])
  })

  it('spares a child when its index could not be deleted', async () => {
    const world = family({
      onCall: ({ method, reference }) => {
        if (method === 'deleteManifest' && reference === world.index) throw new Broken('out of order')
      },
    })
    const report = await applyIn(world.plan, portsOf(world))
    expect(outcomes(report)).toEqual(['failed', 'failed'])
    expect(report.lines[0]?.text).toBe('index, which was not deleted, needs it')
    expect(world.registry.digests(team)).toHaveLength(3)
  })

  it('finishes what hangs on an image when it is told to stop', async () => {
    const stop = new AbortController()
    const world = family({
      onCall: ({ method }) => {
        if (method === 'deleteManifest') stop.abort()
      },
    })
    const ports = portsOf(world)
    const report = await applyIn(world.plan, ports, { stop: stop.signal })
    expect(outcomes(report)).toEqual(['blocked', 'deleted'])
    expect(report.outcome).toBe('interrupted')
    expect(world.registry.digests(team)).toEqual([world.tagged])
  })

  it('finishes what hangs on an image when the time is up, and tells what was not begun', async () => {
    const budget = new AbortController()
    const world = family({
      onCall: ({ method }) => {
        if (method === 'deleteManifest') budget.abort()
      },
    })
    const report = await applyIn(world.plan, portsOf(world), { budget: budget.signal })
    expect(outcomes(report)).toEqual(['blocked', 'deleted'])
    expect(report.lines[0]?.text).toBe('not begun: the time budget was used up')
    expect(report.outcome).toBe('partly')
    expect(world.registry.digests(team)).toEqual([world.tagged])
  })

  it('does the same to the same registry, whoever made the plan', async () => {
    const [one, two] = [family(), family()]
    const reports = [await applyIn(one.plan, portsOf(one)), await applyIn(two.plan, portsOf(two))]
    expect(reports[0]?.lines).toEqual(reports[1]?.lines)
    expect(one.changes()).toEqual(two.changes())
  })

  it('has the bytes in the journal before anything goes', async () => {
    const world = family()
    const ports = portsOf(world)
    const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    await applyIn(world.plan, ports)
    const [{ id } = { id: undefined }] = await ports.journal.listRuns()
    const saved = id === undefined ? undefined : (await ports.journal.readRun(id))?.saved
    expect(saved?.map(({ bytes }) => sha256(bytes)).toSorted()).toEqual(
      [world.index, world.tagged, world.plain].toSorted(),
    )
  })
})

describe('the writer', () => {
  it('is told which tags are meant to go along with each manifest', async () => {
    const world = shop(1)
    const image = world.images[0] ?? ('' as Digest)
    const tag = `${image.replace(':', '-')}.sig` as TagName
    const signature = pushImage(world.registry, 'signature', tag)
    const known = new Map<Digest, readonly TagName[] | undefined>()
    const { reader, writer } = world.registry
    const watched: MutableRegistry = {
      name: writer.name,
      untag: writer.untag.bind(writer),
      putManifest: writer.putManifest.bind(writer),
      deleteManifest: async (repository, digest, options, tags) => {
        known.set(digest, tags?.tags)
        return writer.deleteManifest(repository, digest, options, tags)
      },
    }
    const plan = planOf([{ ...line(image, ['1'], [signature]), withTags: [{ tag, digest: signature }] }])
    await applyIn(plan, portsOf(world, { registries: new Map([[prod, { reader, writer: watched }]]) }))
    expect([image, signature].map((digest) => known.get(digest))).toEqual([['1'], [tag]])
  })
})

describe('a look at the repository that grows old', () => {
  const minuteMs = 61_000

  it('decides no line that has not begun: a tag that was given meanwhile stays', async () => {
    let at = now
    const world = shop(20, {
      onCall: ({ method }) => {
        if (method !== 'deleteManifest' || at > now) return
        at += minuteMs
        pushImage(world.registry, '20', 'release')
      },
    })
    const report = await applyIn(everything(world), portsOf(world, { now: () => at }))
    expect(outcomes(report)).toEqual([...Array.from({ length: 19 }, () => 'deleted'), 'drifted'])
    expect([...world.registry.tags(team).keys()]).toEqual(['20', 'release'])
    expect(world.changes()).toHaveLength(19)
    expect(world.calls.filter(({ method }) => method === 'readRepository')).toHaveLength(2)
  })

  it('before any line can begin, time and again, leaves them all', async () => {
    let at = now
    const world = shop(3, {
      onCall: ({ method }) => {
        if (method === 'resolveTag') at += minuteMs
      },
    })
    const report = await applyIn(everything(world), portsOf(world, { now: () => at }))
    expect(outcomes(report)).toEqual(['blocked', 'blocked', 'blocked'])
    expect(report.lines[0]?.text).toContain('not begun')
    expect(world.changes()).toEqual([])
  })
})

describe('a tag that lost its name', () => {
  it('on a registry that does not list it, is there and not told as deleted', async () => {
    const world = shop(2, { listsUntagged: false })
    world.registry.removeTag(team, '1' as TagName)
    const report = await applyIn(everything(world), portsOf(world))
    expect(outcomes(report)).toEqual(['drifted', 'deleted'])
    expect(world.registry.digests(team)).toEqual([world.images[0]])
  })

  it('that somebody removed before the run is not made by its undo', async () => {
    const world = shop(1)
    pushImage(world.registry, '1', 'also')
    const ports = portsOf(world)
    const plan = planOf([line(world.images[0] ?? ('' as Digest), ['1', 'also'])])
    world.registry.removeTag(team, '1' as TagName)
    const { run: id } = await applyIn(plan, ports)
    const { run, plan: lines } = await planUndo(id ?? '', {}, ports.journal)
    await undo(run, lines, 'test:1', ports)
    expect([...world.registry.tags(team).keys()]).toEqual(['also'])
  })
})

describe('undoing where the registry has a bin', () => {
  async function undone(restore: NonNullable<MutableRegistry['restore']>) {
    const world = shop(1)
    const ports = portsOf(world)
    const { run: id } = await applyIn(everything(world), ports)
    const { run, plan: lines } = await planUndo(id ?? '', {}, ports.journal)
    const { reader, writer } = world.registry
    const binned = {
      name: writer.name,
      untag: writer.untag.bind(writer),
      deleteManifest: writer.deleteManifest.bind(writer),
      putManifest: writer.putManifest.bind(writer),
      restore,
    }
    const report = await undo(run, lines, 'test:1', {
      ...ports,
      registries: new Map([[prod, { reader, writer: binned }]]),
    })
    return { world, report }
  }

  it('asks it first, so that layers that are gone come back too', async () => {
    const asked: unknown[] = []
    const { world, report } = await undone(async (repository, digest, tag) => {
      asked.push([repository, digest, tag])
      return { kind: 'done' }
    })
    expect(report.lines.map(({ outcome }) => outcome)).toEqual(['restored', 'restored'])
    expect(asked).toEqual([
      [team, world.images[0], undefined],
      [team, world.images[0], '1'],
    ])
    expect(world.changes().filter(({ method }) => method === 'putManifest')).toEqual([])
  })

  it('puts back from the journal what the bin does not have', async () => {
    const { world, report } = await undone(async () => ({ kind: 'absent' }))
    expect(report.outcome).toBe('done')
    expect([...world.registry.tags(team).keys()]).toEqual(['1'])
  })
})

describe('an image that came into use', () => {
  it('and has no tag any more keeps what it holds, though the registry does not list it', async () => {
    const world = shop(1)
    const child = world.images[0] ?? ('' as Digest)
    const index = pushIndex(world.registry, 'moved', [child])
    world.registry.removeTag(team, 'moved' as TagName)
    const reference = `registry.test/team/app@${index}`
    const answer = { complete: true, leftOut: false, identity: undefined, objects: 1, pods: undefined }
    const found = { references: [{ reference, where: 'Pod shop/app' }], digests: [], problems: [] }
    const gather = async () => ({ name: 'lab', ...answer, ...found })
    const ports = portsOf(world, { sources: [{ name: 'lab', gather }] })
    const registries = [{ name: prod, prefixes: ['registry.test'] }]
    const request = { registries, limits: { maxDeletions: 9 }, leftOut: [], accepted: [], holder: 'test:1' }
    expect(outcomes(await apply(everything(world), request, ports))).not.toContain('deleted')
    expect(world.registry.digests(team)).toContain(child)
  })
})

describe('planning', () => {
  it('is handed nothing that could change a registry', () => {
    type Shared = Extract<keyof ReadableRegistry, keyof MutableRegistry>
    expectTypeOf<Shared>().toEqualTypeOf<'name'>()
    expectTypeOf<PlanPorts['readers'][number]>().toEqualTypeOf<ReadableRegistry>()
    const { writer } = createMemoryRegistry()
    // @ts-expect-error a planner given a writer must not compile
    const readers: PlanPorts['readers'] = [writer]
    expect(readers).toHaveLength(1)
  })
})
