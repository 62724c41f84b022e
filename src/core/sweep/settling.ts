/**
 * How long after a blob was set aside the mark begins that decides about it.
 *
 * A push whose request had found the blob just before it moved may write its link a while later, and nothing on the storage
 * tells of such a request. So the wait is what makes freeing safe, and a quarantine that is shorter must not take it away.
 */

/**
 * In a storage in which nobody else changes anything, a request is over after this: five seconds, where one takes
 * milliseconds.
 */
export const QUIET_SETTLE_MS = 5_000

export interface Settling {
  /** The mark that decides comes no sooner than this after the last blob was set aside. */
  readonly settleMs: number
  /** Where something else changed meanwhile, what this mark frees was set aside so long before it began. */
  readonly busySettleMs: number
}

/**
 * The wait for a quarantine: `settle` itself, but never longer than the quarantine (DESIGN, section 8), and then for a
 * quiet storage only.
 *
 * @param settleMs how long a request of a push may take, as configured; 0 says that there are none
 */
export function settlingOf(
  { settleMs, quarantineMs }: { readonly settleMs: number; readonly quarantineMs: number },
  quietSettleMs: number = QUIET_SETTLE_MS,
): Settling {
  const shortest = Math.min(settleMs, quietSettleMs)
  return { settleMs: Math.min(settleMs, Math.max(quarantineMs, shortest)), busySettleMs: settleMs }
}
