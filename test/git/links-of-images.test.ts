/** Which commits images are linked to, by each thing that says so. */
import { describe, expect, it } from 'vitest'
import type { ImageLink } from '../../src/core/git/image-link.ts'
import { imageLinks } from '../../src/core/git/image-links.ts'
import type { LinkSettings } from '../../src/core/git/manifest-links.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { compileTagPatterns } from '../../src/core/policy/compile-patterns.ts'
import { digest, image, labelOf } from '../builders/images.ts'
import { WerfBuilder } from '../werf/make-werf-repository.ts'
import { commit, hour, tellStory } from '../werf/stories.ts'

const c = commit(0xc1)
const d = commit(0xd2)
const revision = 'org.opencontainers.image.revision'
const record = 'application/vnd.winnow.link.v1+json'
const linkTag = (subject: string, id: string): string => `${digest(subject).replace(':', '-')}.link-${id}`

/** `label c1c1…` by the image's label. */
function linksOf(
  manifests: readonly ManifestRecord[],
  settings?: LinkSettings,
): Readonly<Record<string, readonly string[]>> {
  const graph = buildGraph(manifests)
  const entries = [...imageLinks(graph, settings)].map(([node, links]): [string, readonly string[]] => [
    labelOf(graph.manifests[node]?.digest ?? ''),
    links.map(spelled),
  ])
  return Object.fromEntries(entries)
}

function spelled({ origin, commit: id, imageName }: ImageLink): string {
  return `${origin} ${id}${imageName === undefined ? '' : ` ${imageName}`}`
}

describe('each of these is a link', () => {
  it.each([
    { name: 'the label', given: { labels: { [revision]: c } }, links: [`label ${c}`] },
    {
      name: 'the label of before OCI',
      given: { labels: { 'org.label-schema.vcs-ref': c } },
      links: [`label ${c}`],
    },
    { name: 'the annotation', given: { annotations: { [revision]: c } }, links: [`annotation ${c}`] },
    { name: 'a commit of the inventory', given: { commits: [c] }, links: [`inventory ${c}`] },
    { name: 'a short id in a label', given: { labels: { [revision]: 'c1c1c1c' } }, links: ['label c1c1c1c'] },
    {
      name: 'an id of SHA-256',
      given: { labels: { [revision]: 'ab'.repeat(32) } },
      links: [`label ${'ab'.repeat(32)}`],
    },
    { name: 'an id in capitals', given: { labels: { [revision]: c.toUpperCase() } }, links: [`label ${c}`] },
    {
      name: 'what a reader took from the label, once',
      given: { labels: { [revision]: c.toUpperCase() }, commits: [c] },
      links: [`label ${c}`],
    },
    {
      name: 'all of them together',
      given: { labels: { [revision]: c }, annotations: { [revision]: d }, commits: [c, d, commit(3)] },
      links: [`inventory ${commit(3)}`, `label ${c}`, `annotation ${d}`],
    },
    {
      name: 'the label of werf outside its repositories',
      given: { labels: { 'werf-project-repo-commit': c }, commits: [c] },
      links: [`label ${c}`],
    },
  ])('$name', ({ given, links }) => {
    expect(linksOf([image('a', { tags: ['1'], ...given })])).toEqual({ a: links })
  })

  it('what a file or the state says of the digest', () => {
    expect(linksOf([image('a', { tags: ['1'] })], { extra: new Map([[digest('a'), [c, d]]]) })).toEqual({
      a: [`file ${c}`, `file ${d}`],
    })
  })

  it('a record of winnow link, by its tag alone and by its content', () => {
    const links = linksOf([
      image('a', { tags: ['1'] }),
      image('t', { tags: [linkTag('a', c)] }),
      image('r', { subject: 'a', artifactType: record, annotations: { [revision]: d }, commits: [d] }),
    ])
    expect(links['a']).toEqual([`record ${c}`, `record ${d}`])
  })

  it('a commit of an attestation beside the platforms', () => {
    const links = linksOf([
      image('i', { tags: ['1'], children: ['p', 'q'] }),
      image('p', { platform: 'linux/amd64', labels: { [revision]: d } }),
      image('q', { commits: [c] }),
    ])
    expect(links).toEqual({ i: [`provenance ${c}`, `label ${d}`] })
  })
})

describe('an image has the links of all it reaches, and of nothing else', () => {
  it('gives an index those of its platforms, and a platform none of its index', () => {
    const links = linksOf([
      image('i', { tags: ['1'], children: ['p'], annotations: { [revision]: c } }),
      image('p', { tags: ['amd64'], platform: 'linux/amd64', labels: { [revision]: d } }),
    ])
    expect(links).toEqual({ i: [`annotation ${c}`, `label ${d}`], p: [`label ${d}`] })
  })

  it('gives what a record says to its subject, not to another manifest that the record hangs on by a second tag', () => {
    const links = linksOf([
      image('a', { tags: ['1'] }),
      image('b', { tags: ['2'] }),
      image('r', { tags: [linkTag('a', c), linkTag('b', d)] }),
    ])
    expect(links).toMatchObject({ a: [`record ${c}`], b: [`record ${d}`] })
  })

  it('gives a record whose subject is gone to nobody', () => {
    const links = linksOf([
      image('a', { tags: ['1'] }),
      image('r', { subject: 'gone', artifactType: record, annotations: { [revision]: d } }),
      image('t', { tags: [linkTag('gone', c)] }),
    ])
    expect(links).toEqual({})
  })
})

