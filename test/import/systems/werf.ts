/**
 * werf cleanup: random histories, images and keep policies, and what werf keeps of them. Written from what is known of
 * werf's scanner; where a source says nothing certain, the evaluator takes the reading that keeps more.
 */
import fc from 'fast-check'
import { stringify } from 'yaml'
import { now } from './system.ts'

const hour = 3_600_000

export interface WerfCommitGiven {
  readonly id: string
  readonly parents: readonly string[]
  readonly committedAt: number
}

export interface WerfReferenceGiven {
  readonly kind: 'branch' | 'tag'
  readonly name: string
  readonly commit: string
}

export interface WerfImageGiven {
  readonly id: string
  readonly imageName: string
  readonly commits: readonly string[]
  /** Undefined: the config has none. */
  readonly createdAt: number | undefined
  /** What another tool pushed has a tag of its own kind. */
  readonly isForeign: boolean
}

export interface WerfWorld {
  readonly commits: readonly WerfCommitGiven[]
  readonly references: readonly WerfReferenceGiven[]
  readonly images: readonly WerfImageGiven[]
}

interface Limit {
  readonly last?: number
  readonly in?: string
  readonly operator?: 'And' | 'Or'
}

interface KeepPolicy {
  readonly references: { readonly branch?: string; readonly tag?: string; readonly limit?: Limit }
  readonly imagesPerReference?: Limit
}

export interface WerfFile {
  readonly text: string
  readonly keeps: (world: WerfWorld) => ReadonlySet<string>
}

/** Every commit has an hour of its own; a child may be dated before its parent, as in real histories. */
const commits: fc.Arbitrary<readonly WerfCommitGiven[]> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 20 * 24 }), { minLength: 5, maxLength: 5 }),
    fc.array(fc.subarray([0, 1, 2, 3], { maxLength: 2 }), { minLength: 5, maxLength: 5 }),
  )
  .map(([ages, parents]) =>
    ages.map((age, at) => ({
      id: `c${at}`,
      parents: (parents[at] ?? []).filter((parent) => parent < at).map((parent) => `c${parent}`),
      committedAt: now - age * hour,
    })),
  )

const references: fc.Arbitrary<readonly WerfReferenceGiven[]> = fc
  .tuple(
    fc.subarray(['main', 'production', 'feature-x', 'v1.0', 'v2.0']),
    fc.array(fc.nat(4), { minLength: 5, maxLength: 5 }),
  )
  .map(([names, heads]) =>
    names.map((name, at) => ({
      kind: name.startsWith('v') ? 'tag' : 'branch',
      name,
      commit: `c${heads[at] ?? 0}`,
    })),
  )

const images: fc.Arbitrary<readonly WerfImageGiven[]> = fc
  .array(
    fc.record({
      imageName: fc.constantFrom('app', 'app', 'api'),
      // The last one is in no clone.
      commits: fc.subarray(['c0', 'c1', 'c2', 'c3', 'c4', 'gone'], { maxLength: 2 }),
      createdAt: fc.option(
        fc.integer({ min: 0, max: 9 }).map((hours) => now - hours * hour),
        { nil: undefined, freq: 9 },
      ),
      isForeign: fc.nat(9).map((n) => n === 0),
    }),
    { maxLength: 7 },
  )
  .map((list) => list.map((each, at) => ({ id: `i${at}`, ...each })))

export const werfWorlds: fc.Arbitrary<WerfWorld> = fc.record({ commits, references, images })

const limit: fc.Arbitrary<Limit | undefined> = fc.option(
  fc
    .record(
      {
        last: fc.constantFrom(-1, 0, 1, 2),
        in: fc.constantFrom('24h', '72h', '240h'),
        operator: fc.constantFrom<'And' | 'Or'>('And', 'Or'),
      },
      { requiredKeys: [] },
    )
    .map((each) => ({ ...each })),
  { nil: undefined },
)

const keepPolicy: fc.Arbitrary<KeepPolicy> = fc
  .record({
    of: fc.constantFrom<readonly ['branch' | 'tag', string]>(
      ['branch', 'main'],
      ['branch', '/.*/'],
      ['branch', '/main|production/'],
      ['branch', '/^main$|^production$/'],
      ['branch', '/^(main|production)$/'],
      ['tag', '/v1.*/'],
      ['tag', '/.*/'],
    ),
    limit,
    imagesPerReference: limit,
  })
  .map(({ of: [kind, pattern], limit: some, imagesPerReference }) => ({
    references: { [kind]: pattern, ...(some !== undefined && { limit: some }) },
    ...(imagesPerReference !== undefined && { imagesPerReference }),
  }))

