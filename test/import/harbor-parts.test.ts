/**
 * Harbor and the parts of images: a platform with a tag of its own is an artifact of its own there, is counted, and is
 * retained or not; as long as an index refers to it, Harbor refuses to delete it. Platforms without a tag, and accessories,
 * are no candidates. (Harbor, src/pkg/retention and src/controller/artifact; default set of the listing: artifacts that
 * have a tag or that no index refers to.)
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { daysAgo, image, now, tag } from '../builders/images.ts'
import { importText, planManifests } from './plan-in-process.ts'

const dayMs = 86_400_000

interface Artifact {
  readonly id: string
  readonly pushedAt: number
  readonly tags: readonly string[]
  readonly children: readonly string[]
  readonly subject: string | undefined
  readonly immutable: boolean
}

interface Retention {
  readonly template: 'latestPushedK' | 'nDaysSinceLastPush' | 'nothing'
  readonly number: number
  readonly pattern: '**' | 'v*'
  readonly untagged: boolean
}

const retentions: fc.Arbitrary<readonly Retention[]> = fc.array(
  fc.record({
    template: fc.constantFrom('latestPushedK', 'nDaysSinceLastPush', 'nothing'),
    number: fc.integer({ min: 0, max: 3 }),
    pattern: fc.constantFrom('**', 'v*'),
    untagged: fc.boolean(),
  }),
  { minLength: 1, maxLength: 2 },
)

/** Each may be an index of some that come before it, or an accessory of one of them. */
const worlds: fc.Arbitrary<readonly Artifact[]> = fc
  .array(
    fc.record({
      tags: fc.subarray(['v', 'x']),
      days: fc.integer({ min: 0, max: 5 }),
      kind: fc.constantFrom('image', 'image', 'image', 'index', 'index', 'accessory'),
      picks: fc.array(fc.nat(), { minLength: 1, maxLength: 2 }),
      immutable: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
    { maxLength: 7 },
  )
  .map((rows) => {
    const made: Artifact[] = []
    for (const [at, { tags, days, kind, picks, immutable }] of rows.entries()) {
      const targets = made.filter(({ subject }) => subject === undefined).map(({ id }) => id)
      const chosen = [...new Set(picks.flatMap((pick) => targets[pick % targets.length] ?? []))]
      const subject = kind === 'accessory' ? chosen[0] : undefined
      made.push({
        id: `i${at}`,
        pushedAt: now - days * dayMs - at * 1000 - 1,
        // What Harbor's listing has of an accessory is its digest.
        tags: subject === undefined ? tags.map((name) => `${name}${at}`) : [],
        children: kind === 'index' ? chosen : [],
        subject,
        immutable: immutable && tags.length > 0 && subject === undefined,
      })
    }
    return made
  })

function isReferenced(id: string, all: readonly Artifact[]): boolean {
  return all.some(({ children }) => children.includes(id))
}

/** The artifacts that are gone once retention has run until nothing more goes. */
function harborDeletes(rules: readonly Retention[], world: readonly Artifact[]): ReadonlySet<string> {
  let left = world
  for (;;) {
    const before = left
    const candidates = left.filter(
      ({ id, tags, subject }) => subject === undefined && (tags.length > 0 || !isReferenced(id, before)),
    )
    const retained = new Set(rules.flatMap((rule) => retain(rule, candidates)))
    for (const each of candidates) {
      const isThere = left.includes(each)
      if (isThere && !retained.has(each) && !each.immutable && !isReferenced(each.id, left))
        left = without(each, left)
    }
    if (left.length === before.length)
      return new Set(world.filter((each) => !left.includes(each)).map(({ id }) => id))
  }
}

/** With an artifact go its accessories, and its children that have no tag and no other index. */
function without(gone: Artifact, all: readonly Artifact[]): readonly Artifact[] {
  let left: readonly Artifact[] = all.filter((each) => each !== gone && each.subject !== gone.id)
  for (const id of gone.children) {
    const child = left.find((each) => each.id === id)
    if (child?.tags.length === 0 && !isReferenced(id, left)) left = without(child, left)
  }
  return left
}

function retain(
  { template, number, pattern, untagged }: Retention,
  candidates: readonly Artifact[],
): readonly Artifact[] {
  const chosen = candidates.filter(({ tags }) =>
    tags.length === 0 ? untagged : tags.some((name) => pattern === '**' || name.startsWith('v')),
  )
  if (template === 'nothing') return []
  if (template === 'latestPushedK') return chosen.toSorted((a, b) => b.pushedAt - a.pushedAt).slice(0, number)
  return chosen.filter(({ pushedAt }) => pushedAt >= now - number * dayMs)
}

function retentionText(rules: readonly Retention[]): string {
  return JSON.stringify({
    algorithm: 'or',
    rules: rules.map(({ template, number, pattern, untagged }) => ({
      action: 'retain',
      template,
      params: { [template]: number },
      tag_selectors: [
        { kind: 'doublestar', decoration: 'matches', pattern, extras: JSON.stringify({ untagged }) },
      ],
      scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] },
    })),
  })
}

function gone(rules: readonly Retention[], world: readonly Artifact[]): ReadonlySet<string> {
  const manifests = world.map(({ id, pushedAt, tags, children, subject, immutable }) =>
    image(id, {
      pushedAt,
      tags: tags.map((name) => tag(name, { pushedAt })),
      children,
      ...(subject !== undefined && { subject }),
      locked: immutable,
    }),
  )
  return planManifests(importText('harbor', retentionText(rules)).yaml, 'library/app', manifests).images
}

it('deletes no artifact that Harbor, run until nothing more goes, leaves', () => {
  fc.assert(
    fc.property(retentions, worlds, (rules, world) => {
      const expected = harborDeletes(rules, world)
      expect(
        [...gone(rules, world)].filter((id) => !expected.has(id)),
        retentionText(rules),
      ).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

describe('a platform with a tag of its own', () => {
  const newest: readonly Retention[] = [
    { template: 'latestPushedK', number: 1, pattern: '**', untagged: true },
  ]
  const artifact = (id: string, days: number, more: Partial<Artifact> = {}): Artifact => ({
    id,
    pushedAt: daysAgo(days),
    tags: [id],
    children: [],
    subject: undefined,
    immutable: false,
    ...more,
  })

  it.each([
    { name: 'stays while its index stays', index: 1, platform: 9, expected: ['other'] },
    { name: 'stays by itself when its index goes', index: 9, platform: 1, expected: ['index', 'other'] },
  ])('$name', ({ index, platform, expected }) => {
    const world = [
      artifact('platform', platform),
      artifact('index', index, { children: ['platform'] }),
      artifact('other', 5),
    ]
    expect([...gone(newest, world)].toSorted()).toEqual(expected)
    expect([...harborDeletes(newest, world)].toSorted()).toEqual(expected)
  })
})

it.each(['latestPulledN', 'latestActiveK'])('%s counts an index by its own pulls', (template) => {
  const text = retentionText([{ template: 'nothing', number: 1, pattern: '**', untagged: true }])
  const { yaml } = importText('harbor', text.replaceAll('nothing', template))
  const world = [
    image('platform', { pushedAt: daysAgo(40), pulledAt: daysAgo(1) }),
    image('index', { tags: ['v1'], pushedAt: daysAgo(40), pulledAt: daysAgo(20), children: ['platform'] }),
    image('single', { tags: ['v2'], pushedAt: daysAgo(40), pulledAt: daysAgo(10) }),
  ]
  expect(planManifests(yaml, 'library/app', world).images).toEqual(new Set(['index']))
})
