/**
 * Promise 8 where somebody pushes an image again in the very moment in which its parts go: no index is left without a
 * child, whatever the moment, the registry, and the end of the run.
 */
import { describe, expect, it } from 'vitest'
import { createMemoryJournalStore } from '../adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../adapters/journal/memory/lease.ts'
import {
  createMemoryRegistry,
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
import { apply, type ApplyPorts, type ApplyReport } from './apply.ts'
import { planUndo, undo } from './undo.ts'

const prod = 'prod' as RegistryName
const team = 'team/app' as RepositoryName
const now = Date.parse('2026-01-01T00:00:00Z')

class Broken extends OperationalError {
  readonly code = 'BROKEN'
  readonly hint = 'Mend it.'
}

/** An index over a child that has a tag and a line of its own, and over two that have none; the index is signed. */
function family(options: MemoryRegistryOptions = {}) {
  const calls: MemoryCall[] = []
  let onCall: (call: MemoryCall) => void = () => undefined
  const registry = createMemoryRegistry({
    name: 'prod',
    ...options,
    onCall: (call) => {
      calls.push(call)
      onCall(call)
    },
  })
  const put = (document: object, mediaType: string, tag?: string): Digest =>
    registry.putManifest(team, {
      bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document })),
      mediaType,
      ...(tag !== undefined && { tag: tag as TagName }),
    })
  const blobs = new Map<string, Digest>()
  const image = (name: string, tag?: string): Digest => {
    const bytes = Buffer.from(JSON.stringify({ name }))
    const digest = registry.putBlob(team, bytes)
    blobs.set(name, digest)
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: bytes.length }
    return put({ config, layers: [] }, ociManifestType, tag)
  }
  const index = (children: readonly Digest[], tag?: string): Digest => {
    const manifests = children.map((digest) => ({ mediaType: ociManifestType, digest, size: 1 }))
    return put({ manifests }, ociIndexType, tag)
  }
  const tagged = image('tagged', '1.0-amd64')
  const parts = [image('one'), image('two')]
  const root = index([tagged, ...parts], '1.0')
  const signatureTag = `${root.replace(':', '-')}.sig` as TagName
  const signature = image('signature', signatureTag)
  const along = { with: [...parts, signature], withTags: [{ tag: signatureTag, digest: signature }] }
  const plan = planOf([line(tagged, ['1.0-amd64']), { ...line(root, ['1.0']), ...along }])
  return {
    registry,
    calls,
    index,
    image,
    tagged,
    parts,
    root,
    signature,
    signatureTag,
    plan,
    everything: [tagged, ...parts, root, signature].toSorted(),
    /** A client finds all that the index names, uploads none of it, and puts the index; refused where a child is gone. */
    pushAgain: (tag?: string) => {
      if ([tagged, ...parts].some((digest) => !registry.digests(team).includes(digest))) return false
      index([tagged, ...parts], tag)
      return true
    },
    /** A client that finds children missing uploads those, and then puts the index. */
    pushWhole: (tag?: string) => {
      for (const name of ['tagged', 'one', 'two']) image(name)
      index([tagged, ...parts], tag)
      return true
    },
    removeBlobOf: (name: string) => {
      registry.removeBlob(team, blobs.get(name) ?? ('' as Digest))
    },
    /** Whether every index that is there has what it names. */
    isWhole: () => {
      const here = registry.digests(team)
      return !here.includes(root) || [tagged, ...parts].every((digest) => here.includes(digest))
    },
    watch: (watcher: (call: MemoryCall) => void) => {
      onCall = watcher
    },
  }
}

type Family = ReturnType<typeof family>

function line(digest: Digest, tags: readonly string[]): DeleteAction {
  return {
    kind: 'delete',
    registry: prod,
    repository: team,
    digest,
    tags: tags as readonly TagName[],
    with: [],
    withTags: [],
    decidedBy: { policy: 'all', rule: 'unmatched', line: 1 },
    reasons: [],
    sizeBytes: undefined,
    imageBytes: 0,
    clock: undefined,
    notRestorable: undefined,
  }
}

function planOf(actions: readonly DeleteAction[]): Plan {
  const none = `sha256:${'0'.repeat(64)}` as Digest
  const counted = { images: 0, imagesKeep: 0, imagesDelete: 0, manifestsDelete: 0, tagsRemove: 0 }
  return {
    id: 'plan',
    now,
    expiresAt: now + 1000,
    complete: true,
    fingerprints: { policy: none, inventory: none, evidence: none },
    summary: { ...counted, bytesFreed: 0, bytesApparent: 0 },
    actions,
    kept: [],
    evidence: [],
    warnings: [],
    limitsBroken: [],
  }
}

