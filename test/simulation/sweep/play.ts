/**
 * One history: a registry with people who push and delete, sweeps beside them that die and stall, and at the end, when
 * everybody has gone home, what is left.
 */
import type { SweepPorts, SweepSettings } from '../../../src/app/sweep-ports.ts'
import { settlingOf } from '../../../src/core/sweep/settling.ts'
import { createMemoryStore, type MemoryStore } from '../../builders/memory-store.ts'
import { memoryReferences } from '../../builders/sweep-parts.ts'
import { Random } from '../../oracle/random.ts'
import { Account } from './account.ts'
import { deleteSome, pushSome, restartSometimes, type Town } from './clients.ts'
import type { Site } from './collector.ts'
import { SimulatedLeases } from './leases.ts'
import { asideOf, garbageOf, missingOf } from './oracle.ts'
import { populate } from './populate.ts'
import { Scheduler, type Actor } from './scheduler.ts'
import { SimulatedRegistry, type CacheMode } from './simulated-registry.ts'
import { Sweeps } from './sweeps.ts'

export interface Played {
  readonly complaints: readonly string[]
  readonly log: readonly string[]
  readonly counts: ReadonlyMap<string, number>
}

/** What a test of the simulation itself breaks. */
export interface Sabotage {
  readonly setup?: Partial<Setup>
  readonly settings?: Partial<SweepSettings>
  readonly ports?: (ports: SweepPorts, site: Site) => SweepPorts
}

export interface Setup {
  readonly cache: CacheMode
  readonly quarantine: 'rename' | 'copy'
  readonly stalls: boolean
  /** Many pushes, one right after the other. */
  readonly isBusy: boolean
}

const START = Date.parse('2026-01-31T12:00:00Z')
const DAY_MS = 24 * 60 * 60 * 1000
/** The longest request, how long a sweep waits for it in a storage at rest, and how long beside changes. */
const REQUEST_MS = 20_000
export const QUIET_SETTLE_MS = 21_000
export const SETTLE_MS: number = 2 * QUIET_SETTLE_MS
/** As app/leases.ts has it. */
const LEASE_MS = 12_000

