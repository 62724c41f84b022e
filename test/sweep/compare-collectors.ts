/** Writes docs/collectors.md: what each collector lost and left of each tree, by running them. */
import { writeFile } from 'node:fs/promises'
import { findDockerRegistry } from '../servers/docker-registry.ts'
import { collectFault, countOpened, type Collector, type Outcome } from './collectors.ts'
import { brokenIn, pushAgain, rememberDeleted } from './descriptor-cache.ts'
import { f10ManyTags, faults, type Fault } from './fault-trees.ts'
import { allAtOnce, makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'

const collectors = ['winnow', 'debian', 'v3'] as const satisfies readonly Collector[]

/** A cell for each collector, in their order. */
export interface Row {
  readonly id: string
  readonly title: string
  readonly cells: readonly string[]
}

/** @public called by scripts/compare-collectors.mjs */
export async function compareCollectors(page: string, version: string): Promise<void> {
  const rows: Row[] = []
  try {
    for (const fault of faults) rows.push(await rowOf(fault))
    rows.push(await rememberingRow())
  } finally {
    await removeProgram()
  }
  rows.sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)))
  await writeFile(page, pageOf(rows, version))
}

async function rowOf(fault: Fault): Promise<Row> {
  const cells: string[] = []
  for (const collector of collectors) {
    const sweeper = await makeSweeper()
    try {
      const words = inWords(await collectFault(collector, fault, sweeper))
      cells.push(fault.id === 'F10' ? `${words}; ${await growth(collector, sweeper)}` : words)
    } finally {
      await sweeper.remove()
    }
  }
  return { id: fault.id, title: titleOf(fault), cells }
}

function titleOf({ title, deleteUntagged }: Fault): string {
  return deleteUntagged ? `${title} (\`-m\`)` : title
}

/** What is no trouble is not said. */
export function inWords(outcome: Outcome): string {
  const { code, lostBlobs, ofBlobs, lostImages, ofImages } = outcome
  const lost = [
    lostBlobs > 0 && `${lostBlobs} of ${ofBlobs} needed blobs`,
    lostImages > 0 && `${lostImages} of ${ofImages} images`,
  ].filter((word) => word !== false)
  const left = [
    outcome.leftBlobs > 0 && counted(outcome.leftBlobs, 'unneeded blob'),
    outcome.danglingLinks > 0 && `${counted(outcome.danglingLinks, 'link')} to nothing`,
    outcome.emptyRepositories > 0 && `empty repositories (${outcome.emptyRepositories})`,
    outcome.staleUploads > 0 && counted(outcome.staleUploads, 'dead upload'),
  ].filter((word) => word !== false)
  const ended = code === 0 ? '' : `gave up (exit ${code ?? 'by a signal'}); `
  const losing = lost.length === 0 ? 'lost nothing' : `**lost ${lost.join(', ')}**`
  return `${ended}${losing}; left ${left.length === 0 ? 'nothing' : left.join(', ')}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

async function growth(collector: Collector, sweeper: Sweeper): Promise<string> {
  const [few, many] = [
    await countOpened(collector, (root) => f10ManyTags(root, 50), sweeper),
    await countOpened(collector, (root) => f10ManyTags(root, 100), sweeper),
  ]
  return `opened ${few} files for 50 tags, ${many} for 100`
}

async function rememberingRow(): Promise<Row> {
  const cells: string[] = []
  for (const collector of collectors) {
    const sweeper = await makeSweeper()
    // Winnow runs beside the older of the two.
    const remembering = await rememberDeleted(collector === 'v3' ? 'v3' : 'debian', sweeper.root)
    try {
      cells.push(await rememberingCell(collector, sweeper, remembering))
    } finally {
      await remembering.server.stop()
      await sweeper.remove()
    }
  }
  return { id: 'F8', title: 'a running registry that remembers blobs in memory', cells }
}

async function rememberingCell(
  collector: Collector,
  sweeper: Sweeper,
  remembering: Awaited<ReturnType<typeof rememberDeleted>>,
): Promise<string> {
  sweeper.configure({ cache: 'inmemory' }, { url: remembering.server.url })
  const sweep = (): Promise<unknown> => sweeper.sweep([...allAtOnce, '--grace', '0s'])
  if (collector === 'winnow') await sweep()
  else await remembering.server.collectGarbage()
  const { refused, broken } = await pushAgain(remembering)
  if (collector === 'winnow') await sweep()
  const later = collector === 'winnow' ? await brokenIn(remembering) : broken
  if (refused !== undefined) return 'the next push of the image is refused'
  if (later !== undefined) return '**the next push of the image is accepted, and it cannot be pulled**'
  return broken === undefined
    ? 'the next push of the image is whole'
    : 'the next push of the image is accepted, and whole after the next sweep'
}

function pageOf(rows: readonly Row[], version: string): string {
  const versions = ['debian', 'v3'] as const
  const names = [
    `Winnow ${version}`,
    ...versions.map((line) => `registry ${findDockerRegistry(line)?.version ?? ''}`),
  ]
  const lines = rows.map(({ id, title, cells }) => `| ${id} | ${title} | ${cells.join(' | ')} |`)
  return `# Collectors, compared

\`winnow sweep --apply --quarantine 0s --settle 0s\` and the registry's own \`garbage-collect\` on copies of the same storage,
one for each known fault of the latter. Every storage also holds an image that must stay and a deleted one that must go. An
image counts as lost when a registry that is started afterwards no longer gives it out whole. \`-m\` stands where the
registry's collector was asked with \`--delete-untagged\`; Winnow has no such flag, because what is untagged and unneeded is a
question for \`winnow plan\`.

| | Storage | ${names.join(' | ')} |
| --- | --- | --- | --- | --- |
${lines.join('\n')}

F3 is one link that is not found when it is first read. F8 runs beside a registry with its cache of descriptors in memory.
Nothing here was timed; times are in [the benchmarks](../bench/README.md).

This page is written by

    npm run compare:collectors

which needs \`docker-registry\`, \`strace\` (\`bash test/servers/install-debian.sh\`) and Distribution 3
(\`npm run test:servers\`).
`
}
