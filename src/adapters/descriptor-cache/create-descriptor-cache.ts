/** From `storage.cache` of the configuration to a descriptor cache. */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { DescriptorCache } from '../../ports/descriptor-cache.ts'
import type { HttpClient } from '../http/http-types.ts'
import { createCanary, type Canary, type CanarySettings } from './canary.ts'
import type { NoteKeeper } from './canary-note.ts'
import { createInmemoryCache } from './inmemory-cache.ts'
import { createNoCache } from './no-cache.ts'
import { createRedisCache } from './redis-cache.ts'
import type { RedisAuth } from './redis-connection.ts'
import type { RegistryAddress } from './registry-blobs.ts'
import { createUnknownCache } from './unknown-cache.ts'

/** What the configuration says. */
export interface DescriptorCacheSettings {
  /** `auto`, `none`, `inmemory`, or a redis URL. */
  readonly cache: string
  /** Where the credentials for Redis are. */
  readonly cacheAuth?: RedisAuth | undefined
  /** Addresses of metrics, one for each replica; empty where there are none. */
  readonly metrics: readonly string[]
  /** The repository that canaries are pushed to. */
  readonly canary: string
}

/** What is needed beside it. */
export interface DescriptorCacheParts extends NoteKeeper {
  /**
   * The registry, or each of its replicas where they have addresses of their own; empty where it has none, or may not be
   * pushed to.
   */
  readonly replicas: readonly RegistryAddress[]
  readonly store: CanarySettings['store']
  readonly keyOf: CanarySettings['keyOf']
  readonly linkKeyOf: CanarySettings['linkKeyOf']
  /** A client for an address of metrics; closed after use. */
  readonly createMetricsHttp: (url: string) => HttpClient
  readonly now: () => InstantMs
  /** When all replicas were last restarted, from whoever did it or knows it. */
  readonly restartedAt?: InstantMs | undefined
  /** Where variables are read. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

export function createDescriptorCache(
  settings: DescriptorCacheSettings,
  parts: DescriptorCacheParts,
): DescriptorCache {
  const canary = canaryOf(settings, parts)
  switch (settings.cache) {
    case 'none':
      return createNoCache()
    case 'auto':
      return createUnknownCache(canary)
    case 'inmemory':
      return createInmemoryCache({
        restartedAt: parts.restartedAt,
        metrics: metricsOf(settings, parts),
        canary,
        notes: parts,
        now: parts.now,
      })
    default:
      return createRedisCache({
        url: settings.cache,
        auth: settings.cacheAuth,
        environment: parts.environment,
        canary,
      })
  }
}

function canaryOf(
  { canary: repository }: DescriptorCacheSettings,
  { replicas, store, keyOf, linkKeyOf }: DescriptorCacheParts,
): Canary | undefined {
  return replicas.length === 0 ? undefined : createCanary({ replicas, repository, store, keyOf, linkKeyOf })
}

function metricsOf({ metrics: urls }: DescriptorCacheSettings, parts: DescriptorCacheParts) {
  return urls.length === 0 ? undefined : { urls, createHttp: parts.createMetricsHttp, now: parts.now }
}
