import { describe, expect, it } from 'vitest'
import { createMemoryMemory } from '../adapters/journal/memory/memory.ts'
import { source, evidenceAnswer } from '../../test/builders/sources.ts'
import { now } from '../../test/builders/images.ts'
import type { SourceEvidence } from '../core/evidence/evidence.ts'
import { InterruptedError } from '../core/errors/errors.ts'
import type { EvidenceSource } from '../ports/evidence-source.ts'
import type { Memory } from '../ports/memory.ts'
import type { RunEvent } from '../ports/run-options.ts'
import { askSources, EvidenceIncompleteError, gatherEvidence, UnknownSourceError } from './gather-evidence.ts'

const managed = { registries: [], tagsOf: (): ReadonlySet<string> => new Set() }

interface Asked {
  readonly leftOut?: readonly string[]
  readonly accepted?: readonly string[]
  readonly memory?: Memory
}

async function gather(
  sources: readonly EvidenceSource[],
  asked: Asked = {},
): ReturnType<typeof gatherEvidence> {
  const { leftOut = [], accepted = [], memory } = asked
  return gatherEvidence({ managed, leftOut, accepted }, { sources, memory, now: () => now })
}

async function failure(gathering: Promise<unknown>): Promise<EvidenceIncompleteError> {
  const error: unknown = await gathering.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EvidenceIncompleteError) return error
  throw new Error(`not EvidenceIncompleteError: ${String(error)}`)
}

const broken = evidenceAnswer('kubernetes:eu', {
  complete: false,
  problems: [{ severity: 'incomplete', text: 'jobs: 403.', accept: undefined }],
})
const doubtful = evidenceAnswer('kubernetes:eu', {
  complete: false,
  problems: [{ severity: 'incomplete', text: 'a reference nobody can read.', accept: 'kubernetes:eu/bad' }],
})

describe('sources that answer in full', () => {
  it('are asked all, and told in the order they are configured', async () => {
    const evidence = await gather([source(evidenceAnswer('b:x')), source(evidenceAnswer('a:x'))])
    expect(evidence.takenAt).toBe(now)
    expect(evidence.sources.map(({ name, complete }) => [name, complete])).toEqual([
      ['b:x', true],
      ['a:x', true],
    ])
  })

  it('may be none', async () => {
    expect((await gather([])).sources).toEqual([])
  })
})

describe('a source that does not answer in full', () => {
  it('stops everything, and the hint says how to go on without it', async () => {
    const error = await failure(gather([source(evidenceAnswer('helm:eu')), source(broken)]))
    expect(error).toMatchObject({ code: 'EVIDENCE_INCOMPLETE', category: 'incomplete' })
    expect(error.message).toContain('kubernetes:eu: jobs: 403.')
    expect(error.message).not.toContain('helm:eu')
    expect(error.hint).toBe(
      'Restore access, or go on without it on purpose with one of:\n  --without-evidence=kubernetes:eu',
    )
    expect(error.sources.map(({ name }) => name)).toEqual(['kubernetes:eu'])
  })

  it('stops everything when it does not say why', async () => {
    const error = await failure(gather([source({ ...broken, problems: [] })]))
    expect(error.message).toContain('it is marked as incomplete.')
  })

  it('cannot be accepted by name when it does not say why', async () => {
    await failure(gather([source({ ...broken, problems: [] })], { accepted: ['kubernetes:eu', ''] }))
  })

  it('is shown to a person who asks, without stopping', async () => {
    const [answer] = await askSources(
      { managed, leftOut: [], accepted: [] },
      { sources: [source(broken)], memory: undefined, now: () => now },
    )
    expect(answer?.complete).toBe(false)
  })
})

describe('leaving out by name', () => {
  const both = [source(broken), source(evidenceAnswer('helm:eu'))]
  it.each([
    { name: 'the full name means the one source', leftOut: ['kubernetes:eu'], out: ['kubernetes:eu'] },
    {
      name: 'the last part means every source of that name',
      leftOut: ['eu'],
      out: ['kubernetes:eu', 'helm:eu'],
    },
  ])('$name', async ({ leftOut, out }) => {
    const { sources } = await gather(both, { leftOut })
    expect(sources.filter((each) => each.leftOut).map(({ name }) => name)).toEqual(out)
    expect(sources.filter((each) => each.leftOut).every(({ complete }) => !complete)).toBe(true)
  })

  it('does not ask the source, and says so', async () => {
    const untouchable: EvidenceSource = {
      name: 'kubernetes:eu',
      gather: () => Promise.reject(new Error('asked')),
    }
    const { sources } = await gather([untouchable], { leftOut: ['eu'] })
    expect(sources[0]).toMatchObject({ leftOut: true, references: [], digests: [] })
    expect(sources[0]?.problems).toEqual([
      { severity: 'warning', text: 'kubernetes:eu was left out on purpose.', accept: undefined },
    ])
  })

  it.each(['kubernetes', 'e', 'u', '', 'kubernetes:e', 'KUBERNETES:EU'])(
    'refuses %j, which is nobody’s name',
    async (name) => {
      const gathering = gather(both, { leftOut: [name] })
      await expect(gathering).rejects.toBeInstanceOf(UnknownSourceError)
      await expect(gathering).rejects.toMatchObject({
        category: 'usage',
        hint: 'The sources are:\n  kubernetes:eu\n  helm:eu',
      })
    },
  )

  it('tells when no source is configured', async () => {
    await expect(gather([], { leftOut: ['x'] })).rejects.toMatchObject({ hint: 'No source is configured.' })
  })
})

