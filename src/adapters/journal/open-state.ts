/**
 * Opens the state: `state.db` (journal, memory, leases) and `cache.db` (facts of manifests, free to lose), both
 * private to the user.
 *
 * Several processes may have the same state open, each on whichever engine its Node has.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { JournalStore } from '../../ports/journal-store.ts'
import type { LeaseStore } from '../../ports/lease.ts'
import type { ManifestCache } from '../../ports/manifest-cache.ts'
import type { LinkMemory } from '../../ports/link-memory.ts'
import type { Memory } from '../../ports/memory.ts'
import type { ProofStore } from '../../ports/proofs.ts'
import { createLeaseStore } from './lease-store.ts'
import { monotonicClock } from './monotonic-clock.ts'
import { thisProcess } from './process-identity.ts'
import { Database } from './sqlite/database.ts'
import type { SqlEngine } from './sqlite/engine.ts'
import { StateUnavailableError } from './sqlite/errors.ts'
import { createSqliteJournalStore } from './sqlite/journal-store.ts'
import { createSqliteLeaseTable } from './sqlite/lease-table.ts'
import { cacheApplicationId, cacheMigrations, createSqliteManifestCache } from './sqlite/manifest-cache.ts'
import { createSqliteLinkMemory } from './sqlite/link-memory.ts'
import { createSqliteMemory } from './sqlite/memory.ts'
import { createNodeEngine } from './sqlite/node-engine.ts'
import { createSqliteProofStore } from './sqlite/proofs.ts'
import { stateApplicationId, stateMigrations } from './sqlite/state-schema.ts'
import { createWasmEngine } from './sqlite/wasm-engine.ts'

export interface State {
  /** `node` or `wasm`, with the version of Node: for `winnow doctor`. */
  readonly engine: string
  readonly journal: JournalStore
  readonly cache: ManifestCache
  readonly leases: LeaseStore
  readonly memory: Memory
  readonly links: LinkMemory
  readonly proofs: ProofStore
  /** Leases that are held must be released before. */
  close(): Promise<void>
}

export interface StateOptions {
  /** @default the engine built into Node where there is one, else the WebAssembly one */
  readonly engine?: 'node' | 'wasm'
  /** How long to wait for other processes at each step, in milliseconds. @default 20000 */
  readonly busyMs?: number
}

/**
 * Opens the state in the folder `place`, which is created if it is not there.
 * @throws StateUnavailableError, StateForeignError, StateCorruptError, StateNewerError, StateBusyError,
 *   StateDiskFullError
 */
export async function openState(place: string, options: StateOptions = {}): Promise<State> {
  // One file has one name, for locks too, from wherever it is looked at.
  const directory = resolve(place)
  createDirectory(directory)
  const engine = chooseEngine(options.engine, directory)
  const self = thisProcess()
  const common = { engine, self, ...(options.busyMs === undefined ? {} : { busyMs: options.busyMs }) }
  const state = await Database.open(join(directory, 'state.db'), {
    ...common,
    applicationId: stateApplicationId,
    migrations: stateMigrations,
  })
  try {
    const cache = await Database.open(join(directory, 'cache.db'), {
      ...common,
      applicationId: cacheApplicationId,
      migrations: cacheMigrations,
    })
    return {
      engine: `${engine.name} ${process.version}`,
      journal: createSqliteJournalStore(state),
      cache: createSqliteManifestCache(cache),
      leases: createLeaseStore(createSqliteLeaseTable(state), monotonicClock(), self),
      memory: createSqliteMemory(state),
      links: createSqliteLinkMemory(state),
      proofs: createSqliteProofStore(state),
      async close() {
        await cache.close()
        await state.close()
      },
    }
  } catch (error) {
    await state.close()
    throw error
  }
}

function createDirectory(directory: string): void {
  try {
    const made = mkdirSync(directory, { recursive: true, mode: 0o700 })
    // A directory that was there keeps its rights; one of ours is private even under an unusual umask.
    if (made !== undefined) chmodSync(directory, 0o700)
  } catch (error) {
    throw new StateUnavailableError(directory, { cause: error })
  }
}

function chooseEngine(wanted: 'node' | 'wasm' | undefined, directory: string): SqlEngine {
  const builtIn = wanted === 'wasm' ? undefined : createNodeEngine()
  if (wanted === 'node' && builtIn === undefined) {
    throw new StateUnavailableError(directory, { cause: new Error('this Node has no built-in SQLite') })
  }
  return builtIn ?? createWasmEngine()
}
