/**
 * What a sweep promises, over random schedules of a registry that is pushed to, deleted from and restarted while sweeps
 * run beside it, die, stall and are run again: no blob of an accepted manifest is ever freed, what was set aside and is
 * needed comes back, garbage goes, a restore gives the tree back byte for byte, two sweeps never act at once, and a report
 * counts what was done.
 *
 * WINNOW_SWEEP_SCHEDULES sets how many schedules are played, WINNOW_SEED the first; a failure prints its seed.
 */
import { describe, expect, it } from 'vitest'
import { play, QUIET_SETTLE_MS, SETTLE_MS, type Sabotage } from './sweep/play.ts'
import {
  deafRedis,
  lateJournal,
  markFirst,
  noFence,
  noLease,
  noSettling,
  openGate,
  rememberedLinks,
} from './sweep/sabotage.ts'

const inCi = process.env['CI'] === 'true'
const schedules = Number(process.env['WINNOW_SWEEP_SCHEDULES'] ?? (inCi ? 5000 : 1000))
const firstSeed = Number(process.env['WINNOW_SEED'] ?? 0)
/** Within so many schedules every sabotage is noticed. */
const NOTICED_WITHIN = 400

describe('a registry that is swept while it is used', () => {
  it(`loses nothing it should not in ${schedules} schedules`, { timeout: 3_600_000 }, async () => {
    const counts = new Map<string, number>()
    for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
      const { complaints, log, counts: own } = await play(seed)
      for (const [what, count] of own) counts.set(what, (counts.get(what) ?? 0) + count)
      if (complaints.length > 0)
        throw new Error([`WINNOW_SEED=${seed}`, ...complaints, 'after', ...log].join('\n'))
    }
    console.log(`${schedules} schedules:`, Object.fromEntries([...counts].toSorted()))
    // A simulation in which nothing happens proves nothing.
    if (schedules < 200) return
    for (const [what, share] of Object.entries(leastInEach))
      expect(counts.get(what) ?? 0, what).toBeGreaterThan(schedules * share)
  })

  it('loses nothing where people push, and nothing stays in quarantine', { timeout: 3_600_000 }, async () => {
    const settings = { graceMs: 0, quarantineMs: 0, settleMs: QUIET_SETTLE_MS, busySettleMs: SETTLE_MS }
    for (let seed = firstSeed; seed < firstSeed + schedules / 10; seed += 1) {
      const { complaints, log } = await play(seed, { setup: { isBusy: true }, settings })
      if (complaints.length > 0)
        throw new Error([`WINNOW_SEED=${seed}`, ...complaints, 'after', ...log].join('\n'))
    }
  })

  /** How often each must have happened, for one schedule. */
  const leastInEach = {
    accepted: 5,
    refused: 0.05,
    reset: 0.3,
    deleted: 1,
    restarted: 0.3,
    'set aside': 2,
    restored: 0.1,
    freed: 1,
    removed: 0.5,
    killed: 0.2,
    stalled: 0.1,
    LEASE_HELD: 0.1,
    'lease lost': 0.02,
    'restored on demand': 0.02,
    'trees restored': 0.1,
  }
})

describe('the simulation notices', () => {
  it.each<{ name: string; sabotage: Sabotage; says: RegExp }>([
    { name: 'a gate that is always open', sabotage: openGate, says: /is lost/ },
    { name: 'a Redis that is not told to forget', sabotage: deafRedis, says: /is lost/ },
    { name: 'a Redis that is not told of links', sabotage: rememberedLinks, says: /has no link to/ },
    { name: 'a mark that does not wait for requests under way', sabotage: noSettling, says: /is lost/ },
    { name: 'links read before blobs are listed', sabotage: markFirst, says: /after it had begun to look/ },
    { name: 'a journal that is written after the act', sabotage: lateJournal, says: /was left|not in place/ },
    { name: 'a lease that everybody gets', sabotage: noLease, says: /without the lease/ },
  ])('$name', { timeout: 600_000 }, async ({ sabotage, says }) => {
    expect(await firstNoticed(sabotage, says)).toBeDefined()
  })

  it('that listing blobs first is what keeps new ones from being candidates, fence or none', async () => {
    expect(await firstNoticed(noFence, /after it had begun to look/, 60)).toBeUndefined()
  }, 600_000)
})

/** The first schedule in which the sabotage is noticed for what it is. */
async function firstNoticed(
  { setup, ...sabotage }: Sabotage,
  says: RegExp,
  within = NOTICED_WITHIN,
): Promise<number | undefined> {
  for (let seed = 0; seed < within; seed += 1) {
    const { complaints } = await play(seed, { ...sabotage, setup: { ...setup, isBusy: true } })
    if (complaints.some((complaint) => says.test(complaint))) return seed
  }
  return undefined
}
