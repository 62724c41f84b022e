/**
 * The ports of one run over stores that outlive it: a run can be killed at any call, before or after its effect, and
 * then never reaches anything again, its lease included.
 */
import type { RegistryPorts } from '../../src/app/apply.ts'
import type { JournalStore } from '../../src/ports/journal-store.ts'
import type { Lease, LeaseStore } from '../../src/ports/lease.ts'
import type { MutableRegistry } from '../../src/ports/mutable-registry.ts'
import type { ReadableRegistry } from '../../src/ports/readable-registry.ts'
import type { Oracle } from './oracle.ts'
import type { World } from './world.ts'

export class Killed extends Error {
  override readonly name = 'Killed'
}

export interface Accident {
  /** The call at which the process dies; undefined: it lives. */
  readonly killAt: number | undefined
  /** Whether that call still had its effect. */
  readonly after: boolean
  /** What happens in the world, or to the run, before a call. */
  readonly before: (call: number) => void
}

export type Call = <T>(work: () => Promise<T>) => Promise<T>

/** Counts calls, and dies at the one it is told to. */
export function mortal({ killAt, after, before }: Accident): { readonly call: Call; calls(): number } {
  let calls = 0
  let dead = false
  return {
    calls: () => calls,
    async call(work) {
      if (dead) throw new Killed()
      calls += 1
      before(calls)
      if (calls !== killAt) {
        const answer = await work()
        // It died while this call was on its way: the effect is there, the answer reaches nobody.
        if (dead) throw new Killed()
        return answer
      }
      dead = true
      if (after) await work()
      throw new Killed()
    },
  }
}

export function mortalReader(reader: ReadableRegistry, call: Call, oracle: Oracle): ReadableRegistry {
  return {
    name: reader.name,
    capabilities: (options) => reader.capabilities(options),
    listRepositories: (options) => call(() => reader.listRepositories(options)),
    readRepository: (name, options) =>
      call(async () => {
        const at = oracle.now()
        const repository = await reader.readRepository(name, options)
        oracle.looked(
          name,
          repository.manifests.map(({ digest }) => digest),
          at,
        )
        return repository
      }),
    resolveTag: (name, tag, options) =>
      call(async () => {
        const at = oracle.now()
        const target = await reader.resolveTag(name, tag, options)
        oracle.lookedAtTag(name, tag, at)
        return target
      }),
    readManifest: (name, digest, options) =>
      call(async () => {
        const at = oracle.now()
        const raw = await reader.readManifest(name, digest, options)
        oracle.lookedAtManifest(name, digest, at)
        return raw
      }),
    hasBlob: (name, digest, options) => call(() => reader.hasBlob(name, digest, options)),
  }
}

export function mortalWriter(writer: MutableRegistry, call: Call, oracle: Oracle): MutableRegistry {
  return {
    name: writer.name,
    untag: (name, tag, options) =>
      call(async () => {
        await oracle.beforeUntag(name, tag)
        return writer.untag(name, tag, options)
      }),
    deleteManifest: (name, digest, options) =>
      call(async () => {
        await oracle.beforeDelete(name, digest)
        const outcome = await writer.deleteManifest(name, digest, options)
        oracle.wholeness()
        return outcome
      }),
    putManifest: (name, manifest, tag, options) =>
      call(() => writer.putManifest(name, manifest, tag, options)),
  }
}

export function mortalJournal(journal: JournalStore, call: Call): JournalStore {
  return {
    beginRun: (run) => call(() => journal.beginRun(run)),
    save: (run, entries) => call(() => journal.save(run, entries)),
    recordIntents: (run, intents) => call(() => journal.recordIntents(run, intents)),
    recordOutcomes: (run, outcomes) => call(() => journal.recordOutcomes(run, outcomes)),
    finishRun: (run, outcome, at) => call(() => journal.finishRun(run, outcome, at)),
    listRuns: () => call(() => journal.listRuns()),
    readRun: (id) => call(() => journal.readRun(id)),
  }
}

export function mortalLeases(leases: LeaseStore, call: Call): LeaseStore {
  return {
    acquire: (resource, holder, timing, options) =>
      call(async () => {
        const lease = await leases.acquire(resource, holder, timing, options)
        return lease.kind === 'held' ? lease : mortalLease(lease, call)
      }),
  }
}

function mortalLease(lease: Lease, call: Call): Lease {
  return {
    kind: 'lease',
    token: lease.token,
    lost: lease.lost,
    isHeld: () => lease.isHeld(),
    release: () => call(() => lease.release()),
  }
}

export function registryPorts(world: World, call: Call, oracle: Oracle): RegistryPorts {
  return {
    reader: mortalReader(world.registry.reader, call, oracle),
    writer: mortalWriter(world.registry.writer, call, oracle),
  }
}
