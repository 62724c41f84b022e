/**
 * Layer links that sweeps removed, as the journal tells it, until it is certain that no push needed them.
 *
 * A push that was told that its blobs are there (which leaves no trace) may be accepted just after links of its repository
 * were removed. A mark that begins late enough sees its manifest, and then the links are put back: so they are written down
 * before they go.
 */
import type { Digest } from '../image/digest.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { RunId } from '../journal/entry.ts'

/** One link: the digest of its path, and the digest that it says. */
export interface RemovedLink {
  readonly path: Digest
  readonly target: Digest
}

/** What the journal says of links. */
export type LinkEntry =
  /** Layer links about to be removed. */
  | {
      readonly kind: 'unlink'
      readonly pool: string
      readonly repository: string
      readonly isWhole: boolean
      readonly links: readonly RemovedLink[]
      readonly at: InstantMs
    }
  /** Every link written down so far was removed, the last of them no later than `at`. */
  | { readonly kind: 'all-unlinked'; readonly pool: string; readonly at: InstantMs }
  /** Of links removed no later than `removedUntil`, those that a push came to need are back. */
  | {
      readonly kind: 'relinked'
      readonly pool: string
      readonly isWhole: boolean
      readonly removedUntil: InstantMs
      readonly at: InstantMs
    }

export interface RemovedLinks {
  readonly run: RunId
  readonly pool: string
  readonly repository: string
  /** Whether all that its repository held was removed: its blobs may be stored, so a push may be accepted any moment. */
  readonly isWhole: boolean
  readonly links: readonly RemovedLink[]
  /** No earlier than when the last of them was removed; undefined where the run died before it could tell. */
  readonly removedUntil: InstantMs | undefined
}

export class RemovedLinksLedger {
  #open: RemovedLinks[] = []

  /** By how many more of the run's entries are open. */
  add(run: RunId, entry: LinkEntry): number {
    const before = this.#open.length
    if (entry.kind === 'unlink') {
      const { pool, repository, isWhole, links } = entry
      this.#open.push({ run, pool, repository, isWhole, links, removedUntil: undefined })
    }
    if (entry.kind === 'all-unlinked') {
      const { pool, at } = entry
      this.#open = this.#open.map((each) =>
        isOf(each, run, pool) && each.removedUntil === undefined ? { ...each, removedUntil: at } : each,
      )
    }
    if (entry.kind === 'relinked') {
      const { pool, isWhole, removedUntil } = entry
      this.#open = this.#open.filter(
        (each) =>
          !isOf(each, run, pool) || each.isWhole !== isWhole || !isNoLater(each.removedUntil, removedUntil),
      )
    }
    return this.#open.length - before
  }

  open(): readonly RemovedLinks[] {
    return this.#open
  }
}

function isOf(links: RemovedLinks, run: RunId, pool: string): boolean {
  return links.run === run && links.pool === pool
}

function isNoLater(at: InstantMs | undefined, limit: InstantMs): boolean {
  return at !== undefined && at <= limit
}
