import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { Act, ActOutcome, JournalIntent, JournalRun, RunId } from './entry.ts'
import { openIntents, settle, type RegistryNow } from './settle.ts'

const one = `sha256:${'1'.repeat(64)}` as Digest
const two = `sha256:${'2'.repeat(64)}` as Digest
const place = { registry: 'prod' as RegistryName, repository: 'team/app' as RepositoryName, digest: one }
const tag = 'a' as TagName

const acts: Readonly<Record<string, Act>> = {
  delete: { kind: 'delete', ...place, tags: [] },
  untag: { kind: 'untag', ...place, tag },
  put: { kind: 'put', ...place, tag: undefined },
  'put with a tag': { kind: 'put', ...place, tag },
}

function intent(sequence: number, act: Act): JournalIntent {
  return { sequence, act, fence: 1, root: one }
}

function now(manifest: 'present' | 'absent' | 'unknown', target: Digest | 'absent' | 'unknown'): RegistryNow {
  return { manifest: () => manifest, tag: () => target }
}

describe('settling', () => {
  it.each<{
    act: string
    manifest: 'present' | 'absent' | 'unknown'
    target: Digest | 'absent' | 'unknown'
    outcome?: ActOutcome
  }>([
    { act: 'delete', manifest: 'absent', target: 'unknown', outcome: 'settled-done' },
    { act: 'delete', manifest: 'present', target: 'unknown', outcome: 'settled-undone' },
    { act: 'delete', manifest: 'unknown', target: one },
    { act: 'untag', manifest: 'unknown', target: 'absent', outcome: 'settled-done' },
    { act: 'untag', manifest: 'unknown', target: one, outcome: 'settled-undone' },
    { act: 'untag', manifest: 'unknown', target: two, outcome: 'settled-done' },
    { act: 'untag', manifest: 'present', target: 'unknown' },
    { act: 'put', manifest: 'present', target: 'unknown', outcome: 'settled-done' },
    { act: 'put', manifest: 'absent', target: 'unknown', outcome: 'settled-undone' },
    { act: 'put', manifest: 'unknown', target: one },
    { act: 'put with a tag', manifest: 'unknown', target: one, outcome: 'settled-done' },
    { act: 'put with a tag', manifest: 'present', target: two, outcome: 'settled-undone' },
    { act: 'put with a tag', manifest: 'present', target: 'absent', outcome: 'settled-undone' },
    { act: 'put with a tag', manifest: 'present', target: 'unknown' },
  ])('$act, manifest $manifest, tag $target: $outcome', ({ act, manifest, target, outcome }) => {
    const settled = settle([intent(3, acts[act] as Act)], now(manifest, target), 77)
    expect(settled.map((line) => [line.sequence, line.outcome, line.at])).toEqual(
      outcome ? [[3, outcome, 77]] : [],
    )
  })

  it('closes an intent once and for all: settled, nothing is open any more', () => {
    const run = (closed: readonly number[], count: number): JournalRun => ({
      run: { id: 'r-1' as RunId, kind: 'apply', startedAt: 0, registries: [], plan: '{}', undoOf: undefined },
      finishedAt: undefined,
      outcome: 'open',
      saved: [],
      intents: Array.from({ length: count }, (_, n) => intent(n, Object.values(acts)[n % 4] as Act)),
      outcomes: closed.map((sequence) => ({ sequence, outcome: 'failed', text: '', at: 0 })),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 9 })),
        fc.constantFrom(one, two, 'absent' as const),
        (closed, target) => {
          const before = run(closed, 10)
          const open = openIntents(before)
          expect(open.map(({ sequence }) => sequence)).toEqual(
            [...Array(10).keys()].filter((n) => !closed.includes(n)),
          )
          const outcomes = settle(open, now('absent', target), 0)
          expect(openIntents({ ...before, outcomes: [...before.outcomes, ...outcomes] })).toEqual([])
        },
      ),
    )
  })
})