function portsOf({ registry }: Family, journal: JournalStore = createMemoryJournalStore()): ApplyPorts {
  let runs = 0
  return {
    sources: [],
    memory: undefined,
    now: () => now,
    registries: new Map([[prod, registry]]),
    journal,
    leases: createMemoryLeaseStore(),
    newRunId: (at) => newRunId(at, (runs += 1).toString(16).padStart(4, '0')),
  }
}

function applyIn(plan: Plan, ports: ApplyPorts, signal?: AbortSignal): Promise<ApplyReport> {
  const request = { registries: [], limits: { maxDeletions: 9 }, leftOut: [], accepted: [], holder: 'test:1' }
  return apply(plan, request, ports, signal === undefined ? {} : { signal })
}

const outcomes = ({ lines }: ApplyReport): readonly string[] => lines.map(({ outcome }) => outcome)

const kinds: readonly { readonly name: string; readonly options: MemoryRegistryOptions }[] = [
  { name: 'that lists untagged manifests', options: { listsUntagged: true } },
  { name: 'that lists only what has a tag', options: { listsUntagged: false } },
  { name: 'that deletes tags one by one', options: { deleteByTag: true } },
  { name: 'that holds children of an index', options: { protectsChildren: true } },
]

describe.each(kinds)('an index that is pushed again while it goes, on a registry $name', ({ options }) => {
  /** Pushes the index again once, before the call that `isMoment` picks. */
  async function pushedBefore(
    isMoment: (call: MemoryCall, world: Family) => boolean,
    tag: string | undefined,
    client: 'pushAgain' | 'pushWhole' = 'pushAgain',
  ) {
    const world = family(options)
    let isPushed = false
    world.watch((call) => {
      if (isPushed || world.registry.digests(team).includes(world.root) || !isMoment(call, world)) return
      isPushed = world[client](tag)
    })
    const ports = portsOf(world)
    const report = await applyIn(world.plan, ports)
    return { world, report, ports, isPushed }
  }

  it.each([undefined, '1.0', 'again'])('keeps the child with a line of its own (tag: %s)', async (tag) => {
    const { world, report } = await pushedBefore(
      ({ method, reference }, { tagged }) => method === 'deleteManifest' && reference === tagged,
      tag,
    )
    expect(world.registry.digests(team)).toEqual(world.everything)
    expect(world.registry.tags(team).get('1.0-amd64' as TagName)).toBe(world.tagged)
    // A registry that holds children says so itself.
    expect(outcomes(report)).toEqual([options.protectsChildren === true ? 'blocked' : 'drifted', 'drifted'])
  })

  // Whatever comes between whichever two requests, nothing may be left that lacks a part.
  it.each([
    { tag: undefined, client: 'pushAgain' },
    { tag: '1.0', client: 'pushAgain' },
    { tag: undefined, client: 'pushWhole' },
    { tag: '1.0', client: 'pushWhole' },
    { tag: 'again', client: 'pushWhole' },
  ] as const)('is whole in the end, whatever the moment ($client, $tag)', async ({ tag, client }) => {
    const undisturbed = family(options)
    await applyIn(undisturbed.plan, portsOf(undisturbed))
    expect(undisturbed.registry.digests(team)).toEqual([])
    let pushes = 0
    for (let moment = 0; moment <= undisturbed.calls.length; moment += 1) {
      const { world, report, isPushed } = await pushedBefore(
        (_, { calls }) => calls.length > moment,
        tag,
        client,
      )
      if (isPushed) pushes += 1
      expect(world.isWhole(), `moment ${moment}: ${JSON.stringify(world.calls.at(moment))}`).toBe(true)
      if (report.lines[1]?.outcome !== 'drifted') continue
      expect(world.registry.tags(team).get(world.signatureTag)).toBe(world.signature)
    }
    expect(pushes).toBeGreaterThan(5)
  })
})

