import { describe, expect, it } from 'vitest'
import type { Digest } from './digest.ts'
import { parseManifest } from './parse-manifest.ts'
import { STATEMENT_BYTES_MAX, wantedStatements } from './statements.ts'

const self = `sha256:${'00'.repeat(32)}` as Digest
const layer = `sha256:${'11'.repeat(32)}` as Digest
const inToto = 'application/vnd.in-toto+json'
const dsse = 'application/vnd.dsse.envelope.v1+json'
const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const slsa = 'https://slsa.dev/provenance/v1'

function statementsIn(given: {
  readonly mediaType: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly outer?: Readonly<Record<string, string>>
}): unknown {
  const { mediaType, annotations = {}, outer = {} } = given
  const document = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: self, size: 2 },
    layers: [{ mediaType, digest: layer, size: 5, annotations }],
    annotations: outer,
  }
  return parseManifest(Buffer.from(JSON.stringify(document)), undefined, self).statements
}

describe('a layer is a statement', () => {
  it.each([
    { name: 'as BuildKit writes it', mediaType: inToto, annotations: { 'in-toto.io/predicate-type': slsa } },
    {
      name: 'as cosign writes it',
      mediaType: dsse,
      annotations: { predicateType: 'https://slsa.dev/provenance/v0.2' },
    },
    { name: 'in a bundle', mediaType: bundle, outer: { 'dev.sigstore.bundle.predicateType': slsa } },
  ])('$name', ({ name: _, ...given }) => {
    expect(statementsIn(given)).toEqual([{ digest: layer, sizeBytes: 5, isDeclared: true }])
  })

  it.each([inToto, dsse, bundle])('where nothing says what it is: %s', (mediaType) => {
    expect(statementsIn({ mediaType })).toEqual([{ digest: layer, sizeBytes: 5, isDeclared: false }])
  })
})

it.each([
  {
    name: 'a bill of materials',
    mediaType: inToto,
    annotations: { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' },
  },
  {
    name: 'a signature in a bundle',
    mediaType: bundle,
    outer: { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' },
  },
  {
    name: 'a layer',
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    annotations: { predicateType: slsa },
  },
])('$name is none', ({ name: _, ...given }) => {
  expect(statementsIn(given)).toEqual([])
})

it('reads each once, and tells what is too large', () => {
  const of = (digest: string, sizeBytes: number, isDeclared: boolean) => ({
    digest: digest as Digest,
    sizeBytes,
    isDeclared,
  })
  const tooLarge = STATEMENT_BYTES_MAX + 1
  const wanted = wantedStatements([
    { statements: [of('a', STATEMENT_BYTES_MAX, true), of('b', tooLarge, true), of('c', tooLarge, false)] },
    { statements: [of('a', 1, false)] },
  ])
  expect(wanted.digests).toEqual(['a'])
  expect(wanted.faults).toHaveLength(1)
  expect(wanted.faults[0]).toMatch(/^The provenance b has 4194305 bytes/)
  expect(wanted.remarks[0]).toMatch(/^The attestation c has 4194305 bytes/)
})
