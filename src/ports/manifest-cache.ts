/**
 * What manifests, configs and statements about builds say, by digest. All are immutable, so an entry never expires; losing all of them costs
 * requests, never safety.
 */
import type { Digest } from '../core/image/digest.ts'
import type { ConfigFacts, ManifestFacts, StatementFacts } from '../core/image/manifest.ts'

export interface ManifestCache {
  manifests(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, ManifestFacts>>
  configs(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, ConfigFacts>>
  statements(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, StatementFacts>>
  /** Kept in batches by the caller; durability is not promised. */
  putManifests(facts: readonly ManifestFacts[]): Promise<void>
  putConfigs(facts: readonly ConfigFacts[]): Promise<void>
  putStatements(facts: readonly StatementFacts[]): Promise<void>
}
