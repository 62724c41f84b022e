/**
 * The blob descriptor cache of a running registry: what it remembers of blobs, past what lies in its storage.
 *
 * A registry that remembers a blob whose bytes are gone accepts manifests that name it, and so makes broken images. Bytes
 * that were set aside can still be put back, so only freeing needs this gate: it tells up to which set-aside time nobody
 * remembers. Where that cannot be found out the gate is closed, and nothing is freed.
 */
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunOptions } from './run-options.ts'

export interface DescriptorCache {
  /** As configured or found out, for people. */
  readonly kind: DescriptorCacheKind
  /**
   * Makes the registry forget these blobs where that can be done (redis); elsewhere does nothing. Called after blobs
   * were set aside, a second later, and at every mark that follows.
   *
   * @throws OperationalError when the cache should forget and could not be reached: nothing is freed then
   */
  forget(
    digests: AsyncIterable<readonly Digest[]> | Iterable<readonly Digest[]>,
    options?: RunOptions,
  ): Promise<void>
  /**
   * Makes the registry forget which blobs are linked in these repositories where that can be done (redis), before links to
   * nothing are removed from them: when such a blob comes back elsewhere, it would be taken for linked here.
   *
   * @throws OperationalError as forget: no link is removed then
   */
  forgetLinks?(repositories: readonly string[], options?: RunOptions): Promise<void>
  /** Called once after the last blob of a run was set aside, with the lease held: plants what `gate` looks at later. */
  afterSetAside(options?: RunOptions): Promise<void>
  /** What may be freed, as of now. */
  gate(options?: RunOptions): Promise<CacheGate>
}

export type DescriptorCacheKind = 'none' | 'inmemory' | 'redis' | 'unknown'

export type CacheGate =
  /** Nobody remembers a blob that was set aside before `setAsideBefore` (Infinity: none at all). */
  | { readonly kind: 'open'; readonly setAsideBefore: InstantMs; readonly because: string }
  /** A sentence for people each: why nothing may be freed, and what would change that. */
  | { readonly kind: 'closed'; readonly because: string; readonly cure: string }
