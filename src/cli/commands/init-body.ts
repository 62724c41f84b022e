/** Writes a first winnow.yaml. The registry is only read; a file that is there stays, unless `--force` is given. */
import { access } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { lookAtRegistry, type RegistryLook } from '../../app/init.ts'
import { composeReader, kubeContexts } from '../../compose-examination.ts'
import type { Configuration } from '../../config/configuration.ts'
import { ConfigurationError } from '../../config/diagnostics.ts'
import { loadConfiguration } from '../../config/load.ts'
import { proposeConfiguration, type RegistryFacts } from '../../config/propose.ts'
import { printSchema } from '../../config/schema.ts'
import { OperationalError } from '../../core/errors/errors.ts'
import { isOperationalError } from '../../core/errors/is-operational.ts'
import { invariant } from '../../core/errors/invariant.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { composeOptions } from '../composing.ts'
import { UsageError } from '../report-error.ts'
import { countOf } from '../views/format.ts'
import { writeOutputFile } from '../write-output-file.ts'

/** There is a configuration already. */
export class ConfigurationExistsError extends OperationalError {
  readonly code = 'CONFIGURATION_EXISTS'
  readonly hint =
    'Change it by hand, name another file with --config FILE, or overwrite it with:\n  winnow init --force'

  constructor(path: string) {
    super(`${path} is there already, and was left as it is.`)
  }
}

export const initBody: CommandBody = {
  async run(context) {
    const { globals, options } = context
    const isPrinted = options.flag('print')
    if (!isPrinted && !options.flag('force') && (await exists(globals.config))) {
      throw new ConfigurationExistsError(globals.config)
    }
    const place = placeOf(context) ?? (await askPlace(context))
    if (place === undefined) return exitCodes.interrupted
    const bare: RegistryFacts = {
      registryName: options.text('name') ?? 'registry',
      ...place,
      kind: 'auto',
      aliases: options.texts('alias'),
      repositories: [],
      kubeContexts: [],
    }
    const look = await lookAt(loaded(bare, context), context)
    const contexts = await contextsOf(context)
    const text = proposeConfiguration({ ...bare, repositories: look.repositories, kubeContexts: contexts })
    return isPrinted ? print(text, context) : write(text, look, context)
  },
}

type Place = Pick<RegistryFacts, 'url' | 'storage'>

function placeOf({ options, globals }: CommandContext): Place | undefined {
  const url = options.text('registryUrl')
  const folder = options.text('storage')
  if (url !== undefined && folder !== undefined) {
    throw new UsageError('--registry-url and --storage are two ways to one registry.', 'Give one of them.')
  }
  if (url !== undefined) return { url: url.replace(/\/+$/, '') }
  return folder === undefined ? undefined : storageAt(folder, globals.config)
}

/** Paths in winnow.yaml start from its folder; those on the command line from the working directory. */
function storageAt(folder: string, configPath: string): Place {
  const isBeside = dirname(resolve(configPath)) === process.cwd()
  return { storage: { layout: 'distribution', filesystem: isBeside ? folder : resolve(folder) } }
}

async function askPlace({ terminal, globals }: CommandContext): Promise<Place | undefined> {
  if (!terminal.canAsk) {
    throw new UsageError(
      'There is no terminal to ask at.',
      'Say where the registry is:\n  winnow init --registry-url https://registry.example.com',
    )
  }
  const { isCancel, text } = await import('@clack/prompts')
  const answer = await text({
    message: 'Where is the registry? Its address, or the folder of its files.',
    placeholder: 'https://registry.example.com',
    validate: (value) => (value === undefined || value.trim() === '' ? 'An address or a folder.' : undefined),
  })
  if (isCancel(answer)) return undefined
  const place = answer.trim()
  if (/^https?:\/\//.test(place)) return { url: place.replace(/\/+$/, '') }
  const isFolder = /^[./~]/.test(place) || (await exists(place))
  return isFolder ? storageAt(place, globals.config) : { url: `https://${place.replace(/\/+$/, '')}` }
}

/** The proposal as a configuration, to see whether what was given can be used at all. */
function loaded(facts: RegistryFacts, { globals }: CommandContext): Configuration {
  try {
    return loadConfiguration({ path: globals.config, text: proposeConfiguration(facts) })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const told = error.diagnostics.map(({ message }) => message).join(' ')
    const cure = error.diagnostics.flatMap(({ hint }) => hint ?? []).join(' ')
    throw new UsageError(`This cannot be written into winnow.yaml: ${told}`, cure)
  }
}

async function lookAt(configuration: Configuration, context: CommandContext): Promise<RegistryLook> {
  const [settings] = configuration.registries.values()
  invariant(settings !== undefined, 'a proposal has no registry')
  const { reader, note, close } = await composeReader(settings, composeOptions(context), context.run)
  try {
    if (note !== undefined) context.run.onEvent?.({ kind: 'warning', text: note })
    return await lookAtRegistry(reader, context.run)
  } finally {
    await close()
  }
}

/** A kubeconfig that cannot be read is told, and costs only the proposal of its clusters. */
async function contextsOf({ terminal, run }: CommandContext): Promise<readonly string[]> {
  try {
    return await kubeContexts(terminal.environment)
  } catch (error) {
    if (!isOperationalError(error)) throw error
    run.onEvent?.({ kind: 'warning', text: `${error.message} No cluster is proposed as evidence.` })
    return []
  }
}

function print(text: string, { terminal }: CommandContext): ExitCode {
  terminal.stdout.write(text)
  return exitCodes.done
}

async function write(
  text: string,
  look: RegistryLook,
  { globals, terminal }: CommandContext,
): Promise<ExitCode> {
  const schemaPath = join(dirname(globals.config), 'winnow.schema.json')
  await writeOutputFile(globals.config, text)
  await writeOutputFile(schemaPath, `${JSON.stringify(printSchema(), undefined, 2)}\n`)
  const seen = countOf(look.repositoryCount, 'repository', 'repositories')
  terminal.stdout.write(
    [
      `Looked at ${seen}. Wrote ${globals.config}, and ${schemaPath} for editors.`,
      'Read it, then see what it would do; planning deletes nothing:',
      '  winnow doctor',
      '  winnow plan',
      '',
    ].join('\n'),
  )
  return exitCodes.done
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
