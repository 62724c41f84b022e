/**
 * Planning a sweep beside the registry's own `garbage-collect --dry-run`, of both lines, on the same storage, in turns.
 *
 *   npm run bench -- sweep [ROUNDS] [--repositories 2000] [--tree DIR] [--large] [--large-tree DIR]
 *
 * `first` has no state, `again` has that of the run before, and before `pushed` one more image came to every hundredth of the
 * repositories. The page cache is emptied before cold runs, which only root can do. `--large` adds storage of ten times the
 * size, for memory; it needs some 20 GB and minutes. `--tree` and `--large-tree` keep the storage in a folder for the next
 * time, or take one that was kept.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, statfsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findDockerRegistry, type DistributionLine } from '../test/servers/docker-registry.ts'
import { median, report } from './measure.ts'
import { measure, type Measured } from './peak-memory.ts'
import { makeManyRepositories, makeManyTags, pushMore, type SweepTree } from './sweep-trees.ts'

const MEMORY_BUDGET_MIB = 150
const FIRST_BUDGET = 5
const AGAIN_BUDGET = 15
const MANY_TAGS = 1000
const LARGE_TIMES = 10
const LARGE_INODES = 5_000_000

const words = process.argv.slice(2)
const valueOf = (name: string): string | undefined => {
  const place = words.indexOf(`--${name}`)
  return place === -1 ? undefined : words[place + 1]
}
const values = ['repositories', 'tree', 'large-tree'].map(valueOf)
const rounds = Number(words.find((word) => /^\d+$/.test(word) && !values.includes(word)) ?? 5)
const repositories = Number(valueOf('repositories') ?? 2000)
const main = fileURLToPath(new URL('dist/cli/main.js', import.meta.url))
const lines = (['debian', 'v3'] as const).filter((line) => findDockerRegistry(line) !== undefined)
const dropCaches = '/proc/sys/vm/drop_caches'
const canDropCaches = process.getuid?.() === 0 && existsSync(dropCaches)

const folder = await mkdtemp(join(tmpdir(), 'winnow-bench-'))
const samples = new Map<string, Measured[]>()
try {
  const root = valueOf('tree') ?? join(folder, 'storage')
  console.error(`Making ${repositories} repositories`)
  const tree = makeManyRepositories(root, repositories)
  for (const isCold of canDropCaches ? [false, true] : [false]) await measureRounds(tree, isCold)
  await measureTags()
  if (words.includes('--large') || valueOf('large-tree') !== undefined) await measureLarge()
  reportAll(tree)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function measureRounds(tree: SweepTree, isCold: boolean): Promise<void> {
  const how = isCold ? 'cold' : 'warm'
  // Reads all there is, so that the first of the warm runs is one.
  if (!isCold) await winnow(tree, 'priming')
  for (let round = 1; round <= rounds; round++) {
    console.error(`Round ${round} of ${rounds}, ${how}`)
    const state = `state-${how}-${round}`
    for (const line of lines) await sample(`registry ${line} ${how}`, isCold, () => registry(line, tree))
    await sample(`winnow first ${how}`, isCold, () => winnow(tree, state))
    await sample(`winnow again ${how}`, isCold, () => winnow(tree, state))
    if (isCold) continue
    pushMore(tree, repositories, Date.now())
    await sample(`winnow pushed ${how}`, isCold, () => winnow(tree, state))
  }
}

/** The registry's time grows with the square of the tags, so once is enough. */
async function measureTags(): Promise<void> {
  console.error(`One repository of ${MANY_TAGS} tags`)
  const tree = makeManyTags(join(folder, 'tags'), MANY_TAGS)
  for (const line of lines) await sample(`registry ${line} tags`, false, () => registry(line, tree, ['-m']))
  await sample('winnow first tags', false, () => winnow(tree, 'state-tags'))
}

async function measureLarge(): Promise<void> {
  const root = valueOf('large-tree') ?? join(folder, 'large')
  const { ffree, bavail, bsize } = statfsSync(folder)
  if (!existsSync(root) && (ffree < LARGE_INODES || bavail * bsize < LARGE_INODES * 5000))
    throw new Error('Too little room for --large.')
  console.error(`Making ${repositories * LARGE_TIMES} repositories; this takes minutes`)
  const tree = makeManyRepositories(root, repositories * LARGE_TIMES)
  await sample('winnow first large', false, () => winnow(tree, 'state-large'))
  await sample('winnow again large', false, () => winnow(tree, 'state-large'))
}

