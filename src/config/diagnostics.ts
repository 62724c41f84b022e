/**
 * Mistakes in a configuration, each with its place, a code frame and a cure. All of them are told at once, and no
 * frame or message shows a secret: whoever makes a frame hands in text in which secrets are already masked.
 */
import { OperationalError } from '../core/errors/errors.ts'

export interface Diagnostic {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  readonly severity: 'error' | 'warning'
  /** A full sentence. */
  readonly message: string
  /** What to do. */
  readonly hint?: string
  /** The lines around the place, with a caret beneath it. */
  readonly frame: string
}

/** The configuration cannot be used; nothing was done. */
export class ConfigurationError extends OperationalError {
  readonly code = 'CONFIGURATION_INVALID'
  readonly hint = 'Correct what is named above. docs/reference/configuration.md describes every key.'
  override readonly category = 'configuration'
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super(renderAll(diagnostics))
    this.diagnostics = diagnostics
  }
}

/** `winnow.yaml:5:5 error: …`, then the frame, then the hint. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, hint, frame } = diagnostic
  return [
    `${file}:${line}:${column} ${severity}: ${message}`,
    frame,
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ].join('\n')
}

function renderAll(diagnostics: readonly Diagnostic[]): string {
  const count = diagnostics.length === 1 ? '1 mistake' : `${diagnostics.length} mistakes`
  const [first] = diagnostics
  return `${first?.file ?? 'The configuration'} has ${count}.\n\n${diagnostics.map(formatDiagnostic).join('\n\n')}`
}

/** Columns of a line that a frame shows; JSON often stands on a single line of many thousands. */
const frameWidth = 100

/**
 * The lines up to `line` (two before it) with carets under `length` characters from `column`.
 *
 * @param line from 1
 * @param column from 1
 */
export function codeFrame(lines: readonly string[], line: number, column: number, length: number): string {
  const width = String(line).length
  const from = column <= frameWidth ? 0 : column - 1 - frameWidth / 2
  const shown = (text: string): string =>
    (from > 0 ? '…' : '') + text.slice(from, from + frameWidth) + (text.length > from + frameWidth ? '…' : '')
  const rows: string[] = []
  for (let at = Math.max(1, line - 2); at <= line; at++) {
    rows.push(`  ${String(at).padStart(width)} | ${shown(lines[at - 1] ?? '')}`.trimEnd())
  }
  const text = lines[line - 1] ?? ''
  // Tabs stay tabs, so that the caret stands where the terminal puts the text above it.
  const indent = (from > 0 ? ' ' : '') + text.slice(from, column - 1).replace(/[^\t]/g, ' ')
  const room = Math.min(text.length, from + frameWidth) - (column - 1)
  rows.push(`  ${' '.repeat(width)} | ${indent}${'^'.repeat(Math.max(1, Math.min(length, room)))}`)
  return rows.join('\n')
}
