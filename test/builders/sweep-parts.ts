/** Small parts that a sweep needs beside its store, in memory. */
import type { OpenScratch } from '../../src/app/sweep-ports.ts'
import type { ReferenceCache } from '../../src/ports/reference-cache.ts'

/** Heaps in memory, and how often something was put on one. */
export function memoryScratch(): OpenScratch & { readonly appends: () => number } {
  const heaps = new Map<string, Uint8Array[]>()
  let appends = 0
  return {
    appends: () => appends,
    append(heap, bytes) {
      appends += 1
      // A copy, as a disk would have: the caller goes on to use what it gave.
      heaps.set(heap, [...(heaps.get(heap) ?? []), Uint8Array.from(bytes)])
    },
    read: (heap) => Uint8Array.from(Buffer.concat(heaps.get(heap) ?? [])),
    drop: (heap) => heaps.delete(heap),
    close: () => {
      heaps.clear()
    },
  }
}

/** References that outlive runs, as the file of the state directory does. */
export function memoryReferences(): ReferenceCache {
  const sections = new Map<number, Uint8Array[]>()
  return {
    section: async (shard) => Uint8Array.from(Buffer.concat(sections.get(shard) ?? [])),
    add(shard, records) {
      sections.set(shard, [...(sections.get(shard) ?? []), Uint8Array.from(records)])
    },
    keep: async () => undefined,
  }
}
