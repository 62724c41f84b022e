/**
 * One million images through the policy: building the graph, evaluating every rule, protections and the plan.
 *
 *   npm run bench -- policy [IMAGES]
 */
import { compileTagPatterns, compileRepositoryPatterns } from '../src/core/policy/compile-patterns.ts'
import { compileStreamTemplate } from '../src/core/policy/compile-stream-template.ts'
import { compileRange } from '../src/core/policy/version.ts'
import type { Inventory, ManifestRecord } from '../src/core/inventory/inventory.ts'
import type { Digest } from '../src/core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../src/core/image/names.ts'
import { report } from './measure.ts'
import { buildPlan } from '../src/core/plan/build-plan.ts'
import type { Policy, Rule } from '../src/core/policy/policy.ts'

const images = Number(process.argv[2] ?? 1_000_000)
const repositories = 1000
const now = Date.UTC(2026, 10, 23)
const day = 86_400_000

const none: readonly never[] = []
const empty = {}

function digest(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, '0')}` as Digest
}

function tagOf(n: number): string {
  switch (n % 4) {
    case 0:
      return `v${(n >> 12) % 5}.${(n >> 6) % 20}.${n % 64}`
    case 1:
      return `pr-${n % 5000}-${n}`
    case 2:
      return `nightly-${n}`
    default:
      return `sha-${n.toString(16)}`
  }
}

function manifest(n: number): ManifestRecord {
  const pushedAt = now - ((n * 7919) % (400 * day))
  return {
    digest: digest(n),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    sizeBytes: 1000,
    tags: [{ name: tagOf(n) as TagName, pushedAt, pulledAt: undefined }],
    createdAt: undefined,
    pushedAt,
    pulledAt: undefined,
    recordedAt: undefined,
    firstSeenAt: undefined,
    children: none,
    subject: undefined,
    artifactType: undefined,
    platform: undefined,
    config: undefined,
    layers: none,
    labels: empty,
    annotations: empty,
    commits: none,
    locked: false,
  }
}

const inventory: Inventory = {
  registry: 'bench' as RegistryName,
  takenAt: now,
  capabilities: undefined,
  repositories: Array.from({ length: repositories }, (_, r) => ({
    name: `team/app-${r}` as RepositoryName,
    complete: true,
    problems: none,
    manifests: Array.from({ length: Math.ceil(images / repositories) }, (_, n) =>
      manifest(r * 1_000_000 + n * 13 + r),
    ),
  })),
}

const counting = { by: 'pushed', per: undefined, count: 'tags', combine: 'any', timezone: 'UTC' } as const
const rule = (name: string, tags: string | undefined, effect: Rule['effect']): Rule => ({
  name,
  line: 1,
  match: tags === undefined ? [{ semver: compileRange('>=1.0.0') }] : [{ tags: compileTagPatterns([tags]) }],
  not: [],
  except: [],
  effect,
})
const policy: Policy = {
  name: 'bench',
  registry: undefined,
  repositories: compileRepositoryPatterns(['team/**']),
  unit: 'image',
  unmatched: 'delete',
  line: 1,
  unmatchedLine: 2,
  rules: [
    rule('releases', undefined, {
      ...counting,
      kind: 'keep',
      by: 'semver',
      per: compileStreamTemplate('{major}.{minor}'),
      criteria: [{ kind: 'newest', count: 10 }],
    }),
    rule('pull requests', 'pr-*', {
      ...counting,
      kind: 'keep',
      criteria: [{ kind: 'within', ms: 14 * day }],
    }),
    rule('nightlies', 'nightly-*', {
      ...counting,
      kind: 'keep',
      criteria: [{ kind: 'calendar', counts: { daily: 7, weekly: 4, monthly: 12 } }],
    }),
    rule('regex', '/sha-[0-9a-f]{4,12}/', {
      ...counting,
      kind: 'keep',
      criteria: [{ kind: 'newest', count: 20 }],
    }),
  ],
}

const before = process.memoryUsage.rss()
const cpuBefore = process.cpuUsage()
const start = performance.now()
const plan = buildPlan({
  now,
  validForMs: day,
  policySet: {
    policies: [policy],
    protect: {
      youngerThanMs: day,
      seenInUseWithinMs: 7 * day,
      tags: compileTagPatterns(['latest', 'stable-*']),
    },
    limits: { maxDeletions: images, maxShare: 1, minSurvivors: 1 },
    git: [],
  },
  inventories: [inventory],
  evidence: { takenAt: now, sources: [] },
  resolved: { inUse: () => new Map(), missing: [], foreign: [], heldRepositories: new Map() },
  seenInUse: new Map(),
  fingerprints: { policy: digest(1), inventory: digest(2), evidence: digest(3) },
  id: 'p-bench',
  warnings: [],
})
const seconds = (performance.now() - start) / 1000
const cpu = process.cpuUsage(cpuBefore)
const cpuSeconds = (cpu.user + cpu.system) / 1e6
const peakMib = process.resourceUsage().maxRSS / 1024
const mib = (value: number): string => `${Math.round(value)} MiB`
report({
  title: `${plan.summary.images} images through the policy to a plan`,
  rows: [
    {
      images: plan.summary.images,
      delete: plan.summary.imagesDelete,
      seconds: seconds.toFixed(2),
      'CPU s, collector included': cpuSeconds.toFixed(2),
      'inventory in memory': mib(before / 1_048_576),
      'peak memory': mib(peakMib),
    },
  ],
  budgets: [
    { name: 'one million images', value: `${seconds.toFixed(2)} s`, budget: '5 s', met: seconds <= 5 },
    { name: 'peak memory', value: mib(peakMib), budget: '1024 MiB', met: peakMib <= 1024 },
  ],
})
