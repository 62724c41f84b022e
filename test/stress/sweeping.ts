/** Sweeps again and again beside the pushers, and kills some of the sweeps at a random moment. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../oracle/random.ts'
import { ended } from '../faults/cli.ts'
import { judge } from '../sweep/oracle.ts'
import { at } from '../sweep/trees.ts'
import type { Sweeper, SweepReport } from '../sweep/sweeper.ts'

/** Nothing is spared for being young; what is set aside is due after two seconds. */
export const sweepFlags = ['--apply', '--grace', '0s', '--quarantine', '2s', '--settle', '1s'] as const

export interface Sweeps {
  runs: number
  kills: number
  /** Refused because of what a killed one had left. */
  waited: number
  setAside: number
  restored: number
  freed: number
  /** What the last report warned of. */
  warnings: readonly unknown[]
  /** Sweeps that ended with something other than 0, and not because another one was at work. */
  readonly failures: string[]
}

const FAILURES_MAX = 5

export async function sweepOnce(
  sweeper: Sweeper,
  sweeps: Sweeps,
  random: Random,
  killShare: number,
): Promise<void> {
  const child = sweeper.start(sweepFlags)
  const end = ended(child)
  const isToDie = random.chance(killShare)
  // A sweep takes about two seconds here: half of one for starting, one for settling.
  const timer = isToDie ? setTimeout(() => child.kill('SIGKILL'), random.between(200, 3000)) : undefined
  const { code, stdout, stderr } = await end
  clearTimeout(timer)
  sweeps.runs += 1
  if (code === null) sweeps.kills += 1
  else if (code === 0) count(sweeps, JSON.parse(stdout) as SweepReport)
  else if (code === 1 && /lease|another|at work|running/i.test(stderr)) {
    sweeps.waited += 1
    await sleep(1000)
  } else if (sweeps.failures.length < FAILURES_MAX)
    sweeps.failures.push(`exit ${code}: ${stderr.slice(-500)}`)
  else await sleep(200)
}

function count(sweeps: Sweeps, { summary, warnings }: SweepReport): void {
  sweeps.warnings = warnings
  sweeps.setAside += summary['setAside'] ?? 0
  sweeps.restored += summary['restored'] ?? 0
  sweeps.freed += summary['freed'] ?? 0
}

/** What a collector does that looks once and removes: here to show that this test finds what it breaks. */
export async function collectNaively({ root }: Sweeper, sweeps: Sweeps): Promise<void> {
  try {
    for (const digest of judge(root, 0).garbage) {
      rmSync(join(root, at.blob(digest)))
      sweeps.freed += 1
    }
  } catch {
    // The tree moved while it was read; the next look is soon.
  }
  sweeps.runs += 1
  await sleep(200)
}