describe('accepting by name', () => {
  it('turns a doubt into a warning, and the source is complete', async () => {
    const { sources } = await gather([source(doubtful)], { accepted: ['kubernetes:eu/bad'] })
    expect(sources[0]?.complete).toBe(true)
    expect(sources[0]?.problems).toEqual([
      {
        severity: 'warning',
        text: 'Accepted by name (kubernetes:eu/bad): a reference nobody can read.',
        accept: 'kubernetes:eu/bad',
      },
    ])
  })

  it.each([[], ['kubernetes:eu'], ['bad'], ['kubernetes:us/bad']])(
    'does not accept by %j',
    async (...accepted) => {
      const error = await failure(gather([source(doubtful)], { accepted }))
      expect(error.hint).toContain('  --without-evidence=kubernetes:eu\n  --accept=kubernetes:eu/bad')
    },
  )

  it('accepts one doubt of two, and stops for the other', async () => {
    const two = { ...doubtful, problems: [...doubtful.problems, ...broken.problems] }
    await failure(gather([source(two)], { accepted: ['kubernetes:eu/bad'] }))
  })
})

describe('the drop guard', () => {
  const cluster = (pods: number, given: Partial<SourceEvidence> = {}): EvidenceSource =>
    source(evidenceAnswer('kubernetes:eu', { identity: 'uid', pods, objects: pods, ...given }))

  it('doubts a cluster without pods the first time', async () => {
    const error = await failure(gather([cluster(0)]))
    expect(error.hint).toContain('--accept=kubernetes:eu/no-pods')
  })

  it('doubts an answer much smaller than the last, until it is accepted', async () => {
    const memory = createMemoryMemory()
    await gather([cluster(100)], { memory })
    const error = await failure(gather([cluster(10)], { memory }))
    expect(error.hint).toContain('--accept=kubernetes:eu/fewer-pods')
    const accepted = ['kubernetes:eu/fewer-pods', 'kubernetes:eu/fewer-objects']
    await gather([cluster(10)], { memory, accepted })
    await gather([cluster(10)], { memory })
  })

  it('compares with the last good answer, not with a doubted one', async () => {
    const memory = createMemoryMemory()
    await gather([cluster(100)], { memory })
    await failure(gather([cluster(10)], { memory }))
    await failure(gather([cluster(10)], { memory }))
  })

  it('doubts another cluster behind the same name', async () => {
    const memory = createMemoryMemory()
    await gather([cluster(3)], { memory })
    const error = await failure(gather([cluster(3, { identity: 'other' })], { memory }))
    expect(error.hint).toContain('--accept=kubernetes:eu/identity')
  })

  it('remembers nothing of a source that was left out', async () => {
    const memory = createMemoryMemory()
    await gather([cluster(100)], { memory })
    await gather([cluster(1)], { memory, leftOut: ['eu'] })
    expect((await memory.lastSnapshot('kubernetes:eu'))?.pods).toBe(100)
  })

  it('remembers nothing of any source when one of them stops the run', async () => {
    const memory = createMemoryMemory()
    await failure(gather([source(evidenceAnswer('helm:eu')), cluster(0)], { memory }))
    expect(await memory.lastSnapshot('helm:eu')).toBeUndefined()
  })
})

it('is interrupted when a source is', async () => {
  const halted: EvidenceSource = { name: 'a:b', gather: () => Promise.reject(new InterruptedError()) }
  await expect(gather([source(evidenceAnswer('b:c')), halted])).rejects.toBeInstanceOf(InterruptedError)
})

it('says that evidence is being gathered', async () => {
  const events: RunEvent[] = []
  await gatherEvidence(
    { managed, leftOut: [], accepted: [] },
    { sources: [], memory: undefined, now: () => now },
    { onEvent: (event) => events.push(event) },
  )
  expect(events).toEqual([{ kind: 'phase', phase: 'evidence' }])
})
