/**
 * Builds the command tree for commander, runs what was asked for, and turns whatever happens into an exit code.
 *
 * Nothing below this file prints an error or ends the process by itself.
 */
import { Command, Option } from 'commander'
import { commands } from './commands.ts'
import {
  outputFormats,
  type CommandContext,
  type CommandSpec,
  type GlobalOptions,
  type OptionSpec,
  type OptionValues,
} from './command.ts'
import { globalOptionsOf } from './global-options.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { reportError, UsageError } from './report-error.ts'
import { haltOnSignals, leaveSignals } from './signals.ts'
import { processTerminal, type ColorChoice, type Output, type Terminal } from './terminal.ts'
import { version } from './version.ts'

/** Commands that belong to Winnow and are not part of this version. */
const notYet: ReadonlySet<string> = new Set(['serve'])

/**
 * Runs the command line.
 *
 * @param words without the interpreter and the script
 * @returns the exit code
 */
export async function runProgram(words: readonly string[]): Promise<ExitCode> {
  quietBrokenPipes(words)
  return runLine(words, processTerminal(colorChoice(words)))
}

/** One command line on a terminal; errors are told there and become exit codes. */
async function runLine(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let ended: ExitCode = exitCodes.done
  try {
    refuseNotYet(words)
    const program = buildProgram((spec, context) => async () => {
      ended = await runCommand(spec, context(terminal), terminal)
    })
    await program.parseAsync([...words], { from: 'user' })
    return ended
  } catch (error) {
    return reportError(error, terminal)
  }
}

type Runner = (spec: CommandSpec, context: (terminal: Terminal) => CommandContext) => () => Promise<void>

/** The command tree; `run` is called with the command that was asked for. */
export function buildProgram(run: Runner): Command {
  const program = new Command('winnow')
  program
    .description('Keeps the container images that are still needed, and removes the rest.')
    .version(version, '--version', 'print the version')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: false })
  configure(program)
  for (const spec of commands) addCommand(program, spec, run)
  return program
}

function addCommand(program: Command, spec: CommandSpec, run: Runner): void {
  const words = spec.name.split(' ')
  const last = words.at(-1) ?? spec.name
  const parent = words.slice(0, -1).reduce((at, word) => groupOf(at, word), program)
  const command = new Command(last).summary(spec.summary).description(spec.description ?? spec.summary)
  configure(command)
  for (const argument of spec.arguments ?? []) command.argument(argument.usage, argument.description)
  for (const option of [...(spec.options ?? []), ...globalOptionsOf(spec)])
    command.addOption(toOption(option))
  if (spec.examples !== undefined) command.addHelpText('after', examplesText(spec.examples))
  command.action(async () => {
    await run(spec, (terminal) => contextOf(command, spec, terminal))()
  })
  parent.addCommand(command)
}

function groupOf(parent: Command, word: string): Command {
  const known = parent.commands.find((command) => command.name() === word)
  if (known !== undefined) return known
  const group = new Command(word).description(`commands about the ${word}`)
  configure(group)
  parent.addCommand(group)
  return group
}

/**
 * Commander's own errors become ours, so that they end with the exit code for wrong usage. Help that is shown because a
 * command is missing still goes to stderr.
 */
function configure(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined })
}

function toOption({ flags, description, choices, repeatable, default: told }: OptionSpec): Option {
  const option = new Option(flags, told === undefined ? description : `${description} (default: ${told})`)
  if (choices !== undefined) option.choices([...choices])
  if (repeatable === true) {
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
  }
  return option
}

function examplesText(examples: NonNullable<CommandSpec['examples']>): string {
  return `\nExamples:\n${examples.map(({ line, does }) => `  ${line}\n      ${does}`).join('\n')}`
}

function contextOf(command: Command, { formats }: CommandSpec, terminal: Terminal): CommandContext {
  const given = command.opts<Record<string, unknown>>()
  const values = optionValues(given)
  const globals: GlobalOptions = {
    config: values.text('config') ?? 'winnow.yaml',
    state: values.text('state'),
    output: outputFormats.find((format) => format === values.text('output')) ?? formats[0] ?? 'table',
    quiet: values.flag('quiet'),
  }
  return { arguments: command.args, options: values, globals, terminal, run: {}, commands, runLine }
}

function optionValues(given: Readonly<Record<string, unknown>>): OptionValues {
  return {
    flag: (name) => given[name] === true,
    text(name) {
      const value = given[name]
      return typeof value === 'string' ? value : undefined
    },
    texts(name) {
      const value = given[name]
      return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []
    },
  }
}

async function runCommand(spec: CommandSpec, context: CommandContext, terminal: Terminal): Promise<ExitCode> {
  const { startProgress } = await import('./progress.ts')
  const progress = startProgress(terminal.stderr, context.globals.quiet)
  const say = (text: string): void => {
    progress.say(text)
  }
  const halt = spec.endsOnSignals === true ? leaveSignals() : haltOnSignals(say)
  try {
    const budget = await timeBudget(context)
    const body = await spec.load()
    const signal = spec.finishesWhatBegan === true ? halt.signal : AbortSignal.any([halt.signal, halt.stop])
    const code = await body.run({
      ...context,
      terminal: terminalOver(terminal, progress.hide),
      run: { signal, stop: halt.stop, onEvent: progress.onEvent, ...(budget && { budget }) },
    })
    return halt.wasHalted() && code === exitCodes.done ? exitCodes.interrupted : code
  } finally {
    halt.release()
    progress.end()
  }
}

/** Aborts when the time given by --time-budget is used up, counted from now. */
async function timeBudget({ options }: CommandContext): Promise<AbortSignal | undefined> {
  const given = options.text('timeBudget')
  if (given === undefined) return undefined
  const { durationOption } = await import('./make-plan.ts')
  const ms = durationOption('--time-budget', given)
  // Timers cannot count further than 24 days, and no run takes so long.
  return ms === undefined || ms > timerMaxMs ? undefined : AbortSignal.timeout(ms)
}

const timerMaxMs = 2 ** 31 - 1

/** Results and prompts never share a line with the status block. */
function terminalOver(terminal: Terminal, hide: () => void): Terminal {
  const over = (output: Output): Output => ({
    ...output,
    write(text) {
      hide()
      output.write(text)
    },
  })
  return { ...terminal, stdout: over(terminal.stdout), stderr: over(terminal.stderr) }
}

function refuseNotYet(words: readonly string[]): void {
  const command = words.find((word) => !word.startsWith('-'))
  if (command !== undefined && notYet.has(command)) {
    throw new UsageError(
      `winnow ${command} is not part of this version.`,
      'winnow --help lists the commands that are.',
    )
  }
}

/** Read before commander, which may itself have something to print. */
function colorChoice(words: readonly string[]): ColorChoice {
  const joined = words.find((word) => word.startsWith('--color='))?.slice('--color='.length)
  const at = words.indexOf('--color')
  const choice = joined ?? (at === -1 ? undefined : words[at + 1])
  return choice === 'always' || choice === 'never' ? choice : 'auto'
}

/** `winnow plan | head` is no error: whoever reads has read enough. What changes a registry goes on unheard. */
function quietBrokenPipes(words: readonly string[]): void {
  const command = words.find((word) => !word.startsWith('-'))
  const finishes = commands.some((spec) => spec.name === command && spec.finishesWhatBegan === true)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      if (!finishes) process.exit(exitCodes.done)
      return
    }
    process.stderr.write(`error: The output cannot be written (${error.code ?? error.message}).\n`)
    if (!finishes) process.exit(exitCodes.error)
  })
}
