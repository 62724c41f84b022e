/** Promises about links, on random repositories: more of them never takes one away, and order never shows. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { imageLinks } from '../../src/core/git/image-links.ts'
import type { LinkSettings } from '../../src/core/git/manifest-links.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { compileTagPatterns } from '../../src/core/policy/compile-patterns.ts'
import { digest, image, tag } from '../builders/images.ts'

const revision = 'org.opencontainers.image.revision'
const labels = ['a', 'b', 'c', 'd', 'e'] as const
const stage = (n: number): string => `${String(n).repeat(56)}-1718452800000`
const someCommit = fc.constantFrom('1111111', 'a1'.repeat(20), 'b2'.repeat(20), 'c3'.repeat(32), 'none')
const someTag = fc.oneof(
  fc.constantFrom(
    'latest',
    'cleanup',
    'managed-image-x',
    stage(1),
    stage(2),
    '3'.repeat(56),
    `${stage(1)}-rejected`,
  ),
  fc.tuple(fc.constantFrom('main', 'dev'), someCommit).map((parts) => parts.join('-')),
  fc
    .tuple(fc.constantFrom(...labels), someCommit)
    .map(([label, id]) => `${digest(label).replace(':', '-')}.link-${id}`),
  fc.constantFrom(1, 2).map((n) => `meta-798e6f97_${'a1'.repeat(20)}_${stage(n)}`),
)
const someLabels = fc.record(
  {
    [revision]: someCommit,
    werf: fc.constant('app'),
    'werf-stage-content-digest': fc.constant('x'),
    'werf-project-repo-commit': someCommit,
  },
  { requiredKeys: [] },
)

interface Given {
  readonly tags: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly commits: readonly string[]
  readonly children: readonly string[]
  readonly subject: string | undefined
  readonly artifactType: string | undefined
}

const someManifest: fc.Arbitrary<Given> = fc.record({
  tags: fc.uniqueArray(someTag, { maxLength: 3 }),
  labels: someLabels.map((each) => Object.fromEntries(Object.entries(each))),
  commits: fc.uniqueArray(someCommit, { maxLength: 2 }),
  children: fc.subarray([...labels], { maxLength: 2 }),
  subject: fc.option(fc.constantFrom(...labels), { nil: undefined }),
  artifactType: fc.option(fc.constant('application/vnd.winnow.link.v1+json'), { nil: undefined }),
})

/** A tag is of one manifest: the first that has it. */
const someRepository = fc.array(someManifest, { minLength: 1, maxLength: labels.length }).map((all) => {
  const taken = new Set<string>()
  return all.map(({ tags, subject, artifactType, ...given }, i) => {
    const own = tags.filter((name) => !taken.has(name))
    for (const name of own) taken.add(name)
    return image(labels[i] ?? 'a', {
      ...given,
      tags: own,
      ...(subject !== undefined && { subject }),
      ...(artifactType !== undefined && {
        artifactType,
        annotations: { [revision]: given.commits[0] ?? '' },
      }),
    })
  })
})

const patterns: LinkSettings = { commitTags: compileTagPatterns(['/main-(?<commit>.*)/']) }

/** `digest commit name` of every link; by whom it is said does not count. */
function said(manifests: readonly ManifestRecord[], settings: LinkSettings): ReadonlySet<string> {
  const graph = buildGraph(manifests)
  return new Set(
    [...imageLinks(graph, settings)].flatMap(([node, links]) =>
      links.map((link) => [graph.manifests[node]?.digest, link.commit, link.imageName].join(' ')),
    ),
  )
}

function expectMore(more: ReadonlySet<string>, than: ReadonlySet<string>): void {
  for (const link of than) expect(more).toContain(link)
}

it('one more commit, file or pattern takes no link away from any image', () => {
  fc.assert(
    fc.property(someRepository, fc.nat(labels.length - 1), someCommit, (manifests, at, id) => {
      const before = said(manifests, patterns)
      const withCommit = manifests.map((one, i) =>
        i === at ? { ...one, commits: [...one.commits, id] } : one,
      )
      expectMore(said(withCommit, patterns), before)
      expectMore(
        said(manifests, { ...patterns, extra: new Map([[digest(labels[at] ?? 'a'), [id]]]) }),
        before,
      )
      const wider = compileTagPatterns(['/[a-z]+-(?<commit>.*)/', '/main-(?<commit>.*)/'])
      expectMore(said(manifests, { commitTags: wider }), before)
    }),
    { numRuns: 300 },
  )
})

it('a new record of winnow link takes no link away from any image', () => {
  fc.assert(
    fc.property(
      someRepository,
      fc.constantFrom(...labels),
      fc.constantFrom('d4'.repeat(20), 'b2'.repeat(20)),
      (manifests, subject, id) => {
        const record = image('z', { tags: [tag(`${digest(subject).replace(':', '-')}.link-${id}`)] })
        expectMore(said([...manifests, record], patterns), said(manifests, patterns))
      },
    ),
    { numRuns: 300 },
  )
})

it('the order of manifests and of their tags does not matter', () => {
  const shuffled = someRepository.chain((manifests) =>
    fc.tuple(fc.constant(manifests), fc.shuffledSubarray(manifests, { minLength: manifests.length })),
  )
  const listed = (manifests: readonly ManifestRecord[]): ReadonlyMap<string, unknown> => {
    const graph = buildGraph(manifests)
    return new Map(
      [...imageLinks(graph, patterns)]
        .map(([node, links]): [string, unknown] => [graph.manifests[node]?.digest ?? '', links])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  fc.assert(
    fc.property(shuffled, ([manifests, others]) => {
      const reversed = others.map((one) => ({
        ...one,
        tags: one.tags.toReversed(),
        commits: one.commits.toReversed(),
      }))
      expect(listed(reversed)).toEqual(listed(manifests))
    }),
    { numRuns: 300 },
  )
})

it('asks 20,000 images in a moment', () => {
  const manifests = Array.from({ length: 20_000 }, (_, i) =>
    image(`i${i}`, {
      tags: [`main-${i.toString(16).padStart(8, '0')}`, `v${i}`],
      labels: { [revision]: i.toString(16).padStart(40, '0') },
    }),
  )
  const graph = buildGraph(manifests)
  const started = performance.now()
  expect(imageLinks(graph, patterns).size).toBe(20_000)
  // A second on a slow machine; a step that grew with the square of the images would take minutes.
  expect(performance.now() - started).toBeLessThan(10_000)
})
