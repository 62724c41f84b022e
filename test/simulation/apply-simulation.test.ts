/**
 * Promises 4, 7, 8 and 9 over random histories: nothing in use is lost, nothing that stays is broken, the journal
 * explains every disappearance before it happens, and undo brings everything back.
 *
 * WINNOW_SIMULATIONS sets how many histories are played, WINNOW_SEED the first; a failure prints its seed and the
 * fewest steps that still fail.
 */
import { describe, expect, it } from 'vitest'
import { play, type Played } from './play.ts'

const inCi = process.env['CI'] === 'true'
const histories = Number(process.env['WINNOW_SIMULATIONS'] ?? (inCi ? 10_000 : 2000))
const firstSeed = Number(process.env['WINNOW_SEED'] ?? 0)
const steps = Array.from({ length: 12 }, (_, step) => step)

/** Plays, and takes an error that nothing expects for a complaint. */
async function listen(seed: number, chosen: readonly number[]): Promise<Played> {
  try {
    return await play(seed, chosen)
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { complaints: [text], log: [], counts: new Map() }
  }
}

/** Leaves out steps for as long as the history still fails. */
async function shrink(seed: number, from: readonly number[]): Promise<readonly number[]> {
  let best = from
  for (const step of from) {
    const fewer = best.filter((each) => each !== step)
    if ((await listen(seed, fewer)).complaints.length > 0) best = fewer
  }
  return best
}

describe('a registry with people around it', () => {
  it(`loses nothing it should not in ${histories} histories`, { timeout: 600_000 }, async () => {
    const counts = new Map<string, number>()
    for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
      const played = await listen(seed, steps)
      for (const [what, count] of played.counts) counts.set(what, (counts.get(what) ?? 0) + count)
      if (played.complaints.length === 0) continue
      const fewest = await shrink(seed, steps)
      const { complaints, log } = await listen(seed, fewest)
      throw new Error([`Seed ${seed}, steps ${fewest.join(' ')}:`, ...complaints, 'after', ...log].join('\n'))
    }
    if (process.env['WINNOW_COUNTS'] !== undefined) console.log(counts)
    // A simulation that never deletes, never dies or never undoes proves nothing.
    if (histories < 500) return
    for (const what of [
      'line deleted',
      'line drifted',
      'line in-use',
      'line untagged',
      'killed',
      'LEASE_LOST',
      'undo of deletions',
      'undo drifted',
      'undo blocked',
      'undo present',
    ]) {
      expect(counts.get(what) ?? 0, what).toBeGreaterThan(0)
    }
  })
})
