/**
 * Layer links as leases: a link that was written at or after a time says that a push uploaded or mounted the blob then, and
 * may name it in a manifest any moment. (A push that only asked for the blob leaves no trace; what it names is put back by
 * the next mark.)
 */
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { LinkedRecord, PoolTables } from './sweep-tables.ts'

/**
 * Digests among `links`, and targets of aliases, that have a link written at `since(digest)` or later. A link whose time
 * the listing did not tell is asked for it; one that is gone by now leases nothing.
 */
export async function leasedDigests(
  pool: BlobPool,
  tables: PoolTables,
  links: readonly LinkedRecord[],
  since: (digest: Digest) => InstantMs,
  options: RunOptions,
): Promise<ReadonlySet<Digest>> {
  const leased = new Set<Digest>()
  const take = (digest: Digest, time: InstantMs): void => {
    if (time >= since(digest)) leased.add(digest)
  }
  for (const { target, modifiedAt } of tables.aliases) take(target, modifiedAt)
  for (const { digest, time } of links) take(digest, time)
  const untold = links.filter(({ time }) => Number.isNaN(time))
  const times = await pool.linkTimes(
    untold.map(({ digest, repository }) => ({ digest, repository: tables.nameOf(repository) })),
    options,
  )
  for (const [i, { digest }] of untold.entries()) take(digest, times[i] ?? Number.NaN)
  return leased
}
