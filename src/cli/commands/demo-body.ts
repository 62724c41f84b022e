/**
 * A guided tour over a sample world: every command it shows is the real one, run in this process, with its real
 * output. The one folder it writes to is its own.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { composeSampleWorld } from '../../compose.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { UsageError } from '../report-error.ts'
import type { Terminal } from '../terminal.ts'
import { treeDigest } from '../tree-digest.ts'
import { formatCount } from '../views/format.ts'

/** The state of the sample lies beside it, so that the user's own history knows nothing of the demo. */
const stateFolder = 'state'
const registryFolder = 'registry'

export const demoBody: CommandBody = {
  async run(context) {
    const given = context.options.text('dir')
    const folder =
      given === undefined ? await mkdtemp(join(tmpdir(), 'winnow-demo-')) : await emptyFolder(given)
    const isKept = given !== undefined || context.options.flag('keep')
    const before = process.cwd()
    try {
      await composeSampleWorld(folder, Date.now())
      process.chdir(folder)
      const code = await new Tour(context).run(folder)
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

class Tour {
  readonly #context: CommandContext
  readonly #terminal: Terminal

  constructor(context: CommandContext) {
    this.#context = context
    this.#terminal = context.terminal
  }

  async run(folder: string): Promise<ExitCode> {
    this.#say(`A sample world: the registry of a small shop, and what kubectl says of its cluster.`)
    this.#write(`  ${this.#terminal.stdout.colors.dim(folder)}\n`)
    const before = await treeDigest(registryFolder)
    const looked = await this.#all([
      [`What does the registry hold?`, ['inventory'], 12],
      [`What would go, and why? Planning never deletes.`, ['plan', '--out', 'plan.json'], 40],
      [
        `Why is this old release kept? Somebody could still roll back to it.`,
        ['explain', 'team/api:2.2.0'],
        12,
      ],
      [`And why does this one go?`, ['explain', 'team/web:pr-405'], 12],
      [`Apply the plan. The manifests go into the journal first.`, ['apply', 'plan.json', '--yes'], 12],
    ])
    if (looked !== exitCodes.done) return looked
    const between = await treeDigest(registryFolder)
    const run = await this.#newestRun()
    const undone = await this.#all([
      [`What was done so far?`, ['history'], 8],
      [`That was a mistake? Take it back.`, ['undo', run, '--yes'], 40],
    ])
    if (undone !== exitCodes.done) return undone
    const after = await treeDigest(registryFolder)
    this.#say('Is everything as it was? SHA-256 over every path and every byte of the registry:')
    this.#write(`  before        ${before.digest}  ${formatCount(before.files)} files\n`)
    this.#write(`  after apply   ${between.digest}  ${formatCount(between.files)} files\n`)
    this.#write(`  after undo    ${after.digest}  ${formatCount(after.files)} files\n`)
    const { colors } = this.#terminal.stdout
    const isSame = before.digest === after.digest
    this.#write(
      isSame ? `  ${colors.green('Every byte is back.')}\n` : `  ${colors.red('The trees differ.')}\n`,
    )
    return isSame ? exitCodes.done : exitCodes.error
  }

  async #all(steps: readonly (readonly [string, readonly string[], number])[]): Promise<ExitCode> {
    for (const [text, words, lines] of steps) {
      this.#say(text)
      const { code, output } = await this.#command(words)
      this.#write(abridged(output, lines))
      if (code !== exitCodes.done) return code
    }
    return exitCodes.done
  }

  /** Shows a command as one would type it, and runs it. */
  async #command(words: readonly string[]): Promise<{ readonly code: ExitCode; readonly output: string }> {
    const { colors } = this.#terminal.stdout
    this.#write(`${colors.cyan('$')} ${colors.bold(`winnow ${words.join(' ')}`)}\n`)
    return this.#captured(words)
  }

  async #captured(words: readonly string[]): Promise<{ readonly code: ExitCode; readonly output: string }> {
    let output = ''
    const stdout = { ...this.#terminal.stdout, write: (text: string) => void (output += text) }
    const quiet = this.#context.globals.quiet ? ['--quiet'] : []
    const code = await this.#context.runLine([...words, '--state', stateFolder, ...quiet], {
      ...this.#terminal,
      stdout,
    })
    // The state is the demo's own affair; a line to copy is shown as the tour writes it.
    return { code, output: output.replaceAll(` --state ${stateFolder}`, '') }
  }

  async #newestRun(): Promise<string> {
    const { output } = await this.#captured(['history', '--output', 'names'])
    return output.split('\n')[0] ?? ''
  }

  #say(text: string): void {
    this.#write(`\n${this.#terminal.stdout.colors.dim('#')} ${text}\n`)
  }

  #write(text: string): void {
    this.#terminal.stdout.write(text)
  }
}

/** The first lines and the last: totals stand at the end. */
function abridged(output: string, linesMax: number): string {
  const lines = output.replace(/\n$/, '').split('\n')
  if (lines.length <= linesMax) return output
  const last = Math.min(6, Math.floor(linesMax / 2))
  const first = linesMax - last
  const left = lines.length - linesMax
  return [
    ...lines.slice(0, first),
    `  [${formatCount(left)} lines left out]`,
    ...lines.slice(-last),
    '',
  ].join('\n')
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
