/** The collectors that are compared: Winnow, and the one inside each line of the registry; what a tree lost and what it kept. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findDockerRegistry, type DistributionLine } from '../servers/docker-registry.ts'
import type { Fault, FaultTree } from './fault-trees.ts'
import { judge, listBlobs } from './oracle.ts'
import { openedFiles, vanishing } from './strace.ts'
import { allAtOnce, wholeImages, type Sweeper } from './sweeper.ts'
import { at, DAY_MS } from './trees.ts'

export type Collector = 'winnow' | DistributionLine

export interface Outcome {
  /** What the collector ended with; a registry's ends with 0 and without a word in most of its faults. */
  readonly code: number | null
  /** Bytes that were needed, or that a push in progress still needs. */
  readonly lostBlobs: number
  readonly ofBlobs: number
  /** Images, by digest or tag, that a registry gave out whole before. */
  readonly lostImages: number
  readonly ofImages: number
  readonly leftBlobs: number
  readonly danglingLinks: number
  readonly emptyRepositories: number
  /** Folders of uploads that nobody will end. */
  readonly staleUploads: number
}

/** Makes the tree, collects, and counts. */
export async function collectFault(collector: Collector, fault: Fault, sweeper: Sweeper): Promise<Outcome> {
  const { root, folder } = sweeper
  rmSync(root, { recursive: true, force: true })
  const tree = fault.make(root)
  const before = await wholeImages(root)
  const under =
    tree.vanishing === undefined ? [] : vanishing(join(root, tree.vanishing), join(folder, 'trace'))
  const code = await collect(collector, sweeper, under, fault.deleteUntagged)
  return countIn(root, tree, before, code)
}

async function countIn(
  root: string,
  tree: FaultTree,
  before: readonly string[],
  code: number | null,
): Promise<Outcome> {
  const after = new Set(await wholeImages(root))
  const stored = listBlobs(root)
  const wanted = [...tree.needed, ...(tree.untouchable ?? [])]
  const { danglingLinks, emptyRepositories } = judge(root, DAY_MS)
  return {
    code,
    lostBlobs: wanted.filter((digest) => !stored.has(digest)).length,
    ofBlobs: wanted.length,
    lostImages: before.filter((name) => !after.has(name)).length,
    ofImages: before.length,
    leftBlobs: tree.garbage.filter((digest) => stored.has(digest)).length,
    danglingLinks: danglingLinks.length,
    emptyRepositories: emptyRepositories.length,
    staleUploads: (tree.goes ?? []).filter((key) => key.includes('/_uploads/') && existsSync(join(root, key)))
      .length,
  }
}

/** How many files of the registry are opened for a tree. */
export async function countOpened(
  collector: Collector,
  make: (root: string) => FaultTree,
  sweeper: Sweeper,
): Promise<number> {
  rmSync(sweeper.root, { recursive: true, force: true })
  make(sweeper.root)
  const trace = join(sweeper.folder, 'opened')
  await collect(collector, sweeper, openedFiles(trace), true)
  return readFileSync(trace, 'utf8').split(at.base).length - 1
}

async function collect(
  collector: Collector,
  sweeper: Sweeper,
  under: readonly string[],
  deleteUntagged: boolean,
): Promise<number | null> {
  if (collector !== 'winnow') return collectByRegistry(collector, sweeper, under, deleteUntagged)
  const state = `state-${Date.now()}`
  const { code } = await sweeper.sweep(allAtOnce, { under, state })
  return code
}

function collectByRegistry(
  line: DistributionLine,
  { folder, root }: Sweeper,
  under: readonly string[],
  deleteUntagged: boolean,
): Promise<number | null> {
  const found = findDockerRegistry(line)
  if (found === undefined) throw new Error(`There is no registry of the line ${line} here.`)
  const configuration = join(folder, 'registry.yml')
  mkdirSync(folder, { recursive: true })
  const storage = { filesystem: { rootdirectory: root }, delete: { enabled: true } }
  writeFileSync(configuration, JSON.stringify({ version: '0.1', log: { level: 'warn' }, storage }))
  const flags = deleteUntagged ? ['--delete-untagged'] : []
  const [command = '', ...words] = [...under, found.binary, 'garbage-collect', ...flags, configuration]
  const env = { ...process.env, OTEL_TRACES_EXPORTER: 'none' }
  return new Promise((resolve) => {
    const child = execFile(command, words, { env, maxBuffer: 2 ** 26 })
    child.once('close', resolve)
  })
}
