/** Imported rules as lines of YAML: each in one line where that is short, else a line for each part. */
import {
  isRule,
  type ImportedBlock,
  type ImportedNote,
  type ImportedRule,
} from '../../core/import/imported-policy.ts'
import { flowText, nameText, scalarText } from './imported-flow.ts'

const widthMax = 118

type Entry = ImportedRule | ImportedNote

/**
 * `rules:` of a policy. Where no rule is on, what could be told of it stands above the empty list, and rules that wait to
 * be switched on stand below it as a list of their own, which reads like the one that it would replace.
 */
export function ruleSection(rules: readonly Entry[]): readonly string[] {
  if (rules.some((each) => isRule(each) && each.isOff !== true))
    return ['    rules:', ...rules.flatMap((each) => (isOff(each) ? offLines(each) : entryText(each)))]
  if (!rules.some(isOff))
    return [...rules.flatMap(({ comments }) => noteLines(comments, '    ')), '    rules: []']
  return [
    '    rules: []   # none is on; to switch on what follows, put it in the place of this line',
    ...['    rules:', ...rules.flatMap(entryText)].map((line) => `    # ${line.slice(4)}`),
  ]
}

function isOff(each: Entry): each is ImportedRule {
  return isRule(each) && each.isOff === true
}

function entryText(each: Entry): readonly string[] {
  const comments = noteLines(each.comments, '      ')
  return isRule(each) ? [...comments, ...ruleLines(each)] : comments
}

/** Between rules that are on: its comments, and the rule as a comment. */
function offLines(rule: ImportedRule): readonly string[] {
  return [...noteLines(rule.comments, '      '), ...ruleLines(rule).map((line) => `      # ${line.slice(6)}`)]
}

/** The rule, indented for a list below `rules:`. */
function ruleLines(rule: ImportedRule): readonly string[] {
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
  return flow.length <= widthMax ? [flow] : blockLines(given)
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
