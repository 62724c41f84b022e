/**
 * The documentation's examples, executed: every configuration loads, every table of verdicts holds word for word,
 * every link leads to a file that is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfiguration } from '../../src/config/load.ts'
import { examplesIn } from './read-page.ts'
import { planOf, verdictOf, wholeFile } from './verdict-table.ts'

const root = join(import.meta.dirname, '..', '..')
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .toSorted(),
].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

const examples = pages.flatMap(({ path, text }) => examplesIn(text, path))
const configurations = examples.filter(({ language }) => language === 'yaml winnow')

describe('configurations in the documentation', () => {
  it('are there', () => {
    expect(configurations.length).toBeGreaterThan(10)
    expect(configurations.filter(({ table }) => table !== undefined).length).toBeGreaterThan(8)
  })

  it.each(configurations)('load: $where', ({ text }) => {
    expect(loadConfiguration({ path: 'winnow.yaml', text: wholeFile(text) }).policySet).toBeDefined()
  })
})

describe('tables of verdicts in the documentation', () => {
  const tables = configurations.flatMap(({ where, text, table }) =>
    table?.[0]?.['Verdict'] === undefined ? [] : [{ where, text, table }],
  )

  it.each(tables)('say what the plan says: $where', ({ text, table }) => {
    const plan = planOf(text, table)
    const seen = table.map((row) => {
      const { verdict, reasons } = verdictOf(plan, row)
      // A table without reasons promises none; one with reasons quotes one of the plan's, word for word.
      const quoted = reasons.find((reason) => reason === unticked(row['Reason']))
      return { image: row['Image'], verdict, reason: quoted ?? reasons[0] }
    })
    const promised = table.map((row, index) => ({
      image: row['Image'],
      verdict: row['Verdict'],
      reason: row['Reason'] === undefined ? seen[index]?.reason : unticked(row['Reason']),
    }))
    expect(seen).toEqual(promised)
  })
})

function unticked(cell: string | undefined): string | undefined {
  return cell?.replaceAll('`', '')
}

describe('links in the documentation', () => {
  const links = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
      const target = match[1] ?? ''
      return /^(?:https?:|#|mailto:)/.test(target) ? [] : [{ path, target }]
    }),
  )

  it.each(links)('$path leads to $target', ({ path, target }) => {
    const [file = '', heading] = target.split('#')
    const at = join(root, dirname(path), file)
    expect(existsSync(at), relative(root, at)).toBe(true)
    if (heading !== undefined) expect(headingsOf(readFileSync(at, 'utf8'))).toContain(heading)
  })
})

/** Anchors as GitHub makes them. */
function headingsOf(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const title = /^#+ (.+)$/.exec(line)?.[1]
    if (title === undefined) return []
    return [
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ]
  })
}
