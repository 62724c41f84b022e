/**
 * What manifests refer to, by digest, kept from one sweep to the next. A digest never means other bytes, so an entry never
 * expires; losing all of them costs reading the manifests again, never safety. An entry that was damaged on disk would
 * cost safety, so what is returned is what was put, or nothing.
 */
export interface ReferenceCache {
  /** Records of one shard (core/sweep/reference-record.ts), in any order; empty where nothing is known. */
  section(shard: number): Promise<Uint8Array>
  /** Adds records, each of its own shard. */
  add(shard: number, records: Uint8Array): void
  /** Makes what was added last; until then it is there for this run alone. Never throws: a cache may be lost. */
  keep(): Promise<void>
}
