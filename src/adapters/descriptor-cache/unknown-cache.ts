/**
 * `cache: auto`: finds out by a canary whether a registry remembers blobs whose bytes are gone.
 *
 * Promises: the gate opens only for a registry that was just seen to remember nothing. One that remembers keeps it closed,
 * restarted or not: from outside, memory cannot be told from Redis, which outlives restarts and may lose a single entry at
 * any time. So an earlier canary that was forgotten proves nothing here.
 */
import type { CacheGate, DescriptorCache, DescriptorCacheKind } from '../../ports/descriptor-cache.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { Canary } from './canary.ts'

/** @param canary undefined where nothing can be pushed to the registry, for want of its address */
export function createUnknownCache(canary: Canary | undefined): DescriptorCache {
  return new UnknownCache(canary)
}

class UnknownCache implements DescriptorCache {
  readonly #canary: Canary | undefined
  #kind: DescriptorCacheKind = 'unknown'

  constructor(canary: Canary | undefined) {
    this.#canary = canary
  }

  get kind(): DescriptorCacheKind {
    return this.#kind
  }

  async forget(): Promise<void> {}

  async afterSetAside(): Promise<void> {}

  async gate(options?: RunOptions): Promise<CacheGate> {
    this.#kind = 'unknown'
    if (!this.#canary)
      return closed('The registry has no `url`, so it cannot be found out which cache it has.')
    const probe = await this.#canary.probe(options)
    if (probe.kind === 'failed')
      return closed(`Which cache the registry has could not be found out: ${probe.why}.`)
    const remembering = [...probe.remembers].find(([, isRemembered]) => isRemembered)
    if (remembering)
      return closed(`${remembering[0]} remembers blobs whose bytes are gone: it has a descriptor cache.`)
    this.#kind = 'none'
    const because = 'the registry has no descriptor cache: it forgot a canary at once'
    return { kind: 'open', setAsideBefore: Infinity, because }
  }
}

function closed(because: string): CacheGate {
  return {
    kind: 'closed',
    because,
    cure: 'Look into the registry’s configuration for `storage.cache.blobdescriptor`, and say it under `storage`: `cache: inmemory`, `cache: redis://host:port`, or `cache: none`.',
  }
}
