/**
 * Reads YAML (and so JSON) with positions. Whatever is ambiguous is a mistake: double keys, keys that are not text,
 * unknown tags (an unquoted `!pattern`), several documents. Bombs are refused: size, aliases and depth have a limit.
 */
import type { Document, Node, Pair, YAMLMap } from 'yaml'
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Diagnostic } from './diagnostics.ts'
import { codeFrame } from './diagnostics.ts'
import { isMisplacedSecret, isSecretKey, maskLine } from './secrets.ts'
import { yamlProblem } from './yaml-problems.ts'

export type Path = readonly (string | number)[]

export interface YamlSource {
  readonly file: string
  /** The plain value; undefined when the text is not readable YAML, and then `problems` says why. */
  readonly value: unknown
  readonly problems: readonly Diagnostic[]
  /** The line (from 1) where the key, or for a list the element, at `path` begins. */
  lineOf(path: Path): number
  /** A diagnostic at `path`, or at the nearest thing above it that is written. */
  diagnose(path: Path, options: DiagnosticOptions): Diagnostic
}

export interface DiagnosticOptions {
  readonly message: string
  readonly hint?: string | undefined
  /** @default 'error' */
  readonly severity?: Diagnostic['severity']
  /** Points at the key rather than at its value. */
  readonly atKey?: boolean
}

const bytesMax = 5 * 1024 * 1024
const aliasesMax = 100
const depthMax = 50
const complaintsMax = 10

interface Span {
  readonly start: number
  readonly end: number
}

/** Reads `text`; never throws for what is in it. */
export function readYaml(file: string, text: string): YamlSource {
  const counter = new LineCounter()
  const document = text.length > bytesMax ? undefined : parse(text, counter)
  const lines = maskedLines(text.slice(0, bytesMax), document)
  const point = (span: Span, options: DiagnosticOptions): Diagnostic => {
    const { line, col } = counter.lineStarts.length === 0 ? { line: 1, col: 1 } : counter.linePos(span.start)
    const { message, hint, severity = 'error' } = options
    const frame = codeFrame(lines, Math.max(1, line), Math.max(1, col), span.end - span.start)
    const place = { file, line: Math.max(1, line), column: Math.max(1, col) }
    return { ...place, severity, message, ...(hint === undefined ? {} : { hint }), frame }
  }
  const problems: Diagnostic[] = []
  const value = document && valueOf(document, (span, options) => problems.push(point(span, options)))
  if (!document) problems.push(point({ start: 0, end: 1 }, unreadable(text)))
  return {
    file,
    value: problems.length === 0 ? value : undefined,
    problems,
    lineOf: (path) => counter.linePos(spanOf(document, path, true).start).line,
    diagnose: (path, options) => point(spanOf(document, path, options.atKey ?? false), options),
  }
}

function unreadable(text: string): DiagnosticOptions {
  return text.length > bytesMax
    ? { message: 'A configuration is at most 5 MiB.', hint: 'Move lists into files of their own.' }
    : { message: 'This is nested too deeply to be a configuration.' }
}

