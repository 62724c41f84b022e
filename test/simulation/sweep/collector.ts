/**
 * A process that sweeps the simulated storage: the real use cases over ports that wait for a turn before every act, and
 * that may die at any of them. What it does is kept as an account to judge its report by.
 */
import { createListedDistributionLayout } from '../../../src/adapters/registries/storage-distribution/listed-layout.ts'
import { createMemoryJournalStore } from '../../../src/adapters/journal/memory/journal-store.ts'
import { createSweepJournal } from '../../../src/adapters/journal/store-sweep-journal.ts'
import type { SweepPorts } from '../../../src/app/sweep-ports.ts'
import type { RegistryName } from '../../../src/core/image/names.ts'
import { newRunId } from '../../../src/core/journal/run-id.ts'
import type { ReferenceCache } from '../../../src/ports/reference-cache.ts'
import type { SweepableStore } from '../../../src/ports/mutable-sweep-store.ts'
import { memoryScratch } from '../../builders/sweep-parts.ts'
import type { MemoryStore } from '../../builders/memory-store.ts'
import type { Account } from './account.ts'
import type { SimulatedLeases } from './leases.ts'
import type { Actor, Scheduler } from './scheduler.ts'
import type { SimulatedRegistry } from './simulated-registry.ts'

/** kill -9. */
export class KilledError extends Error {}

/** What it did to files. */
export interface Deeds {
  setAside: number
  restored: number
  freed: number
  readonly removed: string[]
}

/** What all collectors of one history share. */
export interface Site {
  readonly scheduler: Scheduler
  readonly store: MemoryStore
  readonly registry: SimulatedRegistry
  readonly leases: SimulatedLeases
  readonly references: ReferenceCache
  readonly account: Account
  readonly nextRun: () => number
  /** How many runs there were so far. */
  readonly runs: () => number
}

export class Collector {
  readonly actor: Actor
  readonly deeds: Deeds = { setAside: 0, restored: 0, freed: 0, removed: [] }
  /** It dies at this act of its life: before it, or when it is done and before anybody is told. */
  dies: { readonly at: number; readonly isDone: boolean } | undefined
  acts = 0
  isDead = false
  readonly #site: Site
  /** When blobs and links were last listed. */
  readonly #lookedAt = new Map<string, number>()
  #token = 0

  constructor(site: Site, actor: Actor) {
    this.#site = site
    this.actor = actor
  }

  ports(): SweepPorts {
    const { scheduler, store, registry, leases, references, nextRun } = this.#site
    const own = this.#watched(store)
    return {
      registry: 'sim' as RegistryName,
      layout: createListedDistributionLayout({ store: own, retryPauseMs: 0 }),
      store: own,
      journal: createSweepJournal(own),
      references,
      createScratch: memoryScratch,
      now: () => scheduler.clock.now,
      newRunId: (at) => newRunId(at, nextRun().toString(16).padStart(4, '0')),
      cache: this.#cache(registry),
      leases: leases.of(this, (token) => {
        this.#token = token
      }),
      history: createMemoryJournalStore(),
      holder: this.actor.name,
      clockSkewMs: async () => 0,
      sleep: (ms) => this.act(async () => undefined, ms),
    }
  }

  /** One act: waits for its turn, and may be the last. */
  async act<T>(work: () => Promise<T>, afterMs = 0): Promise<T> {
    this.acts += 1
    const number = this.acts
    if (this.isDead) throw new KilledError()
    await this.#site.scheduler.sleep(this.actor, afterMs)
    const isLast = number === this.dies?.at
    if (isLast && this.dies?.isDone === false) this.#die()
    const result = await work()
    if (isLast) this.#die()
    return result
  }

