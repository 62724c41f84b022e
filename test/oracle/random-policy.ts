/** Random policies: every criterion, every field of `match`, the combinations people write and those they should not. */
import { digestOf } from './random-images.ts'
import type { Random } from './random.ts'
import type {
  WorldBlock,
  WorldConfig,
  WorldCounting,
  WorldDelete,
  WorldKeep,
  WorldPolicy,
  WorldRule,
} from './world.ts'

const durations = ['0s', '1h', '24h', '2d', 'P7D', '14d', '30d', '90d']
const tagPatterns = [
  'pr-*',
  'nightly-*',
  '*',
  'stable-*',
  '/main-.*/',
  '1.*',
  '*-*',
  '/(?<branch>main|dev)-\\d+/',
  'v*',
]
const timezones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland', 'Asia/Kolkata']

export const registries: WorldConfig['registries'] = {
  prod: {
    url: 'https://registry.example.com',
    aliases: ['registry.internal:5000', 'mirror.example.com/prod'],
  },
  lab: { url: 'https://lab.example.com:5000' },
}

export function someConfig(random: Random): WorldConfig {
  const isLoose = random.chance(0.7)
  return {
    version: 1,
    registries,
    ...(random.chance(0.85) && {
      protect: {
        youngerThan: random.pick(['0s', '0s', '0s', '24h', '7d']),
        ...(random.chance(0.4) && { tags: random.some(['latest', 'stable-*', '1.0.0', '!stable-2'], 1, 3) }),
      },
    }),
    limits: isLoose
      ? { maxDeletions: 500, maxShare: '100%', minSurvivors: 0 }
      : {
          maxDeletions: random.between(1, 6),
          maxShare: `${random.pick([10, 25, 30, 50, 100])}%`,
          minSurvivors: random.between(0, 3),
        },
    policies: Array.from({ length: random.between(1, 3) }, (_, i) => somePolicy(random, i)),
  }
}

function somePolicy(random: Random, i: number): WorldPolicy {
  const patterns = [['**'], ['**'], ['team/**', '!team/base'], ['team/*'], ['ops/tool'], ['!a'], ['team/app']]
  const unit = random.pick(['image', 'image', 'tag'] as const)
  return {
    name: `policy-${i}`,
    ...(random.chance(0.2) && { registry: random.pick(['prod', 'lab']) }),
    repositories: random.pick(patterns),
    ...(random.chance(0.9) || unit === 'tag' ? { unit } : {}),
    rules: Array.from({ length: random.between(0, 4) }, (_, n) => someRule(random, n, unit)),
    unmatched: random.pick(['keep', 'delete', 'delete']),
    ...(unit === 'tag' &&
      random.chance(0.3) && { emptied: random.pick(['keep', 'keep', 'delete'] as const) }),
  }
}

/** What `per:` may name after a `match` that gives it. */
const streamed: readonly { readonly match: WorldBlock; readonly per: string }[] = [
  { match: { semver: '*' }, per: '{major}.{minor}' },
  { match: { semver: '>=0.0.1-0' }, per: '{major}' },
  { match: { tags: ['/(?<branch>main|dev)-\\d+/'] }, per: '{branch}' },
  { match: { tags: ['*-*'] }, per: '{1}' },
  { match: { tags: ['/(main|pr|dev|nightly)-.*/', '!main-8'] }, per: 'stream-{1}' },
  { match: { tags: ['*'], semver: '>=1.0.0' }, per: '{minor}' },
]

export function someRule(random: Random, n: number, unit: 'image' | 'tag'): WorldRule {
  const stream = random.chance(0.25) ? random.pick(streamed) : undefined
  const match = stream?.match ?? (random.chance(0.75) ? someBlocks(random) : undefined)
  const effect = random.chance(0.5)
    ? { keep: someKeep(random, stream?.per, unit) }
    : { delete: someDelete(random, stream?.per, unit) }
  return {
    name: `rule-${n}`,
    ...(match !== undefined && { match }),
    ...(random.chance(0.15) && { not: someBlocks(random) }),
    ...(random.chance(0.15) && { except: someBlocks(random) }),
    ...effect,
  }
}

function someBlocks(random: Random): WorldBlock | readonly WorldBlock[] {
  if (random.chance(0.8)) return someBlock(random)
  return [someBlock(random), someBlock(random)]
}

