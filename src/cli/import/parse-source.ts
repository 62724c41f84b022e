/**
 * JSON and YAML of other systems as trees with places. Read strictly: a key that stands twice, a text that is no YAML,
 * aliases that explode or nesting without end are findings.
 */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Alias,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml'
import { yamlProblem } from '../../config/yaml-problems.ts'
import { findJsonMistake } from '../../core/import/json-mistake.ts'
import type { ImportFinding } from '../../core/import/reading.ts'
import {
  fileStart,
  type Place,
  type SourceDocument,
  type SourceEntry,
  type SourceValue,
} from '../../core/import/source-document.ts'

/** No policy is larger; a file that is was taken for one by mistake. */
export const sourceCharactersMax: number = 5 * 1024 * 1024
const depthMax = 60
const valuesMax = 200_000
/** What aliases may stand for, in all; no policy repeats itself more often. */
const copiesMax = 5000

export type ParsedSource =
  { readonly document: SourceDocument } | { readonly findings: readonly ImportFinding[] }

/** Plain text, without anything to parse. */
export function textSource(file: string, text: string): SourceDocument {
  return { file, text, documents: [] }
}

/** All documents of a JSON or YAML file. */
export function parseSource(file: string, text: string): ParsedSource {
  // The parser takes long over what is all brackets, and would refuse it anyway.
  if (/(?:[[{]\s*){60}/.test(text)) return tooDeep
  const counter = new LineCounter()
  try {
    const parsed = parseAllDocuments(text, { prettyErrors: false, merge: true, lineCounter: counter })
    const documents = Array.isArray(parsed) ? (parsed as Document[]) : []
    const problems = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])
    if (problems.length > 0) return { findings: findingsOf(text, problems, counter) }
    const values = documents.map((document) =>
      new TreeReader(document, counter).read(document.contents, '', 0),
    )
    return { document: { file, text, documents: values } }
  } catch (error) {
    if (error instanceof TreeError) return { findings: [error.finding] }
    // The parser recurses; only absurd nesting gets here.
    if (error instanceof RangeError) return tooDeep
    throw error
  }
}

const tooDeep: ParsedSource = {
  findings: [{ place: fileStart, message: 'This is nested too deeply to be a policy.' }],
}

class TreeError extends Error {
  readonly finding: ImportFinding

  constructor(place: Place, message: string) {
    super(message)
    this.finding = { place, message }
  }
}

/** Goes through one document; counts what it makes, so that aliases cannot multiply without end. */
class TreeReader {
  readonly #document: Document
  readonly #counter: LineCounter
  #values = 0
  #copies = 0
  /** Looking for an anchor goes through the document; each alias is looked up once. */
  readonly #targets = new Map<Alias, Node | undefined>()

  constructor(document: Document, counter: LineCounter) {
    this.#document = document
    this.#counter = counter
  }