async function sample(name: string, isCold: boolean, act: () => Promise<Measured>): Promise<void> {
  if (isCold) {
    execFileSync('sync')
    writeFileSync(dropCaches, '3')
  }
  samples.set(name, [...(samples.get(name) ?? []), await act()])
}

function registry(
  line: DistributionLine,
  { root }: SweepTree,
  flags: readonly string[] = [],
): Promise<Measured> {
  const configuration = join(folder, `${line}.yml`)
  const storage = { filesystem: { rootdirectory: root }, delete: { enabled: true } }
  writeFileSync(configuration, JSON.stringify({ version: '0.1', log: { level: 'error' }, storage }))
  // 2.8 has no quiet mode; what it writes is thrown away.
  const quiet = line === 'v3' ? ['--quiet'] : []
  const args = ['garbage-collect', '--dry-run', ...quiet, ...flags, configuration]
  const binary = findDockerRegistry(line)?.binary ?? ''
  return measure(binary, args, { environment: { OTEL_TRACES_EXPORTER: 'none' } })
}

/** The age of files does not matter here: nothing is spared for being young, as the registry spares nothing. */
async function winnow(tree: SweepTree, state: string): Promise<Measured> {
  const configuration = join(folder, 'winnow.yaml')
  const storage = { layout: 'distribution', filesystem: tree.root, cache: 'none' }
  const policies = [{ name: 'all', repositories: ['**'], rules: [], unmatched: 'keep' }]
  writeFileSync(configuration, JSON.stringify({ version: 1, registries: { bench: { storage } }, policies }))
  const where = ['--config', configuration, '--state', join(folder, state)]
  const args = [main, 'sweep', '--grace', '0s', '-o', 'json', ...where]
  const measured = await measure(process.execPath, args, { keepsOutput: true })
  const { summary } = JSON.parse(measured.stdout) as { summary: Readonly<Record<string, number>> }
  if (summary['blobsGarbage'] !== tree.garbage) {
    throw new Error(`It found something else than there is: ${JSON.stringify(summary)}`)
  }
  return measured
}

function reportAll(tree: SweepTree): void {
  const secondsOf = (name: string): number => median((samples.get(name) ?? []).map(({ seconds }) => seconds))
  const peakOf = (name: string): number =>
    Math.max(...(samples.get(name) ?? []).map(({ peakMiB }) => peakMiB))
  const besideOf = (name: string): number =>
    secondsOf(`registry debian ${name.split(' ').at(-1) ?? ''}`) / secondsOf(name)
  const ratio = (name: string): string =>
    Number.isNaN(besideOf(name)) ? '' : `${besideOf(name).toFixed(2)}×`
  const hows = canDropCaches ? ['warm', 'cold'] : ['warm']
  const faster = (name: string, least: number) => ({
    name: `${name}, beside 2.8`,
    value: ratio(name),
    budget: `at least ${least}×`,
    met: besideOf(name) >= least,
  })
  const memory = [...samples.keys()].filter((name) => name.startsWith('winnow'))
  report({
    title: `Planning a sweep of ${tree.manifests} manifests and ${tree.blobs} blobs, median of ${rounds} rounds in turns`,
    rows: [...samples].map(([name, all]) => ({
      what: named(name),
      runs: all.length,
      'median s': secondsOf(name).toFixed(2),
      'fastest s': Math.min(...all.map(({ seconds }) => seconds)).toFixed(2),
      'faster than 2.8': ratio(name),
      'peak MiB': peakOf(name).toFixed(0),
    })),
    budgets: [
      ...hows.flatMap((how) => [
        faster(`winnow first ${how}`, FIRST_BUDGET),
        faster(`winnow again ${how}`, AGAIN_BUDGET),
      ]),
      ...memory.map((name) => ({
        name: `memory, ${name}`,
        value: `${peakOf(name).toFixed(0)} MiB`,
        budget: `less than ${MEMORY_BUDGET_MIB} MiB`,
        met: peakOf(name) < MEMORY_BUDGET_MIB,
      })),
    ],
  })
}

function named(name: string): string {
  for (const line of lines) {
    const version = findDockerRegistry(line)?.version ?? ''
    if (name.startsWith(`registry ${line}`)) return name.replace(line, version)
  }
  return name
}
