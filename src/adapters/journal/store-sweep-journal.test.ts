import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../test/builders/memory-store.ts'
import type { Digest } from '../../core/image/digest.ts'
import type { RunId } from '../../core/journal/entry.ts'
import type { SweepEntry } from '../../core/sweep/sweep-entry.ts'
import { createReadableSweepJournal, createSweepJournal } from './store-sweep-journal.ts'

const [first, second] = ['r-20260101-000000-0001', 'r-20260102-000000-0002'] as [RunId, RunId]
const digest = `sha256:${'a1'.repeat(32)}` as Digest
const begin: SweepEntry = { kind: 'begin', at: 1, registry: 'prod', mode: 'online' }
const setAside: SweepEntry = { kind: 'set-aside', pool: '', digest, sizeBytes: 5, at: 2 }
const unlink: SweepEntry = {
  kind: 'unlink',
  pool: '',
  repository: 'team/app',
  isWhole: true,
  links: [{ path: digest, target: digest }],
  at: 3,
}

async function read(store: ReturnType<typeof createMemoryStore>, run: RunId): Promise<readonly SweepEntry[]> {
  const all: SweepEntry[] = []
  for await (const entries of createReadableSweepJournal(store).read(run)) all.push(...entries)
  return all
}

describe('the journal that lies in the storage', () => {
  it('gives back what runs wrote down, run by run, in their order', async () => {
    const store = createMemoryStore()
    const journal = createSweepJournal(store)
    await journal.append(second, [begin])
    await journal.append(first, [begin, setAside])
    await journal.append(first, [unlink, { kind: 'all-set-aside', at: 4 }])
    expect(await journal.runs()).toEqual([first, second])
    expect(await read(store, first)).toEqual([begin, setAside, unlink, { kind: 'all-set-aside', at: 4 }])
    expect(await read(store, second)).toEqual([begin])
  })

  it('goes on behind what another process wrote down for a run, and changes nothing of it', async () => {
    const store = createMemoryStore()
    await createSweepJournal(store).append(first, [begin, setAside])
    const before = new Map(store.files)
    await createSweepJournal(store).append(first, [{ kind: 'all-set-aside', at: 9 }])
    expect(await read(store, first)).toEqual([begin, setAside, { kind: 'all-set-aside', at: 9 }])
    for (const [key, file] of before) expect(store.files.get(key)).toBe(file)
  })

  it('keeps more parts than a digit counts in order', async () => {
    const store = createMemoryStore()
    const journal = createSweepJournal(store)
    for (let at = 1; at <= 12; at += 1) await journal.append(first, [{ kind: 'all-set-aside', at }])
    expect((await read(store, first)).map((entry) => 'at' in entry && entry.at)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    )
  })

  it('forgets a run wholly, its beginning last, so that one half forgotten still is a run', async () => {
    const store = createMemoryStore()
    const journal = createSweepJournal(store)
    await journal.append(first, [begin])
    await journal.append(first, [setAside])
    store.calls.length = 0
    await journal.forget(first)
    const removed = store.calls.filter(({ act }) => act === 'remove').map(({ key }) => key.slice(-13))
    expect(removed).toEqual(['000002.ndjson', '000001.ndjson'])
    expect(await journal.runs()).toEqual([])
  })

  it('takes for runs only what is named like one, and for parts only what a part is called', async () => {
    const store = createMemoryStore()
    await createSweepJournal(store).append(first, [begin])
    store.put('.winnow/journal/..evil/000001.ndjson', 'x')
    store.put('.winnow/journal/notes.txt', 'x')
    store.put(`.winnow/journal/${first}/000001.ndjson.tmp`, 'half of it')
    expect(await createReadableSweepJournal(store).runs()).toEqual([first])
    expect(await read(store, first)).toEqual([begin])
  })

  it.each([
    { name: 'a line is no JSON', text: '{"kind":"begin"' },
    { name: 'a line is cut off', text: `${JSON.stringify(begin)}\n{"kind":"set-as` },
    { name: 'a digest is a path', text: JSON.stringify({ ...setAside, digest: 'sha256:../../etc' }) },
    { name: 'a digest is missing its letters', text: JSON.stringify({ ...setAside, digest: 'sha256:a1' }) },
    { name: 'a digest is no text', text: JSON.stringify({ ...setAside, digest: 7 }) },
    { name: 'a pool is no text', text: JSON.stringify({ ...setAside, pool: 1 }) },
    {
      name: 'the repository of links leads out of the storage',
      text: JSON.stringify({ ...unlink, repository: '../../x' }),
    },
    {
      name: 'a link names a path',
      text: JSON.stringify({ ...unlink, links: [{ path: '..', target: digest }] }),
    },
    { name: 'links are none', text: JSON.stringify({ ...unlink, links: 'all' }) },
    { name: 'an entry is nothing', text: 'null' },
  ])('is unreadable where $name, which ends the run', async ({ text }) => {
    const store = createMemoryStore()
    store.put(`.winnow/journal/${first}/000001.ndjson`, text)
    await expect(read(store, first)).rejects.toMatchObject({ code: 'SWEEP_JOURNAL_UNREADABLE' })
  })

  it('is whole or not there: nothing is written when the store refuses', async () => {
    const store = createMemoryStore()
    store.hooks.before = ({ act }) => {
      if (act === 'write' || act === 'create') throw new Error('disk full')
    }
    await expect(createSweepJournal(store).append(first, [begin])).rejects.toThrow('disk full')
    delete store.hooks.before
    expect(await createReadableSweepJournal(store).runs()).toEqual([])
  })
})