describe('tag patterns', () => {
  const withTags = (tags: readonly string[], patterns: readonly string[]): readonly string[] | undefined =>
    linksOf([image('a', { tags })], { commitTags: compileTagPatterns(patterns) })['a']

  it.each([
    { name: 'the spelling of Go', pattern: '/main-(?P<commit>[0-9a-f]{7,40})/' },
    { name: 'the spelling of everybody else', pattern: '/main-(?<commit>[0-9a-f]{7,40})/' },
  ])('take a named group in $name', ({ pattern }) => {
    expect(withTags(['main-c1c1c1c', 'latest'], [pattern])).toEqual(['tag c1c1c1c'])
  })

  it('all have their say, so that one more takes nothing away', () => {
    const patterns = ['/.*-(?P<commit>[0-9a-f]{7})-.*/', '/.*-(?P<commit>[0-9a-f]{8})/']
    expect(withTags(['x-c1c1c1c-d2d2d2d2'], patterns)).toEqual(['tag c1c1c1c', 'tag d2d2d2d2'])
  })

  it('say nothing of a tag that an exclamation mark takes out', () => {
    expect(withTags(['main-c1c1c1c', 'dev-d2d2d2d'], ['/[a-z]+-(?<commit>[0-9a-f]+)/', '!dev-*'])).toEqual([
      'tag c1c1c1c',
    ])
  })

  it('say nothing without the group, or when it took no part', () => {
    expect(withTags(['main-c1c1c1c', 'latest'], ['main-*', '/latest|v(?<commit>.*)/'])).toBeUndefined()
  })
})

it.each([
  { name: 'a word', text: 'HEAD', told: 'head' },
  { name: 'six digits', text: 'c1c1c1', told: 'c1c1c1' },
  { name: '65 digits', text: 'a'.repeat(65), told: 'a'.repeat(65) },
  { name: 'an option', text: `--upload-pack=${c}`, told: c },
  { name: 'a line break', text: `${c}\n`, told: c },
  { name: 'changes that were not committed', text: `${c}-dirty`, told: c },
  { name: 'an algorithm', text: `sha1:${c}`, told: c },
  { name: 'a version of git describe', text: 'v1.2-3-gc1c1c1c', told: 'c1c1c1c' },
  { name: 'a very long text', text: 'xy'.repeat(1_000_000), told: 'xy'.repeat(100) },
])('$name is what it says, wherever it stands: not nothing', ({ text, told }) => {
  const manifests = [
    image('a', { tags: ['1'], labels: { [revision]: text }, annotations: { [revision]: text } }),
    image('b', { tags: ['2'], commits: [text] }),
  ]
  expect(linksOf(manifests, { extra: new Map([[digest('a'), [text]]]) })).toEqual({
    a: [`annotation ${told}`, `file ${told}`, `label ${told}`],
    b: [`inventory ${told}`],
  })
})

it('takes no text for no link', () => {
  const empty = { [revision]: ' ' }
  expect(linksOf([image('a', { tags: ['1'], labels: empty, annotations: empty, commits: [''] })])).toEqual({})
})

it('is not misled by keys that every object has', () => {
  const links = linksOf([
    image('a', { tags: ['1'], labels: JSON.parse(`{"__proto__": "${c}"}`) as Record<string, string> }),
  ])
  expect(links).toEqual({})
})

describe.each([2, 3] as const)('records of werf %i', (version) => {
  const { werf, stages } = tellStory(version)
  const manifests = werf.manifests()
  const graph = buildGraph(manifests)
  const links = imageLinks(graph)
  const of = (stage: { readonly digest: string }): readonly string[] =>
    links.get(manifests.findIndex(({ digest: each }) => each === stage.digest))?.map(spelled) ?? []

  it('link stages by name', () => {
    expect(of(stages.front)).toEqual([`werf ${commit(2)} fb496116`])
    expect(of(stages.older)).toEqual([`werf ${commit(1)} fb496116`])
    expect(of(stages.back)).toEqual([`werf ${commit(2)} 27dba8ed`])
  })

  it('link a multi-platform image, and its platforms do not compete with it', () => {
    expect(of(stages.multi).map((text) => text.slice(0, 45))).toEqual([`werf ${commit(3)}`])
    expect(of(stages.amd64)).toEqual([])
  })

  it('say nothing for a rejected stage', () => {
    expect(of(stages.rejected)).toEqual([])
  })

  it('leave the label of the build to stages that no record speaks of', () => {
    expect(of(stages.base)).toEqual([`label ${commit(1)}`])
  })
})

it('reads records of werf without labels', () => {
  const werf = new WerfBuilder()
  const stage = werf.stage({ content: 'a', at: hour(0), commit: c })
  werf.link('app', d, stage, hour(1))
  const graph = buildGraph(werf.manifests({ labels: false }))
  expect([...imageLinks(graph).values()].flat().map(spelled)).toEqual([`werf ${d} 798e6f97`])
})
