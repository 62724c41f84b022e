/**
 * The images of the sample world: five repositories that a small shop filled over ten months and never tidied.
 *
 * Nothing is made up to suit a rule; each repository has what its kind of build leaves behind.
 */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import { pushChart, pushCosignSignature, pushImage, pushMultiPlatform, pushSbom } from './images.ts'
import { sampleCommits, type SampleCommit } from './sample-git.ts'
import { setTag, sha256, startTree, type Descriptor, type RegistryTree } from './registry-tree.ts'

/** What the sample cluster refers to, by repository and tag, or by what was built when. */
export interface SampleRegistry {
  readonly tree: RegistryTree
  readonly web: ReadonlyMap<string, Descriptor>
  readonly api: ReadonlyMap<string, Descriptor>
  readonly worker: ReadonlyMap<string, Descriptor>
  /** Builds of the api's main branch, oldest first; the tag `main` is on the last, the others have no tag. */
  readonly apiMain: readonly Descriptor[]
  /** What the api's releases and builds of main were built from, oldest first. */
  readonly apiCommits: readonly SampleCommit[]
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

const webReleases: readonly string[] =
  '1.0.0 1.0.1 1.1.0 1.1.1 1.1.2 1.2.0 1.2.1 1.3.0 1.3.1 1.3.2 1.4.0 1.4.1 2.0.0-rc.1 2.0.0-rc.2 2.0.0 2.0.1 2.1.0 2.1.1 2.1.2 2.2.0 2.2.1 2.3.0 2.3.1'.split(
    ' ',
  )
const apiReleases: readonly string[] =
  '1.0.0 1.1.0 1.1.1 1.2.0 1.2.1 1.2.2 2.0.0 2.0.1 2.1.0 2.2.0 2.2.1 2.2.2 2.3.0 2.4.0 2.4.1 2.4.2 3.0.0 3.0.1 3.1.0 3.1.1 3.1.2'.split(
    ' ',
  )
const workerReleases: readonly string[] =
  '1.0.0 1.1.0 1.2.0 1.2.1 1.2.2 1.3.0 1.3.1 1.3.2 1.4.0 1.4.1 1.5.0 1.5.1 1.5.2 1.6.0'.split(' ')

export function makeSampleRegistry(now: InstantMs): SampleRegistry {
  const tree = startTree()
  pushBases(tree, now)
  pushCharts(tree, now)
  const web = pushWeb(tree, now)
  const api = pushApi(tree, now)
  return { tree, web, ...api, worker: pushWorker(tree, now) }
}

/** Two platforms with attestations, signed from 2.0 on; pull requests are built for one platform. */
function pushWeb(tree: RegistryTree, now: InstantMs): ReadonlyMap<string, Descriptor> {
  const repository = 'team/web'
  const built = new Map<string, Descriptor>()
  for (const [tag, at] of spread(webReleases, now, 300, 3)) {
    const image = pushMultiPlatform(tree, repository, {
      tags: [tag],
      at,
      program: tag,
      bases: ['debian', 'nginx'],
      labels: sourceOf(repository, tag),
    })
    if (tag.startsWith('2.') && !tag.includes('rc'))
      pushCosignSignature(tree, repository, image.digest, at + HOUR)
    built.set(tag, image)
  }
  const newest = required(built, '2.3.1')
  for (const tag of ['2.3', '2', 'latest']) setTag(tree, repository, tag, newest.digest, now - 3 * DAY)
  pushSbom(tree, repository, newest, now - 3 * DAY + HOUR)
  pushPullRequests(
    tree,
    repository,
    now,
    { first: 401, count: 44, days: 95, bases: ['debian', 'nginx'] },
    built,
  )
  // Somebody deleted an image and left its signature.
  pushCosignSignature(tree, repository, sha256('an image of team/web that is gone'), now - 120 * DAY)
  return built
}

/** One platform, Docker's own format; a nightly build and a tag `main` that moves with every merge. */
function pushApi(tree: RegistryTree, now: InstantMs): Pick<SampleRegistry, 'api' | 'apiMain' | 'apiCommits'> {
  const repository = 'team/api'
  const built = new Map<string, Descriptor>()
  const common = { bases: ['debian', 'openjdk'], format: 'docker' } as const
  const releases = spread(apiReleases, now, 290, 5)
  const builds = spread(
    range(18).map((i) => `main ${i}`),
    now,
    75,
    1,
  )
  const commits = commitsOf([...releases, ...builds])
  const push = (tag: string, [program, at]: readonly [string, InstantMs]): Descriptor =>
    pushImage(tree, repository, {
      ...common,
      tags: [tag],
      at,
      program,
      labels: sourceOf(repository, program, commits.get(program)?.id),
    })
  for (const release of releases) built.set(release[0], push(release[0], release))
  setTag(tree, repository, 'latest', required(built, '3.1.2').digest, now - 5 * DAY)
  for (const [tag, at] of nightlies(now, 60)) {
    built.set(tag, pushImage(tree, repository, { ...common, tags: [tag], at, program: tag }))
  }
  const apiMain = builds.map((build) => push('main', build))
  pushPullRequests(tree, repository, now, { first: 880, count: 36, days: 80, bases: common.bases }, built)
  return { api: built, apiMain, apiCommits: [...commits.values()] }
}

/** Everything was built from one branch, ten minutes after its commit; by what was built, oldest first. */
function commitsOf(built: readonly (readonly [string, InstantMs])[]): ReadonlyMap<string, SampleCommit> {
  const inTurn = built.toSorted(([, a], [, b]) => a - b)
  const commits = sampleCommits(inTurn.map(([program, at]) => ({ subject: program, at: at - HOUR / 6 })))
  return new Map(inTurn.flatMap(([program], i) => (commits[i] === undefined ? [] : [[program, commits[i]]])))
}

/** Built by Jib, which writes 1970 into every image so that equal sources make equal images. */
function pushWorker(tree: RegistryTree, now: InstantMs): ReadonlyMap<string, Descriptor> {
  const repository = 'team/worker'
  const built = new Map<string, Descriptor>()
  const common = { bases: ['debian', 'openjdk'], created: '1970-01-01T00:00:00Z' }
  for (const [tag, at] of spread(workerReleases, now, 240, 2)) {
    built.set(tag, pushImage(tree, repository, { ...common, tags: [tag], at, program: tag }))
  }
  setTag(tree, repository, 'stable-2024', required(built, '1.1.0').digest, now - 200 * DAY)
  for (const [program, at] of spread(
    range(12).map((i) => `snapshot ${i}`),
    now,
    60,
    4,
  )) {
    pushImage(tree, repository, { ...common, at, program })
  }
  pushPullRequests(tree, repository, now, { first: 120, count: 14, days: 50, bases: common.bases }, built)
  return built
}

function pushBases(tree: RegistryTree, now: InstantMs): void {
  const repository = 'base/debian'
  for (const [program, at] of spread(
    range(8).map((i) => `${i + 1}`),
    now,
    280,
    20,
  )) {
    pushMultiPlatform(tree, repository, { tags: [`12.${program}`], at, program, bases: ['debian'] })
  }
}

function pushCharts(tree: RegistryTree, now: InstantMs): void {
  for (const [version, at] of spread(['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0'], now, 250, 12)) {
    pushChart(tree, 'charts/shop', 'shop', version, at)
  }
}

interface PullRequests {
  readonly first: number
  readonly count: number
  readonly days: number
  readonly bases: readonly string[]
}

function pushPullRequests(
  tree: RegistryTree,
  repository: string,
  now: InstantMs,
  { first, count, days, bases }: PullRequests,
  built: Map<string, Descriptor>,
): void {
  const tags = range(count).map((i) => `pr-${first + i}`)
  for (const [tag, at] of spread(tags, now, days, 0.2)) {
    built.set(tag, pushImage(tree, repository, { tags: [tag], at, program: tag, bases }))
  }
}

/** Spreads names evenly from `oldestDays` to `newestDays` ago, at a different minute each. */
function spread(
  names: readonly string[],
  now: InstantMs,
  oldestDays: number,
  newestDays: number,
): readonly [string, InstantMs][] {
  const step = (oldestDays - newestDays) / Math.max(1, names.length - 1)
  return names.map((name, i) => [name, Math.floor(now - (oldestDays - i * step) * DAY)])
}

/** One build each night at 02:15 UTC, named after its day; the last one is yesterday's. */
function nightlies(now: InstantMs, count: number): readonly [string, InstantMs][] {
  const today = Math.floor(now / DAY) * DAY
  return range(count).map((i) => {
    const day = today - (count - i) * DAY
    return [`nightly-${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`, day + 2.25 * HOUR]
  })
}

/** @param commit where the sample has its Git repository; the others exist in labels only */
function sourceOf(
  repository: string,
  program: string,
  commit = sha256(`${repository} ${program}`).slice(7, 47),
): Readonly<Record<string, string>> {
  return {
    'org.opencontainers.image.source': `https://git.example.com/${repository}`,
    'org.opencontainers.image.revision': commit,
  }
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i)
}

function required(built: ReadonlyMap<string, Descriptor>, tag: string): Descriptor {
  const image = built.get(tag)
  if (image === undefined) throw new RangeError(`The sample has no ${tag}.`)
  return image
}
