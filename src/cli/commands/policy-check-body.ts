/** Lints the configuration: mistakes end with 3, warnings with 0. Diagnostics are the data of this command. */
import { ConfigurationError, formatDiagnostic, type Diagnostic } from '../../config/diagnostics.ts'
import { lintConfiguration } from '../../config/lint.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { countOf } from '../views/format.ts'
import { writeListing, type Listing } from '../views/listing.ts'

export const policyCheckBody: CommandBody = {
  async run(context) {
    const diagnostics = await diagnose(context)
    const hasErrors = diagnostics.some(({ severity }) => severity === 'error')
    // With mistakes, people read them where every command tells them.
    if (context.globals.output !== 'table') {
      await writeListing(context.globals.output, listingOf(diagnostics, context), context.terminal.stdout)
    } else {
      const { stdout, stderr } = context.terminal
      const output = hasErrors ? stderr : stdout
      output.write(diagnostics.map((each) => `${formatDiagnostic(each)}\n\n`).join(''))
      output.write(`${context.globals.config}: ${summaryOf(diagnostics)}\n`)
    }
    return hasErrors ? exitCodes.configuration : exitCodes.done
  },
}

/** Mistakes when there are any, else warnings. Rules that this version lacks stay an error of their own. */
async function diagnose(context: CommandContext): Promise<readonly Diagnostic[]> {
  try {
    // The loader's own warnings are among the diagnostics; told as events they would be told twice.
    const configuration = await readConfiguration({ ...context, run: {} })
    const all = [...configuration.warnings, ...lintConfiguration(configuration)]
    return all.toSorted((a, b) => a.line - b.line || a.column - b.column)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.diagnostics
    throw error
  }
}

function summaryOf(diagnostics: readonly Diagnostic[]): string {
  if (diagnostics.length === 0) return 'no problems found'
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  const warnings = diagnostics.length - errors
  const told = [
    ...(errors > 0 ? [countOf(errors, 'mistake')] : []),
    ...(warnings > 0 ? [countOf(warnings, 'warning')] : []),
  ]
  return told.join(', ')
}

function listingOf(diagnostics: readonly Diagnostic[], { globals }: CommandContext): Listing {
  const place = ({ file, line, column }: Diagnostic): string => `${file}:${line}:${column}`
  return {
    columns: [{ heading: 'place' }, { heading: 'severity' }, { heading: 'message' }, { heading: 'hint' }],
    rows: diagnostics.map((each) => [place(each), each.severity, each.message, each.hint ?? '']),
    csv: {
      headings: ['file', 'line', 'column', 'severity', 'message', 'hint'],
      rows: diagnostics.map(({ file, line, column, severity, message, hint }) => [
        file,
        String(line),
        String(column),
        severity,
        message,
        hint ?? '',
      ]),
    },
    document: {
      schemaVersion: 'policy-check/v1',
      file: globals.config,
      valid: diagnostics.every(({ severity }) => severity !== 'error'),
      diagnostics,
    },
    lines: diagnostics,
    names: diagnostics.map(place),
  }
}
