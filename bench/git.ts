/**
 * A plan with ten rules by Git history over one large repository: 100,000 commits, 5,000 references, 20,000 linked images.
 * Then half of the commits, and half of the references, to see that time grows with their sum and not with their product.
 *
 *   npm run bench -- git [ROUNDS]
 *
 * The whole command is measured: reading the clone by git, links, rules, the plan. The same clone is read by plain
 * `git rev-list` beside it, which is what nobody who reads a history can do without.
 */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeRepository, type CommitSpec, type ReferenceSpec } from '../test/git/make-repository.ts'
import { median, report } from './measure.ts'
import { measure, type Measured } from './peak-memory.ts'

const SECONDS_BUDGET = 10
const MEMORY_BUDGET_MIB = 500
const IMAGES = 20_000
const IMAGE_REPOSITORIES = 20
const DAY = 86_400_000
const now = Date.parse('2026-06-01T00:00:00Z')

interface Size {
  readonly what: string
  readonly commits: number
  readonly references: number
}

const sizes: readonly Size[] = [
  { what: 'all', commits: 100_000, references: 5000 },
  { what: 'half the commits', commits: 50_000, references: 5000 },
  { what: 'half the references', commits: 100_000, references: 2500 },
]

const configuration = `
version: 1
registries: {prod: {url: https://registry.example.com}}
protect: {youngerThan: 0s, seenInUseWithin: 0s}
limits: {maxDeletions: 1000000, maxShare: 100%, minSurvivors: 0}
policies:
  - rules:
      - {name: main, keep: {git: {repository: app, branches: main, images: {newest: 20}}}}
      - {name: main lately, keep: {git: {repository: app, branches: main, images: {within: 30d}}}}
      - {name: releases, keep: {git: {repository: app, tags: 'v[0-3]\\..*'}}}
      - {name: newest releases, keep: {git: {repository: app, tags: '.*', references: {newest: 50}}}}
      - {name: lately released, keep: {git: {repository: app, tags: '.*', references: {within: 90d}}}}
      - {name: release branches, keep: {git: {repository: app, branches: 'release/.*', images: {newest: 3}}}}
      - {name: active, keep: {git: {repository: app, branches: '.*', references: {within: 14d}, images: {newest: 2}}}}
      - {name: ten, keep: {git: {repository: app, branches: '.*', references: {newest: 10, within: 168h, combine: all}, images: {newest: 2, within: 168h, combine: all}}}}
      - {name: features, keep: {git: {repository: app, branches: 'feature/.*', images: {newest: 1}}}}
      - {name: any, keep: {git: {repository: app, branches: '.*', images: {newest: 5, within: 7d, combine: any}}}}
    unmatched: delete
`

const rounds = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 3)
const main = fileURLToPath(new URL('dist/cli/main.js', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'winnow-bench-git-'))
try {
  const worlds = []
  for (const size of sizes) worlds.push({ size, path: await makeWorld(size) })
  const plans = new Map<Size, Measured[]>()
  const walks = new Map<Size, Measured[]>()
  for (let round = 1; round <= rounds; round++) {
    console.error(`Round ${round} of ${rounds}`)
    for (const { size, path } of worlds) {
      keep(plans, size, await plan(path))
      keep(walks, size, await revList(path))
    }
  }
  reportAll(plans, walks)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** The same numbers in every run. */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % below
  }
}

async function makeWorld({ what, commits, references }: Size): Promise<string> {
  console.error(`Making ${commits} commits and ${references} references`)
  const path = join(folder, what.replaceAll(' ', '-'))
  await mkdir(join(path, 'app'), { recursive: true })
  const random = sequence(7)
  const clone = await makeRepository(
    { commits: history(commits, random), references: heads(commits, references, random) },
    { form: 'clone', path: join(path, 'app'), files: false },
  )
  const ids = [...clone.ids.values()]
  await writeFile(join(path, 'inventory.json'), inventory(ids, random))
  await writeFile(join(path, 'winnow.yaml'), configuration)
  return path
}

