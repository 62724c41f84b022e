/**
 * What is to become of blobs that were set aside, after a mark: what a push has come to need goes back at once; what nobody
 * needs is freed when everything holds that makes that safe.
 *
 * Why freeing is safe: to be accepted, a manifest's blobs must have been found by the registry, on the disk or in what it
 * remembers. From a moment T on it does neither, so every accepted manifest that names the blob was checked before T and is
 * linked before T + settle; a complete mark that begins after that sees it. The quarantine is insurance on top of this.
 * (docs/model/ has this as a model that a machine has searched.)
 */
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import { algorithmOf, hexOf } from '../core/sweep/reference-record.ts'
import type { AsideEntry } from '../core/sweep/sweep-entry.ts'
import type { CacheGate, DescriptorCacheKind } from '../ports/descriptor-cache.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { leasedDigests } from './sweep-leases.ts'
import type { SweepSettings } from './sweep-ports.ts'
import { isMarked, type PoolSurvey } from './sweep-survey.ts'
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
  survey: PoolSurvey,
  aside: readonly AsideEntry[],
  { timeSlackMs }: Pick<SweepSettings, 'timeSlackMs'>,
  options: RunOptions,
): Promise<readonly NeededAside[]> {
  const { pool, tables } = survey
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
    if (isMarked(survey, entry.digest)) return [{ entry, reason: NEEDED_AGAIN }]
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

/** What a mark knows of the time since blobs were set aside. */
export interface Moment {
  readonly markStartedAt: InstantMs
  readonly cache: DescriptorCacheKind
  /** When the registry was made to forget everything that was set aside, in this run. */
  readonly forgettings: readonly InstantMs[]
  /** Whether anything else was changed in the pool since the last look; unknown to the first one. */
  readonly changes: 'none' | 'some' | 'unknown'
}

/** Whether a blob may be freed whose quarantine is over; where it may not, from when on the wait for the next mark counts. */
export type Decision =
  | { readonly kind: 'due' | 'due-as-quiet' }
  | { readonly kind: 'early'; readonly waitsFrom: InstantMs | undefined }

/**
 * Decides about a blob that nothing needs and whose quarantine is over.
 *
 * From the moment at which the registry neither finds the blob nor remembers it, no manifest that names it is accepted; one
 * that was accepted before is linked within `settle`. So the mark that decides begins `settle` after that moment. A wait
 * that the quarantine made shorter is enough where nothing else changes in the storage (core/sweep/settling.ts).
 */
export function decide(
  entry: AsideEntry,
  { markStartedAt, cache, forgettings, changes }: Moment,
  { settleMs, busySettleMs = settleMs }: Pick<SweepSettings, 'settleMs' | 'busySettleMs'>,
): Decision {
  const { setAsideUntil, forgottenAt } = entry
  // Where the run died before it could tell, the time begins when the next run finds the blob.
  if (setAsideUntil === undefined) return { kind: 'early', waitsFrom: undefined }
  const hasPassed = (since: InstantMs | undefined, ms: number): boolean =>
    since !== undefined && markStartedAt - since >= ms
  if (hasPassed(cache === 'none' ? setAsideUntil : forgottenAt, busySettleMs)) return { kind: 'due' }
  if (busySettleMs === settleMs) return { kind: 'early', waitsFrom: undefined }
  const quietSince = {
    none: setAsideUntil,
    // What is remembered when it is looked for just then is forgotten by a later call.
    redis: forgettings.find((at) => at - setAsideUntil >= settleMs),
    inmemory: forgottenAt,
    unknown: forgottenAt,
  }[cache]
  if (!hasPassed(quietSince, settleMs)) return { kind: 'early', waitsFrom: quietSince }
  if (changes === 'none') return { kind: 'due-as-quiet' }
  return { kind: 'early', waitsFrom: changes === 'unknown' ? markStartedAt : undefined }
}

/** Whether a blob's time is over, whatever the registry may remember. */
export function isOverdue(
  { setAsideUntil }: AsideEntry,
  now: InstantMs,
  { quarantineMs }: Pick<SweepSettings, 'quarantineMs'>,
): boolean {
  return setAsideUntil !== undefined && now - setAsideUntil >= quarantineMs
}

/** Whether the registry may still remember a blob. */
export function isForgotten({ setAsideUntil }: AsideEntry, gate: CacheGate | undefined): boolean {
  return gate?.kind === 'open' && setAsideUntil !== undefined && setAsideUntil < gate.setAsideBefore
}
