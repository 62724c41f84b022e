/**
 * A guided tour over a sample world: every command it shows is the real one, run in this process, with its real
 * output. The one folder it writes to is its own.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { composeSampleWorld } from '../../compose.ts'
import type { CommandBody } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { UsageError } from '../report-error.ts'
import type { Terminal } from '../terminal.ts'
import { Tour } from '../tour.ts'
import { treeDigest, type TreeDigest } from '../tree-digest.ts'
import { formatBytes, formatCount } from '../views/format.ts'

/** The state of the sample lies beside it, so that the user's own history knows nothing of the demo. */
const stateFolder = 'state'
const registryFolder = 'registry'

type Environment = Terminal['environment']

export const demoBody: CommandBody = {
  async run(context) {
    const given = context.options.text('dir')
    const folder =
      given === undefined ? await mkdtemp(join(tmpdir(), 'winnow-demo-')) : await emptyFolder(given)
    const isKept = given !== undefined || context.options.flag('keep')
    const before = process.cwd()
    try {
      const { environment } = context.terminal
      const keptByGit = await composeSampleWorld(folder, Date.now(), environment)
      process.chdir(folder)
      const code = await tell(new Tour(context, stateFolder), folder, keptByGit, environment)
      if (code === exitCodes.done) tellWhatIsNext(folder, before, isKept, context.terminal)
      return code
    } finally {
      process.chdir(before)
      // Safe: a folder that was made a moment ago, under a name that nobody else has, and holds samples only.
      if (!isKept) await rm(folder, { recursive: true, force: true })
    }
  },
}

/** @throws UsageError when there is something in it */
async function emptyFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  if ((await readdir(path)).length > 0) {
    throw new UsageError(
      `${path} is not empty.`,
      'Name a folder that is empty, or one that is not there yet.',
    )
  }
  return resolve(path)
}

/** The story of the demo, chapter by chapter; it ends where something does not end well. */
async function tell(
  tour: Tour,
  folder: string,
  keptByGit: string | undefined,
  environment: Environment,
): Promise<ExitCode> {
  for (const chapter of [
    () => deleteAndUndo(tour, folder, keptByGit),
    () => deleteForGood(tour, folder, environment),
    () => setAsideAndRestore(tour),
    () => freeBytes(tour),
  ]) {
    const code = await chapter()
    if (code !== exitCodes.done) return code
  }
  return exitCodes.done
}

async function deleteAndUndo(tour: Tour, folder: string, keptByGit: string | undefined): Promise<ExitCode> {
  const git = keptByGit === undefined ? '' : ', and a clone of its source'
  tour.say(`A sample world: the registry of a small shop, what kubectl says of its cluster${git}.`)
  tour.write(`  ${tour.colors.dim(folder)}\n`)
  const before = await treeDigest(registryFolder)
  const looked = await tour.all([
    [`What does the registry hold?`, ['inventory'], 12],
    [`What would go, and why? Planning never deletes.`, ['plan', '--out', 'plan.json'], 40],
    [
      `Why is this old release kept? Somebody could still roll back to it.`,
      ['explain', 'team/api:2.2.0'],
      12,
    ],
    ...(keptByGit === undefined
      ? []
      : [[`This one has no name any more. Git knows it.`, ['explain', keptByGit], 14] as const]),
    [`And why does this one go?`, ['explain', 'team/web:pr-405'], 12],
    [`Apply the plan. The manifests go into the journal first.`, ['apply', 'plan.json', '--yes'], 12],
  ])
  if (looked !== exitCodes.done) return looked
  const between = await treeDigest(registryFolder)
  const undone = await tour.all([
    [`What was done so far?`, ['history'], 8],
    [`That was a mistake? Take it back.`, ['undo', await tour.newestRun(), '--yes'], 40],
  ])
  if (undone !== exitCodes.done) return undone
  const after = await treeDigest(registryFolder)
  return compareTrees(tour, [
    ['before', before],
    ['after apply', between],
    ['after undo', after],
  ])
}

async function deleteForGood(tour: Tour, folder: string, environment: Environment): Promise<ExitCode> {
  tour.say('The same shop once more, and this time what is deleted stays deleted.')
  const again = join(folder, 'again')
  await mkdir(again)
  await composeSampleWorld(again, Date.now(), environment)
  process.chdir(again)
  return tour.all([
    [`Deleting manifests frees no disk: what they named still lies there.`, ['apply', '--yes'], 6],
    [`What does nothing refer to any more? A plan again, nothing is changed.`, ['sweep'], 16],
  ])
}

async function setAsideAndRestore(tour: Tour): Promise<ExitCode> {
  const blobs = join(registryFolder, 'docker')
  const before = await treeDigest(blobs)
  // Nobody pushes to the sample, so there is nothing to wait for.
  const setAside = await tour.all([
    [
      `Set it aside: a registry that runs beside this no longer finds it, and nothing is lost for a week.`,
      ['sweep', '--apply', '--settle', '0s'],
      16,
    ],
  ])
  if (setAside !== exitCodes.done) return setAside
  const between = await treeDigest(blobs)
  const restored = await tour.all([
    [`Somebody needs it after all? Put it back.`, ['sweep', '--restore', await tour.newestRun()], 8],
  ])
  if (restored !== exitCodes.done) return restored
  return compareTrees(tour, [
    ['before', before],
    ['set aside', between],
    ['put back', await treeDigest(blobs)],
  ])
}

async function freeBytes(tour: Tour): Promise<ExitCode> {
  const before = await treeDigest(registryFolder)
  const freed = await tour.all([
    [
      `And this is what a week later looks like: set aside, looked at again, freed.`,
      ['sweep', '--apply', '--quarantine', '0s', '--settle', '0s'],
      24,
    ],
  ])
  if (freed !== exitCodes.done) return freed
  const after = await treeDigest(registryFolder)
  tour.say('What that freed:')
  for (const [when, { bytes, files }] of [
    ['before', before],
    ['after', after],
  ] as const) {
    tour.write(`  ${when.padEnd(13)} ${formatBytes(bytes)} in ${formatCount(files)} files\n`)
  }
  return exitCodes.done
}

/** Shows that the last of some trees is as the first. */
function compareTrees(tour: Tour, trees: readonly (readonly [string, TreeDigest])[]): ExitCode {
  tour.say('Is everything as it was? SHA-256 over every path and every byte of the registry:')
  for (const [when, { digest, files }] of trees)
    tour.write(`  ${when.padEnd(13)} ${digest}  ${formatCount(files)} files\n`)
  const isSame = trees[0]?.[1].digest === trees.at(-1)?.[1].digest
  tour.write(
    isSame
      ? `  ${tour.colors.green('Every byte is back.')}\n`
      : `  ${tour.colors.red('The trees differ.')}\n`,
  )
  return isSame ? exitCodes.done : exitCodes.error
}

function tellWhatIsNext(folder: string, from: string, isKept: boolean, { stdout }: Terminal): void {
  const { bold } = stdout.colors
  stdout.write('\nThat was Winnow. Your own registry is next; this only looks and writes a winnow.yaml:\n')
  stdout.write(`  ${bold('winnow init')}\n`)
  if (!isKept) return
  const place = relative(from, folder)
  const path = place === '' || place.startsWith('..') ? folder : place
  stdout.write(`The sample is still there to play with:\n`)
  stdout.write(`  ${bold(`cd ${path} && winnow plan --state ${stateFolder}`)}\n`)
}
