/**
 * Composes what planning a sweep needs: a storage that can only be read, and its layout. Little is loaded for it, so that a
 * plan of a folder is there in a moment.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { HttpClient } from './adapters/http/http-types.ts'
import { createReferenceCache } from './adapters/journal/reference-cache.ts'
import { createReadableSweepJournal } from './adapters/journal/store-sweep-journal.ts'
import { createScanPool } from './adapters/storage/filesystem/scan-pool.ts'
import { createScratchFolder } from './adapters/storage/filesystem/scratch-folder.ts'
import type { SweepPlanPorts, SweepSettings as SweepTimes } from './app/sweep-ports.ts'
import { stateDirectoryOf, type ComposeOptions } from './compose-options.ts'
import { composeLayout, composeReadableStore, storageOf, type StoreOptions } from './compose-storage.ts'
import type { RegistrySettings } from './config/configuration.ts'
import type { InstantMs } from './core/inventory/inventory.ts'
import { settlingOf } from './core/sweep/settling.ts'
import { newRunId } from './core/journal/run-id.ts'
import type { DescriptorCacheKind } from './ports/descriptor-cache.ts'
import type { ListableStore } from './ports/listable-store.ts'

/** Kernels date files by a clock that is a few milliseconds coarse. */
const FILE_TIME_SLACK_MS = 50
/** Buckets date objects in whole seconds, by clocks of their own. */
export const OBJECT_TIME_SLACK_MS = 5_000

export interface SweepOverrides {
  readonly graceMs?: number | undefined
  readonly quarantineMs?: number | undefined
  readonly settleMs?: number | undefined
  /** Whether somebody says that the registry is not running. */
  readonly toldStopped: boolean
  /** When every process of the registry was last started, as somebody says. */
  readonly restartedAt?: InstantMs | undefined
}

export interface SweepPlanWorld {
  readonly ports: SweepPlanPorts
  readonly times: SweepTimes
  close(): Promise<void>
}

/** What a plan needs; nothing in it can change the storage. */
export async function composeSweepPlan(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  options: ComposeOptions,
): Promise<SweepPlanWorld> {
  const parts = await commonParts(settings, overrides, options, false)
  const store = await composeReadableStore(storageOf(settings).store, storeOptions(parts, options))
  return {
    ports: {
      ...(await parts.ports(store)),
      store,
      journal: createReadableSweepJournal(store),
      cache: { kind: cacheKindOf(settings) },
    },
    times: parts.times,
    close: () => parts.close(),
  }
}

/** The kind of cache that an apply composes (composeCache in compose-sweep.ts), so that a plan lists what it does. */
function cacheKindOf(settings: RegistrySettings): DescriptorCacheKind {
  const { layout, cache } = storageOf(settings)
  const isRedis = /^rediss?:/.test(cache)
  if (settings.sweep.mode === 'maintenance') return isRedis ? 'redis' : 'none'
  if (layout !== 'distribution') return layout === 'zot' ? 'unknown' : 'none'
  if (isRedis) return 'redis'
  return cache === 'none' || cache === 'inmemory' ? cache : 'unknown'
}

/** What planning and applying have in common. */
export interface CommonParts {
  readonly times: SweepTimes
  readonly http: HttpClient | undefined
  /** Asks who answers there, without a login. */
  readonly asking: HttpClient | undefined
  readonly ports: (store: ListableStore) => Promise<Omit<SweepPlanPorts, 'store' | 'journal' | 'cache'>>
  close(): Promise<void>
}

export async function commonParts(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  options: ComposeOptions,
  mayChange: boolean,
): Promise<CommonParts> {
  const { name, url } = settings
  const compose = url === undefined ? undefined : await import('./compose.ts')
  const http = url === undefined ? undefined : await compose?.createRegistryHttp(settings, url, options)
  const asking = url === undefined ? undefined : await compose?.createAskingHttp(settings, url, options)
  const pool = createScanPool()
  const folder = join(stateDirectoryOf(options), 'references')
  const references = createReferenceCache(join(folder, `${name}.bin`))
  const memoryPath = join(folder, `${name}.tree`)
  return {
    times: timesOf(settings, overrides),
    http,
    asking,
    ports: async (store) => ({
      registry: name,
      layout: await composeLayout(settings, store, {
        pool,
        memoryPath,
        asking,
        toldStopped: overrides.toldStopped,
        mayChange,
      }),
      references,
      createScratch: () => createScratchFolder(),
      now: () => Date.now(),
      newRunId: (at) => newRunId(at, randomBytes(2).toString('hex')),
    }),
    async close() {
      await pool.close()
      await asking?.close()
      await http?.close()
    },
  }
}

function timesOf(settings: RegistrySettings, overrides: SweepOverrides): SweepTimes {
  const { sweep } = settings
  const quarantineMs = overrides.quarantineMs ?? sweep.quarantineMs
  // Who says that the registry is not running says that no request is under way.
  const settleMs = overrides.toldStopped ? 0 : (overrides.settleMs ?? sweep.settleMs)
  return {
    mode: sweep.mode,
    graceMs: overrides.graceMs ?? sweep.graceMs,
    quarantineMs,
    ...settlingOf({ settleMs, quarantineMs }),
    timeSlackMs: storageOf(settings).store.kind === 'filesystem' ? FILE_TIME_SLACK_MS : OBJECT_TIME_SLACK_MS,
  }
}

export function storeOptions({ times }: CommonParts, { environment }: ComposeOptions): StoreOptions {
  return { environment, quarantineMs: times.quarantineMs }
}
