/**
 * What a sweep writes down, and what can be told from it afterwards. Entries belong to the run that set their blobs aside,
 * whichever run wrote them.
 *
 * The order is the promise: the blobs to be set aside are written down before the first of them is touched. Where each
 * blob is, the store tells; the journal tells which ones to ask about, and since when.
 */
import type { Digest } from '../image/digest.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { RunId } from '../journal/entry.ts'
import { RemovedLinksLedger, type LinkEntry } from './removed-links.ts'

export type SweepEntry =
  | { readonly kind: 'begin'; readonly at: InstantMs; readonly registry: string; readonly mode: string }
  /** About to be set aside. */
  | {
      readonly kind: 'set-aside'
      readonly pool: string
      readonly digest: Digest
      readonly sizeBytes: number
      readonly at: InstantMs
    }
  /** Everything written down so far was set aside, the last of it no later than `at`. */
  | { readonly kind: 'all-set-aside'; readonly at: InstantMs }
  /** A later run found this one set aside; the run that did it died before it could tell when. */
  | { readonly kind: 'found-aside'; readonly pool: string; readonly digest: Digest; readonly at: InstantMs }
  /** At `at` nobody remembered what had been set aside no later than `until` (see ports/descriptor-cache.ts). */
  | { readonly kind: 'forgotten'; readonly at: InstantMs; readonly until: InstantMs }
  /** About to be freed: bytes of it that are nowhere afterwards were freed by us. */
  | {
      readonly kind: 'free'
      readonly pool: string
      readonly digest: Digest
      readonly at: InstantMs
    }
  /** A complete mark that began at `startedAt` found out what is needed, and what was needed was put back. */
  | { readonly kind: 'mark'; readonly startedAt: InstantMs }
  /** A blob is no longer set aside. */
  | {
      readonly kind: 'closed'
      readonly pool: string
      readonly digest: Digest
      readonly how: ClosedHow
      readonly at: InstantMs
    }
  | LinkEntry
  | { readonly kind: 'end'; readonly at: InstantMs; readonly outcome: string }

/** restored: back in its place · present: a newer one is in its place · freed · lost: nowhere, and not by us · kept: never moved */
export type ClosedHow = 'restored' | 'present' | 'freed' | 'lost' | 'kept'

/** A blob that was set aside, as far as the journal knows. */
export interface AsideEntry {
  readonly run: RunId
  readonly pool: string
  readonly digest: Digest
  readonly sizeBytes: number
  /** No later than when it was set aside: a link written since says that a push came to need it. */
  readonly setAsideFrom: InstantMs
  /** No earlier than when it was set aside; undefined where the run died before it could tell. */
  readonly setAsideUntil: InstantMs | undefined
  /** When it was first found out that no registry process remembered it; undefined until then. */
  readonly forgottenAt: InstantMs | undefined
  /** Whether its freeing was begun. */
  readonly isFreeing: boolean
}

/** One blob's way through the journal. */
export type AsideHistory = AsideEntry & {
  readonly closed: { readonly how: ClosedHow; readonly at: InstantMs } | undefined
}

/** Gathers the blobs that runs set aside. Entries come run by run, oldest first. */
export class AsideLedger {
  readonly removedLinks: RemovedLinksLedger = new RemovedLinksLedger()
  readonly #histories = new Map<string, AsideHistory>()
  readonly #runs = new Map<RunId, { readonly startedAt: InstantMs; hasEnded: boolean; open: number }>()

  #lastMarkAt: InstantMs | undefined

  add(run: RunId, entries: readonly SweepEntry[]): void {
    for (const entry of entries) this.#addOne(run, entry)
  }

  /** When the last complete mark began. */
  get lastMarkAt(): InstantMs | undefined {
    return this.#lastMarkAt
  }

  /** Blobs that are set aside, or were about to be. */
  open(): readonly AsideEntry[] {
    return [...this.#histories.values()].filter(({ closed }) => closed === undefined)
  }

  /** Everything that the journal knows of a run's blobs. */
  ofRun(run: RunId): readonly AsideHistory[] {
    return [...this.#histories.values()].filter((history) => history.run === run)
  }

  ofDigest(digest: Digest): readonly AsideHistory[] {
    return [...this.#histories.values()].filter((history) => history.digest === digest)
  }

  /** Every blob that was ever set aside, whatever became of it. */
  digests(): ReadonlySet<Digest> {
    return new Set([...this.#histories.values()].map(({ digest }) => digest))
  }

  runs(): ReadonlyMap<
    RunId,
    { readonly startedAt: InstantMs; readonly hasEnded: boolean; readonly open: number }
  > {
    return this.#runs
  }

  #addOne(run: RunId, entry: SweepEntry): void {
    switch (entry.kind) {
      case 'begin':
        this.#runs.set(run, { startedAt: entry.at, hasEnded: false, open: 0 })
        return
      case 'set-aside': {
        const { pool, digest, sizeBytes, at } = entry
        const history = {
          run,
          pool,
          digest,
          sizeBytes,
          setAsideFrom: at,
          setAsideUntil: undefined,
          forgottenAt: undefined,
          isFreeing: false,
          closed: undefined,
        }
        this.#histories.set(keyOf(run, pool, digest), history)
        this.#count(run, 1)
        return
      }
      case 'all-set-aside':
        this.#settle(run, entry.at)
        return
      case 'found-aside':
        this.#change(run, entry, { setAsideUntil: entry.at })
        return
      case 'forgotten':
        for (const history of this.ofRun(run)) {
          const { setAsideUntil, forgottenAt } = history
          if (forgottenAt === undefined && setAsideUntil !== undefined && setAsideUntil <= entry.until)
            this.#change(run, history, { forgottenAt: entry.at })
        }
        return
      case 'free':
        this.#change(run, entry, { isFreeing: true })
        return
      case 'mark':
        this.#lastMarkAt = Math.max(this.#lastMarkAt ?? entry.startedAt, entry.startedAt)
        return
      case 'closed': {
        const key = keyOf(run, entry.pool, entry.digest)
        const history = this.#histories.get(key)
        if (history === undefined || history.closed !== undefined) return
        this.#histories.set(key, { ...history, closed: { how: entry.how, at: entry.at } })
        this.#count(run, -1)
        return
      }
      case 'unlink':
      case 'all-unlinked':
      case 'relinked':
        this.#count(run, this.removedLinks.add(run, entry))
        return
      case 'end': {
        const known = this.#runs.get(run)
        if (known !== undefined) known.hasEnded = true
      }
    }
  }

  #settle(run: RunId, at: InstantMs): void {
    for (const [key, history] of this.#histories) {
      if (history.run === run && history.setAsideUntil === undefined)
        this.#histories.set(key, { ...history, setAsideUntil: at })
    }
  }

  #change(
    run: RunId,
    { pool, digest }: Pick<AsideEntry, 'pool' | 'digest'>,
    change: Partial<Pick<AsideEntry, 'setAsideUntil' | 'forgottenAt' | 'isFreeing'>>,
  ): void {
    const key = keyOf(run, pool, digest)
    const history = this.#histories.get(key)
    if (history !== undefined) this.#histories.set(key, { ...history, ...change })
  }

  #count(run: RunId, by: number): void {
    const known = this.#runs.get(run)
    if (known !== undefined) known.open += by
  }
}

function keyOf(run: RunId, pool: string, digest: Digest): string {
  return `${run} ${digest} ${pool}`
}