  #die(): never {
    this.isDead = true
    const error = new KilledError()
    this.#site.leases.died(this)
    this.#site.scheduler.kill(this.actor, error)
    throw error
  }

  #cache(registry: SimulatedRegistry): SweepPorts['cache'] {
    const kind = registry.setup.cache
    return {
      kind,
      afterSetAside: async () => undefined,
      forget: async (digests) => {
        if (kind !== 'redis') return
        for await (const batch of digests) {
          await this.act(async () => {
            for (const digest of batch) registry.forget(digest)
          })
        }
      },
      forgetLinks: async (names) => {
        if (kind !== 'redis') return
        await this.act(async () => {
          for (const name of names) registry.forgetLinks(name)
        })
      },
      gate: () =>
        this.act(async () => ({
          kind: 'open' as const,
          setAsideBefore: kind === 'inmemory' ? registry.restartedAt : Number.POSITIVE_INFINITY,
          because: 'the simulation says so',
        })),
    }
  }

  /** The store, act by act; batches are no more than their files. */
  #watched(store: MemoryStore): SweepableStore {
    const change = <T>(key: string, work: () => Promise<T>): Promise<T> =>
      this.act(async () => {
        const judge = this.#judged(key)
        const result = await work()
        judge()
        return result
      })
    return {
      place: store.place,
      list: (folder, options) => this.act(() => store.list(folder, options)),
      stat: (key, options) => this.act(() => store.stat(key, options)),
      read: (key, bytesMax, options) => this.#readWhole(store, key, bytesMax, options),
      listAll: (prefix, options) => this.#pages(store, prefix, options),
      readAside: (file, bytesMax, options) => this.act(() => store.readAside(file, bytesMax, options)),
      locate: (files, options) => one(files, (file) => this.act(() => store.locate([file], options))),
      quarantineKind: (options) => store.quarantineKind(options),
      removeEmptyFolders: (folder, options) => store.removeEmptyFolders(folder, options),
      write: (key, bytes, options) => change(key, () => store.write(key, bytes, options)),
      create: (key, bytes, options) => change(key, () => store.create(key, bytes, options)),
      remove: (key, options) => change(key, () => this.#removing(key, () => store.remove(key, options))),
      removeAll: (keys, options) =>
        one(keys, (key) => change(key, () => this.#removing(key, () => store.removeAll([key], options)))),
      setAside: (files, options) =>
        one(files, (file) =>
          change(file.key, async () => {
            const isOld = this.#isOld(file.key)
            const outcomes = this.#counted('setAside', await store.setAside([file], options))
            if (!isOld)
              this.#site.account.complain(
                `${this.actor.name} sets ${file.key} aside, which came after it had begun to look`,
              )
            return outcomes
          }),
        ),
      putBack: (files, options) =>
        one(files, (file) =>
          change(file.key, async () => this.#counted('restored', await store.putBack([file], options))),
        ),
      free: (files, options) =>
        one(files, (file) =>
          change(file.key, async () => this.#counted('freed', await store.free([file], options))),
        ),
    }
  }

  #counted<T extends string>(what: 'setAside' | 'restored' | 'freed', outcomes: readonly T[]): readonly T[] {
    const done = { setAside: 'set-aside', restored: 'restored', freed: 'freed' }[what]
    this.deeds[what] += outcomes.filter((outcome) => outcome === done).length
    return outcomes
  }

  /** What a push adds after the first look is no candidate, whatever its age. */
  #isOld(key: string): boolean {
    const file = this.#site.store.files.get(key)
    return file === undefined || file.modifiedAt <= Math.min(...this.#lookedAt.values())
  }

  async #removing<T>(key: string, remove: () => Promise<T>): Promise<T> {
    this.deeds.removed.push(key)
    this.#site.account.note(`${this.actor.name} removes ${key}`)
    return remove()
  }

  /** Of two collectors only the one with the highest token acts, and what is written down stays. */
  #judged(key: string): () => void {
    const { leases, store, account } = this.#site
    const isOurs = this.#token === leases.token
    const overwrites = key.startsWith('.winnow/journal/') && store.files.has(key)
    return () => {
      if (!isOurs) account.complain(`${this.actor.name} changed ${key} without the lease`)
      if (overwrites) account.complain(`${this.actor.name} overwrote ${key}`)
    }
  }

  async #readWhole(
    store: MemoryStore,
    ...[key, bytesMax, options]: Parameters<SweepableStore['read']>
  ): ReturnType<SweepableStore['read']> {
    // An empty file is being written this moment. The layouts look again after a pause by a real clock, which a
    // simulation must not wait for, so the second look is here.
    for (;;) {
      const file = await this.act(() => store.read(key, bytesMax, options))
      if (file === undefined || file.bytes.length > 0 || !key.startsWith('docker/')) return file
    }
  }

  async *#pages(
    store: MemoryStore,
    ...[prefix, options]: Parameters<SweepableStore['listAll']>
  ): ReturnType<SweepableStore['listAll']> {
    const pages = store.listAll(prefix, options)[Symbol.asyncIterator]()
    for (let isFirst = true; ; isFirst = false) {
      const page = await this.act(() => {
        if (isFirst) this.#lookedAt.set(prefix, this.#site.scheduler.clock.now)
        return pages.next()
      })
      if (page.done === true) return
      yield page.value
    }
  }
}

async function one<In, Out>(
  all: readonly In[],
  work: (each: In) => Promise<readonly Out[]>,
): Promise<readonly Out[]> {
  const outcomes: Out[] = []
  for (const each of all) outcomes.push(...(await work(each)))
  return outcomes
}
