/** One imported rule as lines of YAML: in one line where that is short, else a line for each part. */
import type { ImportedBlock, ImportedRule } from '../../core/import/imported-policy.ts'
import { flowText, nameText, scalarText } from './imported-flow.ts'

const widthMax = 118

/** The rule with its comments, indented for a list below `rules:`. */
export function ruleLines(rule: ImportedRule): readonly string[] {
  const parts: readonly (readonly [string, unknown])[] = [
    ['name', nameText(rule.name)],
    ['match', blocksOf(rule.match)],
    ['not', blocksOf(rule.not)],
    ['except', blocksOf(rule.except)],
    ['keep', rule.keep],
    ['delete', rule.delete],
  ]
  const given = parts.filter(([, value]) => value !== undefined)
  const flow = `      - ${flowText(Object.fromEntries(given))}`
  const lines = flow.length <= widthMax ? [flow] : blockLines(given)
  return [
    ...noteLines(rule.comments, '      '),
    ...(rule.isOff === true ? lines.map((line) => `      # ${line.slice(6)}`) : lines),
  ]
}

function blockLines(parts: readonly (readonly [string, unknown])[]): readonly string[] {
  return parts.flatMap(([key, value], index) => entryLines(key, value, index === 0 ? '      - ' : '        '))
}

/** `key: value` in one line where it is short, else the parts of the value below it. */
function entryLines(key: string, value: unknown, indent: string): readonly string[] {
  const begin = `${indent}${key}:`
  const flow = `${begin} ${typeof value === 'string' ? scalarText(value) : flowText(value)}`
  const below = ' '.repeat(indent.length + 2)
  if (flow.length <= widthMax || typeof value !== 'object' || value === null) return [flow]
  if (!Array.isArray(value)) {
    return [
      begin,
      ...Object.entries(value).flatMap(([name, each]) => entryLines(scalarText(name), each, below)),
    ]
  }
  return [begin, ...value.map((each) => `${below}- ${flowText(each)}`)]
}

/** One block stands by itself; several are a list. */
function blocksOf(blocks: readonly ImportedBlock[] | undefined): unknown {
  if (blocks === undefined || blocks.length === 0) return undefined
  const written = blocks.map((block) =>
    Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined)),
  )
  return written.length === 1 ? written[0] : written
}

/** Comments, wrapped; foreign text in them cannot end the line. */
export function noteLines(texts: readonly string[], indent: string): readonly string[] {
  return texts.flatMap((text) =>
    wrap(text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()).map((line) => `${indent}# ${line}`),
  )
}

function wrap(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > 104) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