function someBlock(random: Random): WorldBlock {
  const fields: (() => WorldBlock)[] = [
    () => ({ tags: random.some([...tagPatterns, '!main-8', '!pr-2'], 1, 3) }),
    () => ({ tags: random.some(tagPatterns, 1, 2) }),
    () => ({ tagsAll: random.some([...tagPatterns, '!latest'], 1, 3) }),
    () => ({ tagsEvery: random.some(tagPatterns, 1, 2) }),
    () => ({ semver: random.pick(['*', '>=1.0.0', '1.x', '>=2.0.0-0', '<1.2.0']) }),
    () => ({ tagged: random.chance(0.5) }),
    () => ({ tagged: false }),
    () => ({ state: random.some(['complete', 'missing-children', 'orphaned-referrer'], 1, 2) }),
    () => ({ state: ['orphaned-referrer'] }),
    () => ({ labels: { team: random.pick(['red', '*']) } }),
    () => ({ annotations: { keep: random.pick(['yes', '/y.*|n.*/']) } }),
    () => ({ artifactType: [random.pick(['application/vnd.example.sbom', '*'])] }),
    () => ({ mediaType: [random.pick(['*index*', 'application/vnd.oci.image.manifest.v1+json'])] }),
    () => ({ platform: [random.pick(['linux/arm*', 'linux/amd64'])] }),
    () => ({ largerThan: random.pick(['0B', '300B', '700B']) }),
    () => ({ locked: random.chance(0.3) }),
    () => ({ part: random.chance(0.3) }),
    () => ({ created: random.pick(['known', 'unknown'] as const) }),
    () => ({ holdsDigests: [digestOf(random.between(1, 10)), 'sha256:8*'] }),
    () => ({ digests: [digestOf(random.between(1, 10)), 'sha256:9*'] }),
  ]
  const chosen = random.some(fields, 1, random.pick([1, 1, 2]))
  return Object.assign({}, ...chosen.map((make) => make())) as WorldBlock
}

function someCounting(random: Random, per: string | undefined, unit: 'image' | 'tag'): WorldCounting {
  return {
    ...(random.chance(0.5) && {
      by: random.pick([
        'pushed',
        'tagged',
        'uploaded',
        'created',
        'pulled',
        'active',
        'pulledItself',
        'activeItself',
        'semver',
        'name',
      ] as const),
    }),
    ...(random.chance(0.15) && {
      countBy: random.pick(['pushed', 'tagged', 'created', 'pulled', 'semver', 'name'] as const),
    }),
    ...(per !== undefined && { per }),
    ...(unit === 'tag' && random.chance(0.3) && { count: random.pick(['images', 'tags'] as const) }),
  }
}

export function someKeep(random: Random, per: string | undefined, unit: 'image' | 'tag'): WorldKeep {
  const criteria: (() => WorldKeep)[] = [
    () => ({ newest: random.between(1, 3) }),
    () => ({ newest: random.between(1, 3) }),
    () => ({ within: random.pick(durations) }),
    () => ({ pulledWithin: random.pick(durations) }),
    () => ({ all: true }),
    () => someCalendar(random),
    () => someCalendar(random),
  ]
  const [first = criteria[0], ...rest] = random.some(criteria, 1, random.pick([1, 1, 1, 2, 3]))
  const counts = per === undefined ? first?.() : { newest: random.between(1, 2) }
  return combined(random, [counts ?? {}, ...rest.map((make) => make())], someCounting(random, per, unit))
}

function someCalendar(random: Random): WorldKeep {
  const names = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
  const counts = random.some(names, 1, 3).map((name) => [name, random.between(1, 3)])
  return {
    ...(Object.fromEntries(counts) as WorldKeep),
    ...(random.chance(0.6) && { timezone: random.pick(timezones) }),
  }
}

function someDelete(random: Random, per: string | undefined, unit: 'image' | 'tag'): WorldDelete {
  const criteria: (() => WorldDelete)[] = [
    () => ({ beyondNewest: random.between(1, 3) }),
    () => ({ olderThan: random.pick(durations) }),
    () => ({ notPulledFor: random.pick(durations) }),
    () => ({ all: true }),
  ]
  const [first, ...rest] = random.some(criteria, 1, random.pick([1, 1, 1, 2, 3]))
  const counts = per === undefined ? (first?.() ?? {}) : { beyondNewest: random.between(1, 2) }
  const whole: WorldDelete = combined(
    random,
    [counts, ...rest.map((make) => make())],
    someCounting(random, per, unit),
  )
  if (whole.beyondNewest === undefined || random.chance(0.4)) return whole
  return {
    ...whole,
    countAmong: random.pick(['matched', 'eligible', 'remaining']),
    ...(random.chance(0.3) && { onePageOf: random.between(1, 12) }),
  }
}

const calendarKeys = new Set(['hourly', 'daily', 'weekly', 'monthly', 'yearly'])
const criterionKeys = new Set([
  'all',
  'newest',
  'within',
  'pulledWithin',
  'olderThan',
  'beyondNewest',
  'notPulledFor',
])

/** `combine` stands exactly where there are two criteria; the calendar keys are one. */
function combined<T extends WorldCounting>(
  random: Random,
  parts: readonly object[],
  counting: WorldCounting,
): T {
  const whole = Object.assign({}, ...parts) as T
  const keys = Object.keys(whole)
  const criteria =
    keys.filter((key) => criterionKeys.has(key)).length + Number(keys.some((key) => calendarKeys.has(key)))
  return {
    ...whole,
    ...counting,
    ...(criteria > 1 && { combine: random.pick(['any', 'all'] as const) }),
  }
}