describe('an index that is there again before anything of it goes', () => {
  it('loses nothing but the names it had', async () => {
    const world = family()
    world.watch(({ method }) => {
      if (method === 'resolveTag' && !world.registry.digests(team).includes(world.root)) world.pushAgain()
    })
    const report = await applyIn(world.plan, portsOf(world))
    const changes = world.calls.filter(({ method }) =>
      ['untag', 'deleteManifest', 'putManifest'].includes(method),
    )
    expect(changes.map(({ reference }) => reference)).toEqual([world.root])
    expect(report.lines.map(({ outcome, text }) => [outcome, text])).toEqual([
      ['drifted', '1.0, which was pushed again meanwhile, needs it'],
      ['drifted', 'it was pushed again while it was being deleted; what hangs on it stays'],
    ])
    expect(report.outcome).toBe('failed')
  })

  it('keeps its parts, though the last look at the repository did not show it', async () => {
    const world = family({ listsUntagged: false })
    let isLooked = false
    world.watch(({ method, reference }) => {
      const isGone = !world.registry.digests(team).includes(world.root)
      if (method === 'readRepository' && isGone) isLooked = true
      if (isLooked && isGone && method === 'readManifest' && reference === world.root) world.pushWhole()
    })
    await applyIn(world.plan, portsOf(world))
    const deleted = world.calls.filter(({ method }) => method === 'deleteManifest')
    expect(deleted.map(({ reference }) => reference)).toEqual([world.root, world.tagged])
  })
})

describe('a run that dies while an index comes back', () => {
  // Where a child goes, the index is pushed again just before; from there on the run dies at each of its requests.
  it('leaves it to the next run to put back what is missing', async () => {
    let mended = 0
    for (let moment = 1; ; moment += 1) {
      const world = family({ listsUntagged: false })
      const journal = createMemoryJournalStore()
      const abort = new AbortController()
      let calls = 0
      world.watch(({ method, reference }) => {
        const isChild = reference === world.parts[0] && method === 'deleteManifest'
        if (isChild && calls === 0) world.pushWhole('1.0')
        if (isChild || calls > 0) calls += 1
        if (calls === moment + 1) abort.abort()
      })
      const first = applyIn(world.plan, portsOf(world, journal), abort.signal)
      if (calls <= moment && (await first.catch(() => undefined)) !== undefined) break
      await expect(first).rejects.toMatchObject({ code: 'INTERRUPTED' })
      const isBroken = !world.isWhole()
      const next = await applyIn(planOf([]), {
        ...portsOf(world, journal),
        newRunId: () => newRunId(now, 'b'),
      })
      expect(next.settled[0]).toContain('was interrupted')
      expect(world.isWhole(), `died at request ${moment}`).toBe(true)
      if (!isBroken) continue
      mended += 1
      expect(next.settled[1]).toContain('it was pushed again while it was being deleted')
    }
    expect(mended).toBeGreaterThan(2)
  })
})

describe('what has gone of an image that came back', () => {
  /** The index is pushed again, without a tag, before its second part goes. */
  async function halfGone(
    options: MemoryRegistryOptions = {},
    spoil: (world: Family) => void = () => undefined,
  ) {
    const world = family(options)
    let isPushed = false
    world.watch(({ method, reference }) => {
      if (isPushed || method !== 'deleteManifest' || reference !== world.parts[0]) return
      isPushed = true
      world.pushWhole()
      spoil(world)
    })
    const ports = portsOf(world)
    return { world, ports, report: await applyIn(world.plan, ports) }
  }

  it('is back with its names, but for those of the image itself, which whoever pushed it has chosen', async () => {
    const { world, report } = await halfGone()
    expect(world.registry.digests(team)).toEqual(world.everything)
    expect([...world.registry.tags(team).keys()]).toEqual([world.signatureTag])
    expect(report.lines.map(({ outcome, text }) => [outcome, text])).toEqual([
      ['deleted', ''],
      ['drifted', 'it was pushed again while it was being deleted; what hangs on it stays'],
    ])
    expect(report.manifestsDeleted).toBe(1)
  })

  it('is in the journal as deleted, restored and not to be undone', async () => {
    const { world, report, ports } = await halfGone()
    const [summary] = await ports.journal.listRuns()
    expect(summary).toMatchObject({ outcome: 'partly', counts: { deleted: 2, restored: 4, failed: 0 } })
    const journal = await ports.journal.readRun(summary?.id ?? newRunId(now, '0'))
    const puts = journal?.intents.filter(({ act }) => act.kind === 'put').map(({ act }) => act.digest)
    expect(new Set(puts)).toEqual(new Set([...world.parts, world.signature]))
    const { run, plan } = await planUndo(report.run ?? '', {}, ports.journal)
    expect(plan.lines.map(({ digest, tag }) => [digest, tag])).toEqual([
      [world.tagged, undefined],
      [world.root, undefined],
      [world.root, '1.0'],
      [world.tagged, '1.0-amd64'],
    ])
    await undo(run, plan, 'test:1', ports)
    expect(world.registry.tags(team).get('1.0' as TagName)).toBe(world.root)
  })

  it('and cannot be put back fails the lines, and says so', async () => {
    const { report } = await halfGone({}, ({ removeBlobOf }) => {
      removeBlobOf('one')
    })
    expect(report.lines[1]?.outcome).toBe('failed')
    expect(report.lines[1]?.text).toContain('could not be put back: the registry no longer has')
  })

  it('is put back for another image that was given its name and shares a part of it', async () => {
    const world = family()
    let other: Digest | undefined
    world.watch(({ method, reference }) => {
      if (other !== undefined || method !== 'deleteManifest' || reference !== world.parts[0]) return
      other = world.index(world.parts, '1.0')
    })
    const report = await applyIn(world.plan, portsOf(world))
    const left = [other ?? ('' as Digest), ...world.parts].toSorted()
    expect(world.registry.digests(team)).toEqual(left)
    expect(outcomes(report)).toEqual(['deleted', 'deleted'])
  })
})

