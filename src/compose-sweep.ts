/**
 * Composes what a sweep that acts needs: a storage and its layout, the journal and the lease that lie in it, the registry's
 * cache, and for a maintenance the commands and the monitoring.
 */
import { hostname } from 'node:os'
import { createDescriptorCache } from './adapters/descriptor-cache/create-descriptor-cache.ts'
import { createHttpClient } from './adapters/http/client.ts'
import type { HttpClient } from './adapters/http/http-types.ts'
import { createLeaseStore } from './adapters/journal/lease-store.ts'
import { monotonicClock } from './adapters/journal/monotonic-clock.ts'
import { openState } from './adapters/journal/open-state.ts'
import { thisProcess } from './adapters/journal/process-identity.ts'
import { createStoreLeaseTable } from './adapters/journal/store-lease-table.ts'
import { createSweepJournal } from './adapters/journal/store-sweep-journal.ts'
import { maintenanceRecordIn } from './app/sweep-maintenance-record.ts'
import type { MaintenanceLine } from './app/sweep-maintenance-log.ts'
import type { MaintenancePorts } from './app/sweep-maintenance.ts'
import type { SweepPorts, SweepSettings as SweepTimes } from './app/sweep-ports.ts'
import { composeStore, isRunning, storageOf } from './compose-storage.ts'
import { commonParts, OBJECT_TIME_SLACK_MS, storeOptions, type SweepOverrides } from './compose-sweep-plan.ts'
import { composeMaintenance } from './compose-maintenance.ts'
import { stateDirectoryOf, type ComposeOptions } from './compose-options.ts'
import { sleep } from './compose-sleep.ts'
import { createRegistryHttp, tlsOf } from './compose.ts'
import type { RegistrySettings } from './config/configuration.ts'
import type { DescriptorCache } from './ports/descriptor-cache.ts'
import type { SweepableStore } from './ports/mutable-sweep-store.ts'
import type { RunOptions } from './ports/run-options.ts'

export interface SweepWorld {
  readonly ports: SweepPorts
  readonly times: SweepTimes
  /** What stands in for the registry's memory while the registry is out of service. */
  readonly cacheWhileOut: DescriptorCache
  /** Where it is said how the registry is stopped and started. */
  readonly maintenance: MaintenancePorts | undefined
  close(): Promise<void>
}

/** What a sweep that acts needs. */
export async function composeSweep(
  settings: RegistrySettings,
  overrides: SweepOverrides,
  onMaintenanceLine: (line: MaintenanceLine) => void,
  options: ComposeOptions,
): Promise<SweepWorld> {
  const parts = await commonParts(settings, overrides, options, true)
  const state = await openState(stateDirectoryOf(options))
  const store = await composeStore(storageOf(settings).store, storeOptions(parts, options))
  const replicas = await replicaClients(settings, parts.http, options)
  const ports: SweepPorts = {
    ...(await parts.ports(store)),
    store,
    journal: createSweepJournal(store),
    cache: composeCache(settings, store, { asking: parts.asking, replicas, overrides }, options),
    leases: createLeaseStore(createStoreLeaseTable(store), monotonicClock(), thisProcess()),
    history: state.journal,
    holder: `${hostname()}:${process.pid}`,
    clockSkewMs: (runOptions) => clockSkew(store, runOptions),
    sleep,
  }
  const maintenance =
    settings.sweep.maintenance === undefined
      ? undefined
      : await composeMaintenance(settings, maintenanceRecordIn(store, MAINTENANCE_KEY), {
          environment: options.environment,
          version: options.version,
          readTls: tlsOf,
          onLine: onMaintenanceLine,
        })
  return {
    ports,
    times: parts.times,
    cacheWhileOut: composeCacheWhileOut(settings, store, overrides, options),
    maintenance: maintenance?.ports,
    async close() {
      await maintenance?.close()
      for (const { http } of replicas) if (http !== parts.http) await http.close()
      await parts.close()
      await state.close()
    },
  }
}

interface Replica {
  readonly baseUrl: string
  readonly http: HttpClient
}

/** Every address of the registry's processes: those that are listed, else the registry's own. */
async function replicaClients(
  settings: RegistrySettings,
  http: HttpClient | undefined,
  options: ComposeOptions,
): Promise<readonly Replica[]> {
  const { url, sweep } = settings
  if (sweep.replicas.length === 0)
    return http === undefined || url === undefined ? [] : [{ baseUrl: url, http }]
  const replicas: Replica[] = []
  for (const baseUrl of sweep.replicas)
    replicas.push({ baseUrl, http: await createRegistryHttp(settings, baseUrl, options) })
  return replicas
}

