import { describe, expect, it } from 'vitest'
import { createMemoryStore, type MemoryStore } from '../../../test/builders/memory-store.ts'
import type { Lease, LeaseHeld } from '../../ports/lease.ts'
import { createLeaseStore } from './lease-store.ts'
import type { Holding, LeaseClock } from './lease-table.ts'
import { thisProcess, type ProcessIdentity } from './process-identity.ts'
import { createStoreLeaseTable } from './store-lease-table.ts'

const elsewhere: ProcessIdentity = { machine: 'elsewhere', pid: 1, started: '1' }
/** As app/leases.ts has them. */
const timing = { ttlMs: 12_000, renewMs: 3_000, waitMs: 16_000 }

/** A clock of a machine that runs a thousand times as fast as ours, so that nobody waits. */
function fastClock(identity?: string): LeaseClock {
  const begun = performance.now()
  return { identity, wallMs: () => 0, monotonicMs: () => (performance.now() - begun) * 1000 }
}

function acquire(
  store: MemoryStore,
  holder: string,
  { clock = fastClock(), self = thisProcess() }: { clock?: LeaseClock; self?: ProcessIdentity } = {},
): Promise<Lease | LeaseHeld> {
  return createLeaseStore(createStoreLeaseTable(store), clock, self).acquire('prod', holder, timing)
}

function holding(rest: Partial<Holding> = {}): Holding {
  const whole = { holder: 'old:1', process: elsewhere, clock: 'another', expiresAt: 12_000, ttlMs: 12_000 }
  return { ...whole, renewals: 0, sinceMs: 5, ...rest }
}

const leaseFiles = (store: MemoryStore): readonly string[] =>
  [...store.files.keys()].filter((key) => key.startsWith('.winnow/lease/')).toSorted()

const fileOf = (token: number): string => `.winnow/lease/${String(token).padStart(12, '0')}.json`

describe('a lease that lies in the storage', () => {
  it('is a file with its token, of which one is left', async () => {
    const store = createMemoryStore()
    const first = await acquire(store, 'a')
    if (first.kind === 'held') throw new Error('held')
    await first.release()
    const second = await acquire(store, 'b')
    if (second.kind === 'held') throw new Error('held')
    expect([first.token, second.token]).toEqual([1, 2])
    expect(leaseFiles(store)).toEqual([fileOf(2)])
    await second.release()
  })

  it('names who holds it to whoever comes second, whatever their state directories', async () => {
    const store = createMemoryStore()
    // Clocks that stand still, as far as leases are concerned.
    const clock: LeaseClock = { identity: 'boot', wallMs: () => 0, monotonicMs: () => 0 }
    const first = await acquire(store, 'a:1', { clock })
    expect(await acquire(store, 'b:2', { clock })).toMatchObject({ kind: 'held', holder: 'a:1' })
    if (first.kind === 'lease') await first.release()
  })

  it('of a dead holder on another machine is taken over when it stood still for its time, within 30 seconds', async () => {
    const store = createMemoryStore()
    store.put(fileOf(4), JSON.stringify({ token: 4, holding: holding() }))
    const clock = fastClock()
    const lease = await acquire(store, 'new:2', { clock })
    expect(lease).toMatchObject({ kind: 'lease', token: 5 })
    // 200 ms of ours between two looks are 200 s of this clock, so one look is all the precision there is.
    expect(leaseFiles(store)).toEqual([fileOf(5)])
    if (lease.kind === 'lease') await lease.release()
  })

  it('whose holder is certainly dead is taken over at once', async () => {
    const store = createMemoryStore()
    const self = thisProcess()
    const dead = { ...self, pid: 2 ** 22 + 1, started: '1' }
    store.put(fileOf(4), JSON.stringify({ token: 4, holding: holding({ process: dead }) }))
    const clock: LeaseClock = { identity: 'boot', wallMs: () => 0, monotonicMs: () => 0 }
    const lease = await acquire(store, 'new:2', { clock, self })
    expect(lease).toMatchObject({ kind: 'lease', token: 5 })
    if (lease.kind === 'lease') await lease.release()
  })

  it('goes to one of two who take it at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const store = createMemoryStore()
      const clock: LeaseClock = { identity: 'boot', wallMs: () => 0, monotonicMs: () => 0 }
      const all = await Promise.all(['a', 'b', 'c'].map((name) => acquire(store, name, { clock })))
      const taken = all.filter((each) => each.kind === 'lease')
      expect(taken).toHaveLength(1)
      for (const lease of taken) if (lease.kind === 'lease') await lease.release()
    }
  })

  it('goes to one of two also when the other takes the next token between look and act', async () => {
    const store = createMemoryStore()
    store.hooks.before = ({ act }) => {
      if (act !== 'create') return
      delete store.hooks.before
      store.put(fileOf(1), JSON.stringify({ token: 1, holding: holding({ clock: 'boot' }) }))
    }
    const clock: LeaseClock = { identity: 'boot', wallMs: () => 0, monotonicMs: () => 0 }
    const store2 = createLeaseStore(createStoreLeaseTable(store), clock, thisProcess())
    const lease = await store2.acquire('prod', 'late', { ...timing, waitMs: 0 })
    expect(lease).toMatchObject({ kind: 'held', holder: 'old:1' })
  })

  it('starts over when the file it saw was tidied away by who took the next token', async () => {
    const store = createMemoryStore()
    store.put(fileOf(1), JSON.stringify({ token: 1, holding: undefined }))
    store.hooks.before = ({ act, key }) => {
      if (act !== 'read' || key !== fileOf(1)) return
      delete store.hooks.before
      store.drop(fileOf(1))
      store.put(fileOf(2), JSON.stringify({ token: 2, holding: undefined }))
    }
    const lease = await acquire(store, 'new')
    expect(lease).toMatchObject({ kind: 'lease', token: 3 })
    if (lease.kind === 'lease') await lease.release()
  })

  it('is lost to its holder when somebody else has the next token, even if it is renewed', async () => {
    const store = createMemoryStore()
    const table = createStoreLeaseTable(store)
    store.put(fileOf(1), JSON.stringify({ token: 1, holding: holding() }))
    store.put(fileOf(2), JSON.stringify({ token: 2, holding: holding({ holder: 'new' }) }))
    const seen: unknown[] = []
    await table.change('prod', (row) => {
      seen.push(row?.token)
      return undefined
    })
    expect(seen).toEqual([2])
  })

  it.each([
    { name: 'no JSON', text: '{"token": 4, "hold' },
    { name: 'empty, because its writer died', text: '' },
  ])('that is $name holds nobody off, and its token stays taken', async ({ text }) => {
    const store = createMemoryStore()
    store.put(fileOf(4), text)
    const lease = await acquire(store, 'new')
    expect(lease).toMatchObject({ kind: 'lease', token: 5 })
    if (lease.kind === 'lease') await lease.release()
  })

  it('is none where a file of another name lies beside it', async () => {
    const store = createMemoryStore()
    for (const name of ['README', '1.json.tmp', 'x1.json']) store.put(`.winnow/lease/${name}`, 'x')
    const lease = await acquire(store, 'new')
    expect(lease).toMatchObject({ kind: 'lease', token: 1 })
    if (lease.kind === 'lease') await lease.release()
  })
})
