/** Prints a winnow.yaml made from another system's policy; warnings go to stderr, one a line. */
import { readFile, stat } from 'node:fs/promises'
import { importers, notImported } from '../../core/import/importers.ts'
import type { Importer } from '../../core/import/importer.ts'
import type { ImportWarning } from '../../core/import/reading.ts'
import type { CommandBody } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { importPolicy, refuseLength } from '../import/import-policy.ts'
import { sourceCharactersMax } from '../import/parse-source.ts'
import { InputFileError } from '../make-plan.ts'
import { writeComparison } from '../import/compare.ts'
import { UsageError } from '../report-error.ts'
import { importedText } from '../views/imported.ts'

export const importBody: CommandBody = {
  async run(context) {
    const {
      arguments: [system = '', file = ''],
      options,
      terminal,
    } = context
    const importer = findImporter(system)
    const text = await readSource(file, importer)
    const name = file === '-' ? 'standard input' : file
    const { configuration, warnings } = importPolicy(importer, name, text)
    for (const warning of warnings) terminal.stderr.write(`warning: ${warningText(name, warning)}\n`)
    const preview = options.text('compare')
    if (preview !== undefined) {
      await writeComparison(importer, configuration, preview, context)
      return exitCodes.done
    }
    terminal.stdout.write(
      importedText(configuration, { title: importer.title, file: name, warningCount: warnings.length }),
    )
    return exitCodes.done
  },
}

/** More line numbers than these help nobody. */
const linesMax = 10

/** `policy.json:3: …`, and in which other lines the same is the case. */
function warningText(file: string, { place, text, alsoAt }: ImportWarning): string {
  const told = `${place === undefined ? file : `${file}:${place.line}`}: ${text}`
  const [first, ...others] = alsoAt
  if (first === undefined) return told
  const rest = alsoAt.length - linesMax
  const lines = `${alsoAt.slice(0, linesMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  return `${told} (also in line${others.length === 0 ? '' : 's'} ${lines})`
}

function findImporter(system: string): Importer {
  const found = importers.find(
    (importer) => importer.system === system || importer.aliases?.includes(system) === true,
  )
  if (found !== undefined) return found
  const why = Object.hasOwn(notImported, system) ? notImported[system] : undefined
  if (why !== undefined) {
    throw new UsageError(
      `Winnow cannot import from ${system}: ${why}.`,
      'docs/policies.md has what is needed to write the rules by hand, and `winnow init` proposes some.',
    )
  }
  throw new UsageError(
    `${JSON.stringify(system)} is no system that Winnow can import from.`,
    `The systems are:\n  ${importers.map((importer) => importer.system).join('\n  ')}`,
  )
}

async function readSource(file: string, importer: Importer): Promise<string> {
  const path = file === '-' ? '/dev/stdin' : file
  try {
    // What is certainly too long is not read at all; a character takes at most four bytes.
    const { size } = await stat(path)
    if (size <= sourceCharactersMax * 4) return await readFile(path, 'utf8')
  } catch (cause) {
    throw new InputFileError(file, { cause })
  }
  return refuseLength(importer, file)
}
