import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import type { ManifestFacts } from '../image/manifest.ts'
import {
  algorithmOf,
  bytesOfDigest,
  digestBytes,
  digestOfBytes,
  eachBlob,
  eachManifest,
  hexOf,
  packReferences,
  readRecord,
} from './reference-record.ts'
import { ReferenceSection } from './reference-section.ts'

const digests: fc.Arbitrary<Digest> = fc
  .constantFrom('sha256' as const, 'sha512' as const)
  .chain((algorithm) =>
    fc
      .uint8Array({ minLength: digestBytes[algorithm], maxLength: digestBytes[algorithm] })
      .map((bytes) => `${algorithm}:${Buffer.from(bytes).toString('hex')}` as Digest),
  )

function factsOf(digest: Digest, blobs: readonly Digest[], manifests: readonly Digest[]): ManifestFacts {
  const [config, ...layers] = blobs.map((each) => ({ digest: each, sizeBytes: 1 }))
  const [subject, ...children] = manifests
  return {
    digest,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    sizeBytes: 1,
    children: children.map((child) => ({ digest: child, platform: undefined, isAttestation: false })),
    subject,
    artifactType: undefined,
    config,
    configMediaType: undefined,
    layers,
    statements: [],
    annotations: {},
    createdAt: undefined,
  }
}

const facts = fc
  .tuple(digests, fc.array(digests, { maxLength: 6 }), fc.array(digests, { maxLength: 6 }))
  .map(([digest, blobs, manifests]) => ({
    digest,
    blobs,
    manifests,
    facts: factsOf(digest, blobs, manifests),
  }))

describe('a digest as bytes', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(digests, (digest) => {
        expect(digestOfBytes(algorithmOf(digest), bytesOfDigest(digest), 0)).toBe(digest)
      }),
    )
  })
})

describe('a record of references', () => {
  it('says what the manifest says, wherever it lies', () => {
    fc.assert(
      fc.property(facts, fc.nat(9), ({ digest, blobs, manifests, facts: given }, offset) => {
        const packed = packReferences(given)
        const bytes = Buffer.concat([Buffer.alloc(offset, 0xee), packed, Buffer.alloc(3, 0xee)])
        const record = readRecord(bytes, offset)
        if (record === undefined) throw new Error('no record')
        expect(record.end).toBe(offset + packed.length)
        expect(digestOfBytes(record.algorithm, bytes, record.digestAt)).toBe(digest)
        const foundBlobs: string[] = []
        eachBlob(record, (at) => foundBlobs.push(bytes.toString('hex', at, at + 8)))
        expect(foundBlobs).toEqual(blobs.map((blob) => hexOf(blob).slice(0, 16)))
        const found: Digest[] = []
        eachManifest(bytes, record, (algorithm, at) => found.push(digestOfBytes(algorithm, bytes, at)))
        expect(found.toSorted()).toEqual(manifests.toSorted())
      }),
    )
  })

  it('is none when its bytes end before it does', () => {
    fc.assert(
      fc.property(facts, ({ facts: given }) => {
        const packed = packReferences(given)
        for (let length = 0; length < packed.length; length += 1)
          expect(readRecord(packed.subarray(0, length), 0)).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  it('reads hostile bytes without running off: a record ends within them or is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, offset) => {
        const record = readRecord(bytes, offset)
        if (record !== undefined) expect(record.end).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })

  it('does not believe a count of four thousand million', () => {
    const bytes = packReferences(factsOf(`sha256:${'ab'.repeat(32)}` as Digest, [], []))
    bytes.fill(0xff, 33, 41)
    expect(readRecord(bytes, 0)).toBeUndefined()
  })
})

describe('a section of records', () => {
  it('finds every manifest by its whole digest, and no other', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(facts, { selector: ({ digest }) => digest, maxLength: 12 }),
        digests,
        (all, other) => {
          const section = new ReferenceSection(Buffer.concat(all.map((each) => packReferences(each.facts))))
          expect(section.size).toBe(all.length)
          for (const { digest, blobs, manifests } of all) {
            const record = section.find(algorithmOf(digest), bytesOfDigest(digest), 0)
            expect([record?.blobs, record?.manifests]).toEqual([blobs.length, manifests.length])
          }
          const isThere = all.some(({ digest }) => digest === other)
          expect(section.find(algorithmOf(other), bytesOfDigest(other), 0) !== undefined).toBe(isThere)
        },
      ),
    )
  })

  it('tells digests apart that share their first eight bytes', () => {
    const [a, b, c] = ['11', '22', '33'].map((end) => `sha256:${'ab'.repeat(31)}${end}` as Digest) as [
      Digest,
      Digest,
      Digest,
    ]
    const section = new ReferenceSection(
      Buffer.concat([packReferences(factsOf(a, [], [])), packReferences(factsOf(b, [c], []))]),
    )
    expect(section.find('sha256', bytesOfDigest(a), 0)?.blobs).toBe(0)
    expect(section.find('sha256', bytesOfDigest(b), 0)?.blobs).toBe(1)
    expect(section.find('sha256', bytesOfDigest(c), 0)).toBeUndefined()
  })

  it('reads hostile bytes as far as they are records', () => {
    fc.assert(
      fc.property(facts, fc.uint8Array({ maxLength: 200 }), ({ digest, facts: given }, rest) => {
        const section = new ReferenceSection(Buffer.concat([packReferences(given), rest]))
        expect(section.find(algorithmOf(digest), bytesOfDigest(digest), 0)).toBeDefined()
      }),
    )
  })
})
