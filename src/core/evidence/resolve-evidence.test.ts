import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { Inventory, ManifestRecord } from '../inventory/inventory.ts'
import type { Evidence, SourceEvidence } from './evidence.ts'
import type { ManagedNames } from './managed-names.ts'
import { resolveEvidence, type ResolvedEvidence } from './resolve-evidence.ts'

const prod = 'prod' as RegistryName
const lab = 'lab' as RegistryName
const managed: ManagedNames = {
  registries: [
    { name: prod, prefixes: ['registry.example.com', 'mirror.example.com/prod'] },
    { name: lab, prefixes: ['lab.example.com'] },
  ],
  tagsOf: () => new Set(),
}

function digest(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, '0')}` as Digest
}

interface Sketch {
  readonly digest: number
  readonly tags?: readonly string[]
  readonly config?: number
}

function manifest({ digest: n, tags = [], config }: Sketch): ManifestRecord {
  return {
    digest: digest(n),
    mediaType: undefined,
    sizeBytes: undefined,
    tags: tags.map((name) => ({ name: name as TagName, pushedAt: undefined, pulledAt: undefined })),
    createdAt: undefined,
    pushedAt: undefined,
    pulledAt: undefined,
    recordedAt: undefined,
    firstSeenAt: undefined,
    children: [],
    subject: undefined,
    artifactType: undefined,
    platform: undefined,
    config: config === undefined ? undefined : { digest: digest(config), sizeBytes: 1 },
    layers: [],
    labels: {},
    annotations: {},
    commits: [],
    locked: false,
  }
}

function inventory(registry: RegistryName, repositories: Record<string, readonly Sketch[]>): Inventory {
  return {
    registry,
    takenAt: 0,
    capabilities: undefined,
    repositories: Object.entries(repositories).map(([name, manifests]) => ({
      name: name as RepositoryName,
      complete: true,
      problems: [],
      manifests: manifests.map(manifest),
    })),
  }
}

function source(
  name: string,
  references: readonly (readonly [string, string])[],
  digests: readonly (readonly [number, string])[] = [],
): SourceEvidence {
  return {
    name,
    complete: true,
    leftOut: false,
    identity: undefined,
    objects: 0,
    pods: undefined,
    problems: [],
    references: references.map(([reference, where]) => ({ reference, where })),
    digests: digests.map(([n, where]) => ({ digest: digest(n), where })),
  }
}

function evidence(...sources: readonly SourceEvidence[]): Evidence {
  return { takenAt: 0, sources }
}

function numbersInUse(resolved: ResolvedEvidence, registry: RegistryName, repository: string): number[] {
  const found = resolved.inUse(registry, repository as RepositoryName)
  return [...found.keys()].map((each) => Number.parseInt(each.slice(7), 16)).toSorted((a, b) => a - b)
}

const shop = inventory(prod, {
  'team/app': [
    { digest: 1, tags: ['1.0', 'latest'], config: 101 },
    { digest: 2, tags: ['2.0'], config: 102 },
    { digest: 3, config: 103 },
  ],
  'team/copy': [{ digest: 2, tags: ['copied'], config: 102 }],
})
const other = inventory(lab, { app: [{ digest: 2 }, { digest: 4, tags: ['x'] }] })

describe('what is in use', () => {
  it.each([
    {
      name: 'a tag protects what it points to, under its other names too',
      reference: 'registry.example.com/team/app:2.0',
      app: [2],
      copy: [2],
    },
    { name: 'a name alone means latest', reference: 'registry.example.com/team/app', app: [1], copy: [] },
    {
      name: 'an alias with a path means the repository behind it',
      reference: 'mirror.example.com/prod/team/app:2.0',
      app: [2],
      copy: [2],
    },
    {
      name: 'tag and digest are both protected',
      reference: `registry.example.com/team/app:1.0@${digest(3)}`,
      app: [1, 3],
      copy: [],
    },
    {
      name: 'a digest is protected wherever it lies',
      reference: `registry.example.com/team/app@${digest(2)}`,
      app: [2],
      copy: [2],
    },
    {
      name: "a digest is protected under somebody else's name",
      reference: `quay.io/x/y@${digest(2)}`,
      app: [2],
      copy: [2],
    },
    {
      name: 'a digest of a config stands for its manifests',
      reference: `quay.io/x/y@${digest(102)}`,
      app: [2],
      copy: [2],
    },
    {
      name: "a tag under somebody else's name means nothing here",
      reference: 'quay.io/team/app:2.0',
      app: [],
      copy: [],
    },
    {
      name: 'a digest without latest protects no latest',
      reference: `registry.example.com/team/app@${digest(3)}`,
      app: [3],
      copy: [],
    },
  ])('$name', ({ reference, app, copy }) => {
    const resolved = resolveEvidence(evidence(source('k', [[reference, 'Pod a/b']])), [shop, other], managed)
    expect(numbersInUse(resolved, prod, 'team/app')).toEqual(app)
    expect(numbersInUse(resolved, prod, 'team/copy')).toEqual(copy)
  })

  it('protects a lone digest in every registry, and tells each witness once', () => {
    const both = evidence(
      source(
        'k',
        [[`registry.example.com/team/app:2.0@${digest(2)}`, 'Pod a/b']],
        [
          [2, 'Pod a/b'],
          [102, 'Pod a/c'],
        ],
      ),
      source('h', [], [[2, 'Release a/r v1']]),
    )
    const resolved = resolveEvidence(both, [shop, other], managed)
    expect(numbersInUse(resolved, lab, 'app')).toEqual([2])
    expect(resolved.inUse(prod, 'team/app' as RepositoryName).get(digest(2))).toEqual([
      { source: 'k', where: 'Pod a/b' },
      { source: 'h', where: 'Release a/r v1' },
      { source: 'k', where: 'Pod a/c' },
    ])
  })
})

describe('a tag in another spelling', () => {
  const folding = (foldsTagCase: boolean | undefined): Inventory => ({
    ...inventory(prod, {
      app: [
        { digest: 1, tags: ['release-7'] },
        { digest: 2, tags: ['other'] },
      ],
    }),
    capabilities:
      foldsTagCase === undefined
        ? undefined
        : {
            product: 'a registry',
            deleteByTag: true,
            deleteRemovesSiblings: true,
            deletes: { state: 'yes' },
            listsUntagged: true,
            pushTime: true,
            pullTime: false,
            protectsChildren: false,
            foldsTagCase,
            referrersApi: false,
            undo: 'none',
            pageSizeMax: undefined,
            rateLimit: undefined,
          },
  })
  const inUse = evidence(source('k', [['registry.example.com/app:Release-7', 'Deployment a/b']]))

  it.each([
    { name: 'of a registry that folds case is that tag', folds: true, missing: 0 },
    { name: 'of a registry that does not is protected, and the other one missing', folds: false, missing: 1 },
    { name: 'of an inventory from a file is protected as well', folds: undefined, missing: 1 },
  ])('$name', ({ folds, missing }) => {
    const resolved = resolveEvidence(inUse, [folding(folds)], managed)
    expect(numbersInUse(resolved, prod, 'app')).toEqual([1])
    expect(resolved.missing).toHaveLength(missing)
  })

  it('protects nothing where the very spelling is there', () => {
    const both = inventory(prod, {
      app: [
        { digest: 1, tags: ['release-7'] },
        { digest: 2, tags: ['Release-7'] },
      ],
    })
    const resolved = resolveEvidence(inUse, [both], managed)
    expect(numbersInUse(resolved, prod, 'app')).toEqual([2])
  })

  it('is missing where no spelling of it is there', () => {
    const gone = { ...folding(true), repositories: inventory(prod, { app: [{ digest: 2 }] }).repositories }
    expect(resolveEvidence(inUse, [gone], managed).missing).toHaveLength(1)
  })
})

describe('what is missing', () => {
  it.each([
    {
      name: 'a tag that is there is not missing',
      reference: 'registry.example.com/team/app:2.0',
      missing: [],
    },
    {
      name: 'a tag that is gone',
      reference: 'registry.example.com/team/app:9',
      missing: [{ repository: 'team/app', tag: '9', isRepositoryKnown: true }],
    },
    {
      name: 'a repository that is gone',
      reference: 'registry.example.com/gone:1',
      missing: [{ repository: 'gone', tag: '1', isRepositoryKnown: false }],
    },
    {
      name: 'a digest that is gone',
      reference: `registry.example.com/team/app@${digest(9)}`,
      missing: [{ repository: 'team/app', digest: digest(9), isRepositoryKnown: true }],
    },
    {
      name: 'a digest that is there pulls without its tag',
      reference: `registry.example.com/team/app:9@${digest(3)}`,
      missing: [],
    },
    { name: "somebody else's image is not ours to miss", reference: 'quay.io/x/y:1', missing: [] },
    {
      name: 'a registry that was not read is not judged',
      reference: 'lab.example.com/app:none',
      missing: [],
    },
  ])('$name', ({ reference, missing }) => {
    const resolved = resolveEvidence(evidence(source('k', [[reference, 'Pod a/b']])), [shop], managed)
    expect(resolved.missing).toEqual(
      missing.map((each) => ({ registry: prod, ...each, mark: { source: 'k', where: 'Pod a/b' } })),
    )
  })

  it('does not miss what was only guessed', () => {
    const guess = {
      ...source('k', []),
      references: [{ reference: 'registry.example.com/team/app:9', where: 'x', isGuess: true }],
    }
    expect(resolveEvidence(evidence(guess), [shop], managed).missing).toEqual([])
  })
})

it("tells which digests of ours run under somebody else's name", () => {
  const reference = `old.example.com/app@${digest(2)}`
  const resolved = resolveEvidence(evidence(source('k', [[reference, 'Pod a/b']])), [shop], managed)
  expect(resolved.foreign).toEqual([
    {
      reference,
      digest: digest(2),
      registry: prod,
      repository: 'team/app',
      mark: { source: 'k', where: 'Pod a/b' },
    },
  ])
})

describe('holding a repository', () => {
  it.each([
    {
      name: 'an unknown config beside a tag that is gone holds the repository',
      tag: 'gone',
      digest: 999,
      where: 'Pod a/b',
      held: ['team/app'],
    },
    { name: 'a tag that is there holds nothing', tag: '2.0', digest: 999, where: 'Pod a/b', held: [] },
    { name: 'a known config holds nothing', tag: 'gone', digest: 103, where: 'Pod a/b', held: [] },
    { name: 'a digest from another pod holds nothing', tag: 'gone', digest: 999, where: 'Pod a/c', held: [] },
  ])('$name', ({ tag, digest: n, where, held }) => {
    const asked = evidence(source('k', [[`registry.example.com/team/app:${tag}`, 'Pod a/b']], [[n, where]]))
    const resolved = resolveEvidence(asked, [shop], managed)
    expect([...(resolved.heldRepositories.get(prod)?.keys() ?? [])]).toEqual(held)
  })

  it('knows a pulled digest from a config, and holds nothing for an image that is simply gone', () => {
    const pod = source('k', [['registry.example.com/team/app:gone', 'Pod a/b']])
    const asked = evidence({ ...pod, digests: [{ digest: digest(999), where: 'Pod a/b', isManifest: true }] })
    expect(resolveEvidence(asked, [shop], managed).heldRepositories.size).toBe(0)
  })
})

const someSource = fc
  .tuple(
    fc.constantFrom('k', 'h', 'r'),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          'registry.example.com/team/app',
          'mirror.example.com/prod/team/copy',
          'lab.example.com/app',
          'quay.io/x/y',
        ),
        fc.constantFrom('', ':1.0', ':2.0', ':x', ':gone', `@${digest(2)}`, `:1.0@${digest(103)}`),
      ),
      { maxLength: 4 },
    ),
    fc.array(fc.constantFrom(1, 2, 3, 4, 101, 102, 999), { maxLength: 3 }),
  )
  .map(([name, references, digests]) =>
    source(
      name,
      references.map((parts) => [parts.join(''), 'Pod a/b'] as const),
      digests.map((n) => [n, 'Pod a/b'] as const),
    ),
  )

// Promise 2: more evidence never deletes more. It holds if and only if marks never disappear.
it('more sources never take a mark away', () => {
  fc.assert(
    fc.property(fc.array(someSource, { maxLength: 3 }), someSource, (few, one) => {
      const before = resolveEvidence(evidence(...few), [shop, other], managed)
      const after = resolveEvidence(evidence(...few, one), [shop, other], managed)
      for (const [registry, repository] of [
        [prod, 'team/app'],
        [prod, 'team/copy'],
        [lab, 'app'],
      ] as const) {
        const more = after.inUse(registry, repository as RepositoryName)
        for (const [each, marks] of before.inUse(registry, repository as RepositoryName)) {
          expect(more.get(each)).toEqual(expect.arrayContaining([...marks]))
        }
        const name = repository as RepositoryName
        const wasHeld = before.heldRepositories.get(registry)?.has(name) ?? false
        if (wasHeld) expect(after.heldRepositories.get(registry)?.has(name)).toBe(true)
      }
    }),
  )
})

it('reads three hundred thousand manifests in little time', () => {
  const many = Array.from({ length: 300_000 }, (_, n) => ({
    digest: n,
    config: 1_000_000 + n,
    tags: [`t${n}`],
  }))
  const large = inventory(prod, { 'team/app': many })
  const asked = evidence(
    source('k', [['registry.example.com/team/app:t7', 'Pod a/b']], [[1_000_009, 'Pod a/c']]),
  )
  const started = performance.now()
  expect(numbersInUse(resolveEvidence(asked, [large], managed), prod, 'team/app')).toEqual([7, 9])
  expect(performance.now() - started).toBeLessThan(60_000)
})