describe('a registry that does not answer when it is asked again', () => {
  /** It answers no question about the index once its `last`, or nothing of it, has gone. */
  async function silentFrom(isSilent: (call: MemoryCall, world: Family) => boolean) {
    const world = family()
    world.watch((call) => {
      const isAsked = call.method === 'readManifest' && call.reference === world.root
      if (isAsked && isSilent(call, world)) throw new Broken('out of order')
    })
    return { world, report: await applyIn(world.plan, portsOf(world)) }
  }
  const lacks = ({ registry }: Family, digest: Digest | undefined): boolean =>
    digest !== undefined && !registry.digests(team).includes(digest)

  it('before anything went loses nothing more', async () => {
    const { world, report } = await silentFrom((_, { registry, tagged, root }) =>
      [tagged, root].every((digest) => !registry.digests(team).includes(digest)),
    )
    expect(world.registry.digests(team)).toEqual([...world.parts, world.signature].toSorted())
    // Whether the child with a line of its own has to come back, nobody can tell either.
    expect(outcomes(report)).toEqual(['deleted', 'failed'])
  })

  it('when all has gone says so', async () => {
    const { world, report } = await silentFrom((_, it) => lacks(it, it.signature))
    expect(world.registry.digests(team)).toEqual([])
    expect(report.lines[1]?.outcome).toBe('failed')
    expect(report.lines[1]?.text).toContain('could not be asked: out of order')
  })
})

describe('an image that has to go after its referrers', () => {
  it('and is refused all the same gets them back', async () => {
    const world = family({ protectsChildren: true, deleteByTag: true, listsUntagged: true })
    const { reader, writer } = world.registry
    const capabilities = { ...(await reader.capabilities()), deleteRemovesSiblings: false }
    const refusing: MutableRegistry = {
      ...writer,
      deleteManifest: async (repository, digest, options) =>
        digest === world.root
          ? { kind: 'refused', reason: 'referrers-first', text: 'Something refers to it.' }
          : writer.deleteManifest(repository, digest, options),
    }
    const report = await applyIn(world.plan, {
      ...portsOf(world),
      registries: new Map([
        [prod, { reader: { ...reader, capabilities: async () => capabilities }, writer: refusing }],
      ]),
    })
    expect(world.calls).toContainEqual({
      method: 'deleteManifest',
      repository: team,
      reference: world.signature,
    })
    expect(world.registry.digests(team)).toEqual(world.everything)
    expect(world.registry.tags(team).get(world.signatureTag)).toBe(world.signature)
    expect(outcomes(report)).toEqual(['blocked', 'blocked'])
  })
})

describe('looking again', () => {
  const reads = ({ calls }: Family): number => calls.filter(({ method }) => method === 'readManifest').length

  it('costs no request where nothing hangs on what goes', async () => {
    const world = family()
    const alone = world.image('alone', 'alone')
    await applyIn(planOf([line(alone, ['alone'])]), portsOf(world))
    expect(reads(world)).toBe(1)
    expect(world.calls.filter(({ method }) => method === 'resolveTag')).toHaveLength(2)
  })

  it('asks for a root before what hung on it, and after, however much that is', async () => {
    const world = family()
    await applyIn(world.plan, portsOf(world))
    const [action] = world.plan.actions.slice(1)
    const saved = world.everything.length
    // And once for the part with a line of its own.
    expect(reads(world)).toBe(saved + 3)
    expect(action?.kind === 'delete' && action.with).toHaveLength(3)
  })
})
