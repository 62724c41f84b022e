import { createColors } from 'picocolors'
import { describe, expect, it } from 'vitest'
import { csvTable, markdownTable, renderTable, type Column } from './table.ts'

const colors = createColors(false)
const wide = { columns: 200, isTerminal: true, colors }
const columns: readonly Column[] = [
  { heading: 'NAME', shrinkTo: 4 },
  { heading: 'SIZE', align: 'right' },
  { heading: 'WHY', fromColumns: 40 },
]
const rows = [
  ['a-long-name', '1 B', 'because'],
  ['b', '100 B', 'no'],
]

describe('a table', () => {
  it('has columns as wide as what stands in them', () => {
    expect(renderTable(columns, rows, { output: wide })).toBe(
      'NAME          SIZE  WHY\na-long-name    1 B  because\nb            100 B  no\n',
    )
  })

  it('leaves out and cuts what may be, where the terminal is narrow', () => {
    const text = renderTable(columns, rows, { output: { ...wide, columns: 14 } })
    expect(text).toBe('NAME      SIZE\na-long…    1 B\nb        100 B\n')
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(14)
  })

  it('cuts nothing where nobody looks', () => {
    const output = { columns: 5, isTerminal: false, colors }
    expect(renderTable(columns, rows, { output })).toContain('a-long-name    1 B  because')
  })

  it('is measured without its colours, and of wide characters by their width', () => {
    const red = { text: '日本', style: (text: string) => `\u001b[31m${text}\u001b[39m` }
    const text = renderTable(
      [{ heading: '' }, { heading: '' }],
      [
        [red, 'x'],
        ['abcd', 'y'],
      ],
      { output: wide },
    )
    expect(text).toBe('\u001b[31m日本\u001b[39m  x\nabcd  y\n')
  })

  it('lets no cell move the cursor', () => {
    expect(renderTable([{ heading: '' }], [['a\u001b[2J']], { output: wide })).not.toContain('\u001b')
  })
})

it('escapes what Markdown would read as its own', () => {
  expect(markdownTable([{ heading: 'A' }], [['x|y\n<b>']])).toBe('| A |\n| --- |\n| x\\|y�\\<b\\> |\n')
})

it('quotes CSV, and gives a spreadsheet nothing to calculate', () => {
  expect(
    csvTable(
      ['a', 'b'],
      [
        ['x,"y"', '=1+1'],
        ['-1', '-cmd'],
      ],
    ),
  ).toBe('a,b\r\n"x,""y""",\'=1+1\r\n-1,\'-cmd\r\n')
})
