/** Plain manifests are read by a short way, and it must say what the long way says, whatever the document. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import { dockerManifestType, ociIndexType, ociManifestType } from '../image/media-types.ts'
import { parseManifest } from '../image/parse-manifest.ts'
import { referencesOf } from './manifest-references.ts'
import { packReferences } from './reference-record.ts'

const manifest = `sha256:${'0f'.repeat(32)}` as Digest

function byTheLongWay(bytes: Uint8Array): Uint8Array {
  return packReferences(parseManifest(bytes, undefined, manifest))
}

/** What a reading brings, or the words it refuses with. */
function outcomeOf(read: () => Uint8Array): string {
  try {
    return Buffer.from(read()).toString('hex')
  } catch (error) {
    return String(error)
  }
}

function expectAlike(text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  expect(outcomeOf(() => referencesOf(bytes, manifest))).toBe(outcomeOf(() => byTheLongWay(bytes)))
}

// Few of them, so that layers repeat and configs are layers too.
const digest = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }).map((n) => `sha256:${`0${n}`.repeat(32)}`) },
  { weight: 2, arbitrary: fc.constant(`sha512:${'5a'.repeat(64)}`) },
  { weight: 1, arbitrary: fc.constantFrom(`sha256:${'0A'.repeat(32)}`, 'sha256:00', '', 7, null) },
)
const odd = fc.oneof(
  fc.constantFrom(null, '', 'text', -1, 0.5, 2 ** 60, true),
  fc.constant([]),
  fc.constant({}),
  fc.constant({ a: 1 }),
  fc.constant([{ digest: `sha256:${'0c'.repeat(32)}` }]),
)

function sometimesOdd<T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd })
}

const texts = fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), sometimesOdd(fc.string()))
const mediaType = fc.constantFrom<string>(
  ociManifestType,
  dockerManifestType,
  ociIndexType,
  `${ociManifestType}; charset=utf-8`,
  'application/vnd.example',
)
const descriptor = fc.record(
  {
    digest,
    size: sometimesOdd(fc.nat()),
    mediaType: sometimesOdd(mediaType),
    annotations: sometimesOdd(texts),
    urls: fc.constant(['https://example.com/layer']),
    platform: fc.constant({ os: 'linux', architecture: 'amd64' }),
    constructor: odd,
  },
  { requiredKeys: ['digest', 'size', 'mediaType'] },
)
const document = fc.record(
  {
    schemaVersion: sometimesOdd(fc.constant(2)),
    mediaType: sometimesOdd(mediaType),
    config: sometimesOdd(descriptor),
    layers: sometimesOdd(fc.array(sometimesOdd(descriptor), { maxLength: 6 })),
    annotations: sometimesOdd(texts),
    manifests: fc.array(descriptor, { maxLength: 2 }),
    subject: descriptor,
    Layers: odd,
    constructor: odd,
  },
  { requiredKeys: [] },
)
// As nearly all are, so that the short way is taken; one in a few has one thing in it that is not as it should be.
const plainDescriptor = fc.record(
  {
    digest: fc.integer({ min: 1, max: 5 }).map((n) => `sha256:${`0${n}`.repeat(32)}`),
    size: fc.nat(),
    mediaType: fc.constant('application/vnd.oci.image.layer.v1.tar'),
    annotations: fc.constant({ a: 'b' }),
  },
  { requiredKeys: ['digest', 'size', 'mediaType'] },
)
const nearlyPlainDescriptor = fc.oneof(
  { weight: 30, arbitrary: plainDescriptor },
  {
    weight: 1,
    arbitrary: fc
      .tuple(plainDescriptor, fc.constantFrom('digest', 'size', 'mediaType', 'annotations'), odd)
      .map(([usual, key, value]) => ({ ...usual, [key]: value })),
  },
)
const plain = fc.record({
  schemaVersion: fc.constant(2),
  mediaType: fc.constantFrom(ociManifestType, dockerManifestType),
  config: nearlyPlainDescriptor,
  layers: fc.array(nearlyPlainDescriptor, { maxLength: 6 }),
})

describe('the references of a manifest', () => {
  it('are the same by the short way and the long one, refusals included', () => {
    fc.assert(
      fc.property(fc.oneof(document, plain), (value) => {
        expectAlike(JSON.stringify(value))
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{"schemaVersion":2'],
    ['no object', '[]'],
    ['nested too deep', `{"layers":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['a field that is twice there', '{"config":1,"layers":[],"config":{"digest":"sha256:00"},"layers":[]}'],
    ['a field of the prototype', `{"mediaType":"${ociManifestType}","__proto__":{"layers":[]}}`],
    ['a byte-order mark', `\uFEFF{"mediaType":"${ociIndexType}","manifests":[]}`],
  ])('are the same of %s', (_, text) => {
    expectAlike(text)
  })

  it('are the same of bytes that are no text', () => {
    expectAlike(Uint8Array.of(0x7b, 0xff, 0x7d))
  })

  it('are the same of more layers than are read by the short way', () => {
    const layers = Array.from({ length: 1000 }, (_, i) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: `sha256:${i.toString(16).padStart(64, '0')}`,
      size: i,
    }))
    expectAlike(JSON.stringify({ mediaType: ociManifestType, config: layers[0], layers }))
  })
})
