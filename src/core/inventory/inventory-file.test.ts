import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDigest, type Digest } from '../image/digest.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../image/names.ts'
import { InventoryUnreadableError } from './inventory-fields.ts'
import { inventoryDocument, parseInventoryFile } from './inventory-file.ts'
import type { Inventory, ManifestRecord } from './inventory.ts'

const id = (n: number): string => `sha256:${n.toString(16).padStart(64, '0')}`
const options = { source: 'inventory.json', takenAt: Date.UTC(2026, 0, 1) }
const file = (manifests: unknown, extra: object = {}): string =>
  JSON.stringify({
    schemaVersion: 'inventory/v1',
    registry: 'prod',
    repositories: [{ name: 'team/app', manifests }],
    ...extra,
  })
const first = (manifest: object): ManifestRecord | undefined =>
  parseInventoryFile(file([manifest]), options).repositories[0]?.manifests[0]

describe('parseInventoryFile', () => {
  it('asks for nothing but the digest of a manifest', () => {
    expect(parseInventoryFile(file([{ digest: id(1) }]), options)).toEqual({
      registry: 'prod',
      takenAt: options.takenAt,
      capabilities: undefined,
      repositories: [
        {
          name: 'team/app',
          complete: true,
          problems: [],
          manifests: [
            {
              digest: id(1),
              mediaType: undefined,
              sizeBytes: undefined,
              tags: [],
              createdAt: undefined,
              pushedAt: undefined,
              pulledAt: undefined,
              recordedAt: undefined,
              firstSeenAt: undefined,
              children: [],
              subject: undefined,
              artifactType: undefined,
              platform: undefined,
              config: undefined,
              layers: [],
              labels: {},
              annotations: {},
              commits: [],
              locked: false,
            },
          ],
        },
      ],
    })
  })

  it('reads null as unknown, and the zero time of a registry too, but not that of a builder', () => {
    const zero = '0001-01-01T00:00:00Z'
    expect(
      first({ digest: id(1), subject: null, pushedAt: zero, pulledAt: null, createdAt: zero }),
    ).toMatchObject({
      subject: undefined,
      pushedAt: undefined,
      pulledAt: undefined,
      createdAt: Date.parse(zero),
    })
  })

  it('passes over fields it does not know, and lets indexes name each other', () => {
    const pair = [
      { digest: id(1), children: [id(2)], future: 1 },
      { digest: id(2), children: [id(1), id(1)] },
    ]
    expect(
      parseInventoryFile(file(pair), options).repositories[0]?.manifests.map(({ children }) => children),
    ).toEqual([[id(2)], [id(1)]])
  })

  it.each([
    { name: 'the children of an index', manifest: { chldren: [id(2)] }, at: 'chldren', meant: 'children' },
    { name: 'what it is attached to', manifest: { Subject: id(2) }, at: 'Subject', meant: 'subject' },
    { name: 'its tags', manifest: { tag: [] }, at: 'tag', meant: 'tags' },
    { name: 'that it is locked', manifest: { loked: true }, at: 'loked', meant: 'locked' },
    { name: 'a time', manifest: { pushed_at: null }, at: 'pushed_at', meant: 'pushedAt' },
    {
      name: 'a time of a tag',
      manifest: { tags: [{ name: 'a', puledAt: null }] },
      at: 'tags[0].puledAt',
      meant: 'pulledAt',
    },
    {
      name: 'the size of a layer',
      manifest: { layers: [{ digest: id(2), sizebytes: 1 }] },
      at: 'layers[0].sizebytes',
      meant: 'sizeBytes',
    },
  ])('refuses a misspelt key that could say $name', ({ manifest, at, meant }) => {
    expect(() => first({ digest: id(1), ...manifest })).toThrow(
      `repositories[0].manifests[0].${at} is no key of inventory/v1; did you mean "${meant}"?`,
    )
  })

  it.each([
    { name: 'that it is not complete', repository: { compleet: false }, meant: 'complete' },
    { name: 'its manifests', repository: { manifest: [] }, meant: 'manifests' },
  ])('refuses a misspelt key of a repository that could say $name', ({ repository, meant }) => {
    const text = file([], { repositories: [{ name: 'team/app', ...repository }] })
    expect(() => parseInventoryFile(text, options)).toThrow(`did you mean "${meant}"?`)
  })

  it('passes over a key near to one that is there, which may be a newer one', () => {
    expect(first({ digest: id(1), tags: [], tag: 'x', labels: { Labels: 'x' }, label: 'y' })).toBeDefined()
    expect(() => first({ digest: id(1), labels: null, label: 'y' })).toThrow('did you mean "labels"?')
  })

  it.each([
    {
      name: 'another version',
      text: file([], { schemaVersion: 'inventory/v2' }),
      at: 'schemaVersion is "inventory/v2"',
    },
    { name: 'no version', text: '{}', at: 'schemaVersion is null' },
    { name: 'no JSON', text: '{"schemaVersion":', at: 'not JSON' },
    { name: 'a list', text: '[]', at: 'is not an object' },
    {
      name: 'no registry',
      text: JSON.stringify({ schemaVersion: 'inventory/v1', repositories: [] }),
      at: 'registry is missing',
    },
    {
      name: 'no repositories',
      text: JSON.stringify({ schemaVersion: 'inventory/v1', registry: 'a' }),
      at: 'repositories is missing',
    },
    {
      name: 'a manifest without a digest',
      text: file([{}]),
      at: 'repositories[0].manifests[0].digest is missing',
    },
    {
      name: 'a short digest',
      text: file([{ digest: 'sha256:ab' }]),
      at: 'manifests[0].digest is not a digest',
    },
    {
      name: 'a wrong child',
      text: file([{ digest: id(1), children: ['x'] }]),
      at: 'manifests[0].children[0] is not a digest',
    },
    {
      name: 'a wrong tag',
      text: file([{ digest: id(1), tags: [{ name: 'a b' }] }]),
      at: 'manifests[0].tags[0].name is not a tag',
    },
    {
      name: 'a wrong time',
      text: file([{ digest: id(1), pushedAt: '2026-02-30T00:00:00Z' }]),
      at: 'pushedAt is not a time',
    },
    {
      name: 'a time without an offset',
      text: file([{ digest: id(1), pushedAt: '2026-02-03T00:00:00' }]),
      at: 'pushedAt is not a time',
    },
    { name: 'a negative size', text: file([{ digest: id(1), sizeBytes: -1 }]), at: 'sizeBytes is not' },
    {
      name: 'a lock that is a text',
      text: file([{ digest: id(1), locked: 'false' }]),
      at: 'locked is neither',
    },
    {
      name: 'completeness that is a text',
      text: JSON.stringify({
        schemaVersion: 'inventory/v1',
        registry: 'a',
        repositories: [{ name: 'a', complete: 'no' }],
      }),
      at: 'complete is neither',
    },
    {
      name: 'two rows for a digest',
      text: file([{ digest: id(1) }, { digest: id(1) }]),
      at: 'manifests[1] has the digest',
    },
    {
      name: 'one tag on two digests',
      text: file([
        { digest: id(1), tags: [{ name: 'a' }] },
        { digest: id(2), tags: [{ name: 'a' }] },
      ]),
      at: 'has the tag a, which repositories[0].manifests[0] has',
    },
    {
      name: 'a repository twice',
      text: JSON.stringify({
        schemaVersion: 'inventory/v1',
        registry: 'a',
        repositories: [{ name: 'a' }, { name: 'a' }],
      }),
      at: 'repositories[1] has the repository a',
    },
    {
      name: 'a name that is none',
      text: JSON.stringify({ schemaVersion: 'inventory/v1', registry: 'a', repositories: [{ name: 'A/b' }] }),
      at: 'repositories[0].name',
    },
    {
      name: 'a label that is a number',
      text: file([{ digest: id(1), labels: { a: 1 } }]),
      at: 'labels holds "a"',
    },
  ])('refuses $name and says where', ({ text, at }) => {
    expect(() => parseInventoryFile(text, options)).toThrow(InventoryUnreadableError)
    expect(() => parseInventoryFile(text, options)).toThrow(at)
  })
})