const MAINTENANCE_KEY = '.winnow/maintenance.json'
const CANARY_KEY = '.winnow/canary.json'
const CANARY_BYTES_MAX = 1024 * 1024

interface CacheParts {
  readonly asking: HttpClient | undefined
  readonly replicas: readonly Replica[]
  readonly overrides: SweepOverrides
}

function composeCache(
  settings: RegistrySettings,
  store: SweepableStore,
  { asking, replicas, overrides }: CacheParts,
  options: ComposeOptions,
): DescriptorCache {
  const { layout, cache } = storageOf(settings)
  const { sweep } = settings
  // Only Distribution keeps descriptors in a cache; of zot it must be known that it is not running.
  if (layout === 'zot') return zotMemory(settings, asking, overrides)
  const descriptorSettings = { ...sweep, cache: layout === 'distribution' ? cache : 'none' }
  return createDescriptorCache(descriptorSettings, {
    replicas,
    store,
    keyOf: (digest) => {
      const [algorithm = '', hex = ''] = digest.split(':')
      return `docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
    },
    linkKeyOf: (repository, digest) =>
      `docker/registry/v2/repositories/${repository}/_layers/${digest.replace(':', '/')}/link`,
    createMetricsHttp: (url) =>
      createHttpClient({
        base: url,
        userAgent: `winnow/${options.version}`,
        // Metrics carry no secret, and none is sent for them.
        insecure: true,
        environment: options.environment,
      }),
    now: () => Date.now(),
    restartedAt: overrides.restartedAt,
    environment: options.environment,
    readNote: async (runOptions) => (await store.read(CANARY_KEY, CANARY_BYTES_MAX, runOptions))?.bytes,
    writeNote: (bytes, runOptions) => store.write(CANARY_KEY, bytes, runOptions),
  })
}

/**
 * What a registry that is out of service remembers: nothing, unless it keeps its descriptors in Redis. One that is made
 * read-only is restarted for it on the way out and on the way back (Distribution reads its configuration at no other time).
 */
function composeCacheWhileOut(
  settings: RegistrySettings,
  store: SweepableStore,
  overrides: SweepOverrides,
  options: ComposeOptions,
): DescriptorCache {
  const { cache } = storageOf(settings)
  // Nobody answers just now, so Redis itself is asked, and nothing else.
  if (/^rediss?:/.test(cache))
    return composeCache(settings, store, { asking: undefined, replicas: [], overrides }, options)
  return {
    kind: 'none',
    forget: () => Promise.resolve(),
    afterSetAside: () => Promise.resolve(),
    gate: () =>
      Promise.resolve({
        kind: 'open',
        setAsideBefore: Number.POSITIVE_INFINITY,
        because: 'the registry is out of service',
      }),
  }
}

/** What zot has in memory is out of reach, so nothing is freed unless it is certainly not running. */
function zotMemory(
  settings: RegistrySettings,
  asking: HttpClient | undefined,
  { toldStopped }: SweepOverrides,
): DescriptorCache {
  return {
    kind: 'unknown',
    forget: () => Promise.resolve(),
    afterSetAside: () => Promise.resolve(),
    async gate(runOptions) {
      const state = await isRunning(settings, { asking }, runOptions)
      return state === 'stopped' || (state === 'unknown' && toldStopped)
        ? { kind: 'open', setAsideBefore: Number.POSITIVE_INFINITY, because: 'zot is not running' }
        : {
            kind: 'closed',
            because: 'nobody can tell whether zot is running',
            cure: 'Say --stopped when you know that it is not.',
          }
    },
  }
}

/** Finds out how the store's clock stands by writing a file and looking at its time. */
async function clockSkew(store: SweepableStore, options: RunOptions): Promise<number> {
  const key = '.winnow/clock'
  const before = Date.now()
  await store.write(
    key,
    Buffer.from('Winnow reads the time of this file to know how the clock of the storage stands.\n'),
    options,
  )
  const after = Date.now()
  const facts = await store.stat(key, options)
  if (facts === undefined) return 0
  // Between the two looks at our clock, give or take a coarse one, there is no difference.
  if (facts.modifiedAt >= before - OBJECT_TIME_SLACK_MS && facts.modifiedAt <= after + OBJECT_TIME_SLACK_MS)
    return 0
  return facts.modifiedAt - after
}