export async function play(seed: number, sabotage: Sabotage = {}): Promise<Played> {
  const history = new History(seed, sabotage)
  try {
    await history.live()
    await history.end()
  } catch (error) {
    history.account.complain(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return history.account
}

function setupOf(random: Random, given: Partial<Setup> = {}): Setup {
  return {
    cache: random.pick(['none', 'redis', 'inmemory']),
    quarantine: random.chance(0.7) ? 'rename' : 'copy',
    stalls: random.chance(0.3),
    isBusy: random.chance(0.25),
    ...given,
  }
}

function settingsOf(random: Random, given: Partial<SweepSettings> = {}): SweepSettings {
  const quarantineMs = random.pick([0, QUIET_SETTLE_MS, 3 * QUIET_SETTLE_MS])
  return {
    mode: 'online',
    graceMs: random.pick([0, 30_000, 120_000]),
    quarantineMs,
    ...settlingOf({ settleMs: SETTLE_MS, quarantineMs }, QUIET_SETTLE_MS),
    timeSlackMs: random.pick([0, 1000]),
    ...given,
  }
}

class History {
  readonly account: Account
  readonly #random: Random
  readonly #scheduler: Scheduler
  readonly #registry: SimulatedRegistry
  readonly #store: MemoryStore
  readonly #leases: SimulatedLeases
  readonly #settings: SweepSettings
  readonly #setup: Setup
  readonly #town: Town
  readonly #sweeps: Sweeps

  constructor(seed: number, sabotage: Sabotage) {
    const random = new Random(seed)
    const clock = { now: START }
    this.#random = random
    this.#setup = setupOf(random, sabotage.setup)
    this.#settings = settingsOf(random, sabotage.settings)
    this.account = new Account(clock)
    this.#scheduler = new Scheduler(random, clock)
    this.#store = this.#createStore(clock)
    // A file that is written in place while it is copied is no object of an object store.
    const writesInPlace = this.#setup.quarantine === 'rename' && random.chance(0.5)
    const { cache } = this.#setup
    const parts = { store: this.#store, scheduler: this.#scheduler, random }
    this.#registry = new SimulatedRegistry(parts, { cache, writesInPlace, requestMs: REQUEST_MS })
    this.#leases = new SimulatedLeases(this.#scheduler)
    this.#town = {
      random,
      scheduler: this.#scheduler,
      registry: this.#registry,
      account: this.account,
    }
    this.#sweeps = new Sweeps(this.#createSite(), random, sabotage.ports)
    populate(random, this.#registry, START - 10 * DAY_MS)
    this.account.note(JSON.stringify({ ...this.#setup, ...this.#settings, writesInPlace }))
  }

  /** Everybody at once. */
  async live(): Promise<void> {
    const random = this.#random
    const town = this.#town
    const { isBusy, stalls } = this.#setup
    const pauseMs = isBusy ? 8000 : 25_000
    const pushes = isBusy ? random.between(4, 10) : random.between(1, 4)
    const deletions = isBusy ? pushes * 2 : random.between(0, 4)
    for (let i = 0; i < random.between(2, 4); i += 1)
      this.#scheduler.spawn(`pusher ${i}`, (actor) => pushSome(town, actor, { pushes, pauseMs }))
    this.#scheduler.spawn('deleter', (actor) => deleteSome(town, actor, { deletions, pauseMs }))
    this.#scheduler.spawn('restarter', (actor) => restartSometimes(town, actor, random.between(0, 2)))
    for (let i = 0; i < random.between(1, 2); i += 1)
      this.#scheduler.spawn(`collector ${i}`, (actor) =>
        this.#sweepSome(actor, isBusy ? 5 : random.between(1, 3)),
      )
    if (stalls) this.#scheduler.spawn('fate', (actor) => this.#stallSome(actor))
    await this.#scheduler.run()
  }

  /** When nobody pushes any more. */
  async end(): Promise<void> {
    const random = this.#random
    // The first puts back what was uploaded again; if nobody came to need it, the second sets it aside for good.
    await this.#sweepToEnd(10 * DAY_MS)
    await this.#sweepToEnd(10 * DAY_MS)
    this.account.judge('after whole sweeps', [...missingOf(this.#registry), ...garbageOf(this.#store)])
    const deletions = random.between(1, 3)
    await this.#alone((actor) => deleteSome(this.#town, actor, { deletions, pauseMs: 1000 }))
    const settings = { ...this.#settings, quarantineMs: 30 * DAY_MS }
    await this.#alone((actor) => this.#sweeps.sweepAndRestore(actor, settings))
    await this.#sweepToEnd(DAY_MS)
    this.#registry.restart()
    // The first finds out that nobody remembers what is set aside, the second frees it.
    await this.#sweepToEnd(0)
    await this.#sweepToEnd(0)
    const left = [...garbageOf(this.#store), ...asideOf(this.#store)]
    this.account.judge('at the end', [...missingOf(this.#registry), ...left])
  }

  async #alone(live: (actor: Actor) => Promise<void>): Promise<void> {
    this.#scheduler.clock.now += 2 * DAY_MS
    this.#scheduler.spawn('alone', live)
    await this.#scheduler.run()
  }

  async #sweepToEnd(quarantineMs: number): Promise<void> {
    await this.#alone(async (actor) => {
      const settings = { ...this.#settings, quarantineMs }
      const report = await this.#sweeps.sweep(this.#sweeps.immortal(actor), settings)
      if (report?.complete !== true) this.account.complain('a sweep that nobody disturbed did not end')
    })
  }

  async #sweepSome(actor: Actor, runs: number): Promise<void> {
    for (let i = 0; i < runs; i += 1) {
      await this.#scheduler.sleep(actor, this.#random.between(0, 30_000))
      const collector = this.#random.chance(0.4)
        ? this.#sweeps.mortal(actor, 150)
        : this.#sweeps.immortal(actor)
      await this.#sweeps.sweep(collector, this.#settings)
    }
    if (this.#random.chance(0.2)) await this.#sweeps.restoreSome(actor, this.#settings)
  }

  async #stallSome(actor: Actor): Promise<void> {
    for (let i = 0; i < 3; i += 1) {
      await this.#scheduler.sleep(actor, this.#random.between(0, 30_000))
      const [collector] = this.#random.shuffle([...this.#sweeps.running])
      if (collector === undefined) continue
      this.#leases.stall(collector, this.#random.between(1000, 3 * LEASE_MS), LEASE_MS)
      this.account.count('stalled')
      this.account.note(`${collector.actor.name} stalls`)
    }
  }

  #createStore(clock: { now: number }): MemoryStore {
    const random = this.#random
    const { quarantine } = this.#setup
    const pageSize = random.between(5, 60)
    const store = createMemoryStore({ clock, quarantine, pageSize, tellsMd5: random.chance(0.5) })
    // Between the copy and the removal of the original others go on as well.
    store.hooks.before = ({ act }) =>
      act === 'dropOriginal' && this.#scheduler.current !== undefined
        ? this.#scheduler.turn(this.#scheduler.current)
        : undefined
    return store
  }

  #createSite(): Site {
    let runs = 0
    return {
      scheduler: this.#scheduler,
      store: this.#store,
      registry: this.#registry,
      leases: this.#leases,
      references: memoryReferences(),
      account: this.account,
      nextRun: () => (runs += 1),
      runs: () => runs,
    }
  }
}
