/** The cache of facts in memory. */
import type { Digest } from '../../../core/image/digest.ts'
import type { ConfigFacts, ManifestFacts, StatementFacts } from '../../../core/image/manifest.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'

export function createMemoryManifestCache(): ManifestCache {
  const manifests = new Map<Digest, ManifestFacts>()
  const configs = new Map<Digest, ConfigFacts>()
  const statements = new Map<Digest, StatementFacts>()
  return {
    manifests: async (digests) => select(manifests, digests),
    configs: async (digests) => select(configs, digests),
    statements: async (digests) => select(statements, digests),
    async putManifests(facts) {
      for (const one of facts) manifests.set(one.digest, one)
    },
    async putConfigs(facts) {
      for (const one of facts) configs.set(one.digest, one)
    },
    async putStatements(facts) {
      for (const one of facts) statements.set(one.digest, one)
    },
  }
}

function select<T>(all: ReadonlyMap<Digest, T>, digests: readonly Digest[]): ReadonlyMap<Digest, T> {
  return new Map(
    digests.flatMap((digest) => {
      const found = all.get(digest)
      return found === undefined ? [] : [[digest, found] as const]
    }),
  )
}