const someDigest = fc.integer({ min: 0, max: 40 }).map((n) => parseDigest(id(n)) as Digest)
const someTime = fc.option(
  fc
    .date({
      noInvalidDate: true,
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('2100-01-01T00:00:00Z'),
    })
    .map((d) => d.getTime()),
  { nil: undefined },
)
const someText = fc.option(fc.string(), { nil: undefined })
const someTexts = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true })
const someBlob = fc.record({ digest: someDigest, sizeBytes: fc.nat() })
const someManifest: fc.Arbitrary<ManifestRecord> = fc.record({
  digest: someDigest,
  mediaType: someText,
  sizeBytes: fc.option(fc.nat(), { nil: undefined }),
  createdAt: someTime,
  pushedAt: someTime,
  pulledAt: someTime,
  recordedAt: someTime,
  firstSeenAt: someTime,
  children: fc.uniqueArray(someDigest),
  subject: fc.option(someDigest, { nil: undefined }),
  artifactType: someText,
  platform: someText,
  config: fc.option(someBlob, { nil: undefined }),
  layers: fc.array(someBlob),
  labels: someTexts,
  annotations: someTexts,
  commits: fc.array(fc.string()),
  locked: fc.boolean(),
  tags: fc.constant([]),
})
const someInventory: fc.Arbitrary<Inventory> = fc
  .uniqueArray(someManifest, { selector: ({ digest }) => digest })
  .map((manifests) => ({
    registry: 'prod' as RegistryName,
    takenAt: options.takenAt,
    capabilities: undefined,
    repositories: [
      {
        name: parseRepositoryName('team/app') as RepositoryName,
        complete: true,
        problems: ['a remark'],
        manifests: manifests.map((manifest, i) => ({
          ...manifest,
          tags: [
            { name: parseTagName(`t${i}`) as TagName, pushedAt: manifest.pushedAt, pulledAt: undefined },
          ],
        })),
      },
    ],
  }))

describe('inventoryDocument', () => {
  it('loses nothing on the way through a file', () => {
    fc.assert(
      fc.property(someInventory, (inventory) => {
        const read = parseInventoryFile(JSON.stringify(inventoryDocument(inventory)), options)
        expect(inventoryDocument(read)).toEqual(inventoryDocument(inventory))
        const sorted = inventory.repositories.map((repository) => ({
          ...repository,
          manifests: repository.manifests.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
        }))
        expect(read.repositories).toEqual(sorted)
      }),
    )
  })

  it('is the same whatever order the registry listed things in', () => {
    fc.assert(
      fc.property(someInventory, (inventory) => {
        const turned = {
          ...inventory,
          repositories: inventory.repositories.map((r) => ({ ...r, manifests: r.manifests.toReversed() })),
        }
        expect(JSON.stringify(inventoryDocument(turned))).toBe(JSON.stringify(inventoryDocument(inventory)))
      }),
    )
  })
})