function parse(text: string, lineCounter: LineCounter): Document | undefined {
  // The parser takes long over what is all brackets, and would refuse it anyway.
  if (/(?:[[{]\s*){60}/.test(text)) return undefined
  try {
    return parseDocument(text, { prettyErrors: false, merge: true, lineCounter })
  } catch (error) {
    // The parser recurses; only absurd nesting gets here.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function valueOf(document: Document, report: (span: Span, options: DiagnosticOptions) => void): unknown {
  const complaints = [...document.errors, ...document.warnings]
  const exhausted = complaints.find(({ code }) => code === 'RESOURCE_EXHAUSTION')
  // After the first complaints of the parser the rest are mostly their echo.
  for (const { code, pos } of exhausted ? [exhausted] : complaints.slice(0, complaintsMax)) {
    report({ start: pos[0], end: pos[1] }, yamlProblem(code))
  }
  if (complaints.length > 0) return undefined
  let isSound = true
  visit(document, {
    Pair(_, pair, ancestors) {
      const key = pair.key
      if (isTextKey(key)) return undefined
      isSound = false
      const span = spanOfNode(key) ?? spanOfNode(ancestors.at(-1)) ?? { start: 0, end: 1 }
      report(span, { message: 'A key must be text.', hint: 'Put quotes around it.' })
      return visit.SKIP
    },
    Node(_, node, ancestors) {
      if (isAlias(node) && node.resolve(document) === undefined) {
        isSound = false
        report(spanOfNode(node) ?? { start: 0, end: 1 }, yamlProblem('BAD_ALIAS'))
      }
      if (ancestors.length <= depthMax * 2) return undefined
      isSound = false
      report(spanOfNode(node) ?? { start: 0, end: 1 }, { message: 'This is nested too deeply.' })
      return visit.BREAK
    },
  })
  return isSound ? plainValue(document, report) : undefined
}

function plainValue(document: Document, report: (span: Span, options: DiagnosticOptions) => void): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax }) as unknown
  } catch (error) {
    // The parser tells aliases that explode and merges of no map by throwing; its sentences may quote the file.
    if (!(error instanceof Error)) throw error
    report(
      { start: 0, end: 1 },
      {
        message:
          'Anchors and aliases (`&name`, `*name`) stand for too much, or for themselves, or for no map.',
        hint: `Write the values out. At most ${aliasesMax} copies are made.`,
      },
    )
    return undefined
  }
}

function isTextKey(key: unknown): boolean {
  return isScalar(key) && (typeof key.value === 'string' || isMergeKey(key.value))
}

function isMergeKey(value: unknown): boolean {
  return value === '<<' || (typeof value === 'symbol' && value.description === '<<')
}

function spanOfNode(node: unknown): Span | undefined {
  if (isPair(node)) return spanOfNode(node.key)
  const range = (node as Node | null | undefined)?.range
  return range ? { start: range[0], end: range[1] } : undefined
}

function spanOf(document: Document | undefined, path: Path, atKey: boolean): Span {
  const { key, value } = locate(document, path)
  const chosen = atKey ? (key ?? value) : (value ?? key)
  return spanOfNode(chosen) ?? spanOfNode(key) ?? { start: 0, end: 1 }
}

/** The key and value at `path`, through aliases and merges; of the nearest thing above where something is missing. */
function locate(document: Document | undefined, path: Path): { key: unknown; value: unknown } {
  let found: { key: unknown; value: unknown } = { key: undefined, value: document?.contents }
  for (const step of path) {
    const node = isAlias(found.value) && document ? found.value.resolve(document) : found.value
    if (isSeq(node) && typeof step === 'number' && node.items[step] !== undefined) {
      found = { key: node.items[step], value: node.items[step] }
    } else if (isMap(node) && document) {
      const pair = findPair(document, node, String(step))
      if (!pair) break
      found = { key: pair.key, value: pair.value }
    } else break
  }
  return found
}

function findPair(document: Document, map: YAMLMap, key: string, depth = 0): Pair | undefined {
  const own = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
  if (own || depth > depthMax) return own
  for (const pair of map.items) {
    if (!isScalar(pair.key) || !isMergeKey(pair.key.value)) continue
    const merged = isAlias(pair.value) ? pair.value.resolve(document) : pair.value
    for (const source of isSeq(merged) ? merged.items : [merged]) {
      const target = isAlias(source) ? source.resolve(document) : source
      const inherited = isMap(target) ? findPair(document, target, key, depth + 1) : undefined
      if (inherited) return inherited
    }
  }
  return undefined
}

/** The lines for frames, with what may be a secret masked, over several lines too. */
function maskedLines(text: string, document: Document | undefined): readonly string[] {
  const spans: Span[] = []
  if (document) {
    visit(document, {
      Pair(_, pair) {
        const key = isScalar(pair.key) ? String(pair.key.value) : ''
        const value = isScalar(pair.value) ? pair.value.value : undefined
        const span = isSecretKey(key) || isMisplacedSecret(key, value) ? spanOfNode(pair.value) : undefined
        if (span) spans.push(span)
      },
    })
  }
  let masked = text
  for (const { start, end } of spans) {
    masked = masked.slice(0, start) + masked.slice(start, end).replace(/[^\r\n]/g, '*') + masked.slice(end)
  }
  return masked
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map(maskLine)
}
