/** Ways to break a sweep, each of which the simulation must notice: a judge that never complains judges nothing. */
import type { SweepPorts } from '../../../src/app/sweep-ports.ts'
import type { SweepEntry } from '../../../src/core/sweep/sweep-entry.ts'
import type { BlobPool, RepositoryLinks } from '../../../src/ports/readable-layout.ts'
import type { Sabotage } from './play.ts'

const quick = { graceMs: 0, quarantineMs: 0 } as const

/** The gate of a cache in memory that says nobody remembers anything. */
export const openGate: Sabotage = {
  setup: { cache: 'inmemory' },
  settings: quick,
  ports: (ports) => ({
    ...ports,
    cache: {
      ...ports.cache,
      gate: async () => ({ kind: 'open', setAsideBefore: Number.POSITIVE_INFINITY, because: 'so it says' }),
    },
  }),
}

/** A Redis that is told nothing. */
export const deafRedis: Sabotage = {
  setup: { cache: 'redis' },
  settings: quick,
  ports: (ports) => ({ ...ports, cache: { ...ports.cache, forget: async () => undefined } }),
}

/** A Redis that is not told that links are removed. */
export const rememberedLinks: Sabotage = {
  setup: { cache: 'redis' },
  settings: quick,
  ports: (ports) => ({ ...ports, cache: { ...ports.cache, forgetLinks: async () => undefined } }),
}

/** No time for a request that has checked its blobs and has not linked its manifest yet. */
export const noSettling: Sabotage = {
  setup: { cache: 'none' },
  settings: { ...quick, settleMs: 0, busySettleMs: 0 },
}

/** Links are read first and blobs listed last; and with no fence, which hides that from all but the unlucky. */
export const markFirst: Sabotage = {
  settings: { graceMs: -60 * 60 * 1000 },
  ports: (ports) => ({
    ...ports,
    layout: { ...ports.layout, pools: (options) => linksFirst(ports, options) },
  }),
}

/** The same without a fence, in the right order. */
export const noFence: Sabotage = { settings: { graceMs: -60 * 60 * 1000 } }

async function* linksFirst(
  { layout }: SweepPorts,
  ...[options]: Parameters<SweepPorts['layout']['pools']>
): AsyncIterable<BlobPool> {
  for await (const pool of layout.pools(options)) {
    let read: RepositoryLinks[] = []
    yield {
      ...pool,
      listBlobs: async (visit, own) => {
        read = []
        await pool.readLinks((links) => read.push(links), own)
        await pool.listBlobs(visit, own)
      },
      readLinks: async (visit) => {
        read.forEach(visit)
      },
    }
  }
}

/** What is about to be set aside is written down with the next thing that is. */
export const lateJournal: Sabotage = {
  ports: (ports) => {
    let late: readonly SweepEntry[] = []
    return {
      ...ports,
      journal: {
        ...ports.journal,
        append: async (run, entries, options) => {
          const isEarly = entries.some(({ kind }) => kind === 'set-aside')
          const due = isEarly ? late : [...late, ...entries]
          late = isEarly ? entries : []
          if (due.length > 0) await ports.journal.append(run, due, options)
        },
      },
    }
  },
}

/** Leases that everybody gets. */
export const noLease: Sabotage = {
  ports: (ports, { leases }) => ({
    ...ports,
    leases: {
      acquire: async (...asked) => {
        leases.giveUp()
        return ports.leases.acquire(...asked)
      },
    },
  }),
}