/** A trunk on which every fourth commit merges a side branch; clocks of builders are off now and then. */
function history(count: number, random: (below: number) => number): readonly CommitSpec[] {
  return Array.from({ length: count }, (_, n) => {
    const back = (steps: number): string => `c${Math.max(0, n - steps)}`
    const isMerge = n % 4 === 3 && n > 20
    const isSide = n % 4 === 2 && n > 20
    const skew = random(100) === 0 ? random(DAY) : 0
    return {
      id: `c${n}`,
      parents: n === 0 ? [] : isMerge ? [back(1), back(2 + random(15))] : [back(isSide ? 2 + random(6) : 1)],
      committedAt: now - Math.floor(((count - n) * 1000 * DAY) / count) - skew,
    }
  })
}

function heads(commits: number, count: number, random: (below: number) => number): readonly ReferenceSpec[] {
  const all = Array.from({ length: count }, (_, n): ReferenceSpec => {
    const commit = `c${commits - 1 - random(commits)}`
    return n % 2 === 0
      ? { kind: 'branch', name: `${n % 10 === 0 ? 'release' : 'feature'}/${n}`, commit }
      : { kind: 'tag', name: `v${n % 7}.${n}.0`, commit }
  })
  return [{ kind: 'branch', name: 'main', commit: `c${commits - 1}` }, ...all]
}

function inventory(ids: readonly string[], random: (below: number) => number): string {
  const perRepository = IMAGES / IMAGE_REPOSITORIES
  const repositories = Array.from({ length: IMAGE_REPOSITORIES }, (_, at) => ({
    name: `team/app-${at}`,
    complete: true,
    manifests: Array.from({ length: perRepository }, (__, n) => ({
      digest: `sha256:${(at * perRepository + n).toString(16).padStart(64, '0')}`,
      tags: [{ name: `build-${n}` }],
      commits: [ids[random(ids.length)], ...(n % 5 === 0 ? [ids[random(ids.length)]] : [])],
    })),
  }))
  return JSON.stringify({
    schemaVersion: 'inventory/v1',
    registry: 'prod',
    takenAt: new Date(now).toISOString(),
    repositories,
  })
}

function plan(path: string): Promise<Measured> {
  const words = ['plan', '--config', join(path, 'winnow.yaml'), '--inventory', join(path, 'inventory.json')]
  const at = new Date(now).toISOString()
  return measure(process.execPath, [
    main,
    ...words,
    '--now',
    at,
    '--state',
    join(path, 'state'),
    '-o',
    'names',
  ])
}

function revList(path: string): Promise<Measured> {
  return measure('git', [
    '-C',
    join(path, 'app'),
    'rev-list',
    '--topo-order',
    '--parents',
    '--timestamp',
    '--all',
  ])
}

function keep(samples: Map<Size, Measured[]>, size: Size, measured: Measured): void {
  samples.set(size, [...(samples.get(size) ?? []), measured])
}

function reportAll(plans: ReadonlyMap<Size, Measured[]>, walks: ReadonlyMap<Size, Measured[]>): void {
  const rows = sizes.map((size) => {
    const [planned, walked] = [plans.get(size) ?? [], walks.get(size) ?? []]
    const seconds = median(planned.map((each) => each.seconds))
    return {
      what: size.what,
      commits: size.commits,
      references: size.references,
      'plan, median s': seconds.toFixed(2),
      'peak MiB': Math.round(Math.max(...planned.map((each) => each.peakMiB))),
      'git rev-list, median s': median(walked.map((each) => each.seconds)).toFixed(2),
    }
  })
  const [all] = rows
  const seconds = Number(all?.['plan, median s'])
  const peak = Number(all?.['peak MiB'])
  report({
    title: `${IMAGES} linked images in ${IMAGE_REPOSITORIES} repositories, ten rules by Git history, median of ${rounds}`,
    rows,
    budgets: [
      {
        name: 'plan',
        value: `${seconds.toFixed(2)} s`,
        budget: `${SECONDS_BUDGET} s`,
        met: seconds <= SECONDS_BUDGET,
      },
      {
        name: 'peak memory, git included',
        value: `${peak} MiB`,
        budget: `${MEMORY_BUDGET_MIB} MiB`,
        met: peak <= MEMORY_BUDGET_MIB,
      },
    ],
  })
}
