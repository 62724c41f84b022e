/**
 * What the registry owes: every manifest it accepted and was not told to delete. Nobody pushes and deletes the same one at a
 * time, and no child goes while an index that names it stays, so that what is broken at the end was broken by the sweep.
 */
import type { Random } from '../oracle/random.ts'

export interface Pushed {
  readonly repository: string
  readonly digest: string
  readonly mediaType: string
  readonly bytes: Buffer
  /** Layers and configuration, by digest; children of an index. */
  readonly blobs: ReadonlyMap<string, Buffer>
  readonly children: readonly string[]
}

export interface Ledger {
  /** Of every push, accepted or not: what may be pushed again. */
  readonly known: readonly Pushed[]
  /** Accepted and not deleted. */
  readonly owed: () => readonly Pushed[]
  accepted(pushed: Pushed): void
  /** From here on nobody is owed it, whatever comes of the request. */
  disowned(pushed: Pushed): void
  /** Runs while nobody else may push or delete these; undefined when somebody does. */
  alone<T>(pushed: readonly Pushed[], act: () => Promise<T>): Promise<T | undefined>
  /** One that may be deleted: no index that is owed names it. */
  deletable(random: Random): Pushed | undefined
}

const KNOWN_MAX = 400

export function makeLedger(): Ledger {
  const known: Pushed[] = []
  const owed = new Map<string, Pushed>()
  const busy = new Set<string>()
  return {
    known,
    owed: () => [...owed.values()],
    accepted(pushed) {
      if (!owed.has(keyOf(pushed)) && known.length < KNOWN_MAX) known.push(pushed)
      owed.set(keyOf(pushed), pushed)
    },
    disowned: (pushed) => void owed.delete(keyOf(pushed)),
    async alone(pushed, act) {
      const keys = pushed.map(keyOf)
      if (keys.some((key) => busy.has(key))) return undefined
      for (const key of keys) busy.add(key)
      try {
        return await act()
      } finally {
        for (const key of keys) busy.delete(key)
      }
    },
    deletable(random) {
      const all = [...owed.values()]
      const named = new Set(
        all.flatMap(({ repository, children }) => children.map((child) => `${repository}@${child}`)),
      )
      const free = all.filter((pushed) => !named.has(keyOf(pushed)))
      return free.length === 0 ? undefined : random.pick(free)
    },
  }
}

export function keyOf({ repository, digest }: Pushed): string {
  return `${repository}@${digest}`
}