export const werfFiles: fc.Arbitrary<WerfFile> = fc
  .record({
    policies: fc.array(keepPolicy, { maxLength: 3 }),
    hours: fc.constantFrom(undefined, 0, 3),
    disableGit: fc.nat(9).map((n) => n === 0),
  })
  .map(({ policies, hours, disableGit }) => ({
    text: stringify({
      project: 'demo',
      configVersion: 1,
      cleanup: {
        disableKubernetesBasedPolicy: true,
        ...(hours !== undefined && { keepImagesBuiltWithinLastNHours: hours }),
        ...(disableGit && { disableGitHistoryBasedPolicy: true }),
        ...(policies.length > 0 && { keepPolicies: policies }),
      },
    }),
    keeps: (world) => {
      const byGit = disableGit ? [] : keptByGit(policies.length > 0 ? policies : builtIn, world)
      const fresh = world.images.filter(
        ({ createdAt }) => createdAt !== undefined && now - createdAt <= (hours ?? 2) * hour,
      )
      const foreign = world.images.filter(({ isForeign }) => isForeign)
      const isFreshOn = hours !== 0
      return new Set([...byGit, ...(isFreshOn ? fresh : []), ...foreign].map(({ id }) => id))
    },
  }))

const builtIn: readonly KeepPolicy[] = [
  { references: { tag: '/.*/', limit: { last: 10 } } },
  {
    references: { branch: '/.*/', limit: { last: 10, in: '168h', operator: 'And' } },
    imagesPerReference: { last: 2, in: '168h', operator: 'And' },
  },
  { references: { branch: '/^(main|master|staging|production)$/' }, imagesPerReference: { last: 10 } },
]

function keptByGit(policies: readonly KeepPolicy[], world: WerfWorld): readonly WerfImageGiven[] {
  // For one reference the last policy that selects it says how many of its images stay.
  const wanted = new Map<WerfReferenceGiven, Limit>()
  for (const { references: asked, imagesPerReference } of policies) {
    for (const reference of selected(asked, world)) wanted.set(reference, imagesPerReference ?? {})
  }
  return [...wanted].flatMap(([reference, limits]) => keptOf(reference, limits, world))
}

function msOf(text: string): number {
  return Number(text.replace('h', '')) * hour
}

function dateOf(id: string, { commits: all }: WerfWorld): number {
  return all.find((commit) => commit.id === id)?.committedAt ?? 0
}

function selected(asked: KeepPolicy['references'], world: WerfWorld): readonly WerfReferenceGiven[] {
  const kind = asked.branch === undefined ? 'tag' : 'branch'
  const written = asked.branch ?? asked.tag ?? ''
  const [, expression] = /^\/(.*)\/$/.exec(written) ?? []
  // Anchors and no brackets: "main|production" begins with the one, or ends with the other.
  const matches = (name: string): boolean =>
    expression === undefined ? name === written : new RegExp(`^${expression}$`).test(name)
  const found = world.references.filter((each) => each.kind === kind && matches(each.name))
  const date = (each: WerfReferenceGiven): number => dateOf(each.commit, world)
  const { last = -1, in: within, operator = 'And' } = asked.limit ?? {}
  const newest = found.toSorted((a, b) => date(b) - date(a))
  const byCount = last < 0 ? found : newest.slice(0, last)
  const byTime = within === undefined ? found : found.filter((each) => now - date(each) < msOf(within))
  return operator === 'And'
    ? byCount.filter((each) => byTime.includes(each))
    : found.filter((each) => byCount.includes(each) || byTime.includes(each))
}

function keptOf(reference: WerfReferenceGiven, limits: Limit, world: WerfWorld): readonly WerfImageGiven[] {
  const { last = 1, in: within, operator = 'And' } = limits
  if (last === 0) return []
  const reached = reference.kind === 'tag' ? new Set([reference.commit]) : ancestors(reference.commit, world)
  const isRecent = (id: string): boolean => within === undefined || now - dateOf(id, world) < msOf(within)
  const isCut = within !== undefined && operator === 'And'
  return [...new Set(world.images.map(({ imageName }) => imageName))].flatMap((name) => {
    const stages = world.images.flatMap((image) => {
      const own = image.commits.filter((id) => reached.has(id) && (!isCut || isRecent(id)))
      const [newest] = own.toSorted((a, b) => dateOf(b, world) - dateOf(a, world))
      return image.imageName === name && !image.isForeign && newest !== undefined
        ? [{ image, commit: newest }]
        : []
    })
    const byDate = [...new Set(stages.map(({ commit }) => commit))].toSorted(
      (a, b) => dateOf(b, world) - dateOf(a, world),
    )
    const counted = last < 0 || stages.length <= last ? byDate : byDate.slice(0, last)
    const kept = stages.filter(
      ({ commit }) => counted.includes(commit) || (operator === 'Or' && isRecent(commit)),
    )
    return kept.map(({ image }) => image)
  })
}

function ancestors(head: string, { commits: all }: WerfWorld): ReadonlySet<string> {
  const reached = new Set<string>()
  const open = [head]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...(all.find(({ id }) => id === next)?.parents ?? []))
  }
  return reached
}
