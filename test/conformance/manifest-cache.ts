/** What every manifest cache must do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConfigFacts, ManifestFacts, StatementFacts } from '../../src/core/image/manifest.ts'
import type { ManifestCache } from '../../src/ports/manifest-cache.ts'
import { digest, longDigest, type Opened } from './journal-store.ts'

const fullFacts: ManifestFacts = {
  digest: digest(1),
  mediaType: 'application/vnd.oci.image.index.v1+json',
  sizeBytes: 1234,
  children: [
    { digest: digest(2), platform: 'linux/arm64/v8', isAttestation: false },
    { digest: longDigest(3), platform: undefined, isAttestation: true },
  ],
  subject: digest(4),
  artifactType: 'application/vnd.example',
  config: { digest: digest(5), sizeBytes: 0 },
  configMediaType: 'application/vnd.oci.image.config.v1+json',
  layers: [
    { digest: digest(6), sizeBytes: 9_007_199_254_740_991 },
    { digest: digest(6), sizeBytes: 1 },
  ],
  statements: [
    { digest: digest(6), sizeBytes: 1, isDeclared: true },
    { digest: longDigest(9), sizeBytes: 0, isDeclared: false },
  ],
  annotations: { 'org.example/k': 'ü\u0000🙂', __proto__x: '' },
  createdAt: 1_790_000_000_123,
}

export const emptyFacts: ManifestFacts = {
  digest: longDigest(7),
  mediaType: '',
  sizeBytes: 0,
  children: [],
  subject: undefined,
  artifactType: undefined,
  config: undefined,
  configMediaType: undefined,
  layers: [],
  statements: [],
  annotations: {},
  createdAt: undefined,
}

export function manifestCacheConformance(name: string, open: () => Promise<Opened<ManifestCache>>): void {
  describe(`manifest cache: ${name}`, () => {
    let opened: Opened<ManifestCache>
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    it('gives facts back as they were put, whole, after reopening too', async () => {
      const config: ConfigFacts = {
        digest: digest(5),
        createdAt: 0,
        platform: 'linux/amd64',
        labels: { a: 'b' },
      }
      const bare: ConfigFacts = { digest: digest(8), createdAt: undefined, platform: undefined, labels: {} }
      await opened.store.putManifests([fullFacts, emptyFacts])
      await opened.store.putConfigs([config, bare])
      const statements: readonly StatementFacts[] = [
        { digest: digest(6), commits: ['ab'.repeat(20), 'cd'.repeat(32)] },
        { digest: longDigest(9), commits: [] },
      ]
      await opened.store.putStatements(statements)
      for (const cache of [opened.store, await opened.reopen()]) {
        const manifests = await cache.manifests([longDigest(7), digest(1)])
        expect([...manifests.values()]).toEqual([emptyFacts, fullFacts])
        expect([...(await cache.configs([digest(5), digest(8)])).values()]).toEqual([config, bare])
        expect([...(await cache.statements([digest(6), longDigest(9)])).values()]).toEqual(statements)
      }
    })

    it('has nothing for digests that were never put, and keeps manifests and configs apart', async () => {
      await opened.store.putManifests([fullFacts])
      expect(await opened.store.manifests([digest(99), digest(2), longDigest(1)])).toEqual(new Map())
      expect(await opened.store.configs([digest(1)])).toEqual(new Map())
      expect(await opened.store.statements([digest(1)])).toEqual(new Map())
      expect(await opened.store.manifests([])).toEqual(new Map())
    })

    it('takes the same facts twice, and the later ones where they differ', async () => {
      await opened.store.putManifests([fullFacts, fullFacts])
      await opened.store.putManifests([{ ...fullFacts, sizeBytes: 5 }])
      expect((await opened.store.manifests([digest(1), digest(1)])).get(digest(1))?.sizeBytes).toBe(5)
    })

    it('takes more than fits one batch', async () => {
      const many = Array.from({ length: 6_001 }, (_, n) => ({ ...emptyFacts, digest: digest(n) }))
      await opened.store.putManifests(many)
      const found = await opened.store.manifests(many.map((facts) => facts.digest))
      expect(found.size).toBe(6_001)
      expect(found.get(digest(6_000))).toEqual(many[6_000])
    })
  })
}
