/**
 * What is to become of blobs that were set aside, after a mark: what a push has come to need goes back at once; what nobody
 * needs is freed when everything holds that makes that safe.
 *
 * Why freeing is safe: to be accepted, a manifest's blobs must have been found by the registry. A blob that was set aside
 * at T is found no more, so every accepted manifest that names it was checked before T and linked before T + settle; a
 * complete mark that began after that saw it. The quarantine is insurance on top of this. (The registry's memory of
 * blobs is the one thing that could make it accept one later: see ports/descriptor-cache.ts.)
 */
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import { keyOfHex, shardOfHex } from '../core/sweep/digest-key.ts'
import { algorithmOf, hexOf } from '../core/sweep/reference-record.ts'
import type { AsideEntry } from '../core/sweep/sweep-entry.ts'
import type { CacheGate } from '../ports/descriptor-cache.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { leasedDigests } from './sweep-leases.ts'
import type { SweepSettings } from './sweep-ports.ts'
import type { PoolSurvey } from './sweep-survey.ts'
import { eachLink, linkedRecord, type LinkedRecord, type PoolTables } from './sweep-tables.ts'

export const NEEDED_AGAIN = 'a manifest that is linked now refers to it'
export const LEASED = 'it was uploaded or mounted again since it was set aside'
export const DUE = 'set aside long enough, and nothing refers to it'

export interface NeededAside {
  readonly entry: AsideEntry
  readonly reason: string
}

/** Blobs of the survey's pool that are set aside and must go back. */
export async function findNeeded(
  { pool, tables, mark }: PoolSurvey,
  aside: readonly AsideEntry[],
  { timeSlackMs }: Pick<SweepSettings, 'timeSlackMs'>,
  options: RunOptions,
): Promise<readonly NeededAside[]> {
  const since = new Map<Digest, InstantMs>()
  for (const { digest, setAsideFrom } of aside)
    since.set(digest, Math.min(since.get(digest) ?? Number.POSITIVE_INFINITY, setAsideFrom - timeSlackMs))
  const leased = await leasedDigests(
    pool,
    tables,
    linksTo(tables, since),
    (digest) => since.get(digest) ?? Number.POSITIVE_INFINITY,
    options,
  )
  return aside.flatMap((entry) => {
    const hex = hexOf(entry.digest)
    if (mark.marks.shard(shardOfHex(hex)).hasKey(keyOfHex(hex))) return [{ entry, reason: NEEDED_AGAIN }]
    return leased.has(entry.digest) ? [{ entry, reason: LEASED }] : []
  })
}

function linksTo(tables: PoolTables, wanted: ReadonlyMap<Digest, unknown>): readonly LinkedRecord[] {
  const shards = new Map<string, number>()
  for (const digest of wanted.keys()) shards.set(`${algorithmOf(digest)} ${hexOf(digest).slice(0, 2)}`, 0)
  return [...shards.keys()].flatMap((key) => {
    const algorithm = key.startsWith('sha256') ? 'sha256' : 'sha512'
    const found: LinkedRecord[] = []
    eachLink(tables.layers[algorithm], algorithm, Number.parseInt(key.slice(-2), 16), (links, at) => {
      const record = linkedRecord(algorithm, links, at)
      if (wanted.has(record.digest)) found.push(record)
    })
    return found
  })
}

/** Whether the time has come to free a blob that nothing needs, leaving the registry's memory out of account. */
export function isDue(
  { setAsideUntil }: AsideEntry,
  markStartedAt: InstantMs,
  now: InstantMs,
  { quarantineMs, settleMs }: Pick<SweepSettings, 'quarantineMs' | 'settleMs'>,
): boolean {
  // Where the run died before it could tell, the time begins when the next run finds the blob.
  if (setAsideUntil === undefined) return false
  return now - setAsideUntil >= quarantineMs && markStartedAt - setAsideUntil >= settleMs
}

/** Whether the registry may still remember a blob. */
export function isForgotten({ setAsideUntil }: AsideEntry, gate: CacheGate): boolean {
  return gate.kind === 'open' && setAsideUntil !== undefined && setAsideUntil < gate.setAsideBefore
}
