import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import type { RunId } from '../journal/entry.ts'
import { AsideLedger, type SweepEntry } from './sweep-entry.ts'

const [first, second] = ['r-20260101-000000-0001', 'r-20260102-000000-0002'] as [RunId, RunId]
const [a, b] = ['a1', 'b2'].map((two) => `sha256:${two.repeat(32)}`) as [Digest, Digest]

const begin = (at: number): SweepEntry => ({ kind: 'begin', at, registry: 'r', mode: 'online' })
const setAside = (digest: Digest, at: number, pool = ''): SweepEntry => ({
  kind: 'set-aside',
  pool,
  digest,
  sizeBytes: 10,
  at,
})
const closed = (
  digest: Digest,
  how: 'restored' | 'freed' | 'kept' | 'lost',
  at = 99,
  pool = '',
): SweepEntry => ({
  kind: 'closed',
  pool,
  digest,
  how,
  at,
})

function ledgerOf(...runs: readonly (readonly [RunId, readonly SweepEntry[]])[]): AsideLedger {
  const ledger = new AsideLedger()
  for (const [run, entries] of runs) ledger.add(run, entries)
  return ledger
}

describe('what the journal tells of blobs that are set aside', () => {
  it.each<{ name: string; entries: readonly SweepEntry[]; open: readonly object[] }>([
    {
      name: 'a blob that was about to be set aside is asked about, and nobody knows until when',
      entries: [begin(1), setAside(a, 2)],
      open: [{ digest: a, setAsideFrom: 2, setAsideUntil: undefined, isFreeing: false }],
    },
    {
      name: 'what was set aside before a run said so is set aside no later than that',
      entries: [
        begin(1),
        setAside(a, 2),
        { kind: 'all-set-aside', at: 5 },
        setAside(b, 6),
        { kind: 'all-set-aside', at: 9 },
      ],
      open: [
        { digest: a, setAsideFrom: 2, setAsideUntil: 5 },
        { digest: b, setAsideFrom: 6, setAsideUntil: 9 },
      ],
    },
    {
      name: 'what was freed, put back, kept or lost is closed',
      entries: [begin(1), setAside(a, 2), setAside(b, 2), closed(a, 'freed'), closed(b, 'kept')],
      open: [],
    },
    {
      name: 'whose freeing was begun is still open, and is known to be',
      entries: [begin(1), setAside(a, 2), { kind: 'free', pool: '', digest: a, at: 8 }],
      open: [{ digest: a, isFreeing: true }],
    },
    {
      name: 'a blob of one pool is not that of another',
      entries: [begin(1), setAside(a, 2, 'x'), setAside(a, 3, 'y'), closed(a, 'freed', 4, 'x')],
      open: [{ digest: a, pool: 'y' }],
    },
    {
      name: 'the end of a blob that was never set aside is nothing',
      entries: [begin(1), closed(a, 'freed'), { kind: 'free', pool: '', digest: b, at: 8 }],
      open: [],
    },
    {
      name: 'a second end does not change the first',
      entries: [begin(1), setAside(a, 2), closed(a, 'freed'), closed(a, 'restored')],
      open: [],
    },
  ])('$name', ({ entries, open }) => {
    const ledger = ledgerOf([first, entries])
    expect(ledger.open()).toHaveLength(open.length)
    expect(ledger.open()).toMatchObject(open)
  })

  it('a blob that was put back and set aside again has two ways through the journal', () => {
    const ledger = ledgerOf(
      [first, [begin(1), setAside(a, 2), closed(a, 'restored', 3)]],
      [second, [begin(10), setAside(a, 11)]],
    )
    expect(ledger.open()).toMatchObject([{ run: second, digest: a, setAsideFrom: 11 }])
    expect(ledger.ofDigest(a).map(({ run, closed: end }) => [run, end?.how])).toEqual([
      [first, 'restored'],
      [second, undefined],
    ])
    expect(ledger.ofRun(first)).toMatchObject([{ digest: a, closed: { how: 'restored', at: 3 } }])
  })

  it('counts for each run what is open of it, and whether it came to its end', () => {
    const ledger = ledgerOf(
      [first, [begin(1), setAside(a, 2), setAside(b, 2), closed(a, 'freed'), closed(a, 'freed')]],
      [second, [begin(10), { kind: 'end', at: 12, outcome: 'done' }]],
    )
    expect([...ledger.runs()]).toEqual([
      [first, { startedAt: 1, hasEnded: false, open: 1 }],
      [second, { startedAt: 10, hasEnded: true, open: 0 }],
    ])
  })

  it('knows the last complete mark, in whatever order marks are told', () => {
    const ledger = ledgerOf([
      first,
      [begin(1), { kind: 'mark', startedAt: 20 }, { kind: 'mark', startedAt: 10 }],
    ])
    expect(ledger.lastMarkAt).toBe(20)
    expect(new AsideLedger().lastMarkAt).toBeUndefined()
  })
})

describe('what the journal tells of links that were removed', () => {
  const unlink = (repository: string, isWhole = true): SweepEntry => ({
    kind: 'unlink',
    pool: '',
    repository,
    isWhole,
    links: [{ path: a, target: b }],
    at: 2,
  })
  const allUnlinked = (at: number): SweepEntry => ({ kind: 'all-unlinked', pool: '', at })
  const relinked = (removedUntil: number, isWhole = true): SweepEntry => ({
    kind: 'relinked',
    pool: '',
    isWhole,
    removedUntil,
    at: 99,
  })
  const open = (...entries: readonly SweepEntry[]): readonly unknown[] =>
    ledgerOf([first, [begin(1), ...entries]])
      .removedLinks.open()
      .map(({ repository, removedUntil }) => [repository, removedUntil])

  it('links that were about to be removed are open, until when nobody knows', () => {
    expect(open(unlink('x'))).toEqual([['x', undefined]])
  })

  it('what was removed is decided about once a mark came late enough, and what came after it is not', () => {
    const entries = [unlink('x'), allUnlinked(5), unlink('y'), allUnlinked(9), unlink('z')]
    expect(open(...entries)).toEqual([
      ['x', 5],
      ['y', 9],
      ['z', undefined],
    ])
    expect(open(...entries, relinked(5))).toEqual([
      ['y', 9],
      ['z', undefined],
    ])
    expect(open(...entries, relinked(20))).toEqual([['z', undefined]])
  })

  it('single links and whole repositories are decided about apart', () => {
    expect(open(unlink('x'), unlink('y', false), allUnlinked(5), relinked(5, false))).toEqual([['x', 5]])
  })

  it('keeps the part of a run in the journal for as long as they are open', () => {
    const entries = [begin(1), unlink('x'), allUnlinked(5)]
    expect(ledgerOf([first, entries]).runs().get(first)?.open).toBe(1)
    expect(
      ledgerOf([first, [...entries, relinked(5)]])
        .runs()
        .get(first)?.open,
    ).toBe(0)
  })

  it('is no concern of another run', () => {
    const ledger = ledgerOf(
      [first, [begin(1), unlink('x')]],
      [second, [begin(2), allUnlinked(7), relinked(7)]],
    )
    expect(ledger.removedLinks.open()).toMatchObject([{ run: first, removedUntil: undefined }])
  })
})
