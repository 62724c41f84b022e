/** What every lease store must do. Two stores from one `open` compete for the same leases. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Lease, LeaseHeld, LeaseStore } from '../../src/ports/lease.ts'
import type { Opened } from './journal-store.ts'

const timing = { ttlMs: 15_000, renewMs: 5_000, waitMs: 0 }

function held(lease: Lease | LeaseHeld): Lease {
  if (lease.kind !== 'lease') throw new Error(`held by ${lease.holder}`)
  return lease
}

export function leaseConformance(name: string, open: () => Promise<Opened<LeaseStore>>): void {
  describe(`lease: ${name}`, () => {
    let opened: Opened<LeaseStore>
    let leases: LeaseStore
    beforeEach(async () => {
      opened = await open()
      leases = opened.store
    })
    afterEach(() => opened.close())

    it('is held by one at a time, for each resource, and names a live holder at once', async () => {
      const before = Date.now()
      const lease = held(await leases.acquire('prod', 'first', timing))
      const answer = await (await opened.reopen()).acquire('prod', 'second', { ...timing, waitMs: 60_000 })
      expect(answer).toMatchObject({ kind: 'held', holder: 'first' })
      expect(answer.kind === 'held' && answer.sinceMs >= before && answer.sinceMs <= Date.now()).toBe(true)
      expect(lease.isHeld()).toBe(true)
      const other = held(await leases.acquire('lab', 'second', timing))
      await Promise.all([lease.release(), other.release()])
    })

    it('gives tokens that only rise, across releases and reopenings', async () => {
      const tokens: number[] = []
      for (let n = 0; n < 5; n += 1) {
        const store = n === 3 ? await opened.reopen() : leases
        const lease = held(await store.acquire('prod', 'me', timing))
        tokens.push(lease.token)
        await lease.release()
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
    })

    it('is free after its release, not held, and not lost', async () => {
      const lease = held(await leases.acquire('prod', 'first', timing))
      await lease.release()
      await lease.release()
      expect([lease.isHeld(), lease.lost.aborted]).toEqual([false, false])
      const next = held(await leases.acquire('prod', 'second', timing))
      // A late release of the old one must not free the new one.
      await lease.release()
      expect(await leases.acquire('prod', 'third', timing)).toMatchObject({ kind: 'held', holder: 'second' })
      await next.release()
    })

    it('lives on by renewal beyond its time', async () => {
      const lease = held(await leases.acquire('prod', 'first', { ttlMs: 900, renewMs: 150, waitMs: 0 }))
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect([lease.isHeld(), lease.lost.aborted]).toEqual([true, false])
      await lease.release()
    })

    it('goes to exactly one of many who ask at once', async () => {
      const others = await opened.reopen()
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 === 0 ? leases : others).acquire('prod', `h${n}`, timing),
        ),
      )
      const winners = answers.filter((answer) => answer.kind === 'lease')
      expect(winners).toHaveLength(1)
      await Promise.all(winners.map((lease) => lease.release()))
    })

    it('is not taken by someone who was interrupted', async () => {
      const signal = AbortSignal.abort()
      await expect(leases.acquire('prod', 'me', timing, { signal })).rejects.toMatchObject({
        code: 'INTERRUPTED',
      })
      await held(await leases.acquire('prod', 'me', timing)).release()
    })
  })
}
