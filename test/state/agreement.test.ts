/** Whatever is done to them, the memory stores and the SQLite ones say the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createMemoryMemory } from '../../src/adapters/journal/memory/memory.ts'
import type { RegistryName, RepositoryName } from '../../src/core/image/names.ts'
import type { ActOutcome, RunId, RunOutcome } from '../../src/core/journal/entry.ts'
import type { JournalStore } from '../../src/ports/journal-store.ts'
import type { Memory } from '../../src/ports/memory.ts'
import { deletion, digest, outcome, runRecord, saved } from '../conformance/journal-store.ts'
import { emptyFacts } from '../conformance/manifest-cache.ts'
import { engines, opens } from './open.ts'

type Step<T> = (store: T) => Promise<unknown>

/** What a step answers, or the name of the error it ends in. */
async function answer<T>(step: Step<T>, store: T): Promise<unknown> {
  try {
    const value = await step(store)
    return value instanceof Map ? new Map([...value].sort()) : value
  } catch (error) {
    return error instanceof Error ? error.name : error
  }
}

async function agree<T>(steps: readonly Step<T>[], left: T, right: T): Promise<void> {
  for (const step of steps) expect(await answer(step, right)).toEqual(await answer(step, left))
}

const small = fc.nat({ max: 4 })
const run = small.map((n) => `r-${n}` as RunId)

function journalStep(): fc.Arbitrary<Step<JournalStore>> {
  const outcomes = fc.constantFrom<ActOutcome>(
    'done',
    'absent',
    'refused',
    'failed',
    'drifted',
    'settled-undone',
  )
  const end = fc.constantFrom<RunOutcome>('done', 'partly', 'interrupted', 'failed')
  const repository = fc.constantFrom('team/app', 'team/other') as fc.Arbitrary<RepositoryName>
  return fc.oneof(
    fc.tuple(run, small).map(
      ([id, at]) =>
        (it: JournalStore) =>
          it.beginRun(runRecord(id, { startedAt: at })),
    ),
    fc.tuple(run, fc.array(fc.tuple(small, repository, fc.array(fc.constantFrom('a', 'b'))))).map(
      ([id, of]) =>
        (it: JournalStore) =>
          it.save(
            id,
            of.map(([n, at, tags]) => saved(digest(n), `${n}`, tags, at)),
          ),
    ),
    fc.tuple(run, fc.array(small)).map(
      ([id, of]) =>
        (it: JournalStore) =>
          it.recordIntents(
            id,
            of.map((n) => deletion(n)),
          ),
    ),
    fc.tuple(run, fc.array(fc.tuple(small, outcomes))).map(
      ([id, of]) =>
        (it: JournalStore) =>
          it.recordOutcomes(
            id,
            of.map(([n, as]) => outcome(n, as)),
          ),
    ),
    fc.tuple(run, end, small).map(
      ([id, as, at]) =>
        (it: JournalStore) =>
          it.finishRun(id, as, at),
    ),
    fc.constant((it: JournalStore) => it.listRuns()),
    run.map((id) => (it: JournalStore) => it.readRun(id)),
  )
}

function memoryStep(): fc.Arbitrary<Step<Memory>> {
  const registry = fc.constantFrom('prod', 'lab') as fc.Arbitrary<RegistryName>
  const repository = fc.constantFrom('a', 'b') as fc.Arbitrary<RepositoryName>
  const digests = fc.array(small.map(digest), { maxLength: 4 })
  const sighting = fc.record({
    digest: small.map(digest),
    source: fc.constantFrom('s', 't'),
    where: fc.constantFrom('', 'x"', 'x'),
  })
  return fc.oneof(
    fc.tuple(registry, fc.array(sighting), small).map(
      ([r, seen, at]) =>
        (it: Memory) =>
          it.rememberInUse(r, seen, at),
    ),
    fc.tuple(registry, small).map(
      ([r, since]) =>
        (it: Memory) =>
          it.seenInUse(r, since),
    ),
    fc.tuple(registry, repository, digests, small).map(
      ([r, p, all, at]) =>
        (it: Memory) =>
          it.rememberListed(r, p, all, at),
    ),
    fc.tuple(registry, repository).map(
      ([r, p]) =>
        (it: Memory) =>
          it.firstSightings(r, p),
    ),
    fc.tuple(registry, fc.array(fc.record({ repository, digest: small.map(digest), at: small }))).map(
      ([r, events]) =>
        (it: Memory) =>
          it.rememberPushes(r, events),
    ),
    fc.tuple(registry, repository).map(
      ([r, p]) =>
        (it: Memory) =>
          it.recordedPushes(r, p),
    ),
    fc.constantFrom('s', 't').map((source) => (it: Memory) => it.lastSnapshot(source)),
    fc.tuple(fc.constantFrom('s', 't'), small, fc.option(small, { nil: undefined })).map(
      ([source, n, pods]) =>
        (it: Memory) =>
          it.rememberSnapshot(source, { at: n, identity: undefined, objects: n, pods, references: n }),
    ),
  )
}

const runs = { numRuns: 12 }

describe.each(engines)('memory and SQLite agree, with the engine %s,', (engine) => {
  it('on the journal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(journalStep(), { maxLength: 30 }), async (steps) => {
        const opened = await opens(engine, (state) => state.journal)()
        await agree(steps, createMemoryJournalStore(), opened.store).finally(opened.close)
      }),
      runs,
    )
  })

  it('on what is remembered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(memoryStep(), { maxLength: 30 }), async (steps) => {
        const opened = await opens(engine, (state) => state.memory)()
        await agree(steps, createMemoryMemory(), opened.store).finally(opened.close)
      }),
      runs,
    )
  })

  it('on cached facts', async () => {
    const facts = fc.record({
      digest: small.map(digest),
      sizeBytes: fc.nat(),
      annotations: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })),
      platform: fc.option(fc.string(), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(facts), fc.array(small.map(digest)), async (all, asked) => {
        const opened = await opens(engine, (state) => state.cache)()
        const manifests = all.map((one) => ({
          ...emptyFacts,
          ...one,
          children: [{ digest: digest(9), platform: one.platform, isAttestation: false }],
        }))
        const stripped = manifests.map(({ platform: _platform, ...rest }) => rest)
        const steps = [
          (it: ReturnType<typeof createMemoryManifestCache>) => it.putManifests(stripped),
          (it: ReturnType<typeof createMemoryManifestCache>) => it.manifests(asked),
        ]
        await agree(steps, createMemoryManifestCache(), opened.store).finally(opened.close)
      }),
      runs,
    )
  })
})
