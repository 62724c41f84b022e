import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commitsInStatement } from './provenance.ts'

const own = 'c1'.repeat(20)
const other = 'd2'.repeat(20)
const address = 'https://github.com/acme/app'

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const commitsIn = (predicate: unknown): readonly string[] =>
  commitsInStatement(bytes({ _type: 'https://in-toto.io/Statement/v1', predicate }))

const buildkit02 = 'https://mobyproject.org/buildkit@v1'
const buildkit1 = 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md'
const workflow = 'https://actions.github.io/buildtypes/workflow/v1'
const vcs = { source: address, revision: own }
/** Base images and contexts of other repositories. */
const materials = [
  { uri: 'pkg:docker/alpine@3.17', digest: { sha256: 'ee'.repeat(32) } },
  { uri: 'https://github.com/other/tool.git#main', digest: { sha1: other } },
]

describe('the source of the build', () => {
  it.each([
    {
      name: 'the folder of a buildx client, v0.2',
      predicate: { buildType: buildkit02, materials, metadata: { [`${buildkit02}#metadata`]: { vcs } } },
    },
    {
      name: 'the folder of a buildx client, v1',
      predicate: {
        buildDefinition: { buildType: buildkit1, resolvedDependencies: materials },
        runDetails: { metadata: { buildkit_metadata: { vcs } } },
      },
    },
    {
      name: 'a folder with changes that were not committed',
      predicate: { metadata: { [`${buildkit02}#metadata`]: { vcs: { revision: `${own}-dirty` } } } },
    },
    {
      name: 'a Git address given to BuildKit, v0.2',
      predicate: {
        buildType: buildkit02,
        materials,
        invocation: { configSource: { uri: address, digest: { sha1: own } } },
      },
    },
    {
      name: 'a Git address given to BuildKit, v1',
      predicate: {
        buildDefinition: {
          buildType: buildkit1,
          externalParameters: { configSource: { uri: address, digest: { sha1: own } } },
          resolvedDependencies: materials,
        },
      },
    },
    {
      name: "the generator of SLSA's project",
      predicate: {
        buildType: 'https://github.com/slsa-framework/slsa-github-generator/container@v1',
        invocation: {
          configSource: { uri: `git+${address}@refs/heads/main`, digest: { sha1: own.toUpperCase() } },
        },
      },
    },
    {
      name: "GitHub's own attestation, by the address of the workflow",
      predicate: {
        buildDefinition: {
          buildType: workflow,
          externalParameters: { workflow: { ref: 'refs/heads/main', repository: address } },
          resolvedDependencies: [
            { uri: `git+${address}@refs/heads/main`, digest: { gitCommit: own } },
            { uri: `git+${address}-tools@refs/heads/main`, digest: { gitCommit: other } },
          ],
        },
      },
    },
  ])('is read from $name', ({ predicate }) => {
    expect(commitsIn(predicate)).toEqual([own])
  })

  it('is read from a DSSE envelope and from a bundle', () => {
    const statement = { predicate: { metadata: { [`${buildkit02}#metadata`]: { vcs } } } }
    const envelope = {
      payloadType: 'application/vnd.in-toto+json',
      payload: Buffer.from(bytes(statement)).toString('base64'),
      signatures: [],
    }
    expect(commitsInStatement(bytes(envelope))).toEqual([own])
    expect(commitsInStatement(bytes({ mediaType: 'x', dsseEnvelope: envelope }))).toEqual([own])
  })
})

describe('nothing is taken from', () => {
  it.each([
    { name: 'materials alone', predicate: { buildType: buildkit02, materials } },
    {
      name: 'where a pipeline of Tekton is defined',
      predicate: {
        buildType: 'tekton.dev/v1beta1/TaskRun',
        invocation: { configSource: { digest: { sha1: other } } },
      },
    },
    {
      name: 'a dependency under another address than the workflow',
      predicate: {
        buildDefinition: {
          buildType: workflow,
          externalParameters: { workflow: { repository: address } },
          resolvedDependencies: [
            { uri: 'git+https://github.com/other/app@refs/heads/main', digest: { gitCommit: other } },
          ],
        },
      },
    },
    {
      name: 'a revision that is none',
      predicate: { metadata: { [`${buildkit02}#metadata`]: { vcs: { revision: 'main' } } } },
    },
    { name: 'a predicate of another form', predicate: ['x'] },
  ])('$name', ({ predicate }) => {
    expect(commitsIn(predicate)).toEqual([])
  })

  it.each(['', '{', '[]', 'null', '"text"', '{"payload":"%%%"}', '{"payload":"e30"}', '['.repeat(100_000)])(
    '%j',
    (text) => {
      expect(commitsInStatement(Buffer.from(text))).toEqual([])
    },
  )

  it('any other document, and never fails', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.uint8Array(), (value, noise) => {
        expect(commitsInStatement(bytes({ predicate: value }))).toEqual([])
        expect(commitsInStatement(noise)).toEqual([])
      }),
    )
  })
})
