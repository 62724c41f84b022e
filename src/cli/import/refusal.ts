/** Files that cannot be imported: everything that is wrong, each with its place in the file. */
import { codeFrame } from '../../config/diagnostics.ts'
import { maskLine } from '../../config/secrets.ts'
import { OperationalError } from '../../core/errors/errors.ts'
import type { ImportFinding } from '../../core/import/reading.ts'

/** Nothing was imported: a rule that was half understood would delete what it should keep. */
export class ImportRefusedError extends OperationalError {
  readonly code = 'IMPORT_REFUSED'
  readonly hint: string
  override readonly category = 'configuration'
  readonly findings: readonly ImportFinding[]

  constructor(file: string, text: string, findings: readonly ImportFinding[], hint: string) {
    super(render(file, text, findings))
    this.findings = findings
    this.hint = hint
  }
}

/** Lines longer than this are cut before anything else looks at them. */
const lineMax = 2000

function render(file: string, text: string, findings: readonly ImportFinding[]): string {
  // A policy may hold tokens; no frame shows them.
  const lines = text.split(/\r?\n/).map((line) => (line.length > lineMax ? line : maskLine(line)))
  const inOrder = findings.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
  const told = inOrder.map(({ place, message, hint }) => {
    const frame = codeFrame(lines, place.line, place.column, place.length)
    return `${file}:${place.line}:${place.column}: ${message}\n${frame}${hint === undefined ? '' : `\n  ${hint}`}`
  })
  const count = findings.length === 1 ? '1 thing' : `${findings.length} things`
  return `${file} is not imported: ${count} cannot be taken over.\n\n${told.join('\n\n')}\n`
}
