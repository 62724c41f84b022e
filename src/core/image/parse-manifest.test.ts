import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDigest, type Digest } from './digest.ts'
import { ManifestUnreadableError } from './manifest-fields.ts'
import { MANIFEST_BYTES_MAX, parseConfig, parseManifest } from './parse-manifest.ts'
import {
  dockerListType,
  dockerManifestType,
  ociIndexType,
  ociManifestType,
  signedSchema1Type,
} from './media-types.ts'

const id = (n: number): Digest => digestOf(n.toString(16).padStart(64, '0'))
const digestOf = (hex: string): Digest => {
  const digest = parseDigest(`sha256:${hex}`)
  if (digest === undefined) throw new Error('not a digest')
  return digest
}
const self = id(0xffff)
const blob = (n: number, mediaType: string, size = n) => ({ mediaType, digest: id(n), size })
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'
const configType = 'application/vnd.oci.image.config.v1+json'
const bytesOf = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const parse = (value: unknown, mediaType?: string) => parseManifest(bytesOf(value), mediaType, self)

const image = {
  schemaVersion: 2,
  mediaType: ociManifestType,
  config: blob(1, configType),
  layers: [blob(2, layerType)],
}

describe('parseManifest', () => {
  it('reads an OCI image with its annotations and subject', () => {
    const facts = parse({ ...image, subject: blob(9, ociIndexType), annotations: { b: '2', a: '1' } })
    expect(facts).toEqual({
      digest: self,
      mediaType: ociManifestType,
      sizeBytes: expect.any(Number) as number,
      children: [],
      subject: id(9),
      artifactType: undefined,
      config: { digest: id(1), sizeBytes: 1 },
      configMediaType: configType,
      layers: [{ digest: id(2), sizeBytes: 2 }],
      statements: [],
      annotations: { a: '1', b: '2' },
      createdAt: undefined,
    })
  })

  it('reads the children of an index, tells attestations apart and gives them no platform', () => {
    const facts = parse({
      mediaType: ociIndexType,
      manifests: [
        { ...blob(1, ociManifestType), platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
        {
          ...blob(2, ociManifestType),
          platform: { os: 'unknown', architecture: 'unknown' },
          annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
        },
        { digest: id(3), size: 1 },
        blob(1, ociManifestType),
      ],
    })
    expect(facts.children).toEqual([
      { digest: id(1), platform: 'linux/arm/v7', isAttestation: false },
      { digest: id(2), platform: undefined, isAttestation: true },
      { digest: id(3), platform: undefined, isAttestation: false },
    ])
  })

  it('takes the layers that BuildKit lists in an index for layers, and its config for the config', () => {
    const cache = 'application/vnd.buildkit.cacheconfig.v0'
    const facts = parse({
      mediaType: dockerListType,
      manifests: [blob(1, layerType), blob(2, layerType), blob(3, cache)],
    })
    expect(facts).toMatchObject({
      children: [],
      layers: [{ digest: id(1) }, { digest: id(2) }],
      config: { digest: id(3) },
      artifactType: cache,
    })
  })

  it('reads an artifact manifest with blobs and subject', () => {
    const facts = parse({
      mediaType: 'application/vnd.oci.artifact.manifest.v1+json',
      artifactType: 'application/x',
      blobs: [blob(4, 'text/plain')],
      subject: blob(5, ociManifestType),
    })
    expect(facts).toMatchObject({
      artifactType: 'application/x',
      layers: [{ digest: id(4) }],
      subject: id(5),
    })
  })

  it('reads schema 1: layers without size, the newest date of its history', () => {
    const facts = parse(
      {
        schemaVersion: 1,
        fsLayers: [{ blobSum: id(7) }, { blobSum: id(7) }, { blobSum: id(8) }],
        history: [
          { v1Compatibility: '{"created":"2015-06-01T00:00:00Z"}' },
          { v1Compatibility: '{"created":"2010-01-01T00:00:00Z"}' },
        ],
      },
      `${signedSchema1Type}; charset=utf-8`,
    )
    expect(facts).toMatchObject({
      mediaType: signedSchema1Type,
      createdAt: Date.UTC(2015, 5, 1),
      layers: [
        { digest: id(7), sizeBytes: 0 },
        { digest: id(8), sizeBytes: 0 },
      ],
    })
  })

  it.each([
    {
      name: 'the stated artifact type first',
      extra: { artifactType: 'application/x' },
      config: configType,
      type: 'application/x',
    },
    { name: 'no artifact type for an image', extra: {}, config: configType, type: undefined },
    {
      name: 'no artifact type for an image of Docker 1.10',
      extra: {},
      config: 'application/octet-stream',
      type: undefined,
    },
    {
      name: "a chart's config type",
      extra: {},
      config: 'application/vnd.cncf.helm.config.v1+json',
      type: 'application/vnd.cncf.helm.config.v1+json',
    },
    {
      name: 'the config type when the stated one is empty',
      extra: { artifactType: '' },
      config: 'text/x',
      type: 'text/x',
    },
  ])('reads $name', ({ extra, config, type }) => {
    expect(parse({ ...image, ...extra, config: blob(1, config) }).artifactType).toBe(type)
  })

  it.each([
    { name: 'the body before the answer', body: image, answered: dockerManifestType, type: ociManifestType },
    {
      name: 'the answer, without parameters',
      body: { config: blob(1, configType), layers: [] },
      answered: `${dockerManifestType};charset=utf-8`,
      type: dockerManifestType,
    },
    {
      name: 'the fields of an index',
      body: { manifests: [] },
      answered: 'application/json',
      type: ociIndexType,
    },
    {
      name: 'the fields of an image',
      body: { config: blob(1, configType), layers: null },
      answered: undefined,
      type: ociManifestType,
    },
    {
      name: "the fields of Docker's image",
      body: { config: blob(1, 'application/vnd.docker.container.image.v1+json'), layers: [] },
      answered: undefined,
      type: dockerManifestType,
    },
  ])('knows the media type by $name', ({ body, answered, type }) => {
    expect(parse(body, answered).mediaType).toBe(type)
  })

  it('protects what either reading of a two-faced document refers to', () => {
    const facts = parse({ ...image, manifests: [blob(5, ociManifestType)] })
    expect(facts.children).toHaveLength(1)
    expect(facts.layers).toHaveLength(1)
  })

  it.each([
    { name: 'no JSON', body: '{"schemaVersion":2,' },
    { name: 'no object', body: '[]' },
    { name: 'of no known kind', body: { schemaVersion: 2 } },
    { name: 'an index without a list', body: { mediaType: ociIndexType } },
    { name: 'an image without a config', body: { mediaType: ociManifestType, layers: [] } },
    { name: 'a list that is none', body: { mediaType: ociIndexType, manifests: {} } },
    {
      name: 'a child without a digest',
      body: { mediaType: ociIndexType, manifests: [{ mediaType: ociManifestType }] },
    },
    { name: 'a digest of unknown algorithm', body: { ...image, layers: [{ digest: 'md5:abc', size: 1 }] } },
    { name: 'a negative size', body: { ...image, layers: [{ digest: id(2), size: -1 }] } },
    { name: 'a subject that is a text', body: { ...image, subject: id(2) } },
    { name: 'annotations that are numbers', body: { ...image, annotations: { a: 1 } } },
    { name: 'a reference field in another case', body: { ...image, Manifests: [blob(1, ociManifestType)] } },
    { name: 'a media type that is a number', body: { ...image, mediaType: 5 } },
    { name: 'a thousand levels deep', body: `{"manifests":${'['.repeat(1000)}${']'.repeat(1000)}}` },
  ])('refuses what is $name', ({ body }) => {
    expect(() => parse(body)).toThrow(ManifestUnreadableError)
  })

  it('refuses bytes that are no UTF-8, and more bytes than any registry takes', () => {
    expect(() => parseManifest(new Uint8Array([0x7b, 0xff, 0x7d]), undefined, self)).toThrow(
      ManifestUnreadableError,
    )
    expect(() => parseManifest(new Uint8Array(MANIFEST_BYTES_MAX + 1), undefined, self)).toThrow(/bytes/)
  })

  it('does not let a key named __proto__ reach a prototype', () => {
    const facts = parse(
      `{"config":${JSON.stringify(blob(1, configType))},"layers":[],"annotations":{"__proto__":"x"}}`,
    )
    expect(Object.getPrototypeOf(facts.annotations)).toBe(Object.prototype)
    expect(Object.keys(facts.annotations)).toEqual(['__proto__'])
  })

  it('answers with facts or a ManifestUnreadableError, whatever the JSON', () => {
    const field = fc.constantFrom(
      'mediaType',
      'manifests',
      'layers',
      'config',
      'subject',
      'fsLayers',
      'history',
      'annotations',
      'blobs',
    )
    fc.assert(
      fc.property(
        fc.dictionary(field, fc.jsonValue()),
        fc.option(fc.string(), { nil: undefined }),
        (body, type) => {
          try {
            expect(parse(body, type).digest).toBe(self)
          } catch (error) {
            expect(error).toBeInstanceOf(ManifestUnreadableError)
          }
        },
      ),
    )
  })

  // A document cut short must never be read as one that refers to less.
  it('never reads a part of a manifest as a manifest', () => {
    const whole = bytesOf({ ...image, subject: blob(9, ociIndexType) })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        expect(() => parseManifest(whole.subarray(0, length), ociManifestType, self)).toThrow(
          ManifestUnreadableError,
        )
      }),
    )
  })
})

describe('parseConfig', () => {
  it('reads date, platform and labels', () => {
    const config = {
      created: '2024-05-01T10:00:00.123456789Z',
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
      config: { Labels: { b: 'x', a: 'y' } },
    }
    expect(parseConfig(bytesOf(config), self)).toEqual({
      digest: self,
      createdAt: Date.UTC(2024, 4, 1, 10, 0, 0, 123),
      platform: 'linux/arm64/v8',
      labels: { a: 'y', b: 'x' },
    })
  })

  it.each([
    { name: 'no JSON', body: 'apiVersion: v2' },
    { name: 'a list', body: '[]' },
    { name: 'the empty config', body: '{}' },
    { name: 'a date that is none', body: '{"created":"yesterday","config":{"Labels":null}}' },
    { name: 'absurdly nested', body: '['.repeat(5000) },
  ])('says nothing for $name, and does not fail', ({ body }) => {
    expect(parseConfig(bytesOf(body), self)).toEqual({
      digest: self,
      createdAt: undefined,
      platform: undefined,
      labels: {},
    })
  })
})
