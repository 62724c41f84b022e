/**
 * Tables for people. Columns are as wide as what stands in them; on a terminal that is too narrow the columns that
 * may go are left out, and those that may shrink are cut. Where nobody looks (a pipe, a file) nothing is ever cut.
 */
import stringWidth from 'string-width'
import type { Output } from '../terminal.ts'
import { cut, plain } from './format.ts'

export interface Column {
  /** Its heading; a table whose headings are all empty has no heading line. */
  readonly heading: string
  /** @default left */
  readonly align?: 'left' | 'right'
  /** On a narrow terminal it may be cut down to this many columns. */
  readonly shrinkTo?: number
  /** On a terminal with fewer columns than this it is left out. */
  readonly fromColumns?: number
}

/** A text, or a text with a style that is put on after it was measured and cut. */
export type Cell = string | { readonly text: string; readonly style: (text: string) => string }

export interface TableOptions {
  /** Where it will be written: its width and colours count. */
  readonly output: Pick<Output, 'columns' | 'isTerminal' | 'colors'>
  /** Spaces before every line. @default 0 */
  readonly indent?: number
}

const gap = '  '

/**
 * Renders rows of cells.
 *
 * @returns the lines, each ended by a line break; nothing for no rows
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { output, indent = 0 }: TableOptions,
): string {
  if (rows.length === 0) return ''
  const isCut = output.isTerminal
  const shown = columns.flatMap((column, index) =>
    isCut && output.columns < (column.fromColumns ?? 0) ? [] : [{ column, index }],
  )
  const headings: readonly Cell[] = shown.map(({ column }) => ({
    text: column.heading,
    style: output.colors.dim,
  }))
  const body = rows.map((row) => shown.map(({ index }) => row[index] ?? ''))
  const lines = shown.some(({ column }) => column.heading !== '') ? [headings, ...body] : body
  const natural = shown.map((_, index) =>
    lines.reduce((widest, line) => Math.max(widest, stringWidth(textOf(line[index]))), 0),
  )
  const kept = shown.map(({ column }) => column)
  const widths = isCut ? shrink(natural, kept, output.columns - indent) : natural
  const margin = ' '.repeat(indent)
  return lines.map((line) => `${margin}${renderLine(line, kept, widths)}\n`).join('')
}

function renderLine(line: readonly Cell[], columns: readonly Column[], widths: readonly number[]): string {
  return line
    .map((cell, index) => {
      const width = widths[index] ?? 0
      const text = cut(textOf(cell), width)
      const space = ' '.repeat(Math.max(0, width - stringWidth(text)))
      const styled = typeof cell === 'string' ? text : cell.style(text)
      return columns[index]?.align === 'right' ? `${space}${styled}` : `${styled}${space}`
    })
    .join(gap)
    .trimEnd()
}

/** Takes what is too much from the columns that may shrink, the widest first. */
function shrink(natural: readonly number[], columns: readonly Column[], room: number): readonly number[] {
  const widths = [...natural]
  let over = widths.reduce((total, width) => total + width, 0) + gap.length * (widths.length - 1) - room
  while (over > 0) {
    const widest = columns.reduce<number | undefined>((best, column, index) => {
      const width = widths[index] ?? 0
      if (column.shrinkTo === undefined || width <= column.shrinkTo) return best
      return best === undefined || width > (widths[best] ?? 0) ? index : best
    }, undefined)
    if (widest === undefined) return widths
    widths[widest] = (widths[widest] ?? 0) - 1
    over -= 1
  }
  return widths
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return ''
  return plain(typeof cell === 'string' ? cell : cell.text)
}

/** The same rows as a Markdown table; pipes and line breaks in cells are escaped. */
export function markdownTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  const escaped = (cell: Cell): string => textOf(cell).replace(/[|\\`<>*_[\]]/g, '\\$&')
  return [
    line(columns.map((column) => column.heading)),
    line(columns.map((column) => (column.align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(escaped))),
  ].join('')
}

/** The same rows as CSV (RFC 4180), with a heading line. */
export function csvTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('')
}

/** A field that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvField(text: string): string {
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
