/**
 * Machine formats: JSON, one document a line, and YAML. What is written is complete and versioned; nothing is
 * shortened, coloured or rounded.
 */
import type { Output } from '../terminal.ts'

type Document = Readonly<Record<string, unknown>>

/** The formats that write a document as it is. */
export type DocumentFormat = 'json' | 'yaml'

/**
 * A document as JSON text in pieces. Lists at the top are written one element a line: such a file can be compared
 * line by line, and one of a million lines never has to be a single string.
 */
export function* jsonPieces(document: Document): Generator<string> {
  yield '{'
  let isFirst = true
  for (const [key, value] of Object.entries(document)) {
    if (value === undefined) continue
    yield `${isFirst ? '' : ','}\n  ${JSON.stringify(key)}: `
    isFirst = false
    if (!isList(value)) {
      yield JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ')
      continue
    }
    let elements = 0
    for (const element of value) {
      yield `${elements === 0 ? '[' : ','}\n    ${JSON.stringify(element)}`
      elements += 1
    }
    yield elements === 0 ? '[]' : '\n  ]'
  }
  yield '\n}\n'
}

/** A list, or something that is gone through like one and may be longer than a list should be. */
function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** The same as one string, for documents that are known to be small. */
export function jsonText(document: Document): string {
  return [...jsonPieces(document)].join('')
}

/** Writes a document as JSON or YAML. */
export async function writeDocument(
  format: DocumentFormat,
  document: Document,
  out: Pick<Output, 'write'>,
): Promise<void> {
  if (format === 'json') {
    for (const piece of inChunks(jsonPieces(document))) out.write(piece)
    return
  }
  const { yamlText } = await import('./yaml-text.ts')
  const lists = Object.entries(document).map(([key, value]) => [key, isList(value) ? [...value] : value])
  out.write(yamlText(Object.fromEntries(lists) as Document))
}

/** Writes one document a line (https://github.com/ndjson/ndjson-spec). */
export function writeLines(documents: Iterable<object>, out: Pick<Output, 'write'>): void {
  for (const piece of inChunks(linesOf(documents))) out.write(piece)
}

function* linesOf(documents: Iterable<object>): Generator<string> {
  for (const document of documents) yield `${JSON.stringify(document)}\n`
}

const chunkCharacters = 65_536

/** Small pieces put together, so that a long document takes hundreds of writes and not a million. */
export function* inChunks(pieces: Iterable<string>): Generator<string> {
  let chunk = ''
  for (const piece of pieces) {
    chunk += piece
    if (chunk.length < chunkCharacters) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
