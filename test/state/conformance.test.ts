/** Every store of the state passes the suite of its port: in memory, and on each engine. */
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { createMemoryLinkMemory } from '../../src/adapters/journal/memory/link-memory.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createMemoryMemory } from '../../src/adapters/journal/memory/memory.ts'
import { createMemoryProofStore } from '../../src/adapters/journal/memory/proofs.ts'
import { journalStoreConformance, type Opened } from '../conformance/journal-store.ts'
import { leaseConformance } from '../conformance/lease.ts'
import { linkMemoryConformance } from '../conformance/link-memory.ts'
import { manifestCacheConformance } from '../conformance/manifest-cache.ts'
import { memoryConformance } from '../conformance/memory.ts'
import { proofStoreConformance } from '../conformance/proofs.ts'
import { engines, opens } from './open.ts'

function inMemory<T>(create: () => T): () => Promise<Opened<T>> {
  return async () => {
    const store = create()
    return { store, reopen: async () => store, close: async () => undefined }
  }
}

journalStoreConformance('in memory', inMemory(createMemoryJournalStore))
manifestCacheConformance('in memory', inMemory(createMemoryManifestCache))
memoryConformance('in memory', inMemory(createMemoryMemory))
linkMemoryConformance('in memory', inMemory(createMemoryLinkMemory))
proofStoreConformance('in memory', inMemory(createMemoryProofStore))
leaseConformance('in memory', inMemory(createMemoryLeaseStore))

for (const engine of engines) {
  journalStoreConformance(
    engine,
    opens(engine, (state) => state.journal),
  )
  manifestCacheConformance(
    engine,
    opens(engine, (state) => state.cache),
  )
  memoryConformance(
    engine,
    opens(engine, (state) => state.memory),
  )
  linkMemoryConformance(
    engine,
    opens(engine, (state) => state.links),
  )
  proofStoreConformance(
    engine,
    opens(engine, (state) => state.proofs),
  )
  leaseConformance(
    engine,
    opens(engine, (state) => state.leases),
  )
}
