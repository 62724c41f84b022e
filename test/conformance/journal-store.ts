/** What every journal store must do. `reopen` gives the same store as another process would find it. */
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../src/core/image/names.ts'
import type {
  ActOutcome,
  JournalIntent,
  JournalOutcome,
  RunId,
  RunRecord,
  SavedEntry,
} from '../../src/core/journal/entry.ts'
import type { JournalStore } from '../../src/ports/journal-store.ts'

export interface Opened<T> {
  readonly store: T
  /** The same content seen afresh; stores that keep nothing answer with themselves. */
  readonly reopen: () => Promise<T>
  readonly close: () => Promise<void>
}

export const registry = 'prod' as RegistryName
export const repository = 'team/app' as RepositoryName

export function digest(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, '0')}` as Digest
}

export function longDigest(n: number): Digest {
  return `sha512:${n.toString(16).padStart(128, '0')}` as Digest
}

export function runRecord(id: string, rest: Partial<RunRecord> = {}): RunRecord {
  const whole: RunRecord = {
    id: id as RunId,
    kind: 'apply',
    startedAt: 1,
    registries: [registry],
    plan: '{}',
    undoOf: undefined,
  }
  return { ...whole, ...rest }
}

export function saved(n: Digest, text: string, tags: readonly string[] = [], at = repository): SavedEntry {
  return {
    kind: 'manifest',
    registry,
    repository: at,
    digest: n,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    bytes: new TextEncoder().encode(text),
    tags: tags as TagName[],
  }
}

export function deletion(sequence: number, n = digest(sequence)): JournalIntent {
  return { sequence, act: { kind: 'delete', registry, repository, digest: n, tags: [] }, fence: 7, root: n }
}

export function outcome(sequence: number, as: ActOutcome, text = ''): JournalOutcome {
  return { sequence, outcome: as, text, at: 100 + sequence }
}

export function journalStoreConformance(name: string, open: () => Promise<Opened<JournalStore>>): void {
  describe(`journal store: ${name}`, () => {
    const withStore = (use: (opened: Opened<JournalStore>) => Promise<void>) => async () => {
      const opened = await open()
      try {
        await use(opened)
      } finally {
        await opened.close()
      }
    }
    const id = 'r-1' as RunId

    it(
      'gives a run back as it was written, after reopening too',
      withStore(async ({ store, reopen }) => {
        const run = runRecord('r-1', { plan: JSON.stringify({ text: 'ü🙂\u0000' }), undoOf: 'r-0' as RunId })
        const entries = [saved(digest(1), '{"a":1}', ['1.2', 'latest']), saved(longDigest(2), '')]
        const acts = [
          deletion(1),
          {
            ...deletion(2),
            act: { kind: 'untag', registry, repository, digest: digest(2), tag: 'old' as TagName },
          },
          {
            ...deletion(5),
            act: { kind: 'put', registry, repository, digest: longDigest(2), tag: undefined },
          },
          {
            ...deletion(9),
            act: { kind: 'put', registry, repository, digest: digest(3), tag: 'x' as TagName },
          },
        ] as const
        await store.beginRun(run)
        await store.save(id, entries)
        await store.recordIntents(id, acts)
        await store.recordOutcomes(id, [outcome(1, 'done'), outcome(2, 'failed', 'why\u0000 not 🙂')])
        for (const seen of [store, await reopen()]) {
          expect(await seen.readRun(id)).toEqual({
            run,
            finishedAt: undefined,
            outcome: 'open',
            saved: entries,
            intents: acts,
            outcomes: [outcome(1, 'done'), outcome(2, 'failed', 'why\u0000 not 🙂')],
          })
        }
      }),
    )

    it(
      'knows what a sweep moved once it has ended',
      withStore(async ({ store, reopen }) => {
        const swept = {
          ...{ setAside: 3, bytesSetAside: 30, restored: 1, bytesRestored: 2 ** 40 },
          ...{ freed: 2, bytesFreed: 5 },
        }
        await store.beginRun(runRecord('r-1', { kind: 'sweep' }))
        expect((await store.listRuns()).map((run) => run.swept)).toEqual([undefined])
        await store.finishRun(id, 'done', 5, swept)
        await store.beginRun(runRecord('r-2', { kind: 'restore', undoOf: id, startedAt: 6 }))
        await store.finishRun('r-2' as RunId, 'partly', 7)
        for (const seen of [store, await reopen()]) {
          expect(await seen.listRuns()).toMatchObject([
            { kind: 'restore', undoOf: 'r-1', outcome: 'partly', swept: undefined },
            { kind: 'sweep', outcome: 'done', swept },
          ])
        }
      }),
    )

    it(
      'has no run that was never begun',
      withStore(async ({ store }) => {
        expect(await store.readRun(id)).toBeUndefined()
        expect(await store.listRuns()).toEqual([])
      }),
    )

    it(
      'leaves a saved entry as it is when it is saved again, per repository',
      withStore(async ({ store }) => {
        const other = 'team/other' as RepositoryName
        await store.beginRun(runRecord('r-1'))
        await store.save(id, [saved(digest(1), 'x', ['a'])])
        await store.save(id, [saved(digest(1), 'x', ['b']), saved(digest(1), 'x', ['c'], other)])
        const run = await store.readRun(id)
        expect(run?.saved.map((entry) => [entry.repository, ...entry.tags])).toEqual([
          [repository, 'a'],
          [other, 'c'],
        ])
      }),
    )

    it(
      'keeps every outcome in order and counts the last one',
      withStore(async ({ store }) => {
        await store.beginRun(runRecord('r-1'))
        await store.recordIntents(id, [deletion(1), deletion(2), deletion(3), deletion(4)])
        await store.recordOutcomes(id, [outcome(1, 'failed'), outcome(2, 'absent'), outcome(3, 'drifted')])
        await store.recordOutcomes(id, [outcome(1, 'settled-done')])
        await store.recordOutcomes(id, [outcome(4, 'refused')])
        await store.finishRun(id, 'partly', 50)
        expect((await store.readRun(id))?.outcomes.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 1, 4])
        expect(await store.listRuns()).toEqual([
          {
            id,
            kind: 'apply',
            startedAt: 1,
            finishedAt: 50,
            outcome: 'partly',
            registries: [registry],
            undoOf: undefined,
            counts: { deleted: 2, untagged: 0, restored: 0, failed: 1 },
          },
        ])
      }),
    )

    it(
      'counts what two images share once, and as done when it is gone in the end',
      withStore(async ({ store }) => {
        const other = 'team/other' as RepositoryName
        const untag = (sequence: number, tag: string): JournalIntent => ({
          ...deletion(sequence, digest(1)),
          act: { kind: 'untag', registry, repository, digest: digest(1), tag: tag as TagName },
        })
        await store.beginRun(runRecord('r-1'))
        const elsewhere = deletion(4, digest(1))
        await store.recordIntents(id, [
          deletion(1, digest(1)),
          deletion(2, digest(1)),
          deletion(3, digest(2)),
          { ...elsewhere, act: { ...elsewhere.act, repository: other } },
          deletion(5, digest(2)),
          untag(6, 'a'),
          untag(7, 'b'),
          untag(8, 'a'),
          deletion(9, digest(3)),
          deletion(10, digest(3)),
        ])
        const told = [
          'done',
          'absent',
          'failed',
          'done',
          'done',
          'done',
          'done',
          'absent',
          'failed',
          'refused',
        ]
        await store.recordOutcomes(
          id,
          told.map((each, i) => outcome(i + 1, each as ActOutcome)),
        )
        const [run] = await store.listRuns()
        // digest 1 in two repositories and digest 2; tags a and b; digest 3 is still there.
        expect(run?.counts).toEqual({ deleted: 3, untagged: 2, restored: 0, failed: 1 })
      }),
    )

    it(
      'lists runs newest first, unfinished ones as open, and of equal starts the later one first',
      withStore(async ({ store, reopen }) => {
        await store.beginRun(runRecord('r-b', { startedAt: 5 }))
        await store.beginRun(runRecord('r-a', { startedAt: 5 }))
        await store.beginRun(runRecord('r-c', { startedAt: 9 }))
        await store.beginRun(runRecord('r-d', { startedAt: 2 }))
        await store.finishRun('r-c' as RunId, 'done', 10)
        const runs = await (await reopen()).listRuns()
        expect(runs.map((run) => `${run.id} ${run.outcome}`)).toEqual([
          'r-c done',
          'r-a open',
          'r-b open',
          'r-d open',
        ])
      }),
    )

    it(
      'takes a finished run being finished again, as a later run does after settling it',
      withStore(async ({ store }) => {
        await store.beginRun(runRecord('r-1'))
        await store.finishRun(id, 'interrupted', 5)
        await store.finishRun(id, 'done', 9)
        expect(await store.readRun(id)).toMatchObject({ outcome: 'done', finishedAt: 9 })
      }),
    )

    it(
      'gives bytes that its reader may change without changing the journal',
      withStore(async ({ store }) => {
        const bytes = Uint8Array.of(1, 2, 3)
        await store.beginRun(runRecord('r-1'))
        await store.save(id, [{ ...saved(digest(1), ''), bytes }])
        bytes.fill(9)
        ;(await store.readRun(id))?.saved[0]?.bytes.fill(8)
        expect((await store.readRun(id))?.saved[0]?.bytes).toEqual(Uint8Array.of(1, 2, 3))
      }),
    )

    it(
      'refuses what would leave the journal unexplained, and records nothing of it',
      withStore(async ({ store }) => {
        await store.beginRun(runRecord('r-1'))
        await store.recordIntents(id, [deletion(1)])
        const wrong = [
          store.beginRun(runRecord('r-1')),
          store.save('r-9' as RunId, [saved(digest(1), '')]),
          store.recordIntents('r-9' as RunId, []),
          store.finishRun('r-9' as RunId, 'done', 1),
          store.recordIntents(id, [deletion(2), deletion(1)]),
          store.recordOutcomes(id, [outcome(1, 'done'), outcome(3, 'done')]),
        ]
        for (const attempt of await Promise.allSettled(wrong)) {
          expect(attempt).toMatchObject({ status: 'rejected', reason: { name: 'InvariantError' } })
        }
        expect(await store.readRun(id)).toMatchObject({ intents: [deletion(1)], outcomes: [] })
      }),
    )
  })
}
