/**
 * A list in every format: rows for people, documents for machines. `table` and `wide` may be cut to the terminal;
 * every other format says everything.
 */
import type { OutputFormat } from '../command.ts'
import type { Output } from '../terminal.ts'
import { writeDocument, writeLines } from './documents.ts'
import { plain } from './format.ts'
import { csvTable, markdownTable, renderTable, type Cell, type Column } from './table.ts'

export interface Listing {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** For spreadsheets: numbers and instants as they are. */
  readonly csv: { readonly headings: readonly string[]; readonly rows: readonly (readonly string[])[] }
  /** What `json` and `yaml` write. */
  readonly document: Readonly<Record<string, unknown>>
  /** What `ndjson` writes, one a line. */
  readonly lines: Iterable<object>
  /** What `names` writes, one a line. */
  readonly names: readonly string[]
  /** Lines below the table, for people alone; empty texts are left out. */
  readonly below?: readonly string[]
}

/** Writes a list as `format` asks. */
export async function writeListing(format: OutputFormat, listing: Listing, output: Output): Promise<void> {
  const { columns, rows, csv, document, lines, names, below = [] } = listing
  switch (format) {
    case 'json':
    case 'yaml':
      await writeDocument(format, document, output)
      return
    case 'ndjson':
      writeLines(lines, output)
      return
    case 'markdown':
      output.write(markdownTable(columns, rows))
      return
    case 'csv':
      output.write(csvTable(csv.headings, csv.rows))
      return
    case 'names':
      output.write(names.map((name) => `${plain(name)}\n`).join(''))
      return
    case 'table':
    case 'wide':
    case 'html': {
      const foot = below.filter((line) => line !== '').map((line) => `${line}\n`)
      output.write(renderTable(columns, rows, { output }) + foot.join(''))
    }
  }
}
