import { describe, expect, it } from 'vitest'
import type { Lease, LeaseHeld } from '../../ports/lease.ts'
import { createLeaseStore } from './lease-store.ts'
import type { Holding, LeaseClock, LeaseRow, LeaseTable } from './lease-table.ts'
import { thisProcess } from './process-identity.ts'

const self = thisProcess()
const timing = { ttlMs: 400, renewMs: 100, waitMs: 5_000 }

function clockAt(start: number, identity: string | undefined = 'boot'): LeaseClock & { offset: number } {
  const begun = performance.now()
  const clock = {
    offset: start,
    identity,
    wallMs: () => 0,
    monotonicMs: () => clock.offset + performance.now() - begun,
  }
  return clock
}

interface Rows extends LeaseTable {
  row: LeaseRow | undefined
  /** While set, every change fails. */
  failure: Error | undefined
}

function rows(row?: LeaseRow): Rows {
  const table: Rows = {
    row,
    failure: undefined,
    async change(_resource, change) {
      if (table.failure !== undefined) throw table.failure
      table.row = change(table.row) ?? table.row
    },
  }
  return table
}

function holding(rest: Partial<Holding> = {}): Holding {
  const whole = {
    holder: 'old',
    process: self,
    clock: 'boot',
    expiresAt: 10_000,
    ttlMs: 400,
    renewals: 0,
    sinceMs: 5,
  }
  return { ...whole, ...rest }
}

const elsewhere = { machine: 'elsewhere', pid: 1, started: '1' }

async function take(
  table: LeaseTable,
  clock: LeaseClock,
  waitMs = timing.waitMs,
): Promise<Lease | LeaseHeld> {
  return createLeaseStore(table, clock, self).acquire('prod', 'new', { ...timing, waitMs })
}

describe('a lease of another holder', () => {
  it.each([
    { name: 'whose process ended', holding: holding({ process: { ...self, started: '1' } }), atOnce: true },
    { name: 'whose time is up by the shared clock', holding: holding({ expiresAt: 999 }), atOnce: true },
    {
      name: 'on another machine, after watching it for its time',
      holding: holding({ process: elsewhere, clock: 'other' }),
      atOnce: false,
    },
    {
      name: 'on another machine whose clock says it is over',
      holding: holding({ process: elsewhere, clock: 'other', expiresAt: 1 }),
      atOnce: false,
    },
    {
      name: 'without a shared clock, after watching it for its time',
      holding: holding({ process: elsewhere, clock: undefined }),
      atOnce: false,
    },
  ])('is taken: one $name', async ({ holding: old, atOnce }) => {
    const table = rows({ token: 7, holding: old })
    const started = performance.now()
    const lease = await take(table, clockAt(1_000))
    const tookMs = performance.now() - started
    expect(lease).toMatchObject({ kind: 'lease', token: 8 })
    expect(tookMs < 390).toBe(atOnce)
    if (!atOnce) expect(tookMs).toBeGreaterThanOrEqual(390)
    if (lease.kind === 'lease') await lease.release()
    expect(table.row).toEqual({ token: 8, holding: undefined })
  })

  it('is not taken while it is being renewed, whatever the clocks say', async () => {
    const table = rows({ token: 7, holding: holding({ process: elsewhere, clock: 'other', expiresAt: 0 }) })
    const renewals = setInterval(() => {
      if (table.row?.holding === undefined) return
      table.row = { token: 7, holding: { ...table.row.holding, renewals: table.row.holding.renewals + 1 } }
    }, 100)
    expect(await take(table, clockAt(1_000))).toEqual({ kind: 'held', holder: 'old', sinceMs: 5 })
    clearInterval(renewals)
    expect(table.row?.token).toBe(7)
  })

  it('is not waited for beyond the time allowed', async () => {
    const table = rows({ token: 7, holding: holding({ process: elsewhere, clock: 'other' }) })
    expect(await take(table, clockAt(0), 50)).toMatchObject({ kind: 'held', holder: 'old' })
  })

  it('is not waited for by someone who was interrupted', async () => {
    const table = rows({ token: 7, holding: holding({ process: elsewhere, clock: 'other' }) })
    const stop = new AbortController()
    const attempt = createLeaseStore(table, clockAt(0), self).acquire('prod', 'me', timing, {
      signal: stop.signal,
    })
    setTimeout(() => {
      stop.abort()
    }, 30)
    await expect(attempt).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

describe('a lease in our hands', () => {
  async function taken(table: Rows, clock: LeaseClock): Promise<Lease> {
    const lease = await take(table, clock)
    if (lease.kind === 'held') throw new Error('held')
    return lease
  }
  const lost = (lease: Lease): Promise<void> =>
    new Promise((resolve) => {
      lease.lost.addEventListener('abort', () => {
        resolve()
      })
    })

  it('is over the moment our own clock says so, before any timer runs', async () => {
    const clock = clockAt(0)
    const lease = await taken(rows(), clock)
    expect(lease.isHeld()).toBe(true)
    clock.offset += 390
    expect([lease.isHeld(), lease.lost.aborted]).toEqual([false, false])
    await lost(lease)
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_EXPIRED' })
  })

  it('is lost when someone else took it', async () => {
    const table = rows()
    const lease = await taken(table, clockAt(0))
    table.row = { token: lease.token + 1, holding: holding() }
    await lost(lease)
    await lease.release()
    expect(table.row).toMatchObject({ token: lease.token + 1, holding: { holder: 'old' } })
  })

  it('is lost in time when it cannot be renewed, and says why', async () => {
    const table = rows()
    const lease = await taken(table, clockAt(0))
    const started = performance.now()
    table.failure = new Error('disk gone')
    await lost(lease)
    expect(performance.now() - started).toBeLessThan(timing.ttlMs)
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_EXPIRED', cause: table.failure })
  })

  it('survives a failure that passes', async () => {
    const table = rows()
    const lease = await taken(table, clockAt(0))
    table.failure = new Error('busy')
    setTimeout(() => {
      table.failure = undefined
    }, 150)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect([lease.isHeld(), lease.lost.aborted]).toEqual([true, false])
    await lease.release()
  })
})
