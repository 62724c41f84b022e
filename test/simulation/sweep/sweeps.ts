/** Sweeps of the simulated storage, and restores: run as the program runs them, and judged when they have ended. */
import { applySweep } from '../../../src/app/sweep.ts'
import type { SweepPorts, SweepSettings } from '../../../src/app/sweep-ports.ts'
import { restoreSwept, SweepUnknownError } from '../../../src/app/sweep-restore.ts'
import { InterruptedError, OperationalError } from '../../../src/core/errors/errors.ts'
import type { SweepReport } from '../../../src/core/sweep/sweep-report.ts'
import type { Random } from '../../oracle/random.ts'
import { Collector, KilledError, type Site } from './collector.ts'
import { lostOf, treeOf } from './oracle.ts'
import type { Actor } from './scheduler.ts'

type Breaks = (ports: SweepPorts, site: Site) => SweepPorts

export class Sweeps {
  /** Who sweeps just now. */
  readonly running = new Set<Collector>()
  readonly #site: Site
  readonly #random: Random
  readonly #breaks: Breaks

  constructor(site: Site, random: Random, breaks: Breaks = (ports) => ports) {
    this.#site = site
    this.#random = random
    this.#breaks = breaks
  }

  /** A process that may die at one of its first acts. */
  mortal(actor: Actor, acts: number): Collector {
    const collector = this.immortal(actor)
    collector.dies = { at: this.#random.between(1, acts), isDone: this.#random.chance(0.5) }
    return collector
  }

  immortal(actor: Actor): Collector {
    return new Collector(this.#site, actor)
  }

  /** The report; undefined when it came to no end. */
  async sweep(collector: Collector, settings: SweepSettings): Promise<SweepReport | undefined> {
    const { account, registry } = this.#site
    this.running.add(collector)
    try {
      const report = await applySweep(this.#portsOf(collector), settings, {})
      this.#compare(report, collector)
      account.note(`${collector.actor.name} swept: ${JSON.stringify(report.summary)}`)
      return report
    } catch (error) {
      this.#requireExpected(error, collector)
      return undefined
    } finally {
      this.running.delete(collector)
      const { setAside, restored, freed, removed } = collector.deeds
      const done = { 'set aside': setAside, restored, freed, removed: removed.length }
      for (const [what, count] of Object.entries(done)) account.count(what, count)
      account.judge('after a sweep', lostOf(registry))
    }
  }

  /** Puts back what some run set aside, whichever; sweeps that follow set it aside again. */
  async restoreSome(actor: Actor, settings: SweepSettings): Promise<void> {
    const collector = this.immortal(actor)
    const run = this.#runNamed(this.#random.between(1, Math.max(1, this.#site.runs())))
    if (run === undefined) return
    try {
      const { report } = await restoreSwept(run, this.#portsOf(collector), settings, {})
      this.#site.account.count('restored on demand', report.summary.restored)
    } catch (error) {
      this.#requireExpected(error, collector)
    }
  }

  /** Sets aside, maybe dies in the middle, puts everything back: the tree is as it was. */
  async sweepAndRestore(actor: Actor, settings: SweepSettings): Promise<void> {
    const { store, account, runs } = this.#site
    const before = treeOf(store)
    const runsBefore = runs()
    const collector = this.#random.chance(0.6) ? this.mortal(actor, 120) : this.immortal(actor)
    await this.sweep(collector, settings)
    const { setAside, removed } = collector.deeds
    const run = runs() > runsBefore ? this.#runNamed(runs()) : undefined
    if (run !== undefined && setAside > 0)
      await restoreSwept(run, this.#portsOf(this.immortal(actor)), settings, {})
    else if (setAside > 0) account.complain(`${setAside} blobs were set aside, and no journal says so`)
    // Links to nothing, empty repositories and old uploads do not come back, and are not meant to.
    const after = treeOf(store)
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (key) => !removed.includes(key) && before.get(key) !== after.get(key),
    )
    account.judge(
      'after a restore',
      changed.map((key) => `${key} is not as it was`),
    )
    account.count('trees restored', setAside > 0 ? 1 : 0)
  }

  #portsOf(collector: Collector): SweepPorts {
    return this.#breaks(collector.ports(), this.#site)
  }

  /** The id of a run that wrote something down. */
  #runNamed(number: number): string | undefined {
    const ending = `-${number.toString(16).padStart(4, '0')}`
    const keys = [...this.#site.store.files.keys()].filter((key) => key.startsWith('.winnow/journal/'))
    return keys.map((key) => key.split('/')[2] ?? '').find((run) => run.endsWith(ending))
  }

  #compare({ summary, actions }: SweepReport, { deeds }: Collector): void {
    const lines = [...actions]
    const listed = (kind: string): number => lines.filter((line) => line.kind === kind).length
    const told = [
      [summary.setAside, deeds.setAside, listed('set-aside')],
      [summary.restored, deeds.restored, listed('restore')],
      [summary.freed, deeds.freed, listed('free')],
      [summary.linksRemoved, listed('remove-link')],
      [summary.repositoriesRemoved, listed('remove-repository')],
      [summary.uploadsRemoved, listed('remove-upload')],
    ]
    const differs = told.filter((counts) => new Set(counts).size > 1)
    this.#site.account.judge(
      'in a report',
      differs.map((counts) => `counts differ: ${counts.join(' ')}`),
    )
  }

  #requireExpected(error: unknown, { actor }: Collector): void {
    const { account } = this.#site
    account.note(`${actor.name} ends: ${error instanceof Error ? error.message : String(error)}`)
    const what = expectedEnd(error)
    if (what !== undefined) account.count(what)
    else
      account.complain(
        `${actor.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
  }
}

function expectedEnd(error: unknown): string | undefined {
  if (error instanceof KilledError) return 'killed'
  if (error instanceof InterruptedError) return 'lease lost'
  if (error instanceof SweepUnknownError) return 'restore of nothing'
  const code = error instanceof OperationalError ? error.code : undefined
  return code === 'LEASE_HELD' || code === 'LEASE_LOST' ? code : undefined
}