  read(node: unknown, path: string, depth: number): SourceValue {
    const place = this.#place(node, path)
    this.#values += 1
    if (depth > depthMax) throw new TreeError(place, 'This is nested too deeply to be a policy.')
    if (this.#values > valuesMax) throw new TreeError(place, 'This stands for too much to be a policy.')
    if (isAlias(node)) {
      this.#copies += 1
      if (this.#copies > copiesMax) throw new TreeError(place, 'Aliases stand for too much to be a policy.')
      const target = this.#targetOf(node)
      if (target === undefined)
        throw new TreeError(place, 'This is an alias of an anchor that does not exist.')
      return { ...this.read(target, path, depth + 1), place }
    }
    if (isMap(node)) return { kind: 'map', place, entries: this.#entries(node.items, path, depth) }
    if (isSeq(node)) {
      return {
        kind: 'list',
        place,
        items: node.items.map((item, index) => this.read(item, `${path}[${index}]`, depth + 1)),
      }
    }
    return scalarOf(node, place)
  }

  #targetOf(alias: Alias): Node | undefined {
    if (!this.#targets.has(alias)) this.#targets.set(alias, alias.resolve(this.#document))
    return this.#targets.get(alias)
  }

  #entries(items: readonly unknown[], path: string, depth: number): ReadonlyMap<string, SourceEntry> {
    const entries = new Map<string, SourceEntry>()
    for (const pair of items) {
      if (!isPair(pair)) continue
      const keyPlace = this.#place(pair.key, path)
      const key: unknown = isScalar(pair.key) ? pair.key.value : undefined
      if (key === '<<' || typeof key === 'symbol') {
        this.#merge(pair.value, path, depth, entries)
        continue
      }
      // `on:` of a workflow is text in YAML 1.2, and numbers name jobs.
      if (typeof key !== 'string' && typeof key !== 'number')
        throw new TreeError(keyPlace, 'A key must be text.')
      const below = path === '' ? String(key) : `${path}.${key}`
      const value =
        pair.value === null
          ? ({ kind: 'nothing', place: keyPlace } as const)
          : this.read(pair.value, below, depth + 1)
      entries.set(String(key), { keyPlace: { ...keyPlace, path: below }, value })
    }
    return entries
  }

  /** What a map has itself goes before what it merges. */
  #merge(value: unknown, path: string, depth: number, entries: Map<string, SourceEntry>): void {
    const merged = this.read(value, path, depth + 1)
    for (const source of merged.kind === 'list' ? merged.items : [merged]) {
      if (source.kind !== 'map') throw new TreeError(merged.place, 'Only a map can be merged into a map.')
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry)
    }
  }

  #place(node: unknown, path: string): Place {
    const range = (node as Node | null | undefined)?.range
    return range ? { ...placeAt(this.#counter, [range[0], range[1]]), path } : { ...fileStart, path }
  }
}

function scalarOf(node: unknown, place: Place): SourceValue {
  const value: unknown = isScalar(node) ? node.value : node
  switch (typeof value) {
    case 'string':
      return { kind: 'text', place, value }
    case 'number':
      return { kind: 'number', place, value }
    case 'boolean':
      return { kind: 'flag', place, value }
    default:
      if (value === null || value === undefined) return { kind: 'nothing', place }
      throw new TreeError(place, 'This is no value that a policy can hold.')
  }
}

function placeAt(counter: LineCounter, [start, end]: readonly [number, number]): Place {
  const { line, col } = counter.linePos(start)
  return { line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, end - start), path: '' }
}

/** More of them help nobody. */
const findingsMax = 5

/**
 * Of JSON, the one mistake that the others come from. Of YAML, what its parser stumbled over: after the end of a file
 * that was cut off it stumbles over everything.
 */
function findingsOf(
  text: string,
  problems: readonly YAMLError[],
  counter: LineCounter,
): readonly ImportFinding[] {
  const mistake = /^\s*(?:\[|\{(?![{%]))/.test(text) ? findJsonMistake(text) : undefined
  if (mistake !== undefined) {
    const { at, message, hint } = mistake
    return [{ place: placeAt(counter, [at, at + 1]), message, hint }]
  }
  const end = text.trimEnd().length
  const early = problems.find(
    ({ code, pos: [at] }) => (code === 'MISSING_CHAR' || code === 'BAD_INDENT') && at >= end,
  )
  if (early !== undefined) return [{ place: placeAt(counter, [end, end + 1]), ...endsEarly }]
  const findings = problems.map(({ code, pos }) => problemAt(code, placeAt(counter, pos)))
  const isFirst = ({ place: { line }, message }: ImportFinding, index: number): boolean =>
    findings.findIndex((other) => other.place.line === line && other.message === message) === index
  return findings.filter(isFirst).slice(0, findingsMax)
}

const endsEarly = {
  message: 'The file ends too early: a quote, a bracket or a brace is not closed.',
  hint: 'It was cut off when it was saved or copied, and what is missing bears on what is deleted. Get the whole file.',
}

function problemAt(code: Parameters<typeof yamlProblem>[0], place: Place): ImportFinding {
  const { message, hint } = yamlProblem(code)
  return { place, message, ...(hint !== undefined && { hint }) }
}
