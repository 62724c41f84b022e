/**
 * Takes the examples out of a page of the documentation: fenced blocks by their language, and the table that follows
 * one. What does not parse as a table is an error, so that an example cannot fall out of the tests unnoticed.
 */

interface Example {
  /** `policies.md:42`, for messages. */
  readonly where: string
  /** What stands after the three backticks: `yaml winnow`. */
  readonly language: string
  readonly text: string
  /** Rows of the table right below the block, by the words of its head; undefined when none follows. */
  readonly table: readonly Readonly<Record<string, string>>[] | undefined
}

/** Every fenced block of a page, in order. */
export function examplesIn(page: string, name: string): readonly Example[] {
  const lines = page.split('\n')
  const examples: Example[] = []
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(.+)$/.exec(lines[at] ?? '')?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`${name}:${at + 1}: the block is not closed.`)
    examples.push({
      where: `${name}:${at + 1}`,
      language: language.trim(),
      text: lines.slice(at + 1, end).join('\n'),
      table: tableAfter(lines, end + 1),
    })
    at = end
  }
  return examples
}

function tableAfter(lines: readonly string[], from: number): Example['table'] {
  const start = lines.findIndex((line, index) => index >= from && line.trim() !== '')
  if (start === -1 || !isRow(lines[start])) return undefined
  const end = lines.findIndex((line, index) => index > start && !isRow(line))
  const [head = '', rule = '', ...rows] = lines.slice(start, end === -1 ? lines.length : end)
  if (!/^\|(?: :?-+:? \|)+$/.test(rule)) throw new Error(`The table at line ${start + 1} has no head.`)
  const names = cellsOf(head)
  return rows.map((row) => {
    const cells = cellsOf(row)
    if (cells.length !== names.length) throw new Error(`A row has ${cells.length} cells: ${row}`)
    return Object.fromEntries(names.map((name, column) => [name, cells[column] ?? '']))
  })
}

function isRow(line: string | undefined): boolean {
  return line?.startsWith('|') === true
}

function cellsOf(row: string): readonly string[] {
  return row
    .slice(1, row.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))
}
